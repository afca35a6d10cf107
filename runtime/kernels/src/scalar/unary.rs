//! Element-wise functions of one float operand, and the flip between int8 and uint8.

use crate::math;
use crate::params::Source;
use redpoll_plan::op::Unary;

/// `y = f(x)` for every element.
#[inline(always)]
fn map<T: Copy>(x: Source<'_, T>, y: &mut [T], f: impl Fn(T) -> T) {
    match x {
        Source::Slice(x) => {
            let x = &x[..y.len()];
            for (y, &x) in y.iter_mut().zip(x) {
                *y = f(x);
            }
        }
        Source::InPlace => y.iter_mut().for_each(|y| *y = f(*y)),
    }
}

/// `y = function(x)`: see [`math::unary`].
///
/// # Panics
/// If `x` is shorter than `y`.
#[inline(always)]
pub fn unary_f32(function: Unary, alpha: f32, beta: f32, x: Source<'_, f32>, y: &mut [f32]) {
    // Every function gets a loop of its own, so that the match is outside.
    macro_rules! loops {
        ($($name:ident)*) => {
            match function {
                $(Unary::$name => map(x, y, |x| math::unary(Unary::$name, alpha, beta, x)),)*
            }
        };
    }
    loops!(Clamp LeakyRelu Elu Sigmoid HardSigmoid HardSwish Silu Tanh Gelu GeluTanh Softplus Exp Log Sqrt
        Reciprocal Erf Neg Abs Floor Ceil Round);
}

/// `y = x ^ 0x80`: uint8 to int8 with the zero point less 128, and back.
///
/// # Panics
/// If `x` is shorter than `y`.
#[inline(always)]
pub fn flip_sign(x: Source<'_, u8>, y: &mut [u8]) {
    map(x, y, |x| x ^ 0x80);
}
