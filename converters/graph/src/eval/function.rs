//! The float functions, by the definitions that kernels share.

use redpoll_kernels::math;

use crate::op::UnaryFn;

/// `function` of `x`. Functions of truth values and whole numbers are none of floats and give `x`.
pub(super) fn apply(function: UnaryFn, x: f32) -> f32 {
    match function {
        UnaryFn::Clamp(clamp) => clamp.apply(x),
        UnaryFn::LeakyRelu { alpha } => {
            if x < 0.0 {
                alpha * x
            } else {
                x
            }
        }
        UnaryFn::Elu { alpha } => math::elu(x, alpha),
        UnaryFn::Sigmoid => math::sigmoid(x),
        UnaryFn::HardSigmoid { alpha, beta } => math::hard_sigmoid(x, alpha, beta),
        UnaryFn::HardSwish => math::hard_swish(x),
        UnaryFn::Silu => math::silu(x),
        UnaryFn::Tanh => math::tanh(x),
        UnaryFn::Gelu => math::gelu(x),
        UnaryFn::GeluTanh => math::gelu_tanh(x),
        UnaryFn::Softplus => math::softplus(x),
        UnaryFn::Exp => math::exp(x),
        UnaryFn::Log => math::log(x),
        UnaryFn::Sqrt => x.sqrt(),
        UnaryFn::Reciprocal => 1.0 / x,
        UnaryFn::Erf => math::erf(x),
        UnaryFn::Neg => -x,
        UnaryFn::Abs => x.abs(),
        UnaryFn::Floor => x.floor(),
        UnaryFn::Ceil => x.ceil(),
        UnaryFn::Round => x.round_ties_even(),
        UnaryFn::Sin => math::sin(x),
        UnaryFn::Cos => math::cos(x),
        UnaryFn::Tan => math::tan(x),
        UnaryFn::Asin => math::asin(x),
        UnaryFn::Acos => math::acos(x),
        UnaryFn::Atan => math::atan(x),
        UnaryFn::Sinh => math::sinh(x),
        UnaryFn::Cosh => math::cosh(x),
        UnaryFn::Asinh => math::asinh(x),
        UnaryFn::Acosh => math::acosh(x),
        UnaryFn::Atanh => math::atanh(x),
        UnaryFn::Sign => math::sign(x),
        UnaryFn::Not
        | UnaryFn::IsNan
        | UnaryFn::IsInf { .. }
        | UnaryFn::BitNot
        | UnaryFn::Wrap { .. } => x,
    }
}
