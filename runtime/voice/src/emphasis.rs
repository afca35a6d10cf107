//! Pre-emphasis: a filter that lifts high frequencies.

/// `y[t] = x[t] − c · x[t − 1]` over a stream; the sample before the first is given.
///
/// Kaldi applies it to each frame by itself instead: [`Spec::emphasis`](crate::Spec::emphasis).
#[derive(Clone, Debug)]
pub struct Emphasis {
    coefficient: f32,
    last: f32,
}

impl Emphasis {
    /// A filter with coefficient `c` (0.97 is usual) that begins after the sample `before`: 0, or
    /// librosa's `2 · x[0] − x[1]`.
    pub fn new(coefficient: f32, before: f32) -> Self {
        Self {
            coefficient,
            last: before,
        }
    }

    /// Filters samples in place; the stream may be cut anywhere.
    pub fn apply(&mut self, samples: &mut [f32]) {
        for x in samples {
            let y = *x - self.coefficient * self.last;
            self.last = *x;
            *x = y;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Emphasis;

    #[test]
    fn cut_anywhere_gives_the_same() {
        let mut whole = [1.0, 2.0, 4.0, -3.0, 0.5];
        let mut cut = whole;
        Emphasis::new(0.5, 0.0).apply(&mut whole);
        assert_eq!(whole, [1.0, 1.5, 3.0, -5.0, 2.0]);
        let mut filter = Emphasis::new(0.5, 0.0);
        let (a, b) = cut.split_at_mut(2);
        filter.apply(a);
        filter.apply(b);
        assert_eq!(cut, whole);
    }
}
