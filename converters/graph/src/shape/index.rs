//! Shapes of operators that choose, order, gather and scatter elements by index.

use super::{Inferred, broadcast, check_axis, float_only, shape_error, type_error};
use crate::error::{Error, ErrorKind};
use crate::graph::Value;
use crate::op::{ArgReduce, Cumulate, NonMaxSuppression, ReduceKind, Scatter, SparseRows, TopK};
use crate::types::DType;

/// Refuses quantised data: these operators compute on values as they are.
fn plain(op: &str, value: &Value) -> Result<(), Error> {
    if value.qparams.is_none() {
        return Ok(());
    }
    let message = format!(
        "{op} of the quantised \"{}\": dequantise it first",
        value.name
    );
    Err(Error::new(ErrorKind::Unsupported, message))
}

fn same_type(op: &str, a: &Value, b: &Value) -> Result<(), Error> {
    plain(op, a)?;
    plain(op, b)?;
    if a.dtype == b.dtype {
        return Ok(());
    }
    Err(type_error(format!(
        "{op} of {} \"{}\" and {} \"{}\"",
        a.dtype, a.name, b.dtype, b.name
    )))
}

fn indices(op: &str, value: &Value) -> Result<(), Error> {
    if matches!(value.dtype, DType::I32 | DType::I64) {
        return Ok(());
    }
    Err(type_error(format!(
        "{op} by indices of type {}, not i32 or i64",
        value.dtype
    )))
}

pub(super) fn select(values: &[&Value]) -> Result<Inferred, Error> {
    let (condition, a, b) = (values[0], values[1], values[2]);
    same_type("Select", a, b)?;
    if condition.dtype != DType::Bool {
        return Err(type_error(format!(
            "the condition \"{}\" is {}, not bool",
            condition.name, condition.dtype
        )));
    }
    let shape = broadcast(&broadcast(&condition.shape, &a.shape)?, &b.shape)?;
    Ok((a.dtype, shape))
}

pub(super) fn arg_reduce(a: &ArgReduce, x: &Value) -> Result<Inferred, Error> {
    plain("ArgMax", x)?;
    check_axis(a.axis, x)?;
    if x.shape[a.axis] == 0 {
        return Err(shape_error("ArgMax over no elements"));
    }
    let mut shape = x.shape.clone();
    shape[a.axis] = 1;
    Ok((DType::I64, shape))
}

pub(super) fn cumulate(c: &Cumulate, x: &Value) -> Result<Inferred, Error> {
    let known = matches!(c.kind, ReduceKind::Sum | ReduceKind::Prod);
    if !known || !matches!(x.dtype, DType::F32 | DType::I32 | DType::I64) {
        return Err(type_error(format!(
            "{:?} along an axis of {}",
            c.kind, x.dtype
        )));
    }
    check_axis(c.axis, x)?;
    Ok((x.dtype, x.shape.clone()))
}

pub(super) fn top_k(t: &TopK, x: &Value) -> Result<Inferred, Error> {
    plain("TopK", x)?;
    check_axis(t.axis, x)?;
    if t.k > x.shape[t.axis] {
        return Err(shape_error(format!(
            "the {} first of {} elements",
            t.k, x.shape[t.axis]
        )));
    }
    let mut shape = x.shape.clone();
    shape[t.axis] = t.k;
    Ok((if t.indices { DType::I64 } else { x.dtype }, shape))
}

pub(super) fn non_max_suppression(
    n: &NonMaxSuppression,
    boxes: &Value,
    scores: &Value,
) -> Result<Inferred, Error> {
    float_only("NonMaxSuppression", boxes)?;
    float_only("NonMaxSuppression", scores)?;
    if n.iou.is_nan() || n.score.is_nan() {
        return Err(shape_error("a threshold is no number"));
    }
    let (&[images, count, 4], &[same, classes, scored]) = (&boxes.shape[..], &scores.shape[..])
    else {
        return Err(shape_error(format!(
            "boxes {:?} and scores {:?} are not [B, N, 4] and [B, C, N]",
            boxes.shape, scores.shape
        )));
    };
    if images != same || count != scored || n.per_class > count || n.per_class == 0 {
        return Err(shape_error(format!(
            "{} boxes a class of boxes {:?} and scores {:?}",
            n.per_class, boxes.shape, scores.shape
        )));
    }
    let rows = images
        .checked_mul(classes)
        .and_then(|r| r.checked_mul(n.per_class)?.checked_add(1))
        .ok_or_else(|| shape_error("the result is too large"))?;
    Ok((DType::I64, vec![rows, 3]))
}

/// Indices of `by` stay within `data` on all axes but `axis`.
fn elements_fit(axis: usize, data: &Value, by: &Value) -> Result<(), Error> {
    check_axis(axis, data)?;
    let fits = data.shape.len() == by.shape.len()
        && (0..data.shape.len()).all(|i| i == axis || by.shape[i] <= data.shape[i])
        && (data.shape[axis] > 0 || by.is_empty());
    if fits {
        return Ok(());
    }
    Err(shape_error(format!(
        "indices {:?} along axis {axis} of {:?}",
        by.shape, data.shape
    )))
}

pub(super) fn gather_elements(axis: usize, data: &Value, by: &Value) -> Result<Inferred, Error> {
    plain("GatherElements", data)?;
    indices("GatherElements", by)?;
    elements_fit(axis, data, by)?;
    Ok((data.dtype, by.shape.clone()))
}

/// The number of axes that an index tuple covers; `batch` axes are shared ahead of them.
fn tuple(batch: usize, data: &Value, by: &Value) -> Result<usize, Error> {
    let n = by.shape.last().copied().unwrap_or(0);
    let covered = batch.saturating_add(n);
    let fits = n >= 1
        && batch < by.shape.len()
        && covered <= data.shape.len()
        && data.shape[..batch] == by.shape[..batch]
        && (by.is_empty() || !data.shape[batch..covered].contains(&0));
    if fits {
        return Ok(n);
    }
    Err(shape_error(format!(
        "indices {:?} into {:?} with {batch} shared axes",
        by.shape, data.shape
    )))
}

pub(super) fn gather_nd(batch: usize, data: &Value, by: &Value) -> Result<Inferred, Error> {
    plain("GatherNd", data)?;
    indices("GatherNd", by)?;
    let n = tuple(batch, data, by)?;
    let mut shape = by.shape[..by.shape.len() - 1].to_vec();
    shape.extend(&data.shape[batch + n..]);
    Ok((data.dtype, shape))
}

fn scatter_types(op: &str, mode: Scatter, values: &[&Value]) -> Result<(), Error> {
    same_type(op, values[0], values[2])?;
    indices(op, values[1])?;
    let numbers = matches!(values[0].dtype, DType::F32 | DType::I32 | DType::I64);
    if mode == Scatter::Replace || numbers {
        return Ok(());
    }
    Err(type_error(format!(
        "{op} with {mode:?} of {}",
        values[0].dtype
    )))
}

pub(super) fn scatter_elements(
    axis: usize,
    mode: Scatter,
    values: &[&Value],
) -> Result<Inferred, Error> {
    let (data, by, updates) = (values[0], values[1], values[2]);
    scatter_types("ScatterElements", mode, values)?;
    elements_fit(axis, data, by)?;
    if updates.shape != by.shape {
        return Err(shape_error(format!(
            "updates {:?} for indices {:?}",
            updates.shape, by.shape
        )));
    }
    Ok((data.dtype, data.shape.clone()))
}

pub(super) fn scatter_nd(mode: Scatter, values: &[&Value]) -> Result<Inferred, Error> {
    let (data, by, updates) = (values[0], values[1], values[2]);
    scatter_types("ScatterNd", mode, values)?;
    let n = tuple(0, data, by)?;
    let lead = &by.shape[..by.shape.len() - 1];
    if updates.shape != [lead, &data.shape[n..]].concat() {
        return Err(shape_error(format!(
            "updates {:?} for indices {:?} into {:?}",
            updates.shape, by.shape, data.shape
        )));
    }
    Ok((data.dtype, data.shape.clone()))
}

pub(super) fn sparse_rows(s: &SparseRows, x: &Value) -> Result<Inferred, Error> {
    float_only("SparseRows", x)?;
    check_axis(s.axis, x)?;
    let size = x.shape[s.axis];
    let entries = s.index.len();
    let sound = s.starts.first() == Some(&0)
        && s.starts.is_sorted()
        && s.starts.last().is_some_and(|&n| n as usize == entries)
        && s.weights.len() == entries
        && s.index.iter().all(|&i| (i as usize) < size);
    if !sound {
        return Err(shape_error(format!(
            "the rows of a linear map do not fit an axis of {size}"
        )));
    }
    let mut shape = x.shape.clone();
    shape[s.axis] = s.rows();
    Ok((x.dtype, shape))
}
