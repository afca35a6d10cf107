//! Gathering and scattering by indices that are computed at run time.

use redpoll_plan::op::{GatherElements, GatherNd, ScatterElements, ScatterMode, ScatterNd};

use super::Offsets;
use crate::math;

/// An index outside its axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outside;

/// Numbers that scattering adds up and compares.
pub trait Number: Copy {
    /// What becomes of `self` by the update `v`.
    fn join(self, mode: ScatterMode, v: Self) -> Self;
}

impl Number for f32 {
    fn join(self, mode: ScatterMode, v: Self) -> Self {
        match mode {
            ScatterMode::Replace => v,
            ScatterMode::Add => self + v,
            ScatterMode::Mul => self * v,
            ScatterMode::Max => math::max(self, v),
            ScatterMode::Min => math::min(self, v),
        }
    }
}

macro_rules! whole {
    ($($t:ty),*) => {$(
        impl Number for $t {
            fn join(self, mode: ScatterMode, v: Self) -> Self {
                match mode {
                    ScatterMode::Replace => v,
                    ScatterMode::Add => self.wrapping_add(v),
                    ScatterMode::Mul => self.wrapping_mul(v),
                    ScatterMode::Max => self.max(v),
                    ScatterMode::Min => self.min(v),
                }
            }
        }
    )*};
}
whole!(i8, u8, i32, i64);

/// `i` as a place of `size`; a negative one counts from the end.
fn place<I: Copy + Into<i64>>(i: I, size: u32) -> Result<usize, Outside> {
    let (i, size): (i64, i64) = (i.into(), size.into());
    let i = if i < 0 { i + size } else { i };
    if (0..size).contains(&i) {
        Ok(i as usize)
    } else {
        Err(Outside)
    }
}

/// Slices of `inner` elements of `x [outer, size, inner]`.
///
/// # Errors
/// [`Outside`]; the result is then half made.
///
/// # Panics
/// If a slice is shorter than the sizes say.
pub fn gather<T: Copy, I: Copy + Into<i64>>(
    (outer, size, inner): (usize, u32, usize),
    indices: &[I],
    x: &[T],
    y: &mut [T],
) -> Result<(), Outside> {
    for o in 0..outer {
        for (r, &i) in indices.iter().enumerate() {
            let from = (o * size as usize + place(i, size)?) * inner;
            let to = (o * indices.len() + r) * inner;
            y[to..to + inner].copy_from_slice(&x[from..from + inner]);
        }
    }
    Ok(())
}

/// See [`GatherElements`].
///
/// # Errors
/// [`Outside`]; the result is then half made.
///
/// # Panics
/// If an offset leaves a slice.
pub fn gather_elements<T: Copy, I: Copy + Into<i64>>(
    p: &GatherElements,
    indices: &[I],
    x: &[T],
    y: &mut [T],
) -> Result<(), Outside> {
    let offsets = Offsets::new(&p.dims, [&p.x_strides]);
    for ((y, &i), [at]) in y.iter_mut().zip(indices).zip(offsets) {
        *y = x[at + place(i, p.size)? * p.axis_stride as usize];
    }
    Ok(())
}

/// Where the slice of a tuple begins.
fn begin<I: Copy + Into<i64>>(
    tuple: &[I],
    sizes: &[u32],
    strides: &[u32],
) -> Result<usize, Outside> {
    let mut at = 0;
    for ((&i, &size), &stride) in tuple.iter().zip(sizes).zip(strides) {
        at += place(i, size)? * stride as usize;
    }
    Ok(at)
}

/// See [`GatherNd`].
///
/// # Errors
/// [`Outside`]; the result is then half made.
///
/// # Panics
/// If an offset leaves a slice.
pub fn gather_nd<T: Copy, I: Copy + Into<i64>>(
    p: &GatherNd,
    indices: &[I],
    x: &[T],
    y: &mut [T],
) -> Result<(), Outside> {
    let run = p.run as usize;
    let area = x.len() / (p.batches as usize).max(1);
    let tuples = indices.chunks_exact((p.depth as usize).max(1));
    for (n, (tuple, y)) in tuples.zip(y.chunks_exact_mut(run.max(1))).enumerate() {
        let batch = n / (p.tuples as usize).max(1);
        let at = batch * area + begin(tuple, &p.sizes, &p.strides)?;
        y.copy_from_slice(&x[at..at + run]);
    }
    Ok(())
}

/// See [`ScatterElements`]; `y` holds the data already.
///
/// # Errors
/// [`Outside`]; the result is then half made.
///
/// # Panics
/// If an offset leaves a slice.
pub fn scatter_elements<T: Number, I: Copy + Into<i64>>(
    p: &ScatterElements,
    indices: &[I],
    updates: &[T],
    y: &mut [T],
) -> Result<(), Outside> {
    let offsets = Offsets::new(&p.dims, [&p.y_strides]);
    for ((&v, &i), [at]) in updates.iter().zip(indices).zip(offsets) {
        let y = &mut y[at + place(i, p.size)? * p.axis_stride as usize];
        *y = y.join(p.mode, v);
    }
    Ok(())
}

/// See [`ScatterNd`]; `y` holds the data already.
///
/// # Errors
/// [`Outside`]; the result is then half made.
///
/// # Panics
/// If an offset leaves a slice.
pub fn scatter_nd<T: Number, I: Copy + Into<i64>>(
    p: &ScatterNd,
    indices: &[I],
    updates: &[T],
    y: &mut [T],
) -> Result<(), Outside> {
    let run = (p.run as usize).max(1);
    let tuples = indices.chunks_exact((p.depth as usize).max(1));
    for (tuple, updates) in tuples.zip(updates.chunks_exact(run)) {
        let at = begin(tuple, &p.sizes, &p.strides)?;
        for (y, &v) in y[at..at + run].iter_mut().zip(updates) {
            *y = y.join(p.mode, v);
        }
    }
    Ok(())
}
