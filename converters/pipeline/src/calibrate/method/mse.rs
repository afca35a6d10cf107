//! The range of least squared error, clipped elements weighted or not.

use super::super::{Histogram, Range};

/// Steps of the coarse grid over each end, as shares of the extreme.
const GRID: usize = 24;
/// The smallest share of an extreme that is tried.
const LEAST: f64 = 0.1;
/// A bin stands for this many points inside it.
const POINTS: usize = 3;

/// The interval, zero included, within the extremes of `h` that 256 levels with zero among them reproduce with the
/// least mean squared error: both ends are searched together, first on a coarse grid, then around its best point.
pub fn mse_range(h: &Histogram) -> Range {
    error_range(h, 1.0)
}

/// As [`mse_range`], the squared errors of elements beyond the range counted `clipped` times.
pub(super) fn error_range(h: &Histogram, clipped: f64) -> Range {
    let (lo, hi) = (f64::from(h.min()).min(0.0), f64::from(h.max()).max(0.0));
    let points = points(h);
    if points.is_empty() || hi - lo <= 0.0 {
        return Range {
            min: lo as f32,
            max: hi as f32,
        };
    }
    let share = |i: usize| LEAST + (1.0 - LEAST) * i as f64 / (GRID - 1) as f64;
    let shares: Vec<f64> = (0..GRID).map(share).collect();
    let lows: &[f64] = if lo < 0.0 { &shares } else { &[1.0] };
    let highs: &[f64] = if hi > 0.0 { &shares } else { &[1.0] };
    let mut best = (f64::INFINITY, 1.0, 1.0);
    let attempt = |a: f64, b: f64, best: &mut (f64, f64, f64)| {
        let e = error(&points, (lo * a, hi * b), clipped, best.0);
        // The wider range wins ties.
        if e < best.0 {
            *best = (e, a, b);
        }
    };
    for &a in lows.iter().rev() {
        for &b in highs.iter().rev() {
            attempt(a, b, &mut best);
        }
    }
    let mut step = (1.0 - LEAST) / (GRID - 1) as f64 / 2.0;
    for _ in 0..4 {
        let (_, a0, b0) = best;
        for (da, db) in [
            (1, 0),
            (-1, 0),
            (0, 1),
            (0, -1),
            (1, 1),
            (-1, -1),
            (1, -1),
            (-1, 1),
        ] {
            let a = (a0 + f64::from(da) * step).clamp(0.01, 1.0);
            let b = (b0 + f64::from(db) * step).clamp(0.01, 1.0);
            attempt(a, b, &mut best);
        }
        step /= 2.0;
    }
    Range {
        min: (lo * best.1) as f32,
        max: (hi * best.2) as f32,
    }
}

/// Points that stand for the elements, with their weights; zeros cost nothing in any range.
fn points(h: &Histogram) -> Vec<(f64, f64)> {
    let mut out = Vec::new();
    for (start, count) in h.bins() {
        for i in 0..POINTS {
            let v = start + h.width() * (i as f64 + 0.5) / POINTS as f64;
            let v = v.clamp(f64::from(h.min()), f64::from(h.max()));
            out.push((v, count as f64 / POINTS as f64));
        }
    }
    out
}

/// Sum of squared errors with the range `[lo, hi]`, those of clipped points `clipped` times; gives up above `limit`.
fn error(points: &[(f64, f64)], (lo, hi): (f64, f64), clipped: f64, limit: f64) -> f64 {
    let scale = (hi - lo) / 255.0;
    if scale <= 0.0 {
        return f64::INFINITY;
    }
    let (inverse, zero) = (1.0 / scale, (-lo / scale).round());
    let (least, most) = (-zero, 255.0 - zero);
    let mut sum = 0.0;
    for block in points.chunks(256) {
        for &(v, weight) in block {
            let level = (v * inverse).round();
            let held = level.clamp(least, most);
            let e = held * scale - v;
            let factor = if held == level { 1.0 } else { clipped };
            sum += weight * factor * e * e;
        }
        if sum > limit {
            return f64::INFINITY;
        }
    }
    sum
}
