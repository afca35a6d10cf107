//! Means of the last few probabilities of every class, and rests after an answer.

/// Decides when a class was heard.
#[derive(Clone, Debug, Default)]
pub(super) struct Average {
    classes: usize,
    window: usize,
    threshold: f32,
    rest: usize,
    /// The last `window` rows, in a ring.
    rows: Vec<f32>,
    seen: usize,
    resting: usize,
    /// The last answer, until its mean has fallen: one word is not heard twice while it slides through the window.
    held: Option<usize>,
}

impl Average {
    pub(super) fn new(classes: usize, window: usize, threshold: f32, rest: usize) -> Self {
        let window = window.clamp(1, 1000);
        Self {
            classes,
            window,
            threshold,
            rest,
            rows: vec![0.0; classes * window],
            seen: 0,
            resting: 0,
            held: None,
        }
    }

    pub(super) fn reset(&mut self) {
        (self.seen, self.resting, self.held) = (0, 0, None);
    }

    /// Takes a row of probabilities; returns the class whose mean is above the threshold and the largest, and its mean.
    pub(super) fn push(&mut self, row: impl IntoIterator<Item = f32>) -> Option<(usize, f32)> {
        let at = self.seen % self.window * self.classes;
        let slots = &mut self.rows[at..at + self.classes];
        slots.iter_mut().zip(row).for_each(|(y, x)| *y = x);
        self.seen += 1;
        self.resting = self.resting.saturating_sub(1);
        if self.seen < self.window {
            return None;
        }
        let mean = |class: usize| {
            let column = self.rows.iter().skip(class).step_by(self.classes);
            column.sum::<f32>() / self.window as f32
        };
        if self
            .held
            .is_some_and(|class| mean(class) < 0.5 * self.threshold)
        {
            self.held = None;
        }
        let means = (0..self.classes).map(|class| (class, mean(class)));
        let best = means.max_by(|a, b| a.1.total_cmp(&b.1))?;
        if best.1 <= self.threshold || self.resting > 0 || self.held == Some(best.0) {
            return None;
        }
        self.held = Some(best.0);
        self.resting = self.rest;
        Some(best)
    }
}

#[cfg(test)]
mod tests {
    use super::Average;

    #[test]
    fn a_word_counts_once_and_again_after_it_fell() {
        let mut average = Average::new(2, 2, 0.6, 2);
        let mut heard = |p: f32| average.push([0.1, p]).map(|(class, _)| class);
        // The mean of one loud run and one soft one is not enough; of two it is; then it must fall below 0.3.
        let row = [0.0, 0.9, 0.9, 0.9, 0.9, 0.5, 0.9, 0.0, 0.1, 0.9, 0.9];
        let got = row.map(&mut heard);
        let at = |i: usize| got[i] == Some(1);
        assert!(at(2) && at(10), "{got:?}");
        assert_eq!(got.iter().flatten().count(), 2);
    }

    #[test]
    fn another_word_counts_after_the_rest() {
        let mut average = Average::new(2, 1, 0.5, 3);
        let got = [[0.9, 0.0], [0.0, 0.9], [0.0, 0.9], [0.0, 0.9]].map(|row| average.push(row));
        let classes = got.map(|heard| heard.map(|(class, _)| class));
        assert_eq!(classes, [Some(0), None, None, Some(1)]);
    }
}
