//! Classes by score.

use alloc::vec::Vec;
use core::cmp::Ordering;

/// A class and its score.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Ranked {
    pub class: usize,
    pub score: f32,
}

/// The `k` classes with the highest scores, the best first; of equal ones the lower index first. NaN counts as lowest.
pub fn top_k(scores: &[f32], k: usize) -> Vec<Ranked> {
    let mut all: Vec<_> = scores
        .iter()
        .enumerate()
        .map(|(class, &score)| Ranked { class, score })
        .collect();
    let key = |score: f32| {
        if score.is_nan() {
            f32::NEG_INFINITY
        } else {
            score
        }
    };
    all.sort_by(|a, b| {
        key(b.score)
            .partial_cmp(&key(a.score))
            .unwrap_or(Ordering::Equal)
    });
    all.truncate(k);
    all
}

/// Shares that sum to 1: eˣ over the sum of all.
pub fn softmax(values: &mut [f32]) {
    let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for v in values.iter_mut() {
        *v = libm::expf(*v - most);
        sum += *v;
    }
    for v in values.iter_mut() {
        *v /= sum;
    }
}

/// 1 / (1 + e⁻ˣ).
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + libm::expf(-x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_with_ties_and_nan() {
        let classes = |k| {
            top_k(&[1.0, 3.0, f32::NAN, 3.0, 2.0], k)
                .iter()
                .map(|r| r.class)
                .collect::<Vec<_>>()
        };
        assert_eq!(classes(3), [1, 3, 4]);
        assert_eq!(classes(9), [1, 3, 4, 0, 2]);
        let mut v = [0.0, libm::logf(3.0)];
        softmax(&mut v);
        assert!((v[0] - 0.25).abs() < 1e-6 && (v[1] - 0.75).abs() < 1e-6);
        let mut large = [1000.0, 1000.0];
        softmax(&mut large);
        assert_eq!(large, [0.5, 0.5]);
    }
}
