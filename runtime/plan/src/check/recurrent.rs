//! Recurrent layers.

use super::conv::{checked_len, float_weights};
use super::{StepCheck, product, require};
use crate::error::Fault;
use crate::layout::{packed_f32_len, padded_n, recurrent_scratch};
use crate::op::{Cell, RecurrentF32};
use crate::tensor::DType;

pub(super) fn recurrent_f32(step: &StepCheck<'_, '_>, p: &RecurrentF32) -> Result<(), Fault> {
    let (gates, states) = (p.cell.gates(), p.cell.states());
    let hidden = p.hidden as usize;
    require(
        p.steps > 0 && p.batch > 0 && p.hidden > 0 && p.hidden <= 1 << 24,
        Fault::Geometry,
    )?;
    require(
        p.reverse <= 1 && p.has_peepholes <= 1 && p.has_lengths <= 1 && p.clip >= 0.0,
        Fault::Value,
    )?;
    checked_len(hidden, hidden, 1)?;
    let state = len([p.batch, p.hidden])?;
    let all = p.steps.checked_add(states as u32).ok_or(Fault::Geometry)?;
    step.expect(
        p.x,
        DType::F32,
        len([p.steps, p.batch, gates as u32, p.hidden])?,
    )?;
    step.expect(p.y, DType::F32, len([all, p.batch, p.hidden])?)?;
    let packed = packed_f32_len(hidden, hidden) as u32;
    float_weights(
        step,
        p.r,
        packed.checked_mul(gates as u32).ok_or(Fault::Geometry)?,
    )?;
    step.constant(p.bias, DType::F32, padded_n(hidden) * gates)?;
    step.expect(p.h, DType::F32, state)?;
    let lstm = matches!(p.cell, Cell::Lstm | Cell::LstmCoupled);
    match (lstm, p.has_peepholes) {
        (true, 1) => step.expect(p.peepholes, DType::F32, len([3, p.hidden])?)?,
        (false, 1) => return Err(Fault::Value),
        _ => step.expect(p.peepholes, DType::F32, state)?,
    };
    // What does not count repeats the hidden state.
    step.expect(p.c, DType::F32, state)?;
    if p.has_lengths == 1 {
        step.expect(p.lengths, DType::I32, p.batch)?;
    } else {
        step.expect(p.lengths, DType::F32, state)?;
    }
    let scratch = recurrent_scratch(gates, p.batch as usize, hidden).ok_or(Fault::Geometry)?;
    require(scratch <= step.scratch as usize, Fault::Params)
}

fn len<const N: usize>(dims: [u32; N]) -> Result<u32, Fault> {
    product(&dims).ok_or(Fault::Geometry)
}
