//! Products and sums with constants of each channel, into the weights and bias of the layer before.

use redpoll_graph::op::{BinaryFn, Clamp};
use redpoll_graph::{Graph, Op, ValueId};

use super::Rule;
use super::edit::{Links, each_node, insert, per_channel, stored};
use super::weights::{Layer, layer, set_clamp, set_layer};
use crate::Error;

/// Folds `layer(x) ∘ c` into the layer for `+`, `−`, `·`, `/` and a constant `c` along the channels.
pub(crate) struct FoldAffine;

impl Rule for FoldAffine {
    fn name(&self) -> &'static str {
        "fold affine"
    }

    fn apply(&self, graph: &mut Graph) -> Result<usize, Error> {
        each_node(graph, |graph, links, index| {
            let Op::Binary { function, clamp } = graph.nodes[index].op else {
                return Ok(false);
            };
            let [a, b] = graph.nodes[index].inputs[..] else {
                return Ok(false);
            };
            let sum = graph.nodes[index].output;
            let swappable = matches!(function, BinaryFn::Add | BinaryFn::Mul);
            for (x, c) in [(a, b), (b, a)]
                .into_iter()
                .take(1 + usize::from(swappable))
            {
                let Some((before, _)) = links.only_for_reader(graph, x) else {
                    continue;
                };
                if graph.value(x).shape != graph.value(sum).shape {
                    continue;
                }
                let folded = fold(graph, before, function, c)?
                    || (function == BinaryFn::Add && stored_bias(graph, links, before, c)?);
                if folded {
                    take_over(graph, x, sum, clamp);
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }
}

/// The layer that makes `x` makes `sum` instead, within its bounds; the node that made it goes.
fn take_over(graph: &mut Graph, x: ValueId, sum: ValueId, clamp: Option<Clamp>) {
    graph.nodes.retain(|n| n.output != sum);
    if let Some(layer) = graph.nodes.iter_mut().find(|n| n.output == x) {
        layer.output = sum;
        if let Some(clamp) = clamp {
            set_clamp(&mut layer.op, clamp);
        }
    }
}

fn fold(graph: &mut Graph, before: usize, function: BinaryFn, c: ValueId) -> Result<bool, Error> {
    let Some(Layer {
        mut weights,
        mut bias,
        clamp: None,
    }) = layer(graph, before)
    else {
        return Ok(false);
    };
    let shape = &graph.value(graph.nodes[before].output).shape;
    let Some(values) = per_channel(graph, c, shape).filter(|v| v.len() == bias.len()) else {
        return Ok(false);
    };
    let each = weights.len() / bias.len().max(1);
    for (m, &c) in values.iter().enumerate() {
        let c = f64::from(c);
        let scale = match function {
            BinaryFn::Add => {
                bias[m] = (f64::from(bias[m]) + c) as f32;
                continue;
            }
            BinaryFn::Sub => {
                bias[m] = (f64::from(bias[m]) - c) as f32;
                continue;
            }
            BinaryFn::Mul => c,
            BinaryFn::Div => 1.0 / c,
            _ => return Ok(false),
        };
        bias[m] = (f64::from(bias[m]) * scale) as f32;
        for w in &mut weights[m * each..(m + 1) * each] {
            *w = (f64::from(*w) * scale) as f32;
        }
    }
    set_layer(graph, before, weights, bias)?;
    Ok(true)
}

/// A dequantised constant becomes the bias of a layer that has none.
fn stored_bias(graph: &mut Graph, links: &Links, before: usize, c: ValueId) -> Result<bool, Error> {
    let node = &graph.nodes[before];
    let clamped = match &node.op {
        Op::Conv(conv) => conv.clamp.is_some(),
        Op::Dense { clamp } => clamp.is_some(),
        _ => return Ok(false),
    };
    if clamped || node.inputs.len() != 2 || stored(graph, links, c).is_none() {
        return Ok(false);
    }
    let channels = graph.value(node.output).shape.last().copied();
    let shape = &graph.value(c).shape;
    if shape.last().copied() != channels || Some(graph.value(c).len()) != channels {
        return Ok(false);
    }
    let flat = shape.len() == 1;
    let maker = links.producer(c);
    // The constant must be made before the layer that now reads it.
    let Some(dequantize) = maker else {
        return Ok(false);
    };
    let mut before = before;
    if dequantize > before {
        let node = graph.nodes.remove(dequantize);
        graph.nodes.insert(before, node);
        before += 1;
    }
    let bias = if flat {
        c
    } else {
        let name = format!("{}_flat", graph.value(c).name);
        let shape = vec![graph.value(c).len()];
        let bias = insert(graph, before, &name, Op::Reshape { shape }, &[c])?;
        before += 1;
        bias
    };
    graph.nodes[before].inputs.push(bias);
    Ok(true)
}
