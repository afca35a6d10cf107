//! Integer functions of two operands, element by element, where the innermost run is contiguous or repeats one element.
//!
//! Sixty-four elements at a time. `vpdpbusd` with weights of which one byte in four is 1 widens, flips the sign and takes the
//! zero point off at once: element `4 i + j` lands in lane `i` of register `j`; packing and a shuffle within lanes bring
//! the results back in order.
//!
//! ```text
//! r[j] = −128 − zero + Σ (x + 128) · [0 … 1 at j … 0] = x[4 i + j] − zero
//! ```

use super::binary::{Operand, runs};
use super::epilogue::{Last, low_bits};
use crate::params::{Finish, Source};
use crate::scalar;
use core::arch::x86_64::*;
use redpoll_plan::op::{self, Binary, Dims, MAX_LOOP, Strides};

/// Largest scale for which no result leaves the range of i32: a product has at most 16 bits.
const MOST_SCALE: f32 = 16384.0;

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

/// An operand on its way to float.
#[derive(Clone, Copy)]
struct Widen {
    /// −128 − zero point.
    start: __m512i,
    step: usize,
}

impl Widen {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn new(zero: i32, step: usize) -> Self {
        Self {
            start: _mm512_set1_epi32((-128i32).wrapping_sub(zero)),
            step,
        }
    }

    /// Elements of which `valid` says which exist, less the zero point: register `j` holds numbers 4 i + j.
    ///
    /// # Safety
    /// `from` is readable for the valid ones of `at..at + 64`, or for one element where it repeats.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    unsafe fn take<const WHOLE: bool>(self, from: *const i8, at: usize, valid: u64) -> [__m512; 4] {
        // SAFETY: as the caller promises; masked-off bytes are not read.
        let x = unsafe {
            match (self.step, WHOLE) {
                (0, _) => _mm512_set1_epi8(*from),
                (_, true) => _mm512_loadu_si512(from.wrapping_add(at).cast()),
                _ => _mm512_maskz_loadu_epi8(valid, from.wrapping_add(at)),
            }
        };
        let x = _mm512_xor_si512(x, _mm512_set1_epi8(i8::MIN));
        [1, 1 << 8, 1 << 16, 1 << 24].map(|one| {
            let n = _mm512_dpbusd_epi32(self.start, x, _mm512_set1_epi32(one));
            _mm512_cvtepi32_ps(n)
        })
    }
}

/// See [`crate::scalar::binary::binary_i8`]: the same bits. Add, Sub and Mul here, the others by the definition.
///
/// # Safety
/// The CPU has the instructions.
///
/// # Panics
/// If a slice is shorter than the parameters say.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
pub(super) unsafe fn binary_i8(
    p: &op::BinaryI8,
    a: Source<'_, i8>,
    b: Source<'_, i8>,
    y: &mut [i8],
) {
    let within = |scale: f32| scale.abs() <= MOST_SCALE;
    let operands = (
        Operand::new(a, &p.a_strides),
        Operand::new(b, &p.b_strides),
        within(p.a_scale) && within(p.b_scale),
    );
    // SAFETY: the CPU has the instructions.
    unsafe {
        match (p.function, operands) {
            (Binary::Add, (Some(a), Some(b), true)) => walk::<ADD>(p, a, b, y),
            (Binary::Sub, (Some(a), Some(b), true)) => walk::<SUB>(p, a, b, y),
            (Binary::Mul, (Some(a), Some(b), true)) => walk::<MUL>(p, a, b, y),
            _ => scalar::binary::binary_i8(p, a, b, y),
        }
    }
}

const ADD: u8 = 0;
const SUB: u8 = 1;
const MUL: u8 = 2;

/// One function of [`binary_i8`].
///
/// # Safety
/// As there.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn walk<const FUNCTION: u8>(p: &op::BinaryI8, a: Operand<i8>, b: Operand<i8>, y: &mut [i8]) {
    let last = Last::new(&Finish {
        y_zero: p.y_zero,
        lo: p.lo,
        hi: p.hi,
    });
    let scale = [p.a_scale, p.b_scale].map(|s| _mm512_set1_ps(s));
    let widen = [Widen::new(p.a_zero, a.step), Widen::new(p.b_zero, b.step)];
    let strides = [&p.a_strides, &p.b_strides];
    each(&p.dims, strides, [a, b], y, |from, y, length| {
        // SAFETY: a run of both operands and of the result.
        unsafe {
            let whole = length / 64 * 64;
            for at in (0..whole).step_by(64) {
                let q = finished::<FUNCTION, true>(&last, widen, scale, from, at, !0);
                _mm512_storeu_si512(y.wrapping_add(at).cast(), q);
            }
            if whole < length {
                let valid = low_bits(length - whole);
                let q = finished::<FUNCTION, false>(&last, widen, scale, from, whole, valid);
                _mm512_mask_storeu_epi8(y.wrapping_add(whole), valid, q);
            }
        }
    });
}

/// The results of 64 elements.
///
/// # Safety
/// As for [`Widen::take`], of both operands.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn finished<const FUNCTION: u8, const WHOLE: bool>(
    last: &Last,
    widen: [Widen; 2],
    scale: [__m512; 2],
    from: [*const i8; 2],
    at: usize,
    valid: u64,
) -> __m512i {
    // SAFETY: as the caller promises.
    let (a, b) = unsafe {
        let a = widen[0].take::<WHOLE>(from[0], at, valid);
        (a, widen[1].take::<WHOLE>(from[1], at, valid))
    };
    let mut q = [_mm512_setzero_si512(); 4];
    for (q, (&a, &b)) in q.iter_mut().zip(a.iter().zip(&b)) {
        let v = match FUNCTION {
            ADD => _mm512_add_ps(_mm512_mul_ps(a, scale[0]), _mm512_mul_ps(b, scale[1])),
            SUB => _mm512_sub_ps(_mm512_mul_ps(a, scale[0]), _mm512_mul_ps(b, scale[1])),
            // The product of two numbers of nine bits is exact.
            _ => _mm512_mul_ps(_mm512_mul_ps(a, b), scale[0]),
        };
        *q = _mm512_cvtps_epi32(v);
    }
    // Lanes hold four results of each register; in order they are one of each in turn.
    let order = _mm512_set4_epi32(0x0f0b_0703, 0x0e0a_0602, 0x0d09_0501, 0x0c08_0400);
    _mm512_shuffle_epi8(last.pack_lanes_within(q), order)
}
