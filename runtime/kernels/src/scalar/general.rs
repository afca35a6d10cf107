//! What models do besides heavy arithmetic: comparisons, whole numbers, choices, order, indices. One definition for all tiers.

mod choose;
mod convert;
mod index;
mod suppress;
mod whole;

pub use choose::{arg_reduce, cumulate, select, sparse_rows, top_k};
pub use convert::convert;
pub use index::{
    Number, Outside, gather, gather_elements, gather_nd, scatter_elements, scatter_nd,
};
pub use suppress::non_max_suppression;
pub use whole::{
    Impossible, Integer, compare, fmod_f32, logic, rare, reduce_whole, test, unary_whole, whole,
};

use redpoll_plan::op::{Dims, MAX_LOOP, Strides};

/// The offsets of `N` operands at each index of a loop, in order.
#[derive(Clone, Debug)]
pub struct Offsets<const N: usize> {
    dims: Dims,
    strides: [Strides; N],
    index: [u32; MAX_LOOP],
    at: [i64; N],
    left: u64,
}

impl<const N: usize> Offsets<N> {
    /// From the first index on.
    pub fn new(dims: &Dims, strides: [&Strides; N]) -> Self {
        Self {
            dims: *dims,
            strides: strides.map(|s| *s),
            index: [0; MAX_LOOP],
            at: [0; N],
            left: dims.iter().map(|&d| u64::from(d)).product(),
        }
    }
}

impl<const N: usize> Iterator for Offsets<N> {
    type Item = [usize; N];

    #[inline]
    fn next(&mut self) -> Option<[usize; N]> {
        self.left = self.left.checked_sub(1)?;
        let now = self.at.map(|at| at as usize);
        for axis in (0..MAX_LOOP).rev() {
            self.index[axis] += 1;
            for (at, strides) in self.at.iter_mut().zip(&self.strides) {
                *at += i64::from(strides[axis]);
            }
            if self.index[axis] < self.dims[axis] {
                break;
            }
            for (at, strides) in self.at.iter_mut().zip(&self.strides) {
                *at -= i64::from(strides[axis]) * i64::from(self.dims[axis]);
            }
            self.index[axis] = 0;
        }
        Some(now)
    }
}
