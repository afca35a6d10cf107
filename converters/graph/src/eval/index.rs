//! Operators that choose and order elements along an axis.

use std::cmp::Ordering;

use super::Call;
use super::element::{Element, elements, for_type};
use super::movement::broadcast_offsets;
use crate::error::{Error, ErrorKind};
use crate::op::{ArgReduce, Cumulate, ReduceKind, SparseRows, TopK};
use crate::tensor::Data;

/// `[outer, size, inner]` around an axis.
fn around(shape: &[usize], axis: usize) -> (usize, usize, usize) {
    (
        shape[..axis].iter().product(),
        shape[axis],
        shape[axis + 1..].iter().product(),
    )
}

pub(super) fn select(call: &Call<'_>) -> Result<Data, Error> {
    let of = |i: usize| broadcast_offsets(call.inputs[i].shape(), &call.output.shape);
    let (at_c, at_a, at_b) = (of(0), of(1), of(2));
    let condition: &[bool] = elements(call.inputs[0])?;
    for_type!(call.output.dtype, T => {
        let (a, b) = (elements::<T>(call.inputs[1])?, elements::<T>(call.inputs[2])?);
        let y = (0..call.output.len()).map(|i| {
            if condition[at_c[i]] { a[at_a[i]] } else { b[at_b[i]] }
        });
        Ok(T::wrap(y.collect()))
    })
}

pub(super) fn arg_reduce(a: &ArgReduce, call: &Call<'_>) -> Result<Data, Error> {
    for_type!(call.x().dtype(), T => {
        let x = elements::<T>(call.x())?;
        Ok(Data::I64(places(a, x, call.x().shape())))
    })
}

fn places<T: PartialOrd + Copy>(a: &ArgReduce, x: &[T], shape: &[usize]) -> Vec<i64> {
    let (outer, size, inner) = around(shape, a.axis);
    let mut y = Vec::with_capacity(outer * inner);
    for o in 0..outer {
        for i in 0..inner {
            let at = |k: usize| x[(o * size + k) * inner + i];
            let mut best = 0;
            for k in 1..size {
                let (new, old) = (at(k), at(best));
                let better = if a.least { new < old } else { new > old };
                if better || (a.last && new == old) {
                    best = k;
                }
            }
            y.push(best as i64);
        }
    }
    y
}

pub(super) fn cumulate(c: &Cumulate, call: &Call<'_>) -> Result<Data, Error> {
    let shape = call.x().shape();
    let product = c.kind == ReduceKind::Prod;
    match call.x().data() {
        Data::F32(x) => Ok(Data::F32(walk(c, x, shape, (0.0, 1.0), |a, b| {
            if product { a * b } else { a + b }
        }))),
        Data::I32(x) => Ok(Data::I32(walk(c, x, shape, (0, 1), |a, b| {
            if product {
                a.wrapping_mul(b)
            } else {
                a.wrapping_add(b)
            }
        }))),
        Data::I64(x) => Ok(Data::I64(walk(c, x, shape, (0, 1), |a, b| {
            if product {
                a.wrapping_mul(b)
            } else {
                a.wrapping_add(b)
            }
        }))),
        _ => Err(Error::new(ErrorKind::Type, "sums of elements of this type")),
    }
}

/// Running results along the axis; the sum starts at the first of `start`, the product at the second.
fn walk<T: Copy>(
    c: &Cumulate,
    x: &[T],
    shape: &[usize],
    start: (T, T),
    join: impl Fn(T, T) -> T,
) -> Vec<T> {
    let (outer, size, inner) = around(shape, c.axis);
    let mut y = x.to_vec();
    for o in 0..outer {
        for i in 0..inner {
            let mut sum = if c.kind == ReduceKind::Prod {
                start.1
            } else {
                start.0
            };
            for k in 0..size {
                let k = if c.reverse { size - 1 - k } else { k };
                let at = (o * size + k) * inner + i;
                let with = join(sum, x[at]);
                y[at] = if c.exclusive { sum } else { with };
                sum = with;
            }
        }
    }
    y
}

/// The order of elements; NaN is greatest.
fn order<T: PartialOrd>(a: &T, b: &T) -> Ordering {
    a.partial_cmp(b).unwrap_or_else(|| {
        let is_nan = |v: &T| v.partial_cmp(v).is_none();
        is_nan(a).cmp(&is_nan(b))
    })
}

pub(super) fn top_k(t: &TopK, call: &Call<'_>) -> Result<Data, Error> {
    for_type!(call.x().dtype(), T => {
        let x = elements::<T>(call.x())?;
        let (outer, size, inner) = around(call.x().shape(), t.axis);
        let mut chosen = vec![0usize; outer * t.k * inner];
        for o in 0..outer {
            for i in 0..inner {
                let at = |k: usize| (o * size + k) * inner + i;
                let mut list: Vec<usize> = (0..size).collect();
                // Stable: of equal elements the first stays first.
                list.sort_by(|&a, &b| {
                    let up = order(&x[at(a)], &x[at(b)]);
                    if t.largest { up.reverse() } else { up }
                });
                for (r, &k) in list.iter().take(t.k).enumerate() {
                    chosen[(o * t.k + r) * inner + i] = if t.indices { k } else { at(k) };
                }
            }
        }
        Ok(if t.indices {
            Data::I64(chosen.into_iter().map(|k| k as i64).collect())
        } else {
            T::wrap(chosen.into_iter().map(|at| x[at]).collect())
        })
    })
}

pub(super) fn sparse_rows(s: &SparseRows, call: &Call<'_>) -> Result<Data, Error> {
    let x: &[f32] = elements(call.x())?;
    Ok(Data::F32(mapped(s, x, call.x().shape())))
}

/// A linear map along an axis of `x` of `shape`.
pub(super) fn mapped(s: &SparseRows, x: &[f32], shape: &[usize]) -> Vec<f32> {
    let (outer, size, inner) = around(shape, s.axis);
    let mut y = Vec::with_capacity(outer * s.rows() * inner);
    for o in 0..outer {
        for bounds in s.starts.windows(2) {
            let entries = bounds[0] as usize..bounds[1] as usize;
            for i in 0..inner {
                let at = |e: usize| (o * size + s.index[e] as usize) * inner + i;
                let term = |e: usize| s.weights[e] * x[at(e)];
                let sum = entries.clone().map(term).reduce(|sum, v| sum + v);
                y.push(sum.unwrap_or(0.0));
            }
        }
    }
    y
}
