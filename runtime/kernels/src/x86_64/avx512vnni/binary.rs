//! Element-wise functions of two operands, where the innermost run is contiguous or repeats one element.

use super::epilogue::{Last, low_bits};
use crate::geometry::each_run;
use crate::params::{Finish, Source};
use crate::scalar;
use core::arch::x86_64::*;
use redpoll_plan::op::{self, Binary, Dims, MAX_LOOP, Strides};

/// An operand: where it starts, or null where it is the result's own buffer.
#[derive(Clone, Copy)]
struct Operand<T> {
    start: *const T,
    /// Elements; checked before each run.
    length: usize,
    /// Of the innermost run: 0 or 1.
    step: usize,
}

impl<T> Operand<T> {
    /// None if the innermost run is neither contiguous nor one element.
    fn new(source: Source<'_, T>, strides: &Strides) -> Option<Self> {
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
    fn run(&self, at: isize, run: usize, own: *const T) -> *const T {
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
fn runs<T>(
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

/// Bytes of a repeated run.
const REPEATED: usize = 1024;

/// [`runs`], except that many short runs of which one operand repeats the same (a vector of channels) become few long ones
/// over copies of it.
///
/// # Panics
/// If an operand or the result is shorter than the dimensions and strides say.
#[inline(always)]
fn each(
    dims: &Dims,
    strides: [&Strides; 2],
    operands: [Operand<i8>; 2],
    y: &mut [i8],
    mut f: impl FnMut([*const i8; 2], *mut i8, usize),
) {
    let (rows, run) = (dims[MAX_LOOP - 2] as usize, dims[MAX_LOOP - 1] as usize);
    let outer: u32 = dims[..MAX_LOOP - 2].iter().product();
    let step = |i: usize| (strides[i][MAX_LOOP - 2], operands[i].step);
    let whole = |i: usize| operands[i].start.is_null() || step(i) == (run as i32, 1);
    let same = |i: usize| !operands[i].start.is_null() && step(i) == (0, 1);
    let repeated = match (whole(0), same(1), whole(1), same(0)) {
        (true, true, _, _) => 1,
        (_, _, true, true) => 0,
        _ => return runs(dims, strides, operands, y, f),
    };
    if outer != 1 || run == 0 || run > REPEATED / 2 {
        return runs(dims, strides, operands, y, f);
    }
    let mut copies = [0i8; REPEATED];
    let from = operands[repeated].run(0, run, core::ptr::null());
    for copy in copies.chunks_exact_mut(run) {
        // SAFETY: a run of the operand.
        unsafe { core::ptr::copy_nonoverlapping(from, copy.as_mut_ptr(), run) };
    }
    let length = REPEATED / run * run;
    for (i, y) in y[..rows * run].chunks_mut(length).enumerate() {
        let at = i * length;
        let (to, length) = (y.as_mut_ptr(), y.len());
        let mut from = [copies.as_ptr(); 2];
        from[1 - repeated] = operands[1 - repeated].run(at as isize, length, to.cast_const());
        f(from, to, length);
    }
}

/// Sixteen int8 as i32: of a run, or one repeated.
///
/// # Safety
/// `from` is readable for the lanes of `mask`, or for one element if `step` is 0.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
unsafe fn widen(from: *const i8, step: usize, at: usize, mask: u16) -> __m512i {
    // SAFETY: as the caller promises; masked-off bytes are not read.
    unsafe {
        if step == 0 {
            _mm512_set1_epi32(i32::from(*from))
        } else {
            _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(mask, from.wrapping_add(at)))
        }
    }
}

/// See [`crate::scalar::binary::binary_i8`]: the same bits. Add, Sub and Mul here, the others by the definition.
///
/// # Safety
/// The CPU has the instructions.
///
/// # Panics
/// If a slice is shorter than the parameters say.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) unsafe fn binary_i8(
    p: &op::BinaryI8,
    a: Source<'_, i8>,
    b: Source<'_, i8>,
    y: &mut [i8],
) {
    let operands = (
        Operand::new(a, &p.a_strides),
        Operand::new(b, &p.b_strides),
        p.function,
    );
    let (Some(a), Some(b), Binary::Add | Binary::Sub | Binary::Mul) = operands else {
        return scalar::binary::binary_i8(p, a, b, y);
    };
    let last = Last::new(&Finish {
        y_zero: p.y_zero,
        lo: p.lo,
        hi: p.hi,
    });
    let zero = [p.a_zero, p.b_zero].map(|z| _mm512_set1_epi32(z));
    let scale = [p.a_scale, p.b_scale].map(|s| _mm512_set1_ps(s));
    let step = [a.step, b.step];
    let strides = [&p.a_strides, &p.b_strides];
    each(&p.dims, strides, [a, b], y, |from, y, length| {
        for start in (0..length).step_by(64) {
            let valid = low_bits(length - start);
            let mut q = [_mm512_setzero_si512(); 4];
            for (i, q) in q.iter_mut().enumerate() {
                let (at, mask) = (start + i * 16, (valid >> (i * 16)) as u16);
                // SAFETY: a run of both operands; lanes behind it are masked off.
                let a = unsafe { widen(from[0], step[0], at, mask) };
                // SAFETY: likewise.
                let b = unsafe { widen(from[1], step[1], at, mask) };
                let (a, b) = (_mm512_sub_epi32(a, zero[0]), _mm512_sub_epi32(b, zero[1]));
                let v = if p.function == Binary::Mul {
                    let product = _mm512_cvtepi32_ps(_mm512_mullo_epi32(a, b));
                    _mm512_mul_ps(product, scale[0])
                } else {
                    let a = _mm512_mul_ps(_mm512_cvtepi32_ps(a), scale[0]);
                    let b = _mm512_mul_ps(_mm512_cvtepi32_ps(b), scale[1]);
                    if p.function == Binary::Add {
                        _mm512_add_ps(a, b)
                    } else {
                        _mm512_sub_ps(a, b)
                    }
                };
                *q = last.rounded(v);
            }
            // SAFETY: a run of the result; bytes behind it are masked off.
            unsafe { _mm512_mask_storeu_epi8(y.wrapping_add(start), valid, last.pack(q)) };
        }
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
