//! Functions of two operands with broadcasting: float, integer, whole numbers, truth values.

use redpoll_kernels::math;

use super::Call;
use super::conv::bounded;
use super::element::{Element, elements, integers, pack};
use super::movement::broadcast_offsets;
use super::quantized::{Finish, scale, zero};
use crate::error::{Error, ErrorKind};
use crate::op::{BinaryFn, Clamp};
use crate::tensor::{Data, Tensor};
use crate::types::DType;

pub(super) fn binary(
    function: BinaryFn,
    clamp: Option<Clamp>,
    call: &Call<'_>,
) -> Result<Data, Error> {
    if call.is_integer() {
        return quantized(function, clamp, call);
    }
    match call.x().dtype() {
        DType::F32 if function.is_comparison() => compare::<f32>(function, call),
        DType::F32 => {
            let pairs = pairs::<f32>(call)?;
            let y = pairs.map(|(a, b)| bounded(float(function, a, b), clamp));
            Ok(Data::F32(y.collect()))
        }
        DType::I32 if function.is_comparison() => compare::<i32>(function, call),
        DType::I64 if function.is_comparison() => compare::<i64>(function, call),
        DType::Bool if function.is_comparison() => compare::<bool>(function, call),
        DType::Bool => Ok(Data::Bool(
            pairs::<bool>(call)?
                .map(|(a, b)| match function {
                    BinaryFn::And => a && b,
                    BinaryFn::Or => a || b,
                    _ => a != b,
                })
                .collect(),
        )),
        DType::I32 => {
            let y = pairs::<i32>(call)?.map(|(a, b)| match function {
                // The bits of 32, not the sign's copies above them.
                BinaryFn::ShiftRight => {
                    Ok(shift_right(a.cast_unsigned().into(), b.into(), 32) as i32)
                }
                _ => whole(function, a.into(), b.into()).map(|v| v as i32),
            });
            Ok(Data::I32(y.collect::<Result<_, _>>()?))
        }
        DType::I64 => {
            let y = pairs::<i64>(call)?.map(|(a, b)| whole(function, a, b));
            Ok(Data::I64(y.collect::<Result<_, _>>()?))
        }
        DType::I8 | DType::U8 => Err(Error::new(ErrorKind::Type, "8-bit data without scale")),
    }
}

/// The operands of each result.
fn pairs<'a, T: Element + 'a>(
    call: &Call<'a>,
) -> Result<impl Iterator<Item = (T, T)> + use<'a, T>, Error> {
    let (a, b) = (call.inputs[0], call.inputs[1]);
    let (at_a, at_b) = offsets(call, a, b);
    let (a, b) = (elements::<T>(a)?, elements::<T>(b)?);
    Ok(at_a.into_iter().zip(at_b).map(|(i, j)| (a[i], b[j])))
}

fn offsets(call: &Call<'_>, a: &Tensor, b: &Tensor) -> (Vec<usize>, Vec<usize>) {
    let of = |t: &Tensor| broadcast_offsets(t.shape(), &call.output.shape);
    (of(a), of(b))
}

fn compare<T: Element + PartialOrd>(function: BinaryFn, call: &Call<'_>) -> Result<Data, Error> {
    let y = pairs::<T>(call)?.map(|(a, b)| match function {
        BinaryFn::Less => a < b,
        BinaryFn::Greater => a > b,
        BinaryFn::LessOrEqual => a <= b,
        BinaryFn::GreaterOrEqual => a >= b,
        _ => a == b,
    });
    Ok(Data::Bool(y.collect()))
}

fn float(function: BinaryFn, a: f32, b: f32) -> f32 {
    match function {
        BinaryFn::Add => a + b,
        BinaryFn::Sub => a - b,
        BinaryFn::Mul => a * b,
        BinaryFn::Div => a / b,
        BinaryFn::Pow => math::pow(a, b),
        BinaryFn::Max => math::max(a, b),
        BinaryFn::Min => math::min(a, b),
        BinaryFn::Mod => math::modulo(a, b),
        BinaryFn::Fmod => math::remainder(a, b),
        // Comparisons and functions of bits never come here.
        _ => f32::NAN,
    }
}

/// Whole numbers wrap around as ONNX's do; division goes towards zero.
fn whole(function: BinaryFn, a: i64, b: i64) -> Result<i64, Error> {
    let refused = |what: &str| Err(Error::new(ErrorKind::Invalid, what));
    match function {
        BinaryFn::Add => Ok(a.wrapping_add(b)),
        BinaryFn::Sub => Ok(a.wrapping_sub(b)),
        BinaryFn::Mul => Ok(a.wrapping_mul(b)),
        BinaryFn::Div if b == 0 => refused("a whole number divided by zero"),
        BinaryFn::Div => Ok(a.wrapping_div(b)),
        BinaryFn::Pow => match u32::try_from(b) {
            Ok(b) => Ok(a.wrapping_pow(b)),
            Err(_) => refused("a whole number to a negative or huge power"),
        },
        BinaryFn::Max => Ok(a.max(b)),
        BinaryFn::Min => Ok(a.min(b)),
        BinaryFn::Mod | BinaryFn::Fmod if b == 0 => refused("a whole number divided by zero"),
        BinaryFn::Mod => {
            let r = a.wrapping_rem(b);
            Ok(if r != 0 && (r < 0) != (b < 0) {
                r + b
            } else {
                r
            })
        }
        BinaryFn::Fmod => Ok(a.wrapping_rem(b)),
        BinaryFn::And => Ok(a & b),
        BinaryFn::Or => Ok(a | b),
        BinaryFn::Xor => Ok(a ^ b),
        BinaryFn::ShiftLeft => Ok(match u32::try_from(b) {
            Ok(b) => a.checked_shl(b).unwrap_or(0),
            Err(_) => 0,
        }),
        BinaryFn::ShiftRight => Ok(shift_right(a.cast_unsigned(), b, 64).cast_signed()),
        _ => refused("a comparison as a number"),
    }
}

/// Zeros come in from the top; nothing is left from the width on.
fn shift_right(a: u64, by: i64, width: i64) -> u64 {
    if (0..width).contains(&by) { a >> by } else { 0 }
}

fn quantized(function: BinaryFn, clamp: Option<Clamp>, call: &Call<'_>) -> Result<Data, Error> {
    let (value_a, value_b) = (call.values[0], call.values[1]);
    let (s_a, s_b, s_y) = (scale(value_a), scale(value_b), scale(call.output));
    let (z_a, z_b) = (zero(value_a), zero(value_b));
    let finish = Finish::new(call.output, clamp);
    let (r_a, r_b, m) = (s_a / s_y, s_b / s_y, (s_a * s_b) / s_y);
    let one = |a: i32, b: i32| match function {
        BinaryFn::Add => finish.apply((a - z_a) as f32 * r_a + (b - z_b) as f32 * r_b),
        BinaryFn::Sub => finish.apply((a - z_a) as f32 * r_a - (b - z_b) as f32 * r_b),
        BinaryFn::Mul => finish.apply(((a - z_a) * (b - z_b)) as f32 * m),
        BinaryFn::Max => finish.bound(a.max(b)),
        _ => finish.bound(a.min(b)),
    };
    let (at_a, at_b) = offsets(call, call.inputs[0], call.inputs[1]);
    let (a, b) = (integers(call.inputs[0])?, integers(call.inputs[1])?);
    let y = at_a.into_iter().zip(at_b).map(|(i, j)| one(a[i], b[j]));
    pack(call.output.dtype, y.collect())
}
