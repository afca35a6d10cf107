//! The exponential and what is made from it.

/// Inputs below give 0, above give infinity.
pub(crate) const EXP_LO: f32 = -104.0;
pub(crate) const EXP_HI: f32 = 89.0;
/// 1 / ln 2.
pub(crate) const LOG2_E: f32 = core::f32::consts::LOG2_E;
/// ln 2 in two parts; products of the first with integers below 2¹⁵ are exact.
pub(crate) const LN2_HIGH: f32 = 0.693_359_4;
pub(crate) const LN2_LOW: f32 = -2.121_944_4e-4;
/// 1.5 · 2²³: adding it rounds to an integer (half to even), which the low bits then hold.
pub(crate) const MAGIC: f32 = 12_582_912.0;
/// `(exp(r) − 1 − r) / r²` on |r| ≤ ln 2 / 2, constant term first (least error at Chebyshev nodes).
pub(crate) const EXP_POLY: [f32; 6] = [
    0.5,
    0.166_666_67,
    0.041_666_456,
    0.008_333_297,
    0.001_393_454_5,
    1.990_044_4e-4,
];
/// `(tanh(x) / x − 1) / x²` in x² on |x| ≤ 0.65, constant term first.
pub(crate) const TANH_POLY: [f32; 6] = [
    -0.333_333_34,
    0.133_332_92,
    -0.053_956_53,
    0.021_747_421,
    -0.008_275_826,
    0.002_218_102,
];
/// Where `tanh` changes from its polynomial to `exp`.
pub(crate) const TANH_SMALL: f32 = 0.625;
/// Where `expm1` changes from its polynomial to `exp`.
pub(crate) const EXPM1_SMALL: f32 = 0.34;

/// `c[0] + c[1] · x + …` by Horner, unfused.
#[inline(always)]
fn horner(c: &[f32; 6], x: f32) -> f32 {
    ((((c[5] * x + c[4]) * x + c[3]) * x + c[2]) * x + c[1]) * x + c[0]
}

/// `exp(r) − 1` for |r| ≤ ln 2 / 2.
#[inline(always)]
fn exp_reduced(r: f32) -> f32 {
    horner(&EXP_POLY, r) * (r * r) + r
}

/// `2ⁿ` for n in −126..=127.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits(((n + 127) as u32) << 23)
}

/// Natural exponential, at most 2 ULP; results below 2⁻¹²⁶ underflow gradually, NaN stays NaN.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let x = super::clamp(x, EXP_LO, EXP_HI);
    let shifted = x * LOG2_E + MAGIC;
    let n = shifted - MAGIC;
    let r = (x - n * LN2_HIGH) - n * LN2_LOW;
    // For NaN the bits say nothing: keep the exponent in range, the product is NaN anyway.
    let n = (shifted.to_bits().wrapping_sub(MAGIC.to_bits()) as i32).clamp(-160, 160);
    let half = n >> 1;
    (exp_reduced(r) + 1.0) * power_of_two(half) * power_of_two(n - half)
}

/// `exp(x) − 1`, at most 4 ULP.
#[inline(always)]
pub fn expm1(x: f32) -> f32 {
    if x.abs() < EXPM1_SMALL {
        exp_reduced(x)
    } else {
        exp(x) - 1.0
    }
}

/// `1 / (1 + exp(−x))`, at most 4 ULP.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    let e = exp(-x.abs());
    (if x < 0.0 { e } else { 1.0 }) / (1.0 + e)
}

/// `x · sigmoid(x)`, at most 5 ULP.
#[inline(always)]
pub fn silu(x: f32) -> f32 {
    x * sigmoid(x)
}

/// Hyperbolic tangent, at most 4 ULP.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let a = x.abs();
    if a < TANH_SMALL {
        let z = x * x;
        horner(&TANH_POLY, z) * z * x + x
    } else {
        let y = 1.0 - 2.0 / (exp(a + a) + 1.0);
        y.copysign(x)
    }
}
