//! The range that keeps the most information.
//!
//! After Migacz, "8-bit Inference with TensorRT" (2017), for distributions that need not be symmetric.

use super::super::{Histogram, Range};

/// Levels of the quantised distribution.
const LEVELS: usize = 255;
/// Bins of the distribution that thresholds are tried on.
const BINS: usize = 2048;

/// Tries thresholds on |x| and takes the one with the smallest Kullback–Leibler divergence between the distribution
/// clipped at it (what lies outside is added to the edge) and the same distribution at [`LEVELS`] levels.
pub(super) fn entropy_range(h: &Histogram) -> Range {
    let (min, max) = (h.min().min(0.0), h.max().max(0.0));
    let reach = f64::from(max.max(-min));
    if reach == 0.0 {
        return Range { min, max };
    }
    let both = min < 0.0 && max > 0.0;
    let (low, bins) = if both {
        (-reach, BINS)
    } else {
        (0.0, BINS / 2)
    };
    let width = (reach - low) / bins as f64;
    let mut counts = vec![0.0; bins];
    for (start, n) in h.bins() {
        let v = start + h.width() / 2.0;
        let v = if both { v } else { v.abs() };
        let bin = ((v - low) / width).max(0.0) as usize;
        counts[bin.min(bins - 1)] += n as f64;
    }
    // Zeros quantise exactly; as in TensorRT they do not steer the threshold.
    let middle = if both { bins / 2 } else { 0 };
    let reachable = bins - middle;
    let mut best = (f64::INFINITY, reachable);
    for k in (LEVELS / 2..=reachable).rev().step_by(8) {
        let inside = if both { middle - k..middle + k } else { 0..k };
        let d = divergence(&counts, inside);
        if d < best.0 {
            best = (d, k);
        }
    }
    let threshold = (reach * best.1 as f64 / reachable as f64) as f32;
    Range {
        min: min.max(-threshold),
        max: max.min(threshold),
    }
}

/// KL(P ‖ Q) of the distribution clipped to `inside` and of its quantised form.
fn divergence(counts: &[f64], inside: std::ops::Range<usize>) -> f64 {
    let kept = &counts[inside.clone()];
    let total: f64 = counts.iter().sum();
    let inner: f64 = kept.iter().sum();
    if inner <= 0.0 {
        return f64::INFINITY;
    }
    let mut p = kept.to_vec();
    p[0] += counts[..inside.start].iter().sum::<f64>();
    let last = p.len() - 1;
    p[last] += counts[inside.end..].iter().sum::<f64>();
    let mut sum = 0.0;
    let levels = LEVELS.min(kept.len());
    for level in 0..levels {
        let (from, to) = (
            level * kept.len() / levels,
            (level + 1) * kept.len() / levels,
        );
        let filled = kept[from..to].iter().filter(|n| **n > 0.0).count();
        let mean = kept[from..to].iter().sum::<f64>() / filled.max(1) as f64;
        for i in from..to {
            if p[i] <= 0.0 {
                continue;
            }
            // An edge bin that holds only what was clipped has no counterpart: a small probability stands in.
            let q = if kept[i] > 0.0 { mean / inner } else { 1e-9 };
            let pi = p[i] / total;
            sum += pi * (pi / q).ln();
        }
    }
    sum
}
