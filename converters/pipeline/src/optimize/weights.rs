//! Weights and bias of convolutions and dense layers, taken out and put back by the folding rules.

use redpoll_graph::op::Clamp;
use redpoll_graph::{Graph, Op, ValueId};

use super::edit::add_floats;
use crate::Error;

/// The float parameters of a layer; output channels are the first axis of the weights.
pub(crate) struct Layer {
    /// Elements of the weights.
    pub weights: Vec<f32>,
    /// One an output channel; zeros where the layer has none.
    pub bias: Vec<f32>,
    /// Bounds of the result.
    pub clamp: Option<Clamp>,
}

/// The parameters of the node at `index` when it is a layer with constant float weights.
pub(crate) fn layer(graph: &Graph, index: usize) -> Option<Layer> {
    let node = &graph.nodes[index];
    let clamp = match &node.op {
        Op::Conv(conv) => conv.clamp,
        Op::Dense { clamp } => *clamp,
        _ => return None,
    };
    let constant = |id: ValueId| graph.constant(id)?.as_f32();
    let weights = constant(node.inputs[1])?.to_vec();
    let channels = *graph.value(node.inputs[1]).shape.first()?;
    let bias = match node.inputs.get(2) {
        Some(&id) => constant(id)?.to_vec(),
        None => vec![0.0; channels],
    };
    Some(Layer {
        weights,
        bias,
        clamp,
    })
}

/// Gives the layer at `index` new parameters; the old constants stay for others that share them.
pub(crate) fn set_layer(
    graph: &mut Graph,
    index: usize,
    weights: Vec<f32>,
    bias: Vec<f32>,
) -> Result<(), Error> {
    let name = graph.nodes[index].name.clone();
    let old = graph.nodes[index].inputs[1];
    let shape = graph.value(old).shape.clone();
    let weight_name = format!("{}_folded", graph.value(old).name);
    let weights = add_floats(graph, &weight_name, shape, weights)?;
    let bias = add_floats(graph, &format!("{name}_bias"), vec![bias.len()], bias)?;
    let node = &mut graph.nodes[index];
    node.inputs.truncate(1);
    node.inputs.extend([weights, bias]);
    Ok(())
}

/// Sets the bounds of a layer or of an arithmetic operator; false when the operator has none.
pub(crate) fn set_clamp(op: &mut Op, bounds: Clamp) -> bool {
    match op {
        Op::Conv(conv) => conv.clamp = Some(bounds),
        Op::Dense { clamp } | Op::Binary { clamp, .. } => *clamp = Some(bounds),
        _ => return false,
    }
    true
}
