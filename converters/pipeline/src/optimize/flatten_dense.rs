//! A transposition before a flattened dense layer moves into the order of its weights.

use redpoll_graph::{Graph, Op};

use super::Rule;
use super::edit::{Links, each_node, insert, inverse, is_constant};
use crate::Error;

/// `dense(flatten(T(x)))` becomes `dense'(flatten(x))` with the columns of the weights in the order of `x`.
pub(crate) struct FlattenDense;

impl Rule for FlattenDense {
    fn name(&self) -> &'static str {
        "flatten into dense"
    }

    fn apply(&self, graph: &mut Graph) -> Result<usize, Error> {
        each_node(graph, rewrite)
    }
}

fn rewrite(graph: &mut Graph, links: &Links, index: usize) -> Result<bool, Error> {
    let node = &graph.nodes[index];
    let (Op::Dense { .. }, Some(&w)) = (&node.op, node.inputs.get(1)) else {
        return Ok(false);
    };
    let flat = node.inputs[0];
    let Some((_, reshape)) = links.maker(graph, flat) else {
        return Ok(false);
    };
    let Op::Reshape { .. } = reshape.op else {
        return Ok(false);
    };
    let Some((_, transpose)) = links.maker(graph, reshape.inputs[0]) else {
        return Ok(false);
    };
    let Op::Transpose { perm } = &transpose.op else {
        return Ok(false);
    };
    let (source, perm) = (transpose.inputs[0], perm.clone());
    let from = graph.value(source).shape.clone();
    let to: Vec<usize> = perm.iter().map(|&p| from[p]).collect();
    let shape = graph.value(flat).shape.clone();
    // The first axis stays, all others are flattened into one. An empty batch fits any width, so that is compared too.
    let flattens = perm.first() == Some(&0)
        && shape.len() == 2
        && from.first() == shape.first()
        && to.iter().skip(1).product::<usize>() == shape[1];
    if !flattens || !is_constant(graph, links, w) {
        return Ok(false);
    }
    let rows = graph.value(w).shape[0];
    let name = graph.value(w).name.clone();
    // [N, K] → [N, axes…] → the order before the transposition → [N, K].
    let wide = [&[rows], &to[1..]].concat();
    let steps = [
        Op::Reshape { shape: wide },
        Op::Transpose {
            perm: inverse(&perm),
        },
        Op::Reshape {
            shape: vec![rows, shape[1]],
        },
    ];
    let mut weights = w;
    let mut at = index;
    for (i, op) in steps.into_iter().enumerate() {
        weights = insert(graph, at, &format!("{name}_columns{i}"), op, &[weights])?;
        at += 1;
    }
    let name = format!("{}_flat", graph.value(source).name);
    let flat = insert(graph, at, &name, Op::Reshape { shape }, &[source])?;
    let node = &mut graph.nodes[at + 1];
    node.inputs[0] = flat;
    node.inputs[1] = weights;
    Ok(true)
}
