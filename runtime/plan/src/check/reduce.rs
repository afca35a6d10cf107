//! Reductions.

use super::{StepCheck, factor, finish, product, require, zero_point};
use crate::error::Fault;
use crate::op::{Reduce, ReduceF32, ReduceI8};
use crate::tensor::{DType, TensorId};

fn shapes(
    step: &StepCheck<'_, '_>,
    dtype: DType,
    (x, y): (TensorId, TensorId),
    [outer, count, inner]: [u32; 3],
) -> Result<(), Fault> {
    require(count > 0, Fault::Geometry)?;
    step.expect(
        x,
        dtype,
        product(&[outer, count, inner]).ok_or(Fault::Geometry)?,
    )?;
    step.expect(y, dtype, product(&[outer, inner]).ok_or(Fault::Geometry)?)
}

pub(super) fn reduce_i8(step: &StepCheck<'_, '_>, p: &ReduceI8) -> Result<(), Fault> {
    shapes(step, DType::I8, (p.x, p.y), [p.outer, p.count, p.inner])?;
    require(p.kind != Reduce::Prod, Fault::Value)?;
    factor(p.ratio)?;
    zero_point(p.x_zero)?;
    finish(p.y_zero, p.lo, p.hi)
}

pub(super) fn reduce_f32(step: &StepCheck<'_, '_>, p: &ReduceF32) -> Result<(), Fault> {
    shapes(step, DType::F32, (p.x, p.y), [p.outer, p.count, p.inner])
}
