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

/// Registers that go through a function side by side.
const SIDE_BY_SIDE: usize = 4;

/// Lanes in use of the last register of `length` elements left.
#[inline(always)]
fn lanes(left: usize) -> __mmask16 {
    if left >= 16 { 0xffff } else { (1 << left) - 1 }
}

/// `N` registers that go through the same steps: neighbours in the program do not wait for one another.
type Wide<const N: usize> = [__m512; N];

/// Defines operations of [`Wide`] by instructions.
macro_rules! each {
    ($($name:ident = $instruction:ident($($x:ident),*);)*) => {$(
        #[inline]
        #[target_feature(enable = "avx512f,avx512dq")]
        fn $name<const N: usize>($($x: Wide<N>),*) -> Wide<N> {
            let mut out = [_mm512_setzero_ps(); N];
            for (i, out) in out.iter_mut().enumerate() {
                *out = $instruction($($x[i]),*);
            }
            out
        }
    )*};
}

each! {
    add = _mm512_add_ps(a, b);
    sub = _mm512_sub_ps(a, b);
    mul = _mm512_mul_ps(a, b);
    div = _mm512_div_ps(a, b);
    max = _mm512_max_ps(a, b);
    min = _mm512_min_ps(a, b);
    or = _mm512_or_ps(a, b);
    and = _mm512_and_ps(a, b);
    clear = _mm512_andnot_ps(a, b);
    scale = _mm512_scalef_ps(a, n);
    fma = _mm512_fmadd_ps(a, b, c);
    fnma = _mm512_fnmadd_ps(a, b, c);
    if_less = if_less_one(a, b, then, other);
}

/// `a < b ? then : other`.
#[inline]
#[target_feature(enable = "avx512f")]
fn if_less_one(a: __m512, b: __m512, then: __m512, other: __m512) -> __m512 {
    let less = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b);
    _mm512_mask_blend_ps(less, other, then)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn all<const N: usize>(v: f32) -> Wide<N> {
    [_mm512_set1_ps(v); N]
}

/// `x < lo ? lo : x > hi ? hi : x`: the second operand is the result where they are equal or one is NaN.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn clamp<const N: usize>(x: Wide<N>, lo: f32, hi: f32) -> Wide<N> {
    min(all(hi), max(all(lo), x))
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn abs<const N: usize>(x: Wide<N>) -> Wide<N> {
    clear(all(-0.0), x)
}

/// `c[0] + c[1] · x + …` by Horner, unfused.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn horner<const N: usize>(c: &[f32; 6], x: Wide<N>) -> Wide<N> {
    let mut v = all(c[5]);
    for &c in c[..5].iter().rev() {
        v = add(mul(v, x), all(c));
    }
    v
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn exp_reduced<const N: usize>(r: Wide<N>) -> Wide<N> {
    add(mul(horner(&EXP_POLY, r), mul(r, r)), r)
}

/// See [`crate::math::exp`].
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn exp<const N: usize>(x: Wide<N>) -> Wide<N> {
    let x = clamp(x, EXP_LO, EXP_HI);
    let n = sub(add(mul(x, all(LOG2_E)), all(MAGIC)), all(MAGIC));
    let r = sub(x, mul(n, all(LN2_HIGH)));
    let r = sub(r, mul(n, all(LN2_LOW)));
    scale(add(exp_reduced(r), all(1.0)), n)
}

/// See [`crate::math::expm1`].
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn expm1<const N: usize>(x: Wide<N>) -> Wide<N> {
    let large = sub(exp(x), all(1.0));
    if_less(abs(x), all(EXPM1_SMALL), exp_reduced(x), large)
}

/// See [`crate::math::sigmoid`].
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn sigmoid<const N: usize>(x: Wide<N>) -> Wide<N> {
    let e = exp(or(x, all(-0.0)));
    let top = if_less(x, all(0.0), e, all(1.0));
    div(top, add(all(1.0), e))
}

/// See [`crate::math::tanh`].
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn tanh<const N: usize>(x: Wide<N>) -> Wide<N> {
    let a = abs(x);
    let z = mul(x, x);
    let near = add(mul(mul(horner(&TANH_POLY, z), z), x), x);
    let e = add(exp(add(a, a)), all(1.0));
    let far = abs(sub(all(1.0), div(all(2.0), e)));
    let far = or(far, and(x, all(-0.0)));
    if_less(a, all(TANH_SMALL), near, far)
}

/// See [`crate::math::gelu_tanh`].
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn gelu_tanh<const N: usize>(x: Wide<N>) -> Wide<N> {
    let cube = mul(mul(x, x), x);
    let inner = add(x, mul(all(0.044_715), cube));
    let t = tanh(mul(all(0.797_884_6), inner));
    mul(mul(all(0.5), x), add(all(1.0), t))
}

/// See [`crate::math::hard_swish`].
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn hard_swish<const N: usize>(x: Wide<N>) -> Wide<N> {
    let inside = clamp(x, -4.0, 4.0);
    let q = mul(inside, all(1.0 / 6.0));
    let rest = fnma(q, all(6.0), inside);
    let q = fma(rest, all(1.0 / 6.0), q);
    mul(x, clamp(add(q, all(0.5)), 0.0, 1.0))
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
    // Loops for every function, so that the choice is outside: registers side by side, then one by one.
    macro_rules! map {
        ($x:ident => $result:expr) => {{
            let together = SIDE_BY_SIDE * 16;
            let whole = length / together * together;
            for at in (0..whole).step_by(together) {
                // SAFETY: inside of both.
                unsafe {
                    let $x: Wide<SIDE_BY_SIDE> =
                        core::array::from_fn(|i| _mm512_loadu_ps(from.add(at + i * 16)));
                    for (i, v) in $result.into_iter().enumerate() {
                        _mm512_storeu_ps(to.add(at + i * 16), v);
                    }
                }
            }
            for at in (whole..length).step_by(16) {
                let mask = lanes(length - at);
                // SAFETY: lanes behind the end are neither read nor written.
                unsafe {
                    let $x: Wide<1> = [_mm512_maskz_loadu_ps(mask, from.add(at))];
                    _mm512_mask_storeu_ps(to.add(at), mask, $result[0]);
                }
            }
        }};
    }
    match function {
        Unary::Clamp => map!(v => clamp(v, alpha, beta)),
        Unary::Sigmoid => map!(v => sigmoid(v)),
        Unary::Silu => map!(v => mul(v, sigmoid(v))),
        Unary::Tanh => map!(v => tanh(v)),
        Unary::GeluTanh => map!(v => gelu_tanh(v)),
        Unary::Exp => map!(v => exp(v)),
        Unary::HardSwish => map!(v => hard_swish(v)),
        Unary::HardSigmoid => map!(v => clamp(add(mul(all(alpha), v), all(beta)), 0.0, 1.0)),
        Unary::LeakyRelu => map!(v => if_less(v, all(0.0), mul(all(alpha), v), v)),
        Unary::Elu => map!(v => if_less(v, all(0.0), mul(all(alpha), expm1(v)), v)),
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
                let [e] = exp([_mm512_sub_ps(x, most)]);
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
