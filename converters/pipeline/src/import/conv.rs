//! Convolution.

use redpoll_graph::Op;
use redpoll_graph::op::Conv;

use super::importer::Importer;
use super::layout::{channels_last, is_constant, to_channels_last, transpose};
use super::node::{OnnxNode, Outputs, gap, invalid};
use super::window::Window;

/// Conv-1, -11, -22: `x [N, C, S…]`, `w [M, C/groups, K…]`, optional bias `[M]`.
pub(crate) fn conv(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let (x, w) = (node.input(0)?, node.input(1)?);
    let (x_shape, w_shape) = (import.shape(x).to_vec(), import.shape(w).to_vec());
    if w_shape.len() != x_shape.len() || w_shape.len() < 3 {
        return invalid(format!("weights {w_shape:?} for an input {x_shape:?}"));
    }
    if !is_constant(import, w) || node.optional(2).is_some_and(|b| !is_constant(import, b)) {
        return gap("weights and bias must be constants, not computed at run time");
    }
    let kernel = w_shape[2..].to_vec();
    if node.sizes_or("kernel_shape", kernel.len(), 0, 1)? != kernel
        && node.proto.attr("kernel_shape").is_some()
    {
        return invalid(format!("kernel_shape differs from the weights {w_shape:?}"));
    }
    let groups = match usize::try_from(node.int_or("group", 1)?) {
        Ok(g) if g > 0 => g,
        _ => return invalid("group must be at least 1"),
    };
    let window = Window::read(node, &x_shape, kernel)?;
    // [M, C, K…] → [M, K…, C]: the same permutation as that of activations.
    let w = transpose(import, node, "weight", w, to_channels_last(w_shape.len()))?;
    let mut others = vec![w];
    others.extend(node.optional(2));
    let op = Op::Conv(Conv {
        strides: window.strides,
        dilations: window.dilations,
        pads_before: window.before,
        pads_after: window.after,
        groups,
        clamp: None,
    });
    Ok(vec![channels_last(import, node, op, x, &others)?])
}
