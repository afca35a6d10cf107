//! Steps that move or set elements.

use super::{StepCheck, extent, operand, product, require};
use crate::error::Fault;
use crate::op::{Copy, Embedding, Fill};
use crate::tensor::{DType, TensorId};

/// Checks that elements of `id` are `bytes` long; gives their number.
fn sized(step: &StepCheck<'_, '_>, id: TensorId, bytes: u32) -> Result<usize, Fault> {
    let tensor = operand(step.plan, id)?;
    require(tensor.dtype.size() == bytes as usize, Fault::DType)?;
    Ok(tensor.len)
}

pub(super) fn copy(step: &StepCheck<'_, '_>, p: &Copy) -> Result<(), Fault> {
    let x = sized(step, p.x, p.element_bytes)?;
    let y = sized(step, p.y, p.element_bytes)?;
    require(product(&p.dims).is_some_and(|n| n > 0), Fault::Geometry)?;
    extent(&p.dims, p.x_offset, &p.x_strides, x)?;
    extent(&p.dims, p.y_offset, &p.y_strides, y)
}

pub(super) fn fill(step: &StepCheck<'_, '_>, p: &Fill) -> Result<(), Fault> {
    sized(step, p.y, p.element_bytes).map(drop)
}

pub(super) fn embedding(step: &StepCheck<'_, '_>, p: &Embedding) -> Result<(), Fault> {
    let indices = step.typed(p.indices, DType::I32)?.len as u64;
    let table = sized(step, p.table, p.element_bytes)? as u64;
    let y = sized(step, p.y, p.element_bytes)? as u64;
    require(p.rows > 0 && p.width > 0, Fault::Geometry)?;
    require(
        product(&[p.rows, p.width]).map(u64::from) == Some(table),
        Fault::Length,
    )?;
    require(
        indices.checked_mul(p.width.into()) == Some(y),
        Fault::Length,
    )
}
