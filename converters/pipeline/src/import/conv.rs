//! Convolution.

use redpoll_graph::op::{Conv, Pad, PadMode};
use redpoll_graph::{Op, ValueId};

use super::compose::Compose;
use super::importer::Importer;
use super::layout::{channels_last, is_constant, to_channels_last, transpose};
use super::node::{OnnxNode, Outputs, Stop, gap, invalid};
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
    if window.kernel.len() == 3 {
        return Ok(vec![in_slices(import, node, x, w, &window, groups)?]);
    }
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

/// Taps along the first of three axes, each of which becomes a convolution.
const MOST_TAPS: usize = 256;

/// Three spatial axes: for each tap along the first a convolution over the other two of the slices it meets, added up.
fn in_slices(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    x: ValueId,
    w: ValueId,
    window: &Window,
    groups: usize,
) -> Result<ValueId, Stop> {
    if window.kernel[0] > MOST_TAPS {
        return gap(format!("a kernel of depth {}", window.kernel[0]));
    }
    let c = &mut Compose::new(import, node);
    let mut padded = x;
    if window.before[0] + window.after[0] > 0 {
        let along = |size: usize| vec![0, 0, size, 0, 0];
        let pad = Pad {
            before: along(window.before[0]),
            after: along(window.after[0]),
            mode: PadMode::Constant,
            value: 0.0,
        };
        padded = c.op(Op::Pad(pad), &[x])?;
    }
    let shape = c.shape(padded);
    let (n, depth) = (shape[0], shape[2]);
    let reach = (window.kernel[0] - 1)
        .checked_mul(window.dilations[0])
        .and_then(|r| depth.checked_sub(r + 1));
    let Some(room) = reach else {
        return invalid(format!(
            "a kernel of depth {} over {depth}",
            window.kernel[0]
        ));
    };
    let out = room / window.strides[0] + 1;
    let step = isize::try_from(window.strides[0]).unwrap_or(isize::MAX);
    let conv = Op::Conv(Conv {
        strides: window.strides[1..].to_vec(),
        dilations: window.dilations[1..].to_vec(),
        pads_before: window.before[1..].to_vec(),
        pads_after: window.after[1..].to_vec(),
        groups,
        clamp: None,
    });
    // [N, C, D, H, W] → [N, D, H, W, C], weights [M, C, D, H, W] → [M, D, H, W, C].
    let last = vec![0, 2, 3, 4, 1];
    let padded = c.transpose(padded, last.clone())?;
    let w = c.transpose(w, last)?;
    let (xs, ws) = (c.shape(padded), c.shape(w));
    let mut sum = None;
    for tap in 0..window.kernel[0] {
        let slices = c.slice(padded, 1, tap * window.dilations[0], step, out)?;
        let slices = c.reshape(slices, vec![n * out, xs[2], xs[3], xs[4]])?;
        let weight = c.slice(w, 1, tap, 1, 1)?;
        let weight = c.reshape(weight, vec![ws[0], ws[2], ws[3], ws[4]])?;
        let mut inputs = vec![slices, weight];
        inputs.extend(node.optional(2).filter(|_| tap == 0));
        let y = c.op(conv.clone(), &inputs)?;
        sum = Some(match sum {
            Some(sum) => c.add(sum, y)?,
            None => y,
        });
    }
    let Some(y) = sum else {
        return invalid("a kernel of depth 0");
    };
    let ys = c.shape(y);
    let y = c.reshape(y, vec![n, out, ys[1], ys[2], ys[3]])?;
    c.transpose(y, vec![0, 4, 1, 2, 3])
}
