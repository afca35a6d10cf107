//! Gathering and scattering by indices that are computed at run time.

use super::Call;
use super::element::{Element, elements, for_type};
use super::gather::{index, whole_numbers};
use super::movement::{pick, walk};
use crate::error::{Error, ErrorKind};
use crate::op::Scatter;
use crate::tensor::Data;
use crate::types::strides;

fn outside(i: i64, size: usize) -> Error {
    let message = format!("index {i} is outside an axis of {size}");
    Error::new(ErrorKind::Invalid, message)
}

/// For each index, the place in data of shape `data` that it names along `axis`.
fn places(axis: usize, data: &[usize], by: &[usize], indices: &[i64]) -> Result<Vec<usize>, Error> {
    let own = strides(data);
    let step: Vec<isize> = (0..data.len())
        .map(|i| if i == axis { 0 } else { own[i] as isize })
        .collect();
    if indices.is_empty() {
        return Ok(Vec::new());
    }
    let ahead = walk(by, &step, 0);
    let found = ahead.into_iter().zip(indices).map(|(at, &i)| {
        let k = index(i, data[axis]).ok_or_else(|| outside(i, data[axis]))?;
        Ok(at + k * own[axis])
    });
    found.collect()
}

pub(super) fn gather_elements(axis: usize, call: &Call<'_>) -> Result<Data, Error> {
    let by = call.inputs[1];
    let places = places(axis, call.x().shape(), by.shape(), &whole_numbers(by)?)?;
    pick(call, &places)
}

/// For each index tuple, where the slice that it names begins, and how long slices are.
fn slices(
    batch: usize,
    data: &[usize],
    by: &[usize],
    indices: &[i64],
) -> Result<(Vec<usize>, usize), Error> {
    let n = by.last().copied().unwrap_or(0);
    let own = strides(data);
    let run: usize = data[batch + n..].iter().product();
    let per_batch: usize = by[batch..by.len() - 1].iter().product();
    let area: usize = data[batch..].iter().product();
    let starts = indices.chunks(n.max(1)).enumerate().map(|(t, tuple)| {
        let mut at = t / per_batch.max(1) * area;
        for (k, &i) in tuple.iter().enumerate() {
            let axis = batch + k;
            let i = index(i, data[axis]).ok_or_else(|| outside(i, data[axis]))?;
            at += i * own[axis];
        }
        Ok(at)
    });
    Ok((starts.collect::<Result<_, Error>>()?, run))
}

pub(super) fn gather_nd(batch: usize, call: &Call<'_>) -> Result<Data, Error> {
    let by = call.inputs[1];
    let (starts, run) = slices(batch, call.x().shape(), by.shape(), &whole_numbers(by)?)?;
    let sources: Vec<usize> = starts.into_iter().flat_map(|at| at..at + run).collect();
    pick(call, &sources)
}

pub(super) fn scatter_elements(axis: usize, mode: Scatter, call: &Call<'_>) -> Result<Data, Error> {
    let by = call.inputs[1];
    let places = places(axis, call.x().shape(), by.shape(), &whole_numbers(by)?)?;
    put(mode, call, &places)
}

pub(super) fn scatter_nd(mode: Scatter, call: &Call<'_>) -> Result<Data, Error> {
    let by = call.inputs[1];
    let (starts, run) = slices(0, call.x().shape(), by.shape(), &whole_numbers(by)?)?;
    let places: Vec<usize> = starts.into_iter().flat_map(|at| at..at + run).collect();
    put(mode, call, &places)
}

/// The data with each update put to its place, in order.
fn put(mode: Scatter, call: &Call<'_>, places: &[usize]) -> Result<Data, Error> {
    let updates = call.inputs[2];
    match (mode, call.x().data()) {
        (Scatter::Replace, _) => for_type!(call.x().dtype(), T => {
            let mut y = elements::<T>(call.x())?.to_vec();
            for (&at, &v) in places.iter().zip(elements::<T>(updates)?) {
                y[at] = v;
            }
            Ok(T::wrap(y))
        }),
        (_, Data::F32(x)) => Ok(Data::F32(joined(
            x,
            places,
            elements(updates)?,
            |a, b| match mode {
                Scatter::Add => a + b,
                Scatter::Mul => a * b,
                Scatter::Max => redpoll_kernels::math::max(a, b),
                _ => redpoll_kernels::math::min(a, b),
            },
        ))),
        (_, Data::I32(x)) => Ok(Data::I32(joined(
            x,
            places,
            elements(updates)?,
            |a: i32, b| match mode {
                Scatter::Add => a.wrapping_add(b),
                Scatter::Mul => a.wrapping_mul(b),
                Scatter::Max => a.max(b),
                _ => a.min(b),
            },
        ))),
        (_, Data::I64(x)) => Ok(Data::I64(joined(
            x,
            places,
            elements(updates)?,
            |a: i64, b| match mode {
                Scatter::Add => a.wrapping_add(b),
                Scatter::Mul => a.wrapping_mul(b),
                Scatter::Max => a.max(b),
                _ => a.min(b),
            },
        ))),
        _ => Err(Error::new(
            ErrorKind::Type,
            "arithmetic on elements of this type",
        )),
    }
}

fn joined<T: Copy>(x: &[T], places: &[usize], updates: &[T], join: impl Fn(T, T) -> T) -> Vec<T> {
    let mut y = x.to_vec();
    for (&at, &v) in places.iter().zip(updates) {
        y[at] = join(y[at], v);
    }
    y
}
