//! Changes between float and integers.

use super::{StepCheck, factor, operand, require};
use crate::error::Fault;
use crate::op::{Dequantize, FlipSign, Quantize};
use crate::tensor::{DType, TensorId};

/// Checks an integer tensor and its zero point; gives its number of elements.
fn integer(step: &StepCheck<'_, '_>, id: TensorId, zero: i32) -> Result<u64, Fault> {
    let tensor = operand(step.plan, id)?;
    let range = match tensor.dtype {
        DType::I8 => -128..=127,
        DType::U8 => 0..=255,
        _ => return Err(Fault::DType),
    };
    require(range.contains(&zero), Fault::Value)?;
    Ok(tensor.len as u64)
}

pub(super) fn quantize(step: &StepCheck<'_, '_>, p: &Quantize) -> Result<(), Fault> {
    factor(p.scale)?;
    let len = integer(step, p.y, p.zero)?;
    step.expect(p.x, DType::F32, len)
}

pub(super) fn dequantize(step: &StepCheck<'_, '_>, p: &Dequantize) -> Result<(), Fault> {
    factor(p.scale)?;
    let len = integer(step, p.x, p.zero)?;
    step.expect(p.y, DType::F32, len)
}

pub(super) fn flip_sign(step: &StepCheck<'_, '_>, p: &FlipSign) -> Result<(), Fault> {
    let len = integer(step, p.x, 0)?;
    require(integer(step, p.y, 0)? == len, Fault::Length)
}
