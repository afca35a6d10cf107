//! Transpositions move towards the outputs, until they meet their inverse.
//!
//! `f(T(x))` becomes `T(f'(x))`, where `f'` is `f` with its axes renamed. Windowed operators were wrapped in a pair of
//! transpositions when imported, so this makes whole networks channels-last.

mod binary;
mod reshape;

use redpoll_graph::op::Pad;
use redpoll_graph::{Graph, Op, ValueId};

use super::Rule;
use super::edit::{Links, each_node, inverse, split};
use crate::Error;

/// Moves transpositions below operators that work on any layout.
pub(crate) struct SinkTransposes {
    /// Whether dequantisation counts as such an operator. Once integer operators are made, movement stays on integers.
    pub through_dequantize: bool,
}

impl Rule for SinkTransposes {
    fn name(&self) -> &'static str {
        "sink transpositions"
    }

    fn apply(&self, graph: &mut Graph) -> Result<usize, Error> {
        each_node(graph, |graph, links, index| {
            let dequantizes = graph.nodes[index].op == Op::Dequantize;
            if dequantizes && !self.through_dequantize {
                return Ok(false);
            }
            sink(graph, links, index)
        })
    }
}

/// The operand and permutation of the transposition that makes `id`.
fn transposed(graph: &Graph, links: &Links, id: ValueId) -> Option<(ValueId, Vec<usize>)> {
    let (_, node) = links.maker(graph, id)?;
    match &node.op {
        Op::Transpose { perm } => Some((node.inputs[0], perm.clone())),
        _ => None,
    }
}

fn sink(graph: &mut Graph, links: &Links, index: usize) -> Result<bool, Error> {
    let node = &graph.nodes[index];
    match &node.op {
        Op::Binary { .. } => return binary::sink(graph, links, index),
        Op::Concat { .. } => return concat(graph, links, index),
        Op::Reshape { .. } => return reshape::sink(graph, links, index),
        _ => {}
    }
    let Some((source, perm)) = node
        .inputs
        .first()
        .and_then(|&x| transposed(graph, links, x))
    else {
        return Ok(false);
    };
    let Some((op, after)) = renamed(&node.op, &perm) else {
        return Ok(false);
    };
    let mut inputs = node.inputs.clone();
    inputs[0] = source;
    split(graph, index, op, inputs, Op::Transpose { perm: after })?;
    Ok(true)
}

/// `op` on the operand before the transposition `perm`, and the transposition that its result then needs.
fn renamed(op: &Op, perm: &[usize]) -> Option<(Op, Vec<usize>)> {
    let back = inverse(perm);
    let same = perm.to_vec();
    let op = match op {
        Op::Unary(_) | Op::Cast { .. } | Op::Quantize | Op::Dequantize | Op::Requantize => {
            op.clone()
        }
        Op::Dense { .. } if perm.last() == Some(&(perm.len() - 1)) => op.clone(),
        Op::Softmax { axis } => Op::Softmax { axis: perm[*axis] },
        Op::Slice { axes } => Op::Slice {
            axes: back.iter().map(|&i| axes[i]).collect(),
        },
        Op::Pad(pad) => Op::Pad(Pad {
            before: back.iter().map(|&i| pad.before[i]).collect(),
            after: back.iter().map(|&i| pad.after[i]).collect(),
            ..pad.clone()
        }),
        Op::Expand { shape } if shape.len() == perm.len() => Op::Expand {
            shape: back.iter().map(|&i| shape[i]).collect(),
        },
        Op::Reduce {
            kind,
            axes,
            keep_dims,
        } => {
            let mut moved: Vec<usize> = axes.iter().map(|&a| perm[a]).collect();
            moved.sort_unstable();
            let after = if *keep_dims {
                same.clone()
            } else {
                remaining(perm, axes)
            };
            let op = Op::Reduce {
                kind: *kind,
                axes: moved,
                keep_dims: *keep_dims,
            };
            return Some((op, after));
        }
        _ => return None,
    };
    Some((op, same))
}

/// The order of the axes that a reduction over `axes` (after `perm`) leaves.
fn remaining(perm: &[usize], axes: &[usize]) -> Vec<usize> {
    let kept: Vec<usize> = (0..perm.len())
        .filter(|i| !axes.contains(i))
        .map(|i| perm[i])
        .collect();
    let rank = |p: &usize| kept.iter().filter(|q| *q < p).count();
    kept.iter().map(rank).collect()
}

/// All operands by the same transposition.
fn concat(graph: &mut Graph, links: &Links, index: usize) -> Result<bool, Error> {
    let node = &graph.nodes[index];
    let Op::Concat { axis } = node.op else {
        return Ok(false);
    };
    let mut perm: Option<Vec<usize>> = None;
    let mut inputs = Vec::with_capacity(node.inputs.len());
    for &id in &node.inputs {
        let Some((source, this)) = transposed(graph, links, id) else {
            return Ok(false);
        };
        if *perm.get_or_insert_with(|| this.clone()) != this {
            return Ok(false);
        }
        inputs.push(source);
    }
    let Some(perm) = perm else {
        return Ok(false);
    };
    let op = Op::Concat { axis: perm[axis] };
    split(graph, index, op, inputs, Op::Transpose { perm })?;
    Ok(true)
}
