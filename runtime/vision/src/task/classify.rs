//! One class for the picture.

use alloc::vec::Vec;

use super::{Misfit, Output};
use crate::post::{Ranked, softmax, top_k};

/// Reads classifiers: one output with a score for each class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classify {
    /// How many classes are told.
    pub top: usize,
}

impl Classify {
    /// The best classes with their probabilities. Scores that are no probabilities go through softmax.
    ///
    /// # Errors
    /// [`Misfit`] when the first output is not one row of at least two scores.
    pub fn read(&self, outputs: &[Output]) -> Result<Vec<Ranked>, Misfit> {
        let expected = "one output of [1, classes] with at least 2 classes";
        let [first] = outputs else {
            return Err(Misfit::new(expected, outputs));
        };
        let n = first.values.len();
        if n < 2 || first.shape.iter().filter(|&&d| d > 1).count() != 1 {
            return Err(Misfit::new(expected, outputs));
        }
        let mut scores = first.values.clone();
        let sum: f32 = scores.iter().sum();
        // int8 probabilities do not sum to exactly 1: each may be half a step off.
        let shares = scores.iter().all(|s| (0.0..=1.0).contains(s)) && (sum - 1.0).abs() < 0.05;
        if !shares {
            softmax(&mut scores);
        }
        Ok(top_k(&scores, self.top))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn logits_probabilities_and_misfits() {
        let output = |shape: Vec<usize>, values: Vec<f32>| {
            vec![Output {
                name: "y".into(),
                shape,
                values,
            }]
        };
        let read = Classify { top: 1 }
            .read(&output(vec![1, 2], vec![0.0, 1.0986123]))
            .unwrap();
        assert_eq!(read[0].class, 1);
        assert!((read[0].score - 0.75).abs() < 1e-6);
        let read = Classify { top: 5 }
            .read(&output(vec![1, 1, 1, 2], vec![0.9, 0.1]))
            .unwrap();
        assert_eq!((read.len(), read[0].score), (2, 0.9));
        let misfit = Classify { top: 5 }
            .read(&output(vec![1, 2, 2], vec![0.0; 4]))
            .unwrap_err();
        assert!(alloc::format!("{misfit}").contains("found y [1, 2, 2]"));
    }
}
