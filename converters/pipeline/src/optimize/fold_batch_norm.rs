//! Batch normalisation into the weights of a neighbouring convolution or dense layer.

use redpoll_graph::op::BinaryFn;
use redpoll_graph::{Graph, Node, Op, ValueId};

use super::Rule;
use super::edit::{Links, add_floats, each_node, insert};
use super::weights::{Layer, layer, set_layer};
use crate::Error;

/// Folds a normalisation into the convolution or dense layer before it.
pub(crate) struct FoldBatchNorm;

impl Rule for FoldBatchNorm {
    fn name(&self) -> &'static str {
        "fold batch normalisation"
    }

    fn apply(&self, graph: &mut Graph) -> Result<usize, Error> {
        each_node(graph, |graph, links, index| {
            let Some(affine) = affine(graph, &graph.nodes[index]) else {
                return Ok(false);
            };
            let x = graph.nodes[index].inputs[0];
            let Some((before, _)) = links.only_for_reader(graph, x) else {
                return Ok(false);
            };
            let Some(Layer {
                mut weights,
                mut bias,
                clamp: None,
            }) = layer(graph, before)
            else {
                return Ok(false);
            };
            let each = weights.len() / affine.len().max(1);
            for (c, &(scale, shift)) in affine.iter().enumerate() {
                for w in &mut weights[c * each..(c + 1) * each] {
                    *w = (f64::from(*w) * scale) as f32;
                }
                bias[c] = (f64::from(bias[c]) * scale + shift) as f32;
            }
            set_layer(graph, before, weights, bias)?;
            graph.nodes[before].output = graph.nodes[index].output;
            graph.nodes.remove(index);
            Ok(true)
        })
    }
}

/// Folds a normalisation into the layer after it, where that has no border and is the only reader; writes it out as a
/// product and a sum otherwise. Runs when [`FoldBatchNorm`] has had its chance.
pub(crate) struct SplitBatchNorm;

impl Rule for SplitBatchNorm {
    fn name(&self) -> &'static str {
        "split batch normalisation"
    }

    fn apply(&self, graph: &mut Graph) -> Result<usize, Error> {
        each_node(graph, |graph, links, index| {
            let Some(affine) = affine(graph, &graph.nodes[index]) else {
                return Ok(false);
            };
            if into_following(graph, links, index, &affine)? {
                return Ok(true);
            }
            let (x, name) = (
                graph.nodes[index].inputs[0],
                graph.nodes[index].name.clone(),
            );
            let n = affine.len();
            let scale = affine.iter().map(|a| a.0 as f32).collect();
            let shift = affine.iter().map(|a| a.1 as f32).collect();
            let scale = add_floats(graph, &format!("{name}_scale"), vec![n], scale)?;
            let shift = add_floats(graph, &format!("{name}_shift"), vec![n], shift)?;
            let binary = |function| Op::Binary {
                function,
                clamp: None,
            };
            let product = insert(
                graph,
                index,
                &format!("{name}_scaled"),
                binary(BinaryFn::Mul),
                &[x, scale],
            )?;
            let node = &mut graph.nodes[index + 1];
            node.op = binary(BinaryFn::Add);
            node.inputs = vec![product, shift];
            Ok(true)
        })
    }
}

/// The normalisation as `(scale, shift)` of each channel, when all its parameters are constants.
fn affine(graph: &Graph, node: &Node) -> Option<Vec<(f64, f64)>> {
    let Op::BatchNorm { epsilon } = node.op else {
        return None;
    };
    let parameter = |i: usize| graph.constant(node.inputs[i])?.as_f32();
    let (scale, bias, mean, variance) =
        (parameter(1)?, parameter(2)?, parameter(3)?, parameter(4)?);
    let channel = |c: usize| {
        let deviation = (f64::from(variance[c]) + f64::from(epsilon)).sqrt();
        let scale = f64::from(scale[c]) / deviation;
        (scale, f64::from(bias[c]) - f64::from(mean[c]) * scale)
    };
    Some((0..scale.len()).map(channel).collect())
}

/// `W · (s · x + t) + b = (W · s) · x + (b + W · t)`; exact only where no border reads as zero.
fn into_following(
    graph: &mut Graph,
    links: &Links,
    index: usize,
    affine: &[(f64, f64)],
) -> Result<bool, Error> {
    let output: ValueId = graph.nodes[index].output;
    let &[after] = links.readers(output) else {
        return Ok(false);
    };
    let borderless = match &graph.nodes[after].op {
        Op::Conv(conv) => {
            let pads = conv.pads_before.iter().chain(&conv.pads_after);
            conv.groups == 1 && pads.sum::<usize>() == 0
        }
        Op::Dense { .. } => true,
        _ => false,
    };
    if !borderless || links.is_output(output) || graph.nodes[after].inputs[0] != output {
        return Ok(false);
    }
    let Some(Layer {
        mut weights,
        mut bias,
        ..
    }) = layer(graph, after)
    else {
        return Ok(false);
    };
    let each = weights.len() / bias.len().max(1);
    for (m, b) in bias.iter_mut().enumerate() {
        let mut sum = f64::from(*b);
        for (k, w) in weights[m * each..(m + 1) * each].iter_mut().enumerate() {
            let (scale, shift) = affine[k % affine.len()];
            sum += f64::from(*w) * shift;
            *w = (f64::from(*w) * scale) as f32;
        }
        *b = sum as f32;
    }
    set_layer(graph, after, weights, bias)?;
    let x = graph.nodes[index].inputs[0];
    graph.nodes[after].inputs[0] = x;
    graph.nodes.remove(index);
    Ok(true)
}
