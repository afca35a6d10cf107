//! Reductions and softmax, float and integer.

use redpoll_kernels::math::exp;
use redpoll_kernels::reduce::sum;

use super::Call;
use super::element::{Element, elements, integers, pack};
use super::movement::walk;
use super::quantized::{Finish, scale, zero};
use crate::error::{Error, ErrorKind};
use crate::op::ReduceKind;
use crate::tensor::Data;
use crate::types::{DType, strides};

pub(super) fn reduce(kind: ReduceKind, axes: &[usize], call: &Call<'_>) -> Result<Data, Error> {
    let sets = Sets::new(call.x().shape(), axes);
    if call.is_integer() {
        return quantized(kind, &sets, call);
    }
    match call.x().dtype() {
        DType::F32 => {
            let x: &[f32] = elements(call.x())?;
            Ok(Data::F32(sets.map(x, |v| float(kind, sets.inner, v))))
        }
        DType::I32 => {
            let x: &[i32] = elements(call.x())?;
            let wide: Vec<i64> = x.iter().map(|&v| v.into()).collect();
            let y = sets.map(&wide, |v| whole(kind, v));
            Ok(Data::I32(y.into_iter().map(|v| v as i32).collect()))
        }
        DType::I64 => Ok(Data::I64(
            sets.map(elements::<i64>(call.x())?, |v| whole(kind, v)),
        )),
        _ => Err(Error::new(
            ErrorKind::Type,
            "a reduction of 8-bit data without scale",
        )),
    }
}

/// The elements that each result is made of.
struct Sets {
    /// Where each result's first element lies.
    starts: Vec<usize>,
    /// The distances of its elements from there, in row-major order.
    steps: Vec<usize>,
    /// Elements of the axes after the last reduced one.
    inner: usize,
}

impl Sets {
    fn new(shape: &[usize], axes: &[usize]) -> Self {
        let strides: Vec<isize> = strides(shape).iter().map(|&s| s as isize).collect();
        let offsets = |reduced: bool| {
            let chosen = (0..shape.len()).filter(|i| axes.contains(i) == reduced);
            let (sizes, strides): (Vec<_>, Vec<_>) = chosen.map(|i| (shape[i], strides[i])).unzip();
            walk(&sizes, &strides, 0)
        };
        let last = axes.last().map_or(shape.len(), |&a| a + 1);
        Self {
            starts: offsets(false),
            steps: offsets(true),
            inner: shape[last..].iter().product(),
        }
    }

    fn map<T: Copy, U>(&self, x: &[T], mut f: impl FnMut(&[T]) -> U) -> Vec<U> {
        let mut set = Vec::with_capacity(self.steps.len());
        let results = self.starts.iter().map(|start| {
            set.clear();
            set.extend(self.steps.iter().map(|step| x[start + step]));
            f(&set)
        });
        results.collect()
    }
}

/// With nothing after the reduced axes, sums run over the fixed tree of 16 lanes; otherwise in order. Maxima and
/// minima pass over NaN.
fn float(kind: ReduceKind, inner: usize, v: &[f32]) -> f32 {
    let total = || {
        if inner == 1 {
            sum(v)
        } else {
            v.iter().fold(0.0, |sum, x| sum + x)
        }
    };
    match kind {
        ReduceKind::Sum => total(),
        ReduceKind::Mean => total() / v.len() as f32,
        ReduceKind::Max => maximum(v),
        ReduceKind::Min => v
            .iter()
            .fold(f32::INFINITY, |m, &x| if x < m { x } else { m }),
        ReduceKind::Prod => v.iter().fold(1.0, |p, x| p * x),
    }
}

/// The largest; NaN is passed over.
fn maximum(v: &[f32]) -> f32 {
    v.iter()
        .fold(f32::NEG_INFINITY, |m, &x| if x > m { x } else { m })
}

fn whole(kind: ReduceKind, v: &[i64]) -> i64 {
    let sum = || v.iter().fold(0i64, |sum, &x| sum.wrapping_add(x));
    match kind {
        ReduceKind::Sum => sum(),
        ReduceKind::Mean => sum() / v.len().max(1) as i64,
        ReduceKind::Max => v.iter().copied().max().unwrap_or(0),
        ReduceKind::Min => v.iter().copied().min().unwrap_or(0),
        ReduceKind::Prod => v.iter().fold(1i64, |p, &x| p.wrapping_mul(x)),
    }
}

fn quantized(kind: ReduceKind, sets: &Sets, call: &Call<'_>) -> Result<Data, Error> {
    let zero = zero(call.values[0]);
    let ratio = scale(call.values[0]) / scale(call.output);
    let finish = Finish::new(call.output, None);
    let y = sets.map(&integers(call.x())?, |v| {
        let sum = || v.iter().map(|q| q - zero).sum::<i32>() as f32;
        match kind {
            ReduceKind::Sum => finish.apply(sum() * ratio),
            ReduceKind::Mean => finish.apply(sum() * (ratio / v.len() as f32)),
            ReduceKind::Max => v.iter().copied().max().unwrap_or(zero),
            // A product has no integer formula: shape inference refuses it.
            ReduceKind::Min | ReduceKind::Prod => v.iter().copied().min().unwrap_or(zero),
        }
    });
    pack(call.output.dtype, y)
}

/// Over rows along `axis`: `e = exp(x − max)`, `y = e / Σ e`, the sum over the tree of 16 lanes.
pub(super) fn softmax(axis: usize, call: &Call<'_>) -> Result<Data, Error> {
    let sets = Sets::new(call.x().shape(), &[axis]);
    if !call.is_integer() {
        let x: &[f32] = elements(call.x())?;
        let rows = sets.map(x, |v| {
            let max = maximum(v);
            normalised(v.iter().map(|x| x - max))
        });
        return Ok(f32::wrap(scattered(&sets, rows)));
    }
    let (s_x, s_y) = (scale(call.values[0]), scale(call.output));
    let finish = Finish::new(call.output, None);
    let rows = sets.map(&integers(call.x())?, |v| {
        let max = v.iter().copied().max().unwrap_or(0);
        let shares = normalised(v.iter().map(|q| (q - max) as f32 * s_x));
        shares.into_iter().map(|p| finish.apply(p / s_y)).collect()
    });
    pack(call.output.dtype, scattered(&sets, rows))
}

fn normalised(x: impl Iterator<Item = f32>) -> Vec<f32> {
    let e: Vec<f32> = x.map(exp).collect();
    let sum = sum(&e);
    e.into_iter().map(|e| e / sum).collect()
}

/// Puts the elements of each set back to where they came from.
fn scattered<T: Copy + Default>(sets: &Sets, rows: Vec<Vec<T>>) -> Vec<T> {
    let mut y = vec![T::default(); sets.starts.len() * sets.steps.len()];
    for (start, row) in sets.starts.iter().zip(rows) {
        for (step, v) in sets.steps.iter().zip(row) {
            y[start + step] = v;
        }
    }
    y
}
