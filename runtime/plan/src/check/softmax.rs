//! Softmax.

use super::{StepCheck, factor, product, require, zero_point};
use crate::error::Fault;
use crate::op::{SoftmaxF32, SoftmaxI8};
use crate::tensor::DType;

pub(super) fn softmax_f32(step: &StepCheck<'_, '_>, p: &SoftmaxF32) -> Result<(), Fault> {
    require(p.count > 0, Fault::Geometry)?;
    let len = product(&[p.outer, p.count]).ok_or(Fault::Geometry)?;
    step.expect(p.x, DType::F32, len)?;
    step.expect(p.y, DType::F32, len)
}

pub(super) fn softmax_i8(step: &StepCheck<'_, '_>, p: &SoftmaxI8) -> Result<(), Fault> {
    require(p.count > 0, Fault::Geometry)?;
    let len = product(&[p.outer, p.count]).ok_or(Fault::Geometry)?;
    step.expect(p.x, DType::I8, len)?;
    step.expect(p.y, DType::I8, len)?;
    step.factors(p.table, 256)?;
    factor(p.scale)?;
    zero_point(p.y_zero)
}
