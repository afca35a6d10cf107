//! Equalisation: channels that use little of their value's range are scaled up, the weights that read them down.
//!
//! A value has one scale for all channels, so a channel whose largest element is a tenth of the range has a tenth of
//! the levels. Between two layers a channel may be scaled freely: row `c` of the first layer's weights and its bias by
//! `k`, column `c` of the weights that read it by `1 / k` (Nagel et al., "Data-Free Quantization", 2019). Here
//! `k ≥ 1`, and no channel is raised near the end of the range that calibration chose, so ranges stay as they are and a
//! bound above (ReLU6) is met no more often on the samples than before. Fresh data may go beyond the samples, in rare
//! channels far beyond: without headroom EfficientNet-Lite0 lost 8 dB. Which headroom serves a model, if any, is for
//! [`search`](super::search()) to find.
//!
//! A depthwise layer has a weight scale for each channel, so raising its inputs costs nothing. A dense layer's weight
//! scale spans the channels: there `k⁴` is the ratio of the noise that the activation's rounding and the weights'
//! rounding cause, which makes their sum smallest.

use std::collections::BTreeMap;

use redpoll_graph::op::Clamp;
use redpoll_graph::{Data, Graph, Node, NodeId, Op, Tensor, ValueId};

use super::select::Choice;
use crate::Calibrated;
use crate::calibrate::Statistics;

/// Largest factor.
const MOST: f64 = 4.0;
/// Metadata key of an equalised model: a line for each value whose channels are scaled, a mark of the factors as
/// eight hexadecimal digits, a space, and the value's name. Values with the same mark are scaled alike.
pub(crate) const EQUALIZED: &str = "redpoll.equalized";

/// The values whose channels are scaled, with the mark of their factors, read from a model's metadata.
pub fn equalized_values<'a>(
    metadata: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> BTreeMap<&'a str, &'a str> {
    let found = metadata.into_iter().find(|(key, _)| *key == EQUALIZED);
    let lines = found.map_or("", |(_, text)| text).lines();
    lines
        .filter_map(|line| line.split_once(' '))
        .map(|(mark, name)| (name, mark))
        .collect()
}

/// The metadata of scaled values.
pub(super) fn to_metadata(scaled: &[(String, Vec<f32>)]) -> String {
    let line = |(name, factors): &(String, Vec<f32>)| format!("{:08x} {name}", mark(factors));
    scaled.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// FNV-1a over the bits of the factors.
fn mark(factors: &[f32]) -> u32 {
    let bytes = factors.iter().flat_map(|k| k.to_bits().to_le_bytes());
    bytes.fold(0x811C_9DC5, |h, b| {
        (h ^ u32::from(b)).wrapping_mul(0x0100_0193)
    })
}

/// Scales channels of `model` in place and gives the names of the values and their factors. Needs the statistics.
/// `headroom` is how far beyond the largest element on the samples a channel may go before it meets the end of the
/// range.
pub(super) fn equalize(
    model: &mut Calibrated,
    choices: &[Choice],
    headroom: f64,
) -> Vec<(String, Vec<f32>)> {
    let Some(mut statistics) = model.statistics.as_deref().cloned() else {
        return Vec::new();
    };
    let consumers = model.graph.consumers();
    let mut scaled = Vec::new();
    for i in 0..model.graph.nodes.len() {
        let output = model.graph.nodes[i].output;
        let readers = &consumers[output.index()];
        let int8 = |n: &NodeId| choices[n.index()] == Choice::Int8;
        if !int8(&NodeId(i as u32)) || !readers.iter().all(int8) {
            continue;
        }
        if let Some(factors) = factors(model, &statistics, (i, readers), headroom) {
            scale_channels(&mut model.graph, i, readers, &factors);
            let name = model.graph.value(output).name.clone();
            if let Some(value) = statistics.values.get_mut(&name) {
                value.channels.scale(&factors);
            }
            scaled.push((name, factors));
        }
    }
    model.statistics = Some(statistics.into());
    scaled
}

/// The factor of each channel of the result of node `i`, if it may be scaled and any factor is not 1.
fn factors(
    model: &Calibrated,
    statistics: &Statistics,
    (i, readers): (usize, &[NodeId]),
    headroom: f64,
) -> Option<Vec<f32>> {
    let graph = &model.graph;
    let node = &graph.nodes[i];
    let bounds = match &node.op {
        Op::Conv(conv) => conv.clamp,
        Op::Dense { clamp } => *clamp,
        _ => return None,
    };
    // Scaling must not move the bounds: none below but 0, and one above only where the range ends.
    let rectified = bounds.is_some_and(|Clamp { lo, .. }| lo == 0.0);
    if !rectified || readers.is_empty() || graph.outputs.contains(&node.output) {
        return None;
    }
    constant(graph, node, 1)?;
    let value = graph.value(node.output);
    let (stats, range) = (
        statistics.values.get(&value.name)?,
        model.ranges.values.get(&value.name)?,
    );
    let channels = *value.shape.last()?;
    if stats.channels.max.len() != channels {
        return None;
    }
    let step = f64::from(range.max - range.min.min(0.0)) / 255.0;
    // Noise power that each channel's rounding causes, and that the rounding of the weights on it causes.
    let (mut activation, mut weight) = (vec![0f64; channels], 0f64);
    for reader in readers {
        let reader = graph.node(*reader);
        let reads_it_once = reader
            .inputs
            .iter()
            .filter(|id| **id == node.output)
            .count()
            == 1;
        let w = constant(graph, reader, 1)?;
        let shape = &graph.value(reader.inputs[1]).shape;
        if !reads_it_once || reader.inputs[0] != node.output || channels == 0 {
            return None;
        }
        match &reader.op {
            Op::Conv(conv) if conv.groups > 1 => {
                // Depthwise only: its weights have a scale for each channel.
                if conv.groups != channels || shape.last() != Some(&1) || shape[0] != channels {
                    return None;
                }
            }
            Op::Conv(_) | Op::Dense { .. } => {
                let row = w.len() / shape[0].max(1);
                for row in w.chunks_exact(row.max(1)) {
                    let largest = row.iter().fold(0f32, |m, v| m.max(v.abs()));
                    weight += (f64::from(largest) / 127.0).powi(2) * (row.len() / channels) as f64;
                    for tap in row.chunks_exact(channels) {
                        for (a, &v) in activation.iter_mut().zip(tap) {
                            *a += (step * f64::from(v)).powi(2);
                        }
                    }
                }
            }
            _ => return None,
        }
    }
    let power = stats.channels.mean_square();
    let factor = |c: usize| {
        let largest = f64::from(stats.channels.max[c]);
        if largest <= 0.0 {
            return 1.0;
        }
        let room = (f64::from(range.max) / (largest * headroom.max(1.0))).clamp(1.0, MOST);
        let noise = weight * power[c];
        let best = if noise > 0.0 {
            (activation[c] / noise).powf(0.25)
        } else {
            MOST
        };
        best.clamp(1.0, room) as f32
    };
    let factors: Vec<f32> = (0..channels).map(factor).collect();
    factors.iter().any(|&k| k > 1.0).then_some(factors)
}

/// Constant float operand `i` of a node.
fn constant<'g>(graph: &'g Graph, node: &Node, i: usize) -> Option<&'g [f32]> {
    graph.constant(*node.inputs.get(i)?)?.as_f32()
}

/// Multiplies the rows of the weights and the bias of node `i`, divides what the readers multiply by.
fn scale_channels(graph: &mut Graph, i: usize, readers: &[NodeId], factors: &[f32]) {
    let channels = factors.len();
    let producer = graph.nodes[i].clone();
    for operand in [1, 2] {
        replace(graph, i, &producer, operand, |at, len| {
            factors[at / (len / channels).max(1)]
        });
    }
    for &reader in readers {
        let node = graph.node(reader).clone();
        let depthwise = matches!(&node.op, Op::Conv(conv) if conv.groups > 1);
        replace(graph, reader.index(), &node, 1, |at, len| {
            let c = if depthwise {
                at / (len / channels).max(1)
            } else {
                at % channels
            };
            1.0 / factors[c]
        });
    }
}

/// Gives node `i` its own copy of a constant operand, each element multiplied by `factor(index, length)`.
fn replace(
    graph: &mut Graph,
    i: usize,
    node: &Node,
    operand: usize,
    factor: impl Fn(usize, usize) -> f32,
) {
    let Some(&id) = node.inputs.get(operand) else {
        return;
    };
    let Some(old) = constant(graph, node, operand) else {
        return;
    };
    let data = old
        .iter()
        .enumerate()
        .map(|(at, v)| v * factor(at, old.len()))
        .collect();
    let (name, shape) = (graph.value(id).name.clone(), graph.value(id).shape.clone());
    let Ok(tensor) = Tensor::new(shape, Data::F32(data)) else {
        return;
    };
    let shared = graph
        .nodes
        .iter()
        .flat_map(|n| &n.inputs)
        .filter(|&&v| v == id)
        .count()
        > 1;
    let new: ValueId = if shared {
        graph.add_constant(&name, tensor.clone())
    } else {
        id
    };
    graph.value_mut(new).constant = Some(tensor.into());
    graph.nodes[i].inputs[operand] = new;
}
