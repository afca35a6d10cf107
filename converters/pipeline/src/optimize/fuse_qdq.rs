//! Operators between dequantisation and quantisation become integer operators with the model's own scales.
//!
//! `Q(op(DQ(a), DQ(b)))` computes the same as the integer `op` of a and b, whose formula [`redpoll_graph::op`] gives.
//! What has no integer formula, or whose accumulator is not proved to fit, stays in float.

mod layer;
mod wide;

use redpoll_graph::op::{BinaryFn, PoolKind, ReduceKind};
use redpoll_graph::{Graph, Op, ValueId, shape};

use super::Rule;
use super::edit::{Links, each_node, insert_quantized};
use crate::Error;

/// Makes operators integer where operands and result are quantised.
pub(crate) struct FuseQdq;

impl Rule for FuseQdq {
    fn name(&self) -> &'static str {
        "fuse quantisation"
    }

    fn apply(&self, graph: &mut Graph) -> Result<usize, Error> {
        each_node(graph, |graph, links, index| {
            let node = &graph.nodes[index];
            if node.op != Op::Quantize || !is_per_tensor(graph, node.output) {
                return Ok(false);
            }
            let (x, y) = (node.inputs[0], node.output);
            let Some((maker, _)) = links.only_for_reader(graph, x) else {
                return Ok(false);
            };
            fuse(graph, links, maker, (index, y))
        })
    }
}

/// True for a quantised value with one scale.
pub(super) fn is_per_tensor(graph: &Graph, id: ValueId) -> bool {
    let value = graph.value(id);
    value.is_quantized() && value.qparams.as_ref().is_some_and(|q| q.is_per_tensor())
}

/// The integers that `id` was dequantised from, with one scale.
fn integers(graph: &Graph, links: &Links, id: ValueId) -> Option<ValueId> {
    let (_, node) = links.maker(graph, id)?;
    let x = *node.inputs.first()?;
    (node.op == Op::Dequantize && is_per_tensor(graph, x)).then_some(x)
}

/// Makes the node at `index` integer; its float result is quantised by the node at `quantize`, into `y`.
fn fuse(
    graph: &mut Graph,
    links: &Links,
    index: usize,
    (quantize, y): (usize, ValueId),
) -> Result<bool, Error> {
    let node = &graph.nodes[index];
    if matches!(node.op, Op::Conv(_) | Op::Dense { .. }) {
        return layer::fuse(graph, links, index, (quantize, y));
    }
    let moves = shape::keeps_qparams(&node.op);
    if !moves && !has_formula(&node.op) {
        return Ok(false);
    }
    let mut inputs = node.inputs.clone();
    let data = shape::qparams_operands(&node.op, &node.inputs).to_vec();
    for id in &mut inputs {
        if data.contains(id) {
            match integers(graph, links, *id) {
                Some(integer) => *id = integer,
                None => return Ok(false),
            }
        }
    }
    if !sum_fits(graph, &node.op, inputs[0]) {
        return Ok(false);
    }
    if moves {
        return move_integers(graph, index, quantize, inputs, y);
    }
    finish(graph, index, quantize, inputs, y);
    Ok(true)
}

/// Operators that requantise by a formula of their own.
fn has_formula(op: &Op) -> bool {
    match op {
        Op::Unary(function) => !function.is_test() && !function.is_whole(),
        Op::Binary { function, .. } => {
            matches!(function, BinaryFn::Add | BinaryFn::Sub | BinaryFn::Mul)
        }
        Op::Pool(pool) => pool.kind == PoolKind::Average,
        Op::Reduce { kind, .. } => matches!(kind, ReduceKind::Sum | ReduceKind::Mean),
        Op::Softmax { .. } => true,
        _ => false,
    }
}

/// True unless a sum over many elements of `x` could pass 32 bits.
fn sum_fits(graph: &Graph, op: &Op, x: ValueId) -> bool {
    let count: usize = match op {
        Op::Pool(pool) => pool.kernel.iter().product(),
        Op::Reduce { axes, .. } => axes.iter().map(|&a| graph.value(x).shape[a]).product(),
        _ => 1,
    };
    i64::try_from(count).is_ok_and(|n| n.saturating_mul(255) <= i64::from(i32::MAX))
}

/// The node makes `y` of integers; the quantising node goes.
fn finish(graph: &mut Graph, index: usize, quantize: usize, inputs: Vec<ValueId>, y: ValueId) {
    graph.nodes[index].inputs = inputs;
    graph.nodes[index].output = y;
    graph.nodes.remove(quantize);
}

/// Integers that move as they are: where scales differ, they are requantised after the move, or before it when several
/// operands meet.
fn move_integers(
    graph: &mut Graph,
    index: usize,
    quantize: usize,
    mut inputs: Vec<ValueId>,
    y: ValueId,
) -> Result<bool, Error> {
    let data = shape::qparams_operands(&graph.nodes[index].op, &inputs).to_vec();
    let same = |graph: &Graph, a: ValueId, b: ValueId| {
        let (a, b) = (graph.value(a), graph.value(b));
        a.dtype == b.dtype && a.qparams == b.qparams
    };
    if data.iter().all(|&id| same(graph, id, y)) {
        finish(graph, index, quantize, inputs, y);
        return Ok(true);
    }
    if let [only] = data[..] {
        let old = graph.nodes[index].output;
        let (dtype, qparams) = (graph.value(only).dtype, graph.value(only).qparams.clone());
        // The float result becomes the moved integers, and quantising them becomes requantising.
        let value = graph.value_mut(old);
        value.dtype = dtype;
        value.qparams = qparams;
        graph.nodes[index].inputs = inputs;
        graph.nodes[quantize].op = Op::Requantize;
        return Ok(true);
    }
    let (dtype, qparams) = (graph.value(y).dtype, graph.value(y).qparams.clone());
    let mut inserted = 0;
    for id in &mut inputs {
        if data.contains(id) && !same(graph, *id, y) {
            let name = format!("{}_requantized", graph.value(*id).name);
            let about = (dtype, qparams.clone());
            *id = insert_quantized(graph, index + inserted, &name, Op::Requantize, *id, about);
            inserted += 1;
        }
    }
    finish(graph, index + inserted, quantize + inserted, inputs, y);
    Ok(true)
}
