//! Accuracy of a quantised plan against labels and against the float plan.

use crate::data::Samples;
use crate::report::Score;
use crate::{Error, ErrorKind};

use super::Runner;

/// Sums for the signal to noise ratio and the mean squared difference.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Difference {
    signal: f64,
    noise: f64,
    count: usize,
}

impl Difference {
    /// Adds the elements of one tensor.
    pub fn add(&mut self, expected: &[f32], actual: &[f32]) {
        for (&e, &a) in expected.iter().zip(actual) {
            let (e, a) = (f64::from(e), f64::from(a));
            self.signal += e * e;
            self.noise += (e - a) * (e - a);
        }
        self.count += expected.len();
    }

    /// Signal to noise ratio in dB; `None` when there is no signal or no noise.
    pub fn sqnr_db(&self) -> Option<f64> {
        (self.signal > 0.0 && self.noise > 0.0).then(|| 10.0 * (self.signal / self.noise).log10())
    }

    /// Mean squared difference.
    pub fn mse(&self) -> f64 {
        if self.count == 0 {
            0.0
        } else {
            self.noise / self.count as f64
        }
    }
}

/// What an evaluation found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// Number of samples.
    pub samples: usize,
    /// The float plan.
    pub float: Score,
    /// The int8 plan.
    pub int8: Score,
    /// Signal to noise ratio over all outputs of all samples, dB; `None` when equal.
    pub sqnr_db: Option<f64>,
}

/// Counts of right answers.
#[derive(Default)]
struct Counts {
    top1: usize,
    top5: usize,
}

impl Counts {
    fn add(&mut self, scores: &[f32], label: usize) {
        let Some(&own) = scores.get(label) else {
            return;
        };
        // The first of equal scores wins, as argmax does.
        let better = scores
            .iter()
            .enumerate()
            .filter(|&(i, &s)| s > own || (s == own && i < label));
        let rank = better.count();
        self.top1 += usize::from(rank == 0);
        self.top5 += usize::from(rank < 5);
    }

    fn score(&self, labelled: bool, classes: usize, n: usize) -> Score {
        let share = |k: usize| k as f64 / n.max(1) as f64;
        Score {
            top1: labelled.then(|| share(self.top1)),
            top5: (labelled && classes > 5).then(|| share(self.top5)),
            ..Score::default()
        }
    }
}

fn argmax(scores: &[f32]) -> Option<usize> {
    let mut best = None;
    for (i, &s) in scores.iter().enumerate() {
        if best.is_none_or(|(_, b)| s > b) {
            best = Some((i, s));
        }
    }
    best.map(|(i, _)| i)
}

/// Whether the best element of the first output is an answer: where samples have labels, and where the output is one
/// row of classes. The largest element of a map says nothing.
fn answers_are_classes(runner: &mut Runner, samples: &Samples) -> bool {
    let outputs = runner.session().outputs();
    samples.has_labels() || outputs.first().is_some_and(|o| is_row_of_classes(&o.shape))
}

fn is_row_of_classes(shape: &[usize]) -> bool {
    matches!(*shape, [1, classes] if classes > 1)
}

fn check_label(label: usize, classes: usize, sample: usize) -> Result<(), Error> {
    if label < classes {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Invalid,
        format!("sample {sample} has label {label}, the output only {classes} classes"),
    ))
}

/// Runs one plan on all samples and counts right answers; nothing but the time is known of it without labels.
///
/// # Errors
/// When a sample cannot be read, does not fit, or a run fails.
pub fn evaluate_alone(
    runner: &mut Runner,
    samples: &Samples,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Score, Error> {
    let n = samples.len();
    if !samples.has_labels() {
        return Ok(Score::default());
    }
    let (mut counts, mut classes) = (Counts::default(), 0);
    for i in 0..n {
        let sample = samples.get(i)?;
        let outputs = runner.run(&sample.inputs)?;
        if let (Some(scores), Some(label)) = (outputs.first(), sample.label) {
            classes = scores.len();
            check_label(label, classes, i)?;
            counts.add(scores, label);
        }
        progress(i + 1, n);
    }
    Ok(counts.score(true, classes, n))
}

/// Runs both plans on all samples. Classes are read from the first output. `progress` hears of every sample done.
///
/// # Errors
/// When a sample cannot be read, does not fit, or a run fails.
pub fn evaluate(
    float: &mut Runner,
    int8: &mut Runner,
    samples: &Samples,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Evaluation, Error> {
    let n = samples.len();
    let labelled = samples.has_labels();
    let classified = answers_are_classes(float, samples);
    let (mut float_counts, mut int8_counts) = (Counts::default(), Counts::default());
    let mut difference = Difference::default();
    let (mut same, mut classes) = (0, 0);
    for i in 0..n {
        let sample = samples.get(i)?;
        let expected = float.run(&sample.inputs)?;
        let actual = int8.run(&sample.inputs)?;
        for (e, a) in expected.iter().zip(&actual) {
            if e.len() != a.len() {
                return Err(Error::new(
                    ErrorKind::Internal,
                    "outputs of the two plans differ in size",
                ));
            }
            difference.add(e, a);
        }
        if let (Some(e), Some(a)) = (expected.first(), actual.first()) {
            classes = e.len();
            same += usize::from(argmax(e) == argmax(a));
            if let (true, Some(label)) = (labelled, sample.label) {
                check_label(label, e.len(), i)?;
                float_counts.add(e, label);
                int8_counts.add(a, label);
            }
        }
        progress(i + 1, n);
    }
    let mut float_score = float_counts.score(labelled, classes, n);
    float_score.agreement = classified.then_some(1.0);
    float_score.mse = Some(0.0);
    let mut int8_score = int8_counts.score(labelled, classes, n);
    int8_score.agreement = classified.then(|| same as f64 / n.max(1) as f64);
    int8_score.mse = Some(difference.mse());
    Ok(Evaluation {
        samples: n,
        float: float_score,
        int8: int8_score,
        sqnr_db: difference.sqnr_db(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_and_ratios() {
        let mut c = Counts::default();
        c.add(&[0.1, 0.5, 0.5, 0.2], 1);
        c.add(&[0.1, 0.5, 0.5, 0.2], 2);
        assert_eq!((c.top1, c.top5), (1, 2));
        let mut d = Difference::default();
        d.add(&[3.0, 4.0], &[3.0, 4.5]);
        assert!((d.sqnr_db().unwrap() - 20.0).abs() < 1e-9);
        assert_eq!(d.mse(), 0.125);
        assert_eq!(argmax(&[1.0, 3.0, 3.0]), Some(1));
    }

    #[test]
    fn maps_and_single_numbers_are_no_classes() {
        assert!(is_row_of_classes(&[1, 10]));
        for shape in [
            &[1, 1][..],
            &[1, 40, 40, 4],
            &[1, 6400, 2],
            &[10],
            &[2, 10],
            &[],
        ] {
            assert!(!is_row_of_classes(shape), "{shape:?}");
        }
    }
}
