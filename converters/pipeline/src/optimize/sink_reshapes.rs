//! Reshapes move below element-wise operators, so that these meet what they can be fused with.

use redpoll_graph::{Graph, Op, ValueId};

use super::Rule;
use super::edit::{Links, each_node, insert, per_channel, split};
use crate::Error;

/// `f(R(x))` becomes `R(f(x))` for functions of one element, and for two operands where the other is a constant along the
/// last axis, which the reshape keeps, or was reshaped alike.
pub(crate) struct SinkReshapes;

impl Rule for SinkReshapes {
    fn name(&self) -> &'static str {
        "sink reshapes"
    }

    fn apply(&self, graph: &mut Graph) -> Result<usize, Error> {
        each_node(graph, sink)
    }
}

/// The operand of the reshape that makes `id`.
fn reshaped(graph: &Graph, links: &Links, id: ValueId) -> Option<ValueId> {
    let (_, node) = links.maker(graph, id)?;
    matches!(node.op, Op::Reshape { .. }).then(|| node.inputs[0])
}

fn sink(graph: &mut Graph, links: &Links, index: usize) -> Result<bool, Error> {
    let node = &graph.nodes[index];
    let shape = graph.value(node.output).shape.clone();
    let inputs = match &node.op {
        Op::Unary(_) | Op::Cast { .. } | Op::Quantize | Op::Requantize => {
            let per_tensor = |id: ValueId| {
                let qparams = graph.value(id).qparams.as_ref();
                qparams.is_none_or(|q| q.is_per_tensor())
            };
            match reshaped(graph, links, node.inputs[0]) {
                Some(x) if per_tensor(node.inputs[0]) && per_tensor(node.output) => vec![x],
                _ => return Ok(false),
            }
        }
        Op::Binary { .. } => match both(graph, links, index) {
            Some(inputs) => inputs,
            None => return beside_constant(graph, links, index),
        },
        _ => return Ok(false),
    };
    let op = node.op.clone();
    split(graph, index, op, inputs, Op::Reshape { shape })?;
    Ok(true)
}

/// Both operands reshaped from one shape to one shape.
fn both(graph: &Graph, links: &Links, index: usize) -> Option<Vec<ValueId>> {
    let node = &graph.nodes[index];
    let (a, b) = (node.inputs[0], node.inputs[1]);
    let (x, y) = (reshaped(graph, links, a)?, reshaped(graph, links, b)?);
    let alike = graph.value(x).shape == graph.value(y).shape
        && graph.value(a).shape == graph.value(b).shape;
    alike.then(|| vec![x, y])
}

/// One operand reshaped without touching the last axis, the other a constant along it.
fn beside_constant(graph: &mut Graph, links: &Links, index: usize) -> Result<bool, Error> {
    let node = &graph.nodes[index];
    let shape = graph.value(node.output).shape.clone();
    for side in 0..2 {
        let (moved, constant) = (node.inputs[side], node.inputs[1 - side]);
        let Some(x) = reshaped(graph, links, moved) else {
            continue;
        };
        let from = graph.value(x).shape.last();
        if graph.value(moved).shape != shape || from != shape.last() {
            continue;
        }
        let Some(values) = per_channel(graph, constant, &shape) else {
            continue;
        };
        let op = node.op.clone();
        let one_axis = graph.value(constant).shape.len() <= 1;
        let constant = if one_axis {
            constant
        } else {
            let name = format!("{}_flat", graph.value(constant).name);
            let flat = Op::Reshape {
                shape: vec![graph.value(constant).len()],
            };
            debug_assert!(!values.is_empty(), "a channel has a value");
            insert(graph, index, &name, flat, &[constant])?
        };
        let index = if one_axis { index } else { index + 1 };
        let mut inputs = vec![x; 2];
        inputs[1 - side] = constant;
        split(graph, index, op, inputs, Op::Reshape { shape })?;
        return Ok(true);
    }
    Ok(false)
}
