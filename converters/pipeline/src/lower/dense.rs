//! Matrix products.

use redpoll_graph::Node;
use redpoll_graph::op::Clamp;
use redpoll_plan::{Op, Window, op};

use super::conv;
use super::lowering::{Done, Lowering, Refused};

fn size(v: usize) -> Result<u32, Refused> {
    u32::try_from(v).map_err(|_| "a size passes 32 bits".into())
}

/// `x [.., K]` by constant `w [N, K]`: a 1×1 convolution.
pub(super) fn dense(cx: &mut Lowering<'_>, node: &Node, clamp: Option<Clamp>) -> Done {
    let (w, y) = (cx.shape(node.inputs[1]), cx.shape(node.output));
    let &[n, k] = w else {
        return Err("weights must be [N, K]".into());
    };
    let rows = y.iter().product::<usize>() / n.max(1);
    let window = Window::dense(size(rows)?, size(k)?, size(n)?);
    conv::product(cx, node, window, 1, clamp)
}

/// `a [.., M, K] · b [.., K, N]`, both activations or constants, in float.
pub(super) fn matmul(cx: &mut Lowering<'_>, node: &Node) -> Done {
    if cx.is_quantized(node.inputs[0]) {
        return Err(
            "a product of two activations is not supported in int8; keep it in float".into(),
        );
    }
    let (a_shape, b_shape) = (cx.shape(node.inputs[0]), cx.shape(node.inputs[1]));
    let (Some((a_lead, &[m, k])), Some((b_lead, &[_, n]))) = (
        a_shape.split_last_chunk::<2>(),
        b_shape.split_last_chunk::<2>(),
    ) else {
        return Err("operands need 2 or more dimensions".into());
    };
    let y_shape = cx.shape(node.output);
    let batch: usize = y_shape[..y_shape.len() - 2].iter().product();
    let stride = |lead: &[usize], matrix: usize| match lead.iter().product::<usize>() {
        1 => Ok(0),
        own if own == batch => Ok(matrix),
        _ => Err(Refused::from(
            "batches that repeat only in part are not supported; expand the smaller operand",
        )),
    };
    let op = op::MatMulF32 {
        a_batch_stride: size(stride(a_lead, m * k)?)?,
        b_batch_stride: size(stride(b_lead, k * n)?)?,
        a: cx.operand(node.inputs[0])?,
        b: cx.operand(node.inputs[1])?,
        y: cx.result(node.output)?,
        batch: size(batch)?,
        m: size(m)?,
        k: size(k)?,
        n: size(n)?,
    };
    let macs = cx.graph.macs(node);
    cx.product(node, Op::MatMulF32(op), macs, 0);
    Ok(())
}
