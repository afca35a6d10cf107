//! Types of casts and of the border between float and integers.

use super::{Inferred, float_only, type_error};
use crate::error::Error;
use crate::graph::Value;
use crate::types::DType;

pub(super) fn cast(to: DType, x: &Value) -> Result<Inferred, Error> {
    if x.qparams.is_some() {
        return Err(type_error(format!(
            "Cast of the quantised \"{}\": dequantise it instead",
            x.name
        )));
    }
    Ok((to, x.shape.clone()))
}

pub(super) fn quantize(x: &Value) -> Result<Inferred, Error> {
    float_only("Quantize", x)?;
    Ok((DType::I8, x.shape.clone()))
}

pub(super) fn dequantize(x: &Value) -> Result<Inferred, Error> {
    let fits = matches!(x.dtype, DType::I8 | DType::U8 | DType::I32) && x.qparams.is_some();
    if !fits {
        return Err(type_error(format!(
            "Dequantize of \"{}\", which is {} and carries {} scale",
            x.name,
            x.dtype,
            if x.qparams.is_some() { "a" } else { "no" }
        )));
    }
    Ok((DType::F32, x.shape.clone()))
}

pub(super) fn requantize(x: &Value) -> Result<Inferred, Error> {
    if !x.is_quantized() {
        return Err(type_error(format!(
            "Requantize of \"{}\", which is {} and not quantised",
            x.name, x.dtype
        )));
    }
    Ok((x.dtype, x.shape.clone()))
}
