//! One node becomes its steps: the list of operators.

use redpoll_graph::{Node, Op, Tensor, eval};

use super::lowering::{Done, Lowering, Refused};
use super::{
    conv, dense, elementwise, embedding, general, movement, pool, quantize, recurrent, reduce,
    softmax,
};

/// Bytes of the largest constant that is computed while lowering.
const MAX_FOLDED_BYTES: usize = 1 << 28;

/// Adds the steps of `node`; one with only constant operands is computed now.
pub(super) fn lower(cx: &mut Lowering<'_>, node: &Node) -> Done {
    let constants = node.inputs.iter().map(|&id| cx.constant(id));
    if let Some(operands) = constants.collect::<Option<Vec<&Tensor>>>() {
        if cx.value(node.output).bytes() > MAX_FOLDED_BYTES {
            return Err("a constant result of more than 256 MiB is not supported".into());
        }
        let made = eval::node(cx.graph, node, &operands).map_err(|e| Refused(e.to_string()))?;
        cx.fold(node.output, made);
        return Ok(());
    }
    let mut values = node.inputs.iter().chain([&node.output]);
    if values.any(|&id| cx.value(id).is_empty()) {
        return Err("empty tensors are not supported".into());
    }
    match &node.op {
        Op::Conv(conv) => conv::conv(cx, node, conv),
        Op::Dense { clamp } => dense::dense(cx, node, *clamp),
        Op::MatMul => dense::matmul(cx, node),
        Op::BatchNorm { epsilon } => elementwise::batch_norm(cx, node, *epsilon),
        Op::Pool(pool) => pool::pool(cx, node, pool),
        Op::Unary(function) => elementwise::unary(cx, node, *function),
        Op::Binary { function, clamp } => elementwise::binary(cx, node, *function, *clamp),
        Op::Reduce { kind, axes, .. } => reduce::reduce(cx, node, *kind, axes),
        Op::Softmax { axis } => softmax::softmax(cx, node, *axis),
        Op::Reshape { .. } => cx.alias(node.inputs[0], node.output),
        Op::Transpose { perm } => movement::transpose(cx, node, perm),
        Op::Concat { axis } => movement::concat(cx, node, *axis),
        Op::Slice { axes } => movement::slice(cx, node, axes),
        Op::Pad(pad) => movement::pad(cx, node, pad),
        Op::Expand { .. } => movement::expand(cx, node),
        Op::Resize(resize) => movement::resize(cx, node, resize),
        Op::Gather { axis } => embedding::gather(cx, node, *axis),
        Op::Embedding => embedding::embedding(cx, node),
        Op::Recurrent(layer) => recurrent::recurrent(cx, node, layer),
        Op::Select => general::select(cx, node),
        Op::ArgReduce(a) => general::arg_reduce(cx, node, a),
        Op::Cumulate(c) => general::cumulate(cx, node, c),
        Op::TopK(t) => general::top_k(cx, node, t),
        Op::GatherElements { axis } => general::gather_elements(cx, node, *axis),
        Op::GatherNd { batch } => general::gather_nd(cx, node, *batch),
        Op::ScatterElements { axis, mode } => general::scatter_elements(cx, node, *axis, *mode),
        Op::ScatterNd { mode } => general::scatter_nd(cx, node, *mode),
        Op::NonMaxSuppression(n) => general::non_max_suppression(cx, node, n),
        Op::SparseRows(s) => general::sparse_rows(cx, node, s),
        Op::Cast { to } => quantize::cast(cx, node, *to),
        Op::Quantize => quantize::quantize(cx, node),
        Op::Dequantize => quantize::dequantize(cx, node),
        Op::Requantize => quantize::requantize(cx, node),
    }
}
