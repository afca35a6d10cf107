//! Float functions of two operands, element by element, where the innermost run is contiguous or repeats one element.

use super::epilogue::low_bits;
use crate::geometry::each_run;
use crate::params::Source;
use crate::scalar;
use core::arch::x86_64::*;
use redpoll_plan::op::{self, Binary, Dims, MAX_LOOP, Strides};

/// An operand: where it starts, or null where it is the result's own buffer.
#[derive(Clone, Copy)]
pub(super) struct Operand<T> {
    pub(super) start: *const T,
    /// Elements; checked before each run.
    length: usize,
    /// Of the innermost run: 0 or 1.
    pub(super) step: usize,
}

impl<T> Operand<T> {
    /// None if the innermost run is neither contiguous nor one element.
    pub(super) fn new(source: Source<'_, T>, strides: &Strides) -> Option<Self> {
        match (source, strides[MAX_LOOP - 1]) {
            (Source::InPlace, _) => Some(Self {
                start: core::ptr::null(),
                length: 0,
                step: 1,
            }),
            (Source::Slice(s), step @ 0..=1) => Some(Self {
                start: s.as_ptr(),
                length: s.len(),
                step: step as usize,
            }),
            _ => None,
        }
    }

    /// Pointer to a run of `run` elements at `at`, or to the result `own`.
    ///
    /// # Panics
    /// If the run is not inside the operand.
    pub(super) fn run(&self, at: isize, run: usize, own: *const T) -> *const T {
        if self.start.is_null() {
            return own;
        }
        let last = (run.max(1) - 1) * self.step;
        assert!(at >= 0 && (at as usize) < self.length && last < self.length - at as usize);
        self.start.wrapping_add(at as usize)
    }
}

/// Calls `f` with pointers to both operands, the result and its length for every run.
///
/// # Panics
/// If an operand or the result is shorter than the dimensions and strides say.
#[inline(always)]
pub(super) fn runs<T>(
    dims: &Dims,
    strides: [&Strides; 2],
    operands: [Operand<T>; 2],
    y: &mut [T],
    mut f: impl FnMut([*const T; 2], *mut T, usize),
) {
    let run = dims[MAX_LOOP - 1] as usize;
    let mut done = 0;
    each_run(dims, strides, [0, 0], |at| {
        let y = y[done..done + run].as_mut_ptr();
        let from = [0, 1].map(|i| operands[i].run(at[i], run, y.cast_const()));
        f(from, y, run);
        done += run;
    });
}

/// Sixteen f32: of a run, or one repeated.
///
/// # Safety
/// `from` is readable for the lanes of `mask`, or for one element if `step` is 0.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn load(from: *const f32, step: usize, at: usize, mask: u16) -> __m512 {
    // SAFETY: as the caller promises; masked-off lanes are not read.
    unsafe {
        if step == 0 {
            _mm512_set1_ps(*from)
        } else {
            _mm512_maskz_loadu_ps(mask, from.wrapping_add(at))
        }
    }
}

/// See [`crate::scalar::binary::binary_f32`]: the same bits. Add, Sub, Mul and Div here, the others by the definition.
///
/// # Safety
/// The CPU has the instructions.
///
/// # Panics
/// If a slice is shorter than the parameters say.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) unsafe fn binary_f32(
    p: &op::BinaryF32,
    a: Source<'_, f32>,
    b: Source<'_, f32>,
    y: &mut [f32],
) {
    let operands = (
        Operand::new(a, &p.a_strides),
        Operand::new(b, &p.b_strides),
        p.function,
    );
    let (Some(a), Some(b), Binary::Add | Binary::Sub | Binary::Mul | Binary::Div) = operands else {
        return scalar::binary::binary_f32(p, a, b, y);
    };
    let (lo, hi) = (_mm512_set1_ps(p.lo), _mm512_set1_ps(p.hi));
    let step = [a.step, b.step];
    let strides = [&p.a_strides, &p.b_strides];
    runs(&p.dims, strides, [a, b], y, |from, y, length| {
        for at in (0..length).step_by(16) {
            let mask = low_bits((length - at).min(16)) as u16;
            // SAFETY: a run of both operands; lanes behind it are masked off.
            let a = unsafe { load(from[0], step[0], at, mask) };
            // SAFETY: likewise.
            let b = unsafe { load(from[1], step[1], at, mask) };
            let v = match p.function {
                Binary::Add => _mm512_add_ps(a, b),
                Binary::Sub => _mm512_sub_ps(a, b),
                Binary::Mul => _mm512_mul_ps(a, b),
                _ => _mm512_div_ps(a, b),
            };
            // The second operand is the result where they are equal or one is NaN: NaN and −0.0 pass.
            let v = _mm512_min_ps(hi, _mm512_max_ps(lo, v));
            // SAFETY: a run of the result; lanes behind it are masked off.
            unsafe { _mm512_mask_storeu_ps(y.wrapping_add(at), mask, v) };
        }
    });
}
