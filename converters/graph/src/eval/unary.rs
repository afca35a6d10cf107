//! Functions of one element: f32, tables of 256 for quantised data, whole numbers.

use super::Call;
use super::element::{integers, pack};
use super::function::apply;
use super::quantized::{Finish, scale, zero};
use crate::error::{Error, ErrorKind};
use crate::op::UnaryFn;
use crate::tensor::Data;

pub(super) fn unary(function: UnaryFn, call: &Call<'_>) -> Result<Data, Error> {
    if call.is_integer() {
        return table(call, |x| apply(function, x));
    }
    match (function, call.x().data()) {
        (UnaryFn::Not, Data::Bool(v)) => Ok(Data::Bool(v.iter().map(|x| !x).collect())),
        (UnaryFn::IsNan, Data::F32(v)) => Ok(Data::Bool(v.iter().map(|x| x.is_nan()).collect())),
        (UnaryFn::IsInf { positive, negative }, Data::F32(v)) => {
            let counts =
                |&x: &f32| (positive && x == f32::INFINITY) || (negative && x == f32::NEG_INFINITY);
            Ok(Data::Bool(v.iter().map(counts).collect()))
        }
        (UnaryFn::Sign, Data::I32(v)) => Ok(Data::I32(v.iter().map(|x| x.signum()).collect())),
        (UnaryFn::Sign, Data::I64(v)) => Ok(Data::I64(v.iter().map(|x| x.signum()).collect())),
        (UnaryFn::BitNot, Data::I32(v)) => Ok(Data::I32(v.iter().map(|x| !x).collect())),
        (UnaryFn::BitNot, Data::I64(v)) => Ok(Data::I64(v.iter().map(|x| !x).collect())),
        (UnaryFn::Wrap { bits, signed }, Data::I32(v)) => {
            let y = v.iter().map(|&x| wrap(x.into(), bits, signed) as i32);
            Ok(Data::I32(y.collect()))
        }
        (UnaryFn::Wrap { bits, signed }, Data::I64(v)) => Ok(Data::I64(
            v.iter().map(|&x| wrap(x, bits, signed)).collect(),
        )),
        (_, Data::F32(v)) => Ok(Data::F32(v.iter().map(|&x| apply(function, x)).collect())),
        (UnaryFn::Neg, Data::I32(v)) => Ok(Data::I32(v.iter().map(|x| x.wrapping_neg()).collect())),
        (UnaryFn::Neg, Data::I64(v)) => Ok(Data::I64(v.iter().map(|x| x.wrapping_neg()).collect())),
        (UnaryFn::Abs, Data::I32(v)) => Ok(Data::I32(v.iter().map(|x| x.wrapping_abs()).collect())),
        (UnaryFn::Abs, Data::I64(v)) => Ok(Data::I64(v.iter().map(|x| x.wrapping_abs()).collect())),
        _ => Err(Error::new(
            ErrorKind::Type,
            format!("{} of {}", function.name(), call.x().dtype()),
        )),
    }
}

/// The low `bits` of `x`, sign-extended where they have a sign.
fn wrap(x: i64, bits: u8, signed: bool) -> i64 {
    let away = 64 - u32::from(bits.clamp(1, 64));
    let top = x << away;
    if signed {
        top >> away
    } else {
        (top.cast_unsigned() >> away).cast_signed()
    }
}

/// `quantize(f((q − z_x) · s_x))` by a table of all 256 inputs.
pub(super) fn table(call: &Call<'_>, f: impl Fn(f32) -> f32) -> Result<Data, Error> {
    let x = call.values[0];
    let (scale_x, zero_x, scale_y) = (scale(x), zero(x), scale(call.output));
    let finish = Finish::new(call.output, None);
    let (lo, hi) = x.dtype.quantized_range().unwrap_or((0, 0));
    let table: Vec<i32> = (lo..=hi)
        .map(|q| finish.apply(f((q - zero_x) as f32 * scale_x) / scale_y))
        .collect();
    let y = integers(call.x())?.into_iter();
    pack(
        call.output.dtype,
        y.map(|q| table[(q - lo) as usize]).collect(),
    )
}
