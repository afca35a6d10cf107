//! Shapes of operators that move elements.

use super::{Inferred, broadcast, check_axis, shape_error, sum, type_error};
use crate::error::Error;
use crate::graph::Value;
use crate::op::{Pad, PadMode, SliceAxis};
use crate::types::{DType, element_count};

pub(super) fn reshape(shape: &[usize], x: &Value) -> Result<Inferred, Error> {
    if element_count(shape) == element_count(&x.shape) {
        Ok((x.dtype, shape.to_vec()))
    } else {
        Err(shape_error(format!(
            "shape {:?} and the new shape {shape:?} hold different counts",
            x.shape
        )))
    }
}

pub(super) fn transpose(perm: &[usize], x: &Value) -> Result<Inferred, Error> {
    let mut sorted = perm.to_vec();
    sorted.sort_unstable();
    if sorted.iter().copied().eq(0..x.shape.len()) {
        Ok((x.dtype, perm.iter().map(|&p| x.shape[p]).collect()))
    } else {
        Err(shape_error(format!(
            "{perm:?} is no permutation of the axes of {:?}",
            x.shape
        )))
    }
}

pub(super) fn concat(axis: usize, values: &[&Value]) -> Result<Inferred, Error> {
    let first = values[0];
    check_axis(axis, first)?;
    let mut shape = first.shape.clone();
    for value in &values[1..] {
        if value.dtype != first.dtype {
            return Err(type_error(format!(
                "\"{}\" is {}, \"{}\" is {}",
                first.name, first.dtype, value.name, value.dtype
            )));
        }
        let others_equal = value.shape.len() == shape.len()
            && (0..shape.len()).all(|i| i == axis || value.shape[i] == shape[i]);
        if !others_equal {
            return Err(shape_error(format!(
                "{:?} and {:?} differ outside axis {axis}",
                first.shape, value.shape
            )));
        }
        shape[axis] = sum(shape[axis], value.shape[axis])?;
    }
    Ok((first.dtype, shape))
}

pub(super) fn slice(axes: &[SliceAxis], x: &Value) -> Result<Inferred, Error> {
    if axes.len() != x.shape.len() {
        return Err(shape_error(format!(
            "{} slices for shape {:?}",
            axes.len(),
            x.shape
        )));
    }
    for (i, (axis, &size)) in axes.iter().zip(&x.shape).enumerate() {
        let last = match axis.len {
            0 => Some(0),
            n => isize::try_from(n - 1)
                .ok()
                .and_then(|n| n.checked_mul(axis.step))
                .and_then(|d| axis.start.checked_add_signed(d)),
        };
        let inside = |at: usize| axis.len == 0 || at < size;
        if axis.step == 0 || !inside(axis.start) || !last.is_some_and(inside) {
            return Err(shape_error(format!(
                "slice {axis:?} leaves axis {i} of length {size}"
            )));
        }
    }
    Ok((x.dtype, axes.iter().map(|a| a.len).collect()))
}

pub(super) fn pad(pad: &Pad, x: &Value) -> Result<Inferred, Error> {
    if pad.before.len() != x.shape.len() || pad.after.len() != x.shape.len() {
        return Err(shape_error(format!("pads do not fit shape {:?}", x.shape)));
    }
    if x.dtype == DType::Bool && pad.mode == PadMode::Constant {
        return Err(type_error("a border of truth values"));
    }
    let mut shape = Vec::with_capacity(x.shape.len());
    for (i, &size) in x.shape.iter().enumerate() {
        let (before, after) = (pad.before[i], pad.after[i]);
        let widest = before.max(after);
        let fits = match pad.mode {
            PadMode::Constant => true,
            PadMode::Edge => widest == 0 || size > 0,
            PadMode::Reflect => widest == 0 || widest < size,
        };
        if !fits {
            return Err(shape_error(format!(
                "{:?} padding by {widest} of axis {i} of length {size}",
                pad.mode
            )));
        }
        shape.push(sum(sum(size, before)?, after)?);
    }
    Ok((x.dtype, shape))
}

pub(super) fn expand(shape: &[usize], x: &Value) -> Result<Inferred, Error> {
    if broadcast(&x.shape, shape)? == shape {
        Ok((x.dtype, shape.to_vec()))
    } else {
        Err(shape_error(format!(
            "{:?} does not expand to {shape:?}",
            x.shape
        )))
    }
}
