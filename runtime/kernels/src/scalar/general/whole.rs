//! Comparisons, whole numbers, truth values, rare float functions.

use redpoll_plan::op::{Comparison, Dims, Rare, Reduce, Strides, Whole, WholeOne};

use super::Offsets;
use crate::math;

/// A division by zero, or a power below zero or beyond 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Impossible;

/// i32 or i64.
pub trait Integer: Copy + Ord {
    /// Bits.
    const BITS: u32;
    /// Wider, its sign kept.
    fn wide(self) -> i64;
    /// The low bits.
    fn cut(v: i64) -> Self;
    /// Its bits as a number without sign.
    fn pattern(self) -> u64;
}

impl Integer for i32 {
    const BITS: u32 = 32;
    fn wide(self) -> i64 {
        self.into()
    }
    fn cut(v: i64) -> Self {
        v as i32
    }
    fn pattern(self) -> u64 {
        self.cast_unsigned().into()
    }
}

impl Integer for i64 {
    const BITS: u32 = 64;
    fn wide(self) -> i64 {
        self
    }
    fn cut(v: i64) -> Self {
        v
    }
    fn pattern(self) -> u64 {
        self.cast_unsigned()
    }
}

/// `y = a ∘ b`, 0 or 1, over a loop with broadcasting.
///
/// # Panics
/// If an offset leaves a slice.
pub fn compare<T: PartialOrd + Copy>(
    function: Comparison,
    dims: &Dims,
    (a, a_strides): (&[T], &Strides),
    (b, b_strides): (&[T], &Strides),
    y: &mut [u8],
) {
    for (y, [i, j]) in y.iter_mut().zip(Offsets::new(dims, [a_strides, b_strides])) {
        let (a, b) = (a[i], b[j]);
        *y = u8::from(match function {
            Comparison::Equal => a == b,
            Comparison::Less => a < b,
            Comparison::Greater => a > b,
            Comparison::LessOrEqual => a <= b,
            Comparison::GreaterOrEqual => a >= b,
        });
    }
}

/// And, Or, Xor of truth values.
///
/// # Panics
/// If an offset leaves a slice.
pub fn logic(
    function: Whole,
    dims: &Dims,
    (a, a_strides): (&[u8], &Strides),
    (b, b_strides): (&[u8], &Strides),
    y: &mut [u8],
) {
    for (y, [i, j]) in y.iter_mut().zip(Offsets::new(dims, [a_strides, b_strides])) {
        let (a, b) = (a[i] != 0, b[j] != 0);
        *y = u8::from(match function {
            Whole::And => a && b,
            Whole::Or => a || b,
            _ => a != b,
        });
    }
}

/// The remainders of floats.
///
/// # Panics
/// If an offset leaves a slice.
pub fn fmod_f32(
    function: Whole,
    dims: &Dims,
    (a, a_strides): (&[f32], &Strides),
    (b, b_strides): (&[f32], &Strides),
    y: &mut [f32],
) {
    for (y, [i, j]) in y.iter_mut().zip(Offsets::new(dims, [a_strides, b_strides])) {
        *y = match function {
            Whole::Mod => math::modulo(a[i], b[j]),
            _ => math::remainder(a[i], b[j]),
        };
    }
}

/// A function of two whole numbers, which wrap around.
///
/// # Errors
/// [`Impossible`]; the result is then half made.
///
/// # Panics
/// If an offset leaves a slice.
pub fn whole<T: Integer>(
    function: Whole,
    dims: &Dims,
    (a, a_strides): (&[T], &Strides),
    (b, b_strides): (&[T], &Strides),
    y: &mut [T],
) -> Result<(), Impossible> {
    for (y, [i, j]) in y.iter_mut().zip(Offsets::new(dims, [a_strides, b_strides])) {
        let (a, b) = (a[i], b[j]);
        let by = b.wide();
        let shift = u32::try_from(by).ok().filter(|&s| s < T::BITS);
        *y = match function {
            Whole::Max => a.max(b),
            Whole::Min => a.min(b),
            Whole::ShiftRight => T::cut(shift.map_or(0, |s| a.pattern() >> s).cast_signed()),
            _ => T::cut(wide(function, a.wide(), by)?),
        };
    }
    Ok(())
}

fn wide(function: Whole, a: i64, b: i64) -> Result<i64, Impossible> {
    Ok(match function {
        Whole::Add => a.wrapping_add(b),
        Whole::Sub => a.wrapping_sub(b),
        Whole::Mul => a.wrapping_mul(b),
        Whole::Div | Whole::Mod | Whole::Fmod if b == 0 => return Err(Impossible),
        Whole::Div => a.wrapping_div(b),
        Whole::Mod => {
            let r = a.wrapping_rem(b);
            if r != 0 && (r < 0) != (b < 0) {
                r + b
            } else {
                r
            }
        }
        Whole::Fmod => a.wrapping_rem(b),
        Whole::Pow => a.wrapping_pow(u32::try_from(b).map_err(|_| Impossible)?),
        Whole::And => a & b,
        Whole::Or => a | b,
        Whole::Xor => a ^ b,
        Whole::ShiftLeft => match u32::try_from(b) {
            Ok(b) => a.checked_shl(b).unwrap_or(0),
            Err(_) => 0,
        },
        Whole::Max | Whole::Min | Whole::ShiftRight => a,
    })
}

/// A function of one whole number.
pub fn unary_whole<T: Integer>(function: WholeOne, bits: u32, x: &[T], y: &mut [T]) {
    for (y, x) in y.iter_mut().zip(x) {
        let v = x.wide();
        let away = 64 - bits.clamp(1, 64);
        *y = T::cut(match function {
            WholeOne::Neg => v.wrapping_neg(),
            WholeOne::Abs => v.wrapping_abs(),
            WholeOne::Sign => v.signum(),
            WholeOne::BitNot => !v,
            WholeOne::WrapUnsigned => ((v << away).cast_unsigned() >> away).cast_signed(),
            WholeOne::WrapSigned => (v << away) >> away,
            WholeOne::Not => v,
        });
    }
}

/// A rare float function.
pub fn rare(function: Rare, x: &[f32], y: &mut [f32]) {
    let f: fn(f32) -> f32 = match function {
        Rare::Sin => math::sin,
        Rare::Cos => math::cos,
        Rare::Tan => math::tan,
        Rare::Asin => math::asin,
        Rare::Acos => math::acos,
        Rare::Atan => math::atan,
        Rare::Sinh => math::sinh,
        Rare::Cosh => math::cosh,
        Rare::Asinh => math::asinh,
        Rare::Acosh => math::acosh,
        Rare::Atanh => math::atanh,
        // Tests never come here.
        _ => math::sign,
    };
    y.iter_mut().zip(x).for_each(|(y, &x)| *y = f(x));
}

/// A test of floats.
pub fn test(function: Rare, x: &[f32], y: &mut [u8]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = u8::from(match function {
            Rare::IsNan => x.is_nan(),
            Rare::IsPositiveInf => x == f32::INFINITY,
            Rare::IsNegativeInf => x == f32::NEG_INFINITY,
            _ => x.is_infinite(),
        });
    }
}

/// Reduction of the middle of `[outer, count, inner]`.
///
/// # Panics
/// If a slice is shorter than the sizes say.
pub fn reduce_whole<T: Integer>(
    kind: Reduce,
    [outer, count, inner]: [usize; 3],
    x: &[T],
    y: &mut [T],
) {
    for o in 0..outer {
        for i in 0..inner {
            let set = (0..count).map(|k| x[(o * count + k) * inner + i].wide());
            let sum = |set: &mut dyn Iterator<Item = i64>| set.fold(0i64, i64::wrapping_add);
            let mut set = set;
            y[o * inner + i] = T::cut(match kind {
                Reduce::Sum => sum(&mut set),
                Reduce::Mean => sum(&mut set) / (count.max(1) as i64),
                Reduce::Max => set.max().unwrap_or(0),
                Reduce::Min => set.min().unwrap_or(0),
                Reduce::Prod => set.fold(1, i64::wrapping_mul),
            });
        }
    }
}
