//! Operators that move elements: each result element names the input element it is.

use super::Call;
use super::element::{Element, elements, for_type};
use super::quantized::{Finish, scale};
use crate::error::Error;
use crate::graph::Value;
use crate::op::{Pad, PadMode, SliceAxis};
use crate::tensor::Data;
use crate::types::strides;

/// `offset + Σ i · stride` for all indices below `sizes`, in row-major order.
pub(super) fn walk(sizes: &[usize], strides: &[isize], offset: usize) -> Vec<usize> {
    let count = sizes.iter().product();
    let mut out = Vec::with_capacity(count);
    let mut index = vec![0usize; sizes.len()];
    let mut at = offset as isize;
    while out.len() < count {
        out.push(at as usize);
        for axis in (0..sizes.len()).rev() {
            index[axis] += 1;
            at += strides[axis];
            if index[axis] < sizes[axis] {
                break;
            }
            at -= strides[axis] * sizes[axis] as isize;
            index[axis] = 0;
        }
    }
    out
}

fn signed_strides(shape: &[usize]) -> Vec<isize> {
    strides(shape).into_iter().map(|s| s as isize).collect()
}

/// For each element of `to`, the element of `from` that broadcasts there.
pub(super) fn broadcast_offsets(from: &[usize], to: &[usize]) -> Vec<usize> {
    let own = signed_strides(from);
    let ahead = to.len().saturating_sub(from.len());
    let strides: Vec<isize> = (0..to.len())
        .map(|i| match i.checked_sub(ahead) {
            Some(j) if from[j] != 1 => own[j],
            _ => 0,
        })
        .collect();
    walk(to, &strides, 0)
}

/// The elements of the first operand at `sources`.
pub(super) fn pick(call: &Call<'_>, sources: &[usize]) -> Result<Data, Error> {
    for_type!(call.x().dtype(), T => {
        let x = elements::<T>(call.x())?;
        Ok(T::wrap(sources.iter().map(|&i| x[i]).collect()))
    })
}

pub(super) fn transpose(perm: &[usize], call: &Call<'_>) -> Result<Data, Error> {
    let own = signed_strides(call.x().shape());
    let strides: Vec<isize> = perm.iter().map(|&p| own[p]).collect();
    pick(call, &walk(&call.output.shape, &strides, 0))
}

pub(super) fn slice(axes: &[SliceAxis], call: &Call<'_>) -> Result<Data, Error> {
    let own = signed_strides(call.x().shape());
    let steps = axes.iter().zip(&own);
    let strides: Vec<isize> = steps.map(|(a, s)| s.wrapping_mul(a.step)).collect();
    let starts = axes.iter().zip(&own);
    let offset = starts.map(|(a, &s)| a.start * s as usize).sum();
    if call.output.is_empty() {
        return pick(call, &[]);
    }
    pick(call, &walk(&call.output.shape, &strides, offset))
}

pub(super) fn expand(shape: &[usize], call: &Call<'_>) -> Result<Data, Error> {
    pick(call, &broadcast_offsets(call.x().shape(), shape))
}

pub(super) fn concat(axis: usize, call: &Call<'_>) -> Result<Data, Error> {
    for_type!(call.x().dtype(), T => {
        let inner: usize = call.output.shape[axis + 1..].iter().product();
        let outer: usize = call.output.shape[..axis].iter().product();
        let mut y = Vec::<T>::with_capacity(call.output.len());
        for o in 0..outer {
            for tensor in call.inputs {
                let run = tensor.shape()[axis] * inner;
                y.extend(&elements::<T>(tensor)?[o * run..][..run]);
            }
        }
        Ok(T::wrap(y))
    })
}

pub(super) fn pad(pad: &Pad, call: &Call<'_>) -> Result<Data, Error> {
    let shape = call.x().shape();
    let own = strides(shape);
    // Per axis, the distance that each result index stands for; `None` for a constant border.
    let sources: Vec<Vec<Option<usize>>> = (0..shape.len())
        .map(|axis| {
            (0..call.output.shape[axis])
                .map(|i| border(pad, axis, i, shape[axis]).map(|i| i * own[axis]))
                .collect()
        })
        .collect();
    let indices = walk(&call.output.shape, &signed_strides(&call.output.shape), 0);
    let places = indices.into_iter().map(|flat| {
        let mut rest = flat;
        let mut at = Some(0);
        for axis in (0..shape.len()).rev() {
            let size = call.output.shape[axis];
            let step = sources[axis][rest % size];
            at = at.zip(step).map(|(at, step)| at + step);
            rest /= size;
        }
        at
    });
    pick_or(call, pad.value, places)
}

/// The input index that result index `i` reads on one axis.
fn border(pad: &Pad, axis: usize, i: usize, size: usize) -> Option<usize> {
    let at = i as isize - pad.before[axis] as isize;
    let last = size as isize - 1;
    let inside = match pad.mode {
        PadMode::Constant if (0..=last).contains(&at) => at,
        PadMode::Constant => return None,
        PadMode::Edge => at.max(0).min(last),
        PadMode::Reflect => last - (last - at.abs()).abs(),
    };
    usize::try_from(inside).ok()
}

fn pick_or(
    call: &Call<'_>,
    value: f32,
    places: impl Iterator<Item = Option<usize>>,
) -> Result<Data, Error> {
    for_type!(call.x().dtype(), T => {
        let x = elements::<T>(call.x())?;
        let fill = constant::<T>(call.output, value)?;
        Ok(T::wrap(places.map(|at| at.map_or(fill, |i| x[i])).collect()))
    })
}

/// `value` as an element of `output`: quantised where that is.
pub(super) fn constant<T: Element>(output: &Value, value: f32) -> Result<T, Error> {
    let number = if output.is_quantized() {
        Finish::new(output, None).apply(value / scale(output)) as f32
    } else {
        value
    };
    let data = super::convert::cast(output.dtype, &Data::F32(vec![number]));
    T::slice(&data)
        .and_then(|v| v.first().copied())
        .ok_or_else(|| Error::new(crate::ErrorKind::Type, "a border of another type"))
}
