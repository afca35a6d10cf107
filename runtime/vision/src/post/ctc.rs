//! Text from a recogniser that scores each letter at each step (CTC).

use alloc::string::String;

/// A line of text.
#[derive(Clone, Debug, PartialEq)]
pub struct CtcText {
    /// What it says.
    pub text: String,
    /// Mean probability of its letters, 0 without any.
    pub score: f32,
}

/// The best letter of each step, where it is neither the blank (index 0) nor the letter of the step before. `values` holds `symbols`
/// probabilities a step; `letters` the letter of index 1 and so on, an index past them a space (as PaddleOCR ends its alphabets).
pub fn ctc_greedy<S: AsRef<str>>(values: &[f32], symbols: usize, letters: &[S]) -> CtcText {
    let (mut text, mut sum, mut count, mut before) = (String::new(), 0.0, 0, 0);
    if symbols > 0 {
        for step in values.chunks_exact(symbols) {
            let best = (1..symbols).fold(0, |best, i| if step[i] > step[best] { i } else { best });
            if best != 0 && best != before {
                text.push_str(letters.get(best - 1).map_or(" ", S::as_ref));
                sum += step[best];
                count += 1;
            }
            before = best;
        }
    }
    CtcText {
        text,
        score: if count == 0 { 0.0 } else { sum / count as f32 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_and_blanks() {
        let letters = ["a", "b"];
        let steps = [1, 1, 0, 1, 2, 3, 2];
        let mut values = [0.0f32; 28];
        for (step, best) in steps.iter().enumerate() {
            values[step * 4 + best] = 0.5;
        }
        let read = ctc_greedy(&values, 4, &letters);
        assert_eq!((read.text.as_str(), read.score), ("aab b", 0.5));
        assert_eq!(ctc_greedy(&[], 4, &letters).text, "");
        assert_eq!(ctc_greedy(&values, 0, &letters).score, 0.0);
    }
}
