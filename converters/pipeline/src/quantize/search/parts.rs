//! Which samples fit and which are held out: by position alone, so that a conversion can be repeated.

/// Fewer samples than these are not split.
const LEAST: usize = 8;
/// Every so many samples, one is held out.
const EVERY: usize = 3;
/// Most samples that a candidate's biases are corrected on.
const FEW: usize = 24;

/// An order of the samples: `few` that biases are corrected on, the others of the `fit` part, those held out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts {
    /// Indices of all samples.
    pub order: Vec<usize>,
    /// Number of the first ones that biases are corrected on.
    pub few: usize,
    /// Number of the first ones that ranges come from; all after are held out.
    pub fit: usize,
}

impl Parts {
    /// Of `n` samples; `None` when these are too few to hold some out.
    pub fn of(n: usize) -> Option<Self> {
        if n < LEAST {
            return None;
        }
        let held = |i: &usize| i % EVERY == EVERY - 1;
        let fit: Vec<usize> = (0..n).filter(|i| !held(i)).collect();
        let few = fit.len().min(FEW);
        let first: Vec<usize> = (0..few).map(|i| fit[i * fit.len() / few]).collect();
        let rest = fit.iter().copied().filter(|i| !first.contains(i));
        let mut order = first.clone();
        order.extend(rest);
        order.extend((0..n).filter(held));
        Some(Self {
            order,
            few,
            fit: fit.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_in_one_part() {
        assert_eq!(Parts::of(7), None);
        for n in 8..200 {
            let parts = Parts::of(n).unwrap();
            let mut all = parts.order.clone();
            all.sort_unstable();
            assert!(all.iter().copied().eq(0..n));
            assert!(parts.few > 0 && parts.few <= parts.fit.min(FEW));
            assert_eq!(n - parts.fit, n / EVERY);
            assert!(
                parts.order[parts.fit..]
                    .iter()
                    .all(|i| i % EVERY == EVERY - 1)
            );
        }
    }
}
