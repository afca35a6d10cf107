//! Float functions of one operand, and softmax: the steps of [`crate::math`] on 16 elements at a time.
//!
//! The definition's steps, one instruction each, none fused that it does not fuse. Two are written otherwise and give the
//! same bits:
//!
//! - `· 2ⁿ` in two exact factors is `vscalefps`: one rounding, of results below 2⁻¹²⁶ only, in both.
//! - `x / 6` of the hard swish is a product with the rounded reciprocal and one correction by fused multiply-add, where
//!   |x| ≤ 4: equal for every such x (tested with all of them). Beyond, the clamp hides the quotient.

use crate::math::{
    EXP_HI, EXP_LO, EXP_POLY, EXPM1_SMALL, LN2_HIGH, LN2_LOW, LOG2_E, MAGIC, TANH_POLY, TANH_SMALL,
};
use crate::params::Source;
use crate::x86_64::avx2::again;
use core::arch::x86_64::*;
use redpoll_plan::op::Unary;

/// Lanes in use of the last register of `length` elements left.
#[inline(always)]
fn lanes(left: usize) -> __mmask16 {
    if left >= 16 { 0xffff } else { (1 << left) - 1 }
}

/// `x < lo ? lo : x > hi ? hi : x`: the second operand is the result where they are equal or one is NaN.
#[inline]
#[target_feature(enable = "avx512f")]
fn clamp(x: __m512, lo: f32, hi: f32) -> __m512 {
    _mm512_min_ps(_mm512_set1_ps(hi), _mm512_max_ps(_mm512_set1_ps(lo), x))
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn abs(x: __m512) -> __m512 {
    _mm512_andnot_ps(_mm512_set1_ps(-0.0), x)
}

/// `c[0] + c[1] · x + …` by Horner, unfused.
#[inline]
#[target_feature(enable = "avx512f")]
fn horner(c: &[f32; 6], x: __m512) -> __m512 {
    let mut v = _mm512_set1_ps(c[5]);
    for &c in c[..5].iter().rev() {
        v = _mm512_add_ps(_mm512_mul_ps(v, x), _mm512_set1_ps(c));
    }
    v
}

#[inline]
#[target_feature(enable = "avx512f")]
fn exp_reduced(r: __m512) -> __m512 {
    let p = _mm512_mul_ps(horner(&EXP_POLY, r), _mm512_mul_ps(r, r));
    _mm512_add_ps(p, r)
}

/// See [`crate::math::exp`].
#[inline]
#[target_feature(enable = "avx512f")]
fn exp(x: __m512) -> __m512 {
    let x = clamp(x, EXP_LO, EXP_HI);
    let magic = _mm512_set1_ps(MAGIC);
    let shifted = _mm512_add_ps(_mm512_mul_ps(x, _mm512_set1_ps(LOG2_E)), magic);
    let n = _mm512_sub_ps(shifted, magic);
    let r = _mm512_sub_ps(x, _mm512_mul_ps(n, _mm512_set1_ps(LN2_HIGH)));
    let r = _mm512_sub_ps(r, _mm512_mul_ps(n, _mm512_set1_ps(LN2_LOW)));
    _mm512_scalef_ps(_mm512_add_ps(exp_reduced(r), _mm512_set1_ps(1.0)), n)
}

/// See [`crate::math::expm1`].
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn expm1(x: __m512) -> __m512 {
    let small = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(abs(x), _mm512_set1_ps(EXPM1_SMALL));
    let large = _mm512_sub_ps(exp(x), _mm512_set1_ps(1.0));
    _mm512_mask_blend_ps(small, large, exp_reduced(x))
}

/// See [`crate::math::sigmoid`].
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn sigmoid(x: __m512) -> __m512 {
    let one = _mm512_set1_ps(1.0);
    let e = exp(_mm512_or_ps(x, _mm512_set1_ps(-0.0)));
    let negative = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(x, _mm512_setzero_ps());
    let top = _mm512_mask_blend_ps(negative, one, e);
    _mm512_div_ps(top, _mm512_add_ps(one, e))
}

/// See [`crate::math::tanh`].
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn tanh(x: __m512) -> __m512 {
    let one = _mm512_set1_ps(1.0);
    let a = abs(x);
    let z = _mm512_mul_ps(x, x);
    let near = _mm512_mul_ps(_mm512_mul_ps(horner(&TANH_POLY, z), z), x);
    let near = _mm512_add_ps(near, x);
    let e = _mm512_add_ps(exp(_mm512_add_ps(a, a)), one);
    let far = _mm512_sub_ps(one, _mm512_div_ps(_mm512_set1_ps(2.0), e));
    let sign = _mm512_set1_ps(-0.0);
    let far = _mm512_or_ps(abs(far), _mm512_and_ps(x, sign));
    let small = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, _mm512_set1_ps(TANH_SMALL));
    _mm512_mask_blend_ps(small, far, near)
}

/// See [`crate::math::gelu_tanh`].
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn gelu_tanh(x: __m512) -> __m512 {
    let cube = _mm512_mul_ps(_mm512_mul_ps(x, x), x);
    let inner = _mm512_add_ps(x, _mm512_mul_ps(_mm512_set1_ps(0.044_715), cube));
    let t = tanh(_mm512_mul_ps(_mm512_set1_ps(0.797_884_6), inner));
    let half = _mm512_mul_ps(_mm512_set1_ps(0.5), x);
    _mm512_mul_ps(half, _mm512_add_ps(_mm512_set1_ps(1.0), t))
}

/// See [`crate::math::hard_swish`].
#[inline]
#[target_feature(enable = "avx512f")]
fn hard_swish(x: __m512) -> __m512 {
    let inside = clamp(x, -4.0, 4.0);
    let reciprocal = _mm512_set1_ps(1.0 / 6.0);
    let q = _mm512_mul_ps(inside, reciprocal);
    let rest = _mm512_fnmadd_ps(q, _mm512_set1_ps(6.0), inside);
    let q = _mm512_fmadd_ps(rest, reciprocal, q);
    let gate = clamp(_mm512_add_ps(q, _mm512_set1_ps(0.5)), 0.0, 1.0);
    _mm512_mul_ps(x, gate)
}

/// See [`crate::scalar::unary::unary_f32`]: the same bits.
///
/// # Safety
/// The CPU has the instructions.
///
/// # Panics
/// If `x` is shorter than `y`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")]
pub(super) unsafe fn unary_f32(
    function: Unary,
    alpha: f32,
    beta: f32,
    x: Source<'_, f32>,
    y: &mut [f32],
) {
    let length = y.len();
    let to = y.as_mut_ptr();
    let from = match x {
        Source::Slice(x) => x[..length].as_ptr(),
        Source::InPlace => to.cast_const(),
    };
    // A loop for every function, so that the choice is outside.
    macro_rules! map {
        ($x:ident => $result:expr) => {
            for at in (0..length).step_by(16) {
                let mask = lanes(length - at);
                // SAFETY: lanes behind the end are neither read nor written.
                unsafe {
                    let $x = _mm512_maskz_loadu_ps(mask, from.add(at));
                    _mm512_mask_storeu_ps(to.add(at), mask, $result);
                }
            }
        };
    }
    let (a, b) = (_mm512_set1_ps(alpha), _mm512_set1_ps(beta));
    match function {
        Unary::Clamp => map!(v => clamp(v, alpha, beta)),
        Unary::Sigmoid => map!(v => sigmoid(v)),
        Unary::Silu => map!(v => _mm512_mul_ps(v, sigmoid(v))),
        Unary::Tanh => map!(v => tanh(v)),
        Unary::GeluTanh => map!(v => gelu_tanh(v)),
        Unary::Exp => map!(v => exp(v)),
        Unary::HardSwish => map!(v => hard_swish(v)),
        Unary::HardSigmoid => {
            map!(v => clamp(_mm512_add_ps(_mm512_mul_ps(a, v), b), 0.0, 1.0));
        }
        Unary::LeakyRelu => map!(v => {
            let negative = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(v, _mm512_setzero_ps());
            _mm512_mask_mul_ps(v, negative, a, v)
        }),
        Unary::Elu => map!(v => {
            let negative = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(v, _mm512_setzero_ps());
            _mm512_mask_mul_ps(v, negative, a, expm1(v))
        }),
        _ => again::unary_f32(function, alpha, beta, x, y),
    }
}

/// Adds 16 lanes as the fixed tree does: 8 apart, then 4, 2, 1.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl")]
fn fold(v: __m512) -> f32 {
    let v = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps::<1>(v));
    let v = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
    let v = _mm_add_ps(v, _mm_movehl_ps(v, v));
    _mm_cvtss_f32(_mm_add_ss(v, _mm_movehdup_ps(v)))
}

/// See [`crate::scalar::softmax::softmax_f32`]: the same bits.
///
/// # Safety
/// The CPU has the instructions.
///
/// # Panics
/// If `x` is shorter than `y`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) unsafe fn softmax_f32(count: usize, x: Source<'_, f32>, y: &mut [f32]) {
    let count = count.max(1);
    let from = match x {
        Source::Slice(x) => x[..y.len()].as_ptr(),
        Source::InPlace => y.as_ptr(),
    };
    // What is left behind the last whole row is copied only, as the definition does.
    let length = y.len();
    let whole = length / count * count;
    if let Source::Slice(x) = x {
        y[whole..].copy_from_slice(&x[whole..length]);
    }
    let to = y.as_mut_ptr();
    for row in (0..whole).step_by(count) {
        // SAFETY: rows inside both; lanes behind a row are neither read nor written.
        unsafe {
            let (from, to) = (from.add(row), to.add(row));
            // The order of a maximum decides only the sign of a zero, which the exponential does not see.
            let mut most = _mm512_set1_ps(f32::NEG_INFINITY);
            for at in (0..count).step_by(16) {
                let mask = lanes(count - at);
                let x = _mm512_maskz_loadu_ps(mask, from.add(at));
                most = _mm512_mask_max_ps(most, mask, x, most);
            }
            let most = _mm512_set1_ps(_mm512_reduce_max_ps(most));
            let mut sum = _mm512_setzero_ps();
            for at in (0..count).step_by(16) {
                let mask = lanes(count - at);
                let x = _mm512_maskz_loadu_ps(mask, from.add(at));
                let e = exp(_mm512_sub_ps(x, most));
                sum = _mm512_mask_add_ps(sum, mask, sum, e);
                _mm512_mask_storeu_ps(to.add(at), mask, e);
            }
            let sum = _mm512_set1_ps(fold(sum));
            for at in (0..count).step_by(16) {
                let mask = lanes(count - at);
                let e = _mm512_maskz_loadu_ps(mask, to.add(at));
                _mm512_mask_storeu_ps(to.add(at), mask, _mm512_div_ps(e, sum));
            }
        }
    }
}
