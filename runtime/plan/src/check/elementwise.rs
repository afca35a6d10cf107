//! Element-wise steps.

use super::{StepCheck, bounds, extent, factor, finish, product, require, zero_point};
use crate::error::Fault;
use crate::op::{Binary, BinaryF32, BinaryI8, Dims, Strides, TableI8, Unary, UnaryF32};
use crate::tensor::{DType, TensorId};

/// The result is the loop's elements; each operand's reads stay inside it.
fn broadcast(
    step: &StepCheck<'_, '_>,
    dtype: DType,
    dims: &Dims,
    y: TensorId,
    operands: [(TensorId, &Strides); 2],
) -> Result<(), Fault> {
    step.expect(y, dtype, product(dims).ok_or(Fault::Geometry)?)?;
    for (id, strides) in operands {
        extent(dims, 0, strides, step.typed(id, dtype)?.len)?;
    }
    Ok(())
}

pub(super) fn binary_i8(step: &StepCheck<'_, '_>, p: &BinaryI8) -> Result<(), Fault> {
    let operands = [(p.a, &p.a_strides), (p.b, &p.b_strides)];
    broadcast(step, DType::I8, &p.dims, p.y, operands)?;
    let known = [
        Binary::Add,
        Binary::Sub,
        Binary::Mul,
        Binary::Max,
        Binary::Min,
    ];
    require(known.contains(&p.function), Fault::Value)?;
    zero_point(p.a_zero)?;
    zero_point(p.b_zero)?;
    factor(p.a_scale)?;
    factor(p.b_scale)?;
    finish(p.y_zero, p.lo, p.hi)
}

pub(super) fn binary_f32(step: &StepCheck<'_, '_>, p: &BinaryF32) -> Result<(), Fault> {
    let operands = [(p.a, &p.a_strides), (p.b, &p.b_strides)];
    broadcast(step, DType::F32, &p.dims, p.y, operands)?;
    bounds(p.lo, p.hi)
}

pub(super) fn table_i8(step: &StepCheck<'_, '_>, p: &TableI8) -> Result<(), Fault> {
    let x = step.typed(p.x, DType::I8)?;
    step.expect(p.y, DType::I8, x.len as u64)?;
    step.constant(p.table, DType::I8, 256)
}

pub(super) fn unary_f32(step: &StepCheck<'_, '_>, p: &UnaryF32) -> Result<(), Fault> {
    let x = step.typed(p.x, DType::F32)?;
    step.expect(p.y, DType::F32, x.len as u64)?;
    if p.function == Unary::Clamp {
        return bounds(p.alpha, p.beta);
    }
    require(p.alpha.is_finite() && p.beta.is_finite(), Fault::Value)
}
