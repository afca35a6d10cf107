//! From the rows of a CTC model to a sequence of labels.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// The likeliest label of each row, repetitions joined, blanks left out. `rows` holds `classes` values a row, of any
/// monotone kind: logits, probabilities or their logarithms.
///
/// ```
/// // blank, a, b
/// let rows = [0.1, 0.8, 0.1, 0.2, 0.7, 0.1, 0.9, 0.05, 0.05, 0.1, 0.8, 0.1, 0.0, 0.1, 0.9];
/// assert_eq!(redpoll_voice::ctc_greedy(&rows, 3, 0), [1, 1, 2]);
/// ```
pub fn ctc_greedy(rows: &[f32], classes: usize, blank: usize) -> Vec<usize> {
    let mut out = Vec::new();
    let mut last = blank;
    for row in rows.chunks_exact(classes.max(1)) {
        let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        let label = best.map_or(blank, |(label, _)| label);
        if label != blank && label != last {
            out.push(label);
        }
        last = label;
    }
    out
}

/// Words that a result may consist of.
#[derive(Clone, Debug)]
pub struct WordList {
    space: usize,
    /// In order, so that those with a beginning lie together.
    words: Vec<Vec<usize>>,
}

impl WordList {
    /// Words as labels, with the label that lies between them.
    pub fn new(space: usize, mut words: Vec<Vec<usize>>) -> Self {
        words.retain(|word| !word.is_empty());
        words.sort_unstable();
        Self { space, words }
    }

    fn last<'a>(&self, labels: &'a [usize]) -> &'a [usize] {
        let start = labels.iter().rposition(|l| *l == self.space);
        &labels[start.map_or(0, |at| at + 1)..]
    }

    fn is_word(&self, part: &[usize]) -> bool {
        self.words
            .binary_search_by(|word| word.as_slice().cmp(part))
            .is_ok()
    }

    fn may_follow(&self, labels: &[usize], next: usize) -> bool {
        let part = self.last(labels);
        if next == self.space {
            return self.is_word(part);
        }
        let mut longer = part.to_vec();
        longer.push(next);
        let at = self
            .words
            .partition_point(|word| word.as_slice() < longer.as_slice());
        self.words
            .get(at)
            .is_some_and(|word| word.starts_with(&longer))
    }

    fn may_end(&self, labels: &[usize]) -> bool {
        labels.is_empty() || self.is_word(self.last(labels))
    }
}

/// A sequence and the natural logarithm of its probability, over all ways to write it.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// Its labels, without blanks.
    pub labels: Vec<usize>,
    /// ln of its probability.
    pub log_probability: f64,
}

/// Prefix beam search (Hannun et al., 2014): keeps the `width` likeliest beginnings after each row, and sums over all
/// alignments of each. `log_rows` are natural logarithms of probabilities, `classes` a row. With `words`, only sequences
/// of these words are found. The likeliest first; empty when no sequence of words fits.
pub fn ctc_beam(
    log_rows: &[f32],
    classes: usize,
    blank: usize,
    width: usize,
    words: Option<&WordList>,
) -> Vec<Decoded> {
    // ln of the probability that the beginning was just ended by a blank, and by its last label.
    type Ends = (f64, f64);
    const NEVER: Ends = (f64::NEG_INFINITY, f64::NEG_INFINITY);
    let mut beams: Vec<(Vec<usize>, Ends)> = Vec::from([(Vec::new(), (0.0, f64::NEG_INFINITY))]);
    for row in log_rows.chunks_exact(classes.max(1)) {
        let mut next: BTreeMap<Vec<usize>, Ends> = BTreeMap::new();
        for (labels, (by_blank, by_label)) in &beams {
            let either = add(*by_blank, *by_label);
            let last = labels.last().copied();
            let same = next.entry(labels.clone()).or_insert(NEVER);
            if let Some(p) = row.get(blank) {
                same.0 = add(same.0, either + f64::from(*p));
            }
            if let Some(p) = last.and_then(|l| row.get(l)) {
                same.1 = add(same.1, by_label + f64::from(*p));
            }
            for (label, p) in row.iter().enumerate() {
                // A repetition needs a blank between.
                let before = if last == Some(label) {
                    *by_blank
                } else {
                    either
                };
                let worthless = label == blank || before == f64::NEG_INFINITY;
                if worthless || words.is_some_and(|w| !w.may_follow(labels, label)) {
                    continue;
                }
                let mut longer = labels.clone();
                longer.push(label);
                let ends = next.entry(longer).or_insert(NEVER);
                ends.1 = add(ends.1, before + f64::from(*p));
            }
        }
        beams = next.into_iter().collect();
        beams.sort_by(|a, b| add(b.1.0, b.1.1).total_cmp(&add(a.1.0, a.1.1)));
        beams.truncate(width.max(1));
    }
    beams.retain(|(labels, _)| words.is_none_or(|w| w.may_end(labels)));
    let decoded = |(labels, ends): (Vec<usize>, Ends)| Decoded {
        labels,
        log_probability: add(ends.0, ends.1),
    };
    beams.into_iter().map(decoded).collect()
}

/// ln(exp(a) + exp(b))
fn add(a: f64, b: f64) -> f64 {
    let (high, low) = if a > b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY {
        return high;
    }
    high + libm::log1p(libm::exp(low - high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    /// Five rows of four classes (blank, a, b, space), different in every place.
    fn rows() -> Vec<f32> {
        let raw: Vec<f64> = (0..20)
            .map(|i| f64::from((i * 7919 + 13) % 31 + 1))
            .collect();
        let logs = raw.chunks(4).flat_map(|row| {
            let sum: f64 = row.iter().sum();
            row.iter().map(move |x| libm::log(x / sum) as f32)
        });
        logs.collect()
    }

    /// Every alignment by itself: 4⁵ of them.
    fn exhaustive(rows: &[f32]) -> BTreeMap<Vec<usize>, f64> {
        let mut sums = BTreeMap::new();
        for path in 0..4usize.pow(5) {
            let labels: Vec<usize> = (0..5).map(|t| path / 4usize.pow(t) % 4).collect();
            let log: f64 = labels
                .iter()
                .enumerate()
                .map(|(t, l)| f64::from(rows[4 * t + l]))
                .sum();
            let mut out = Vec::new();
            for (t, l) in labels.iter().enumerate() {
                if *l != 0 && (t == 0 || labels[t - 1] != *l) {
                    out.push(*l);
                }
            }
            *sums.entry(out).or_insert(0.0) += libm::exp(log);
        }
        sums
    }

    #[test]
    fn a_wide_beam_is_the_sum_over_all_alignments() {
        let rows = rows();
        let want = exhaustive(&rows);
        let got = ctc_beam(&rows, 4, 0, 100_000, None);
        assert_eq!(got.len(), want.len());
        for d in &got {
            let p = libm::exp(d.log_probability);
            assert!((p - want[&d.labels]).abs() < 1e-9, "{d:?}");
        }
        assert!(
            got.windows(2)
                .all(|w| w[0].log_probability >= w[1].log_probability)
        );
        // A narrow beam still finds the likeliest here.
        assert_eq!(ctc_beam(&rows, 4, 0, 4, None)[0].labels, got[0].labels);
    }

    #[test]
    fn a_word_list_leaves_exactly_its_sequences() {
        let rows = rows();
        let list = WordList::new(3, vec![vec![1], vec![2, 1], vec![2, 1, 1]]);
        let got = ctc_beam(&rows, 4, 0, 100_000, Some(&list));
        let fits = |labels: &[usize]| {
            labels.is_empty()
                || labels
                    .split(|l| *l == 3)
                    .all(|w| [&[1][..], &[2, 1], &[2, 1, 1]].contains(&w))
        };
        let want: Vec<_> = exhaustive(&rows)
            .into_iter()
            .filter(|(l, _)| fits(l))
            .collect();
        assert_eq!(got.len(), want.len());
        for (labels, p) in want {
            let found = got.iter().find(|d| d.labels == labels).unwrap();
            assert!((libm::exp(found.log_probability) - p).abs() < 1e-9);
        }
    }

    #[test]
    fn nothing_in_gives_the_empty_sequence() {
        assert!(ctc_greedy(&[], 0, 0).is_empty());
        let none = ctc_beam(&[], 0, 0, 0, None);
        assert_eq!((none.len(), none[0].labels.len()), (1, 0));
    }
}
