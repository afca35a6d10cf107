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
    match function {
        // Cheap ones get a loop of their own, so that the match is outside.
        Unary::Clamp => map(x, y, |x| math::clamp(x, alpha, beta)),
        Unary::HardSwish => map(x, y, math::hard_swish),
        Unary::Sigmoid => map(x, y, math::sigmoid),
        Unary::Silu => map(x, y, math::silu),
        Unary::Tanh => map(x, y, math::tanh),
        _ => map(x, y, |x| math::unary(function, alpha, beta, x)),
    }
}

/// `y = x ^ 0x80`: uint8 to int8 with the zero point less 128, and back.
///
/// # Panics
/// If `x` is shorter than `y`.
#[inline(always)]
pub fn flip_sign(x: Source<'_, u8>, y: &mut [u8]) {
    map(x, y, |x| x ^ 0x80);
}
