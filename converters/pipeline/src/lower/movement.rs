//! Operators that move elements: views where the bytes stay, copies where they do not.

use redpoll_graph::op::{Pad, PadMode, Resize, ResizeMode, SliceAxis};
use redpoll_graph::{DType as GraphType, Graph, Node, Tensor, eval};
use redpoll_kernels::finish::finish;
use redpoll_kernels::params::Finish;
use redpoll_plan::{DType, Op, op};

use super::loops::{broadcast, row_major};
use super::lowering::{Done, Lowering, Refused};

pub(super) fn transpose(cx: &mut Lowering<'_>, node: &Node, perm: &[usize]) -> Done {
    let shape = cx.shape(node.inputs[0]);
    let moved: Vec<usize> = perm.iter().copied().filter(|&p| shape[p] != 1).collect();
    if moved.is_sorted() {
        return cx.alias(node.inputs[0], node.output);
    }
    let own = row_major(shape);
    let strides: Vec<isize> = perm.iter().map(|&p| own[p]).collect();
    gather_copy(cx, node, 0, &strides)
}

pub(super) fn slice(cx: &mut Lowering<'_>, node: &Node, axes: &[SliceAxis]) -> Done {
    if cx.shape(node.inputs[0]) == cx.shape(node.output) && axes.iter().all(|a| a.step == 1) {
        return cx.alias(node.inputs[0], node.output);
    }
    let own = row_major(cx.shape(node.inputs[0]));
    let offset = axes
        .iter()
        .zip(&own)
        .map(|(a, &s)| a.start * s as usize)
        .sum();
    let strides: Vec<isize> = axes.iter().zip(&own).map(|(a, &s)| a.step * s).collect();
    gather_copy(cx, node, offset, &strides)
}

pub(super) fn expand(cx: &mut Lowering<'_>, node: &Node) -> Done {
    let (from, to) = (cx.shape(node.inputs[0]), cx.shape(node.output));
    if cx.value(node.inputs[0]).len() == cx.value(node.output).len() {
        return cx.alias(node.inputs[0], node.output);
    }
    gather_copy(cx, node, 0, &broadcast(from, to))
}

/// Writes the whole result from strided reads of the operand.
fn gather_copy(cx: &mut Lowering<'_>, node: &Node, offset: usize, strides: &[isize]) -> Done {
    let x = cx.operand(node.inputs[0])?;
    let y = cx.result(node.output)?;
    let dims = cx.shape(node.output);
    cx.copy(node, (x, offset, strides), (y, 0, &row_major(dims)), dims)
}

pub(super) fn concat(cx: &mut Lowering<'_>, node: &Node, axis: usize) -> Done {
    if node.inputs.len() == 1 {
        return cx.alias(node.inputs[0], node.output);
    }
    let strides = row_major(cx.shape(node.output));
    let y = cx.result(node.output)?;
    let mut at = 0;
    for &id in &node.inputs {
        let dims = cx.shape(id);
        let x = cx.operand(id)?;
        let offset = at * strides[axis] as usize;
        cx.copy(node, (x, 0, &row_major(dims)), (y, offset, &strides), dims)?;
        at += dims[axis];
    }
    Ok(())
}

pub(super) fn pad(cx: &mut Lowering<'_>, node: &Node, pad: &Pad) -> Done {
    if pad.mode != PadMode::Constant {
        return Err("only constant borders are supported".into());
    }
    let bits = match cx.dtype(node.output) {
        DType::F32 => pad.value.to_bits(),
        DType::I8 if cx.is_quantized(node.output) => {
            let y = cx.quant(node.output)?;
            let whole = Finish {
                y_zero: y.zero,
                lo: -128,
                hi: 127,
            };
            u32::from((finish(pad.value / y.scale, &whole) as i8).cast_unsigned())
        }
        DType::I32 => (pad.value as i32).cast_unsigned(),
        _ => return Err("only f32, i32 and quantised data are supported".into()),
    };
    let x = cx.operand(node.inputs[0])?;
    let y = cx.result(node.output)?;
    let element_bytes = cx.dtype(node.output).size() as u32;
    cx.step(
        node,
        Op::Fill(op::Fill {
            y,
            element_bytes,
            bits,
        }),
    );
    let (dims, strides) = (cx.shape(node.inputs[0]), row_major(cx.shape(node.output)));
    let offset = pad
        .before
        .iter()
        .zip(&strides)
        .map(|(&b, &s)| b * s as usize)
        .sum();
    cx.copy(node, (x, 0, &row_major(dims)), (y, offset, &strides), dims)
}

/// Nearest by whole factors: each element repeats.
pub(super) fn resize(cx: &mut Lowering<'_>, node: &Node, resize: &Resize) -> Done {
    if !matches!(resize.mode, ResizeMode::Nearest(_)) {
        return Err("only nearest is supported, not linear".into());
    }
    let (x_shape, y_shape) = (cx.shape(node.inputs[0]), cx.shape(node.output));
    let uneven = "only whole factors that repeat each element are supported";
    // Every axis becomes (source size, repeats).
    let (mut dims, mut x_strides) = (Vec::new(), Vec::new());
    for (axis, (&from, &to)) in x_shape.iter().zip(y_shape).enumerate() {
        let factor = to / from.max(1);
        let spatial = axis.checked_sub(1).filter(|_| axis + 1 < x_shape.len());
        if factor == 0 || to % from != 0 {
            return Err(uneven.into());
        }
        if let Some(spatial) = spatial {
            let sources = sources(resize, spatial, from)?;
            if sources
                .iter()
                .enumerate()
                .any(|(o, &i)| i != (o / factor) as f32)
            {
                return Err(uneven.into());
            }
        }
        dims.extend([from, factor]);
        x_strides.extend([row_major(x_shape)[axis], 0]);
    }
    let x = cx.operand(node.inputs[0])?;
    let y = cx.result(node.output)?;
    cx.copy(node, (x, 0, &x_strides), (y, 0, &row_major(&dims)), &dims)
}

/// Which element each result on one spatial axis is, from the reference evaluator on a ramp.
fn sources(resize: &Resize, axis: usize, size: usize) -> Result<Vec<f32>, Refused> {
    let one = Resize {
        sizes: vec![resize.sizes[axis]],
        scales: vec![resize.scales[axis]],
        ..resize.clone()
    };
    let run = || {
        let ramp =
            Tensor::vector_f32((0..size).map(|i| i as f32).collect()).reshaped(vec![1, size, 1])?;
        let mut small = Graph::new("axis");
        let x = small.add_value("x", GraphType::F32, vec![1, size, 1]);
        let output = small.add_value("y", GraphType::F32, vec![1, resize.sizes[axis], 1]);
        let node = Node {
            name: "axis".into(),
            op: redpoll_graph::Op::Resize(one),
            inputs: vec![x],
            output,
        };
        eval::node(&small, &node, &[&ramp])
    };
    let made = run().map_err(|e| Refused(e.to_string()))?;
    Ok(made.as_f32().unwrap_or_default().to_vec())
}
