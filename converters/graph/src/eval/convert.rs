//! Casts, and the border between float and integers.

use super::Call;
use super::element::{elements, integers, pack};
use crate::error::{Error, ErrorKind};
use crate::qparams::QParams;
use crate::tensor::Data;
use crate::types::{DType, strides};

/// Every element as `to`: floats to integers truncate and saturate (NaN to 0), integers keep their low bits.
pub(super) fn cast(to: DType, data: &Data) -> Data {
    macro_rules! numbers {
        ($v:expr) => {
            match to {
                DType::F32 => Data::F32($v.iter().map(|&x| x as f32).collect()),
                DType::I8 => Data::I8($v.iter().map(|&x| x as i8).collect()),
                DType::U8 => Data::U8($v.iter().map(|&x| x as u8).collect()),
                DType::I32 => Data::I32($v.iter().map(|&x| x as i32).collect()),
                DType::I64 => Data::I64($v.iter().map(|&x| x as i64).collect()),
                DType::Bool => Data::Bool($v.iter().map(|&x| x as f64 != 0.0).collect()),
            }
        };
    }
    match data {
        Data::F32(v) => numbers!(v),
        Data::I8(v) => numbers!(v),
        Data::U8(v) => numbers!(v),
        Data::I32(v) => numbers!(v),
        Data::I64(v) => numbers!(v),
        Data::Bool(v) => {
            let v: Vec<u8> = v.iter().map(|&x| x.into()).collect();
            numbers!(v)
        }
    }
}

/// Which scale each element has: one number an element, in row-major order.
struct Slices {
    size: usize,
    inner: usize,
}

impl Slices {
    fn new(q: &QParams, shape: &[usize]) -> Self {
        match q.axis {
            Some(axis) => Self {
                size: shape[axis],
                inner: strides(shape)[axis],
            },
            None => Self { size: 1, inner: 1 },
        }
    }

    fn of(&self, element: usize) -> usize {
        element / self.inner.max(1) % self.size.max(1)
    }
}

fn qparams(value: &crate::Value) -> Result<&QParams, Error> {
    let missing = || Error::new(ErrorKind::Type, format!("\"{}\" has no scale", value.name));
    value.qparams.as_ref().ok_or_else(missing)
}

/// `finish(x / s_y)`.
pub(super) fn quantize(call: &Call<'_>) -> Result<Data, Error> {
    let q = qparams(call.output)?;
    let slices = Slices::new(q, &call.output.shape);
    let finishes: Vec<_> = q
        .zero_points
        .iter()
        .map(|&zero| super::quantized::Finish::whole(call.output.dtype, zero))
        .collect();
    let x: &[f32] = elements(call.x())?;
    let y = x.iter().enumerate().map(|(i, &x)| {
        let c = slices.of(i);
        finishes[c].apply(x / q.scales[c])
    });
    pack(call.output.dtype, y.collect())
}

/// `f32(q − z) · s`; of an i32 the difference is exact before it is rounded to f32.
pub(super) fn dequantize(call: &Call<'_>) -> Result<Data, Error> {
    let q = qparams(call.values[0])?;
    let slices = Slices::new(q, call.x().shape());
    let y = integers(call.x())?.into_iter().enumerate().map(|(i, x)| {
        let c = slices.of(i);
        (i64::from(x) - i64::from(q.zero_points[c])) as f32 * q.scales[c]
    });
    Ok(Data::F32(y.collect()))
}
