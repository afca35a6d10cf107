//! Float functions with the same bits on every target: fixed polynomials, multiply and add unfused.
//!
//! | function | largest error (ULP, tested) | how |
//! |---|---|---|
//! | [`exp`] | 2 | reduction by ln 2 in two parts, polynomial of degree 7, gradual underflow |
//! | [`expm1`] | 4 | the polynomial of `exp` without its 1 where `|x| < 0.34`, else `exp(x) − 1` |
//! | [`sigmoid`] | 4 | `e = exp(−|x|)`; `1 / (1 + e)` or `e / (1 + e)` |
//! | [`tanh`] | 4 | odd polynomial below 0.625, else `1 − 2 / (exp(2x) + 1)` |
//! | [`silu`] | 5 | `x · sigmoid(x)` |
//! | [`erf`], [`log`], [`pow`] | those of the crate `libm` | `libm` |
//!
//! The graph evaluator, the tables of the converter and all tiers use these definitions.

mod exp;
mod trigonometry;

#[cfg(target_arch = "x86_64")]
pub(crate) use exp::{
    EXP_HI, EXP_LO, EXP_POLY, EXPM1_SMALL, LN2_HIGH, LN2_LOW, LOG2_E, MAGIC, TANH_POLY, TANH_SMALL,
};
pub use exp::{exp, expm1, sigmoid, silu, tanh};
use redpoll_plan::op::{Gate, Unary};
pub use trigonometry::{acos, acosh, asin, asinh, atan, atanh, cos, cosh, sin, sinh, tan};

/// `a · b + c` rounded once.
#[inline(always)]
pub fn fma(a: f32, b: f32, c: f32) -> f32 {
    #[cfg(feature = "std")]
    {
        a.mul_add(b, c)
    }
    #[cfg(not(feature = "std"))]
    {
        libm::fmaf(a, b, c)
    }
}

/// The magnitude from which every f32 is an integer: 2²³.
const WHOLE: f32 = 8_388_608.0;

/// Nearest integer, ties to even; keeps the sign of zero, infinities and NaN.
#[inline(always)]
pub fn round_half_even(x: f32) -> f32 {
    if x.abs() < WHOLE {
        ((x.abs() + WHOLE) - WHOLE).copysign(x)
    } else {
        x
    }
}

/// `x < lo ? lo : x > hi ? hi : x`: NaN passes, `−0.0` passes a bound of `0.0`.
#[inline(always)]
pub fn clamp(x: f32, lo: f32, hi: f32) -> f32 {
    let x = if x < lo { lo } else { x };
    if x > hi { hi } else { x }
}

/// Larger operand; NaN where either is NaN; `b` where they are equal.
#[inline(always)]
pub fn max(a: f32, b: f32) -> f32 {
    if a > b || a.is_nan() { a } else { b }
}

/// Smaller operand; NaN where either is NaN; `b` where they are equal.
#[inline(always)]
pub fn min(a: f32, b: f32) -> f32 {
    if a < b || a.is_nan() { a } else { b }
}

/// Natural logarithm.
pub fn log(x: f32) -> f32 {
    libm::logf(x)
}

/// `x` to the power `y`.
pub fn pow(x: f32, y: f32) -> f32 {
    libm::powf(x, y)
}

/// Error function.
pub fn erf(x: f32) -> f32 {
    libm::erff(x)
}

/// `0.5 · x · (1 + erf(x / √2))`.
pub fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * core::f32::consts::FRAC_1_SQRT_2))
}

/// `0.5 · x · (1 + tanh(√(2/π) · (x + 0.044715 · x³)))`.
#[inline(always)]
pub fn gelu_tanh(x: f32) -> f32 {
    let inner = 0.797_884_6 * (x + 0.044_715 * (x * x * x));
    0.5 * x * (1.0 + tanh(inner))
}

/// `log(1 + exp(x))` as `max(x, 0) + log1p(exp(−|x|))`.
pub fn softplus(x: f32) -> f32 {
    max(x, 0.0) + libm::log1pf(exp(-x.abs()))
}

/// `x < 0 ? alpha · (exp(x) − 1) : x`.
#[inline(always)]
pub fn elu(x: f32, alpha: f32) -> f32 {
    if x < 0.0 { alpha * expm1(x) } else { x }
}

/// `clamp(alpha · x + beta, 0, 1)`.
#[inline(always)]
pub fn hard_sigmoid(x: f32, alpha: f32, beta: f32) -> f32 {
    clamp(alpha * x + beta, 0.0, 1.0)
}

/// `x · clamp(x / 6 + 0.5, 0, 1)`.
#[inline(always)]
pub fn hard_swish(x: f32) -> f32 {
    x * clamp(x / 6.0 + 0.5, 0.0, 1.0)
}

/// Any function of one element. `alpha`, `beta` are its attributes: lo and hi of Clamp, the slope of LeakyRelu,
/// the scale of Elu, slope and offset of HardSigmoid; others ignore them.
#[inline(always)]
pub fn unary(function: Unary, alpha: f32, beta: f32, x: f32) -> f32 {
    match function {
        Unary::Clamp => clamp(x, alpha, beta),
        Unary::LeakyRelu => {
            if x < 0.0 {
                alpha * x
            } else {
                x
            }
        }
        Unary::Elu => elu(x, alpha),
        Unary::Sigmoid => sigmoid(x),
        Unary::HardSigmoid => hard_sigmoid(x, alpha, beta),
        Unary::HardSwish => hard_swish(x),
        Unary::Silu => silu(x),
        Unary::Tanh => tanh(x),
        Unary::Gelu => gelu(x),
        Unary::GeluTanh => gelu_tanh(x),
        Unary::Softplus => softplus(x),
        Unary::Exp => exp(x),
        Unary::Log => log(x),
        Unary::Sqrt => libm::sqrtf(x),
        Unary::Reciprocal => 1.0 / x,
        Unary::Erf => erf(x),
        Unary::Neg => -x,
        Unary::Abs => x.abs(),
        Unary::Floor => libm::floorf(x),
        Unary::Ceil => libm::ceilf(x),
        Unary::Round => round_half_even(x),
    }
}

/// An activation inside a recurrent cell, by ONNX's names; functions without attributes ignore `alpha` and `beta`.
#[inline(always)]
pub fn activation(function: Gate, alpha: f32, beta: f32, x: f32) -> f32 {
    match function {
        Gate::Sigmoid => sigmoid(x),
        Gate::Tanh => tanh(x),
        Gate::Relu => clamp(x, 0.0, f32::INFINITY),
        Gate::Affine => alpha * x + beta,
        Gate::LeakyRelu => {
            if x < 0.0 {
                alpha * x
            } else {
                x
            }
        }
        Gate::ThresholdedRelu => {
            if x < alpha {
                0.0
            } else {
                x
            }
        }
        Gate::ScaledTanh => alpha * tanh(beta * x),
        Gate::HardSigmoid => hard_sigmoid(x, alpha, beta),
        Gate::Elu => elu(x, alpha),
        Gate::Softsign => x / (1.0 + x.abs()),
        Gate::Softplus => softplus(x),
    }
}

/// Remainder with the sign of `a`, exact.
pub fn remainder(a: f32, b: f32) -> f32 {
    libm::fmodf(a, b)
}

/// Remainder with the sign of `b`.
pub fn modulo(a: f32, b: f32) -> f32 {
    let r = libm::fmodf(a, b);
    if r != 0.0 && (r < 0.0) != (b < 0.0) {
        r + b
    } else {
        r
    }
}

/// −1, 0 or 1; NaN for NaN.
pub fn sign(x: f32) -> f32 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        x + 0.0
    }
}
