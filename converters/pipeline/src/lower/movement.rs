//! Operators that move elements: views where the bytes stay, copies where they do not.

use redpoll_graph::Node;
use redpoll_graph::op::{Pad, PadMode, Resize, ResizeMode, SliceAxis};
use redpoll_kernels::finish::finish;
use redpoll_kernels::params::Finish;
use redpoll_plan::{DType, Op, op};

use super::general;
use super::loops::{broadcast, plan_loop, row_major};
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
        return mirror(cx, node, pad);
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
        DType::I8 => u32::from((pad.value as i8).cast_unsigned()),
        DType::U8 => u32::from(pad.value as u8),
        // The upper half of the fill is zeros.
        DType::I64 if pad.value >= 0.0 && pad.value < 4e9 => pad.value as u32,
        _ => return Err("this border of data of this type is not supported".into()),
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

/// Places along one axis that a plan lists.
const MOST_PLACES: usize = 1 << 24;

/// A border of elements that are there already: a look-up along each axis.
fn mirror(cx: &mut Lowering<'_>, node: &Node, pad: &Pad) -> Done {
    let shape = cx.shape(node.inputs[0]);
    let mut axes = Vec::new();
    for (axis, &size) in shape.iter().enumerate() {
        let (before, after) = (pad.before[axis], pad.after[axis]);
        if before + after == 0 {
            continue;
        }
        if before.saturating_add(size).saturating_add(after) > MOST_PLACES {
            return Err("a border of an axis of more than 2^24 elements".into());
        }
        let last = size as isize - 1;
        let place = |i: usize| {
            let at = i as isize - before as isize;
            let at = match pad.mode {
                PadMode::Reflect => last - (last - at.abs()).abs(),
                PadMode::Edge | PadMode::Constant => at.max(0).min(last),
            };
            i32::try_from(at).map_err(|_| Refused::from("an axis of more than 2^31 elements"))
        };
        let places = (0..before + size + after).map(place);
        axes.push((axis, places.collect::<Result<Vec<_>, _>>()?));
    }
    general::gather_axes(cx, node, &axes)
}

/// Linear: a map of two weights along each axis, the last first.
fn linear(cx: &mut Lowering<'_>, node: &Node, resize: &Resize) -> Done {
    let mut shape = cx.shape(node.inputs[0]).to_vec();
    let spatial = shape.len() - 2;
    let mut x = cx.operand(node.inputs[0])?;
    for axis in (0..spatial).rev() {
        let rows = resize.linear_rows(axis, shape[axis + 1]);
        let from = shape.clone();
        shape[axis + 1] = resize.sizes[axis];
        let y = if axis > 0 {
            cx.temporary(node.output, DType::F32, &shape)?
        } else {
            cx.result(node.output)?
        };
        general::map_axis(cx, node, (x, y), &from, &rows, axis)?;
        x = y;
    }
    Ok(())
}

/// Nearest: by whole factors each element repeats, otherwise a look-up along each axis. Linear: see [`linear`].
pub(super) fn resize(cx: &mut Lowering<'_>, node: &Node, resize: &Resize) -> Done {
    if resize.sizes.iter().any(|&n| n > MOST_PLACES) {
        return Err("an axis of more than 2^24 elements".into());
    }
    let ResizeMode::Nearest(rounding) = resize.mode else {
        return linear(cx, node, resize);
    };
    let places: Vec<(usize, Vec<i32>)> = (0..resize.sizes.len())
        .map(|axis| {
            let places = resize.nearest_places(axis, cx.shape(node.inputs[0])[axis + 1], rounding);
            let places = places
                .into_iter()
                .map(|i| i32::try_from(i).unwrap_or(i32::MAX));
            (axis + 1, places.collect())
        })
        .collect();
    if repeat(cx, node, &places)? {
        return Ok(());
    }
    general::gather_axes(cx, node, &places)
}

/// One copy where each element repeats; false where it does not.
fn repeat(
    cx: &mut Lowering<'_>,
    node: &Node,
    places: &[(usize, Vec<i32>)],
) -> Result<bool, Refused> {
    let (x_shape, y_shape) = (cx.shape(node.inputs[0]), cx.shape(node.output));
    // Every axis becomes (source size, repeats).
    let (mut dims, mut x_strides) = (Vec::new(), Vec::new());
    for (axis, (&from, &to)) in x_shape.iter().zip(y_shape).enumerate() {
        let factor = to / from.max(1);
        if factor == 0 || to % from != 0 {
            return Ok(false);
        }
        let own = places.iter().find(|p| p.0 == axis).map(|p| p.1.as_slice());
        let mut own = own.unwrap_or_default().iter().enumerate();
        if own.any(|(o, &i)| i as usize != o / factor) {
            return Ok(false);
        }
        dims.extend([from, factor]);
        x_strides.extend([row_major(x_shape)[axis], 0]);
    }
    if plan_loop(&dims, [&x_strides, &row_major(&dims)]).is_none() {
        return Ok(false);
    }
    let x = cx.operand(node.inputs[0])?;
    let y = cx.result(node.output)?;
    cx.copy(node, (x, 0, &x_strides), (y, 0, &row_major(&dims)), &dims)?;
    Ok(true)
}
