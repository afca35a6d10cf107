//! Means of the last few probabilities of every class, and rests after an answer.

/// Decides when a class was heard.
#[derive(Clone, Debug)]
pub(super) struct Average {
    classes: usize,
    window: usize,
    threshold: f32,
    rest: usize,
    /// The last `window` rows, in a ring.
    rows: Vec<f32>,
    seen: usize,
    resting: usize,
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
        }
    }

    pub(super) fn reset(&mut self) {
        (self.seen, self.resting) = (0, 0);
    }

    /// Takes a row of probabilities; returns the class whose mean is above the threshold and the largest, and its mean.
    pub(super) fn push(&mut self, row: impl IntoIterator<Item = f32>) -> Option<(usize, f32)> {
        let at = self.seen % self.window * self.classes;
        let slots = &mut self.rows[at..at + self.classes];
        slots.iter_mut().zip(row).for_each(|(y, x)| *y = x);
        self.seen += 1;
        if self.resting > 0 {
            self.resting -= 1;
            return None;
        }
        if self.seen < self.window {
            return None;
        }
        let mean = |class: usize| {
            let column = self.rows.iter().skip(class).step_by(self.classes);
            column.sum::<f32>() / self.window as f32
        };
        let means = (0..self.classes).map(|class| (class, mean(class)));
        let best = means.max_by(|a, b| a.1.total_cmp(&b.1))?;
        if best.1 <= self.threshold {
            return None;
        }
        // What led to this answer does not lead to another one.
        self.seen = 0;
        self.resting = self.rest;
        Some(best)
    }
}
