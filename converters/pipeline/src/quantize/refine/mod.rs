//! Refines weights and biases layer by layer on the calibration samples.
//!
//! The int8 graph is walked in execution order, with the integers of every sample at hand that the layers before made,
//! refined already. For each convolution and dense layer the weights are rounded so that errors cancel over the
//! inputs that the layer really gets ([`rounding`]), and the bias is moved until the mean of each channel, after
//! clamp and saturation, is that of the float model.

mod frontier;
mod moments;
mod rounding;

use redpoll_graph::{Data, Graph, Node, NodeId, Op, Tensor};

use self::frontier::Frontier;
use self::moments::Windows;
use super::{Rounding, Scheme, weights};
use crate::calibrate::{Executors, Statistics};
use crate::{Calibrated, Error, Quantized};

/// How often the bias is corrected; each time the layer is run again.
const BIAS_PASSES: usize = 2;

/// Refines `quantized`, made of `model`, in place. Without samples it only notes that.
pub(super) fn refine(
    model: &Calibrated,
    quantized: &mut Quantized,
    scheme: &Scheme,
    executors: &dyn Executors,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(), Error> {
    if scheme.rounding == Rounding::Nearest && !scheme.bias_correction {
        return Ok(());
    }
    let (Some(samples), Some(statistics)) = (&model.samples, &model.statistics) else {
        let note = "ranges were read, not measured: weights are rounded to the nearest, biases not corrected";
        quantized.log.notes.push(note.to_owned());
        return Ok(());
    };
    let last = last_layer(&quantized.graph);
    let mut frontier = Frontier::new(&quantized.graph, samples);
    let total = quantized.graph.nodes.len();
    for i in 0..last.map_or(0, |l| l + 1) {
        let id = NodeId(i as u32);
        let layer = Layer::of(&quantized.graph, &model.graph, id);
        if let (Some(layer), Rounding::Compensated) = (&layer, scheme.rounding) {
            layer.round_weights(&mut quantized.graph, &frontier);
        }
        frontier.run(&quantized.graph, id, executors)?;
        if let (Some(layer), true) = (&layer, scheme.bias_correction) {
            for _ in 0..BIAS_PASSES {
                if !layer.correct_bias(&mut quantized.graph, statistics, &frontier) {
                    break;
                }
                frontier.run(&quantized.graph, id, executors)?;
            }
        }
        frontier.release(&quantized.graph, id);
        progress(i + 1, total);
    }
    progress(total, total);
    Ok(())
}

/// Index of the last int8 convolution or dense layer; nothing after it needs to run.
fn last_layer(graph: &Graph) -> Option<usize> {
    let is_layer = |n: &Node| {
        matches!(n.op, Op::Conv(_) | Op::Dense { .. }) && graph.value(n.output).is_quantized()
    };
    graph.nodes.iter().rposition(is_layer)
}

/// An int8 layer and its float original.
struct Layer<'a> {
    id: NodeId,
    /// Float weights `[M, …]`.
    weights: &'a [f32],
    /// Name of the float result.
    output: &'a str,
}

impl<'a> Layer<'a> {
    fn of(int8: &Graph, float: &'a Graph, id: NodeId) -> Option<Self> {
        let node = int8.node(id);
        if !matches!(node.op, Op::Conv(_) | Op::Dense { .. })
            || !int8.value(node.output).is_quantized()
        {
            return None;
        }
        let original = float.nodes.iter().find(|n| n.name == node.name)?;
        let weights = float.constant(*original.inputs.get(1)?)?.as_f32()?;
        Some(Self {
            id,
            weights,
            output: &float.value(original.output).name,
        })
    }

    /// Rounds the weights again, over the second moments of the input that the layer really gets.
    fn round_weights(&self, graph: &mut Graph, frontier: &Frontier) {
        let node = graph.node(self.id);
        let inputs = frontier.tensors(node.inputs[0]);
        let (x, w) = (graph.value(node.inputs[0]), graph.value(node.inputs[1]));
        let (Some(qx), Some(qw)) = (&x.qparams, &w.qparams) else {
            return;
        };
        let windows = Windows::of(node, &x.shape, &w.shape, qx.zero_point());
        let row = windows.length();
        let channels = w.shape.first().copied().unwrap_or(0);
        let in_group = channels / windows.groups().max(1);
        let mut rounded = Vec::with_capacity(self.weights.len());
        for g in 0..windows.groups() {
            let basis = rounding::Basis::of(&windows.covariance(inputs, g), row);
            let own = g * in_group..(g + 1) * in_group;
            let rows = &self.weights[own.start * row..own.end * row];
            let scales: Vec<f32> = own.map(|c| qw.scale_at(c)).collect();
            rounded.extend(basis.round(rows, &scales));
        }
        let bias = graph.constant(node.inputs[2]).and_then(Tensor::as_i32);
        let fits =
            weights::overflowing_channel(&rounded, bias.unwrap_or_default(), qx, x.dtype).is_none();
        let (id, shape) = (node.inputs[1], w.shape.clone());
        if fits && let Ok(tensor) = Tensor::new(shape, Data::I8(rounded)) {
            graph.value_mut(id).constant = Some(tensor.into());
        }
    }

    /// Moves the bias by what the mean of each channel is off. False when nothing moved.
    fn correct_bias(
        &self,
        graph: &mut Graph,
        statistics: &Statistics,
        frontier: &Frontier,
    ) -> bool {
        let node = graph.node(self.id);
        let y = graph.value(node.output);
        let (Some(float), Some(qy)) = (statistics.values.get(self.output), &y.qparams) else {
            return false;
        };
        let target = float.channels.mean();
        let found = moments::channel_means(frontier.tensors(node.output), qy);
        let bias_id = node.inputs[2];
        let bias = graph.value(bias_id);
        let (Some(old), Some(units)) = (
            bias.constant.as_deref().and_then(Tensor::as_i32),
            &bias.qparams,
        ) else {
            return false;
        };
        if target.len() != old.len() || found.len() != old.len() {
            return false;
        }
        let step =
            |c: usize| ((target[c] - found[c]) / f64::from(units.scale_at(c))).round_ties_even();
        let new: Vec<i32> = (0..old.len())
            .map(|c| (f64::from(old[c]) + step(c)).clamp(-1_073_741_824.0, 1_073_741_824.0) as i32)
            .collect();
        let (x, w) = (graph.value(node.inputs[0]), graph.constant(node.inputs[1]));
        let fits = match (&x.qparams, w.and_then(Tensor::as_i8)) {
            (Some(q), Some(w)) => weights::overflowing_channel(w, &new, q, x.dtype).is_none(),
            _ => false,
        };
        if !fits || new == old {
            return false;
        }
        match Tensor::new(vec![new.len()], Data::I32(new)) {
            Ok(tensor) => {
                graph.value_mut(bias_id).constant = Some(tensor.into());
                true
            }
            Err(_) => false,
        }
    }
}
