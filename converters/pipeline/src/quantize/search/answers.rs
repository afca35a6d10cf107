//! A model's answers on the held-out samples, and how far two models' answers are apart.

use std::collections::{HashMap, HashSet};

use redpoll_graph::shape::keeps_qparams;
use redpoll_graph::{Graph, Op, Tensor, ValueId};

use crate::Error;
use crate::calibrate::Executors;

/// Ratios beyond these count as these: one exact answer must not outweigh the others.
const MOST_DB: f64 = 100.0;
const LEAST_DB: f64 = -20.0;

/// The float outputs of a model on some samples. Of a final softmax, what it reads: probabilities near 0 and 1 tell
/// little of how good the numbers behind them are.
pub(super) struct Answers {
    /// For each sample, for each output.
    outputs: Vec<Vec<Vec<f32>>>,
    /// For each output the size of the rows whose mean does not matter; 1 where it does.
    centred: Vec<usize>,
}

impl Answers {
    /// Runs `graph` on `samples`.
    ///
    /// # Errors
    /// Those of the executor.
    pub fn of(
        graph: &Graph,
        samples: &[Vec<Tensor>],
        executors: &dyn Executors,
    ) -> Result<Self, Error> {
        let before: Vec<_> = graph
            .outputs
            .iter()
            .map(|&id| before_softmax(graph, id))
            .collect();
        let mut cut = graph.clone();
        cut.outputs = graph
            .outputs
            .iter()
            .zip(&before)
            .map(|(&id, b)| b.unwrap_or(id))
            .collect();
        drop_unread(&mut cut);
        let names: Vec<&str> = cut
            .outputs
            .iter()
            .map(|&id| cut.value(id).name.as_str())
            .collect();
        let mut executor = executors.prepare_outputs(&cut)?;
        let mut outputs = Vec::with_capacity(samples.len());
        for sample in samples {
            let mut seen: HashMap<&str, Vec<f32>> = HashMap::new();
            executor.run(sample, &mut |name, tensor| {
                if let (Some(n), Some(v)) = (names.iter().find(|n| **n == name), tensor.as_f32()) {
                    seen.insert(n, v.to_vec());
                }
            })?;
            // Outputs that are no floats (indices) have no ratio.
            outputs.push(
                names
                    .iter()
                    .map(|n| seen.get(n).cloned().unwrap_or_default())
                    .collect(),
            );
        }
        let row = |id: Option<ValueId>| id.and_then(|id| graph.value(id).shape.last().copied());
        Ok(Self {
            outputs,
            centred: before.into_iter().map(|b| row(b).unwrap_or(1)).collect(),
        })
    }
}

/// What the softmax reads that makes `id`, data movement between them passed over.
fn before_softmax(graph: &Graph, mut id: ValueId) -> Option<ValueId> {
    let producers = graph.producers();
    loop {
        let node = graph.node(producers[id.index()]?);
        let moves = !matches!(node.op, Op::Pool(_) | Op::Binary { .. } | Op::Reduce { .. });
        match node.op {
            Op::Softmax { .. } => return node.inputs.first().copied(),
            ref op if keeps_qparams(op) && moves => id = *node.inputs.first()?,
            _ => return None,
        }
    }
}

/// Removes nodes whose results nobody reads.
fn drop_unread(graph: &mut Graph) {
    loop {
        let read: HashSet<ValueId> = graph
            .nodes
            .iter()
            .flat_map(|n| n.inputs.iter().copied())
            .chain(graph.outputs.iter().copied())
            .collect();
        let before = graph.nodes.len();
        graph.nodes.retain(|n| read.contains(&n.output));
        if graph.nodes.len() == before {
            return;
        }
    }
}

/// Signal to noise ratio of `int8` against `float` in dB: mean over the samples of each output, then over the outputs.
/// `None` when nothing can be measured.
pub(super) fn distance_db(float: &Answers, int8: &Answers) -> Option<f64> {
    let of_output = |o: usize| {
        let pairs = float.outputs.iter().zip(&int8.outputs);
        let ratios = pairs.filter_map(|(a, b)| ratio_db(a.get(o)?, b.get(o)?, float.centred[o]));
        mean(ratios)
    };
    mean((0..float.centred.len()).filter_map(of_output))
}

/// The ratio over one output of one sample; each row of `row` elements less its mean, unless `row` is 1.
fn ratio_db(expected: &[f32], actual: &[f32], row: usize) -> Option<f64> {
    if expected.len() != actual.len() {
        return None;
    }
    let (mut signal, mut noise) = (0f64, 0f64);
    for (e, a) in expected.chunks(row).zip(actual.chunks(row)) {
        let centre = |v: &[f32]| match row {
            1 => 0.0,
            _ => v.iter().map(|&v| f64::from(v)).sum::<f64>() / v.len() as f64,
        };
        let (ce, ca) = (centre(e), centre(a));
        for (&e, &a) in e.iter().zip(a) {
            let (e, a) = (f64::from(e) - ce, f64::from(a) - ca);
            signal += e * e;
            noise += (e - a) * (e - a);
        }
    }
    // Also nothing for what is not finite.
    if !(signal > 0.0 && signal.is_finite()) || noise.is_nan() {
        return None;
    }
    let db = if noise > 0.0 {
        10.0 * (signal / noise).log10()
    } else {
        MOST_DB
    };
    Some(db.clamp(LEAST_DB, MOST_DB))
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut n) = (0.0, 0usize);
    for v in values {
        sum += v;
        n += 1;
    }
    (n > 0).then(|| sum / n as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_means_over_samples() {
        let answers = |a: &[&[f32]], row| Answers {
            outputs: a.iter().map(|s| vec![s.to_vec()]).collect(),
            centred: vec![row],
        };
        let float = answers(&[&[3.0, 4.0], &[0.0, 10.0]], 1);
        let int8 = answers(&[&[3.0, 4.5], &[0.0, 9.0]], 1);
        assert!((distance_db(&float, &int8).unwrap() - 20.0).abs() < 1e-9);
        // Equal answers count as 100 dB, silent ones not at all.
        assert_eq!(distance_db(&float, &float), Some(100.0));
        let silent = answers(&[&[0.0, 0.0]], 1);
        assert_eq!(distance_db(&silent, &int8), None);
        // What a softmax does not see is no error.
        let (logits, shifted) = (answers(&[&[1.0, 2.0]], 2), answers(&[&[5.0, 6.0]], 2));
        assert_eq!(distance_db(&logits, &shifted), Some(100.0));
    }
}
