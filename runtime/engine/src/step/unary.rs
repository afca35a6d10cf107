//! Functions of one element.

use redpoll_kernels::Tier;
use redpoll_plan::op;

use super::Context;
use crate::error::EngineError;

/// Any function of an int8.
pub(super) fn table_i8<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::TableI8,
) -> Result<(), EngineError> {
    let tier = cx.tier;
    let table = cx.small::<&[i8; 256], _>(cx.constant::<i8>(p.table)?)?;
    let mut views = cx.sources(p.y, [p.x])?;
    let x = views.source(0)?;
    tier.table_i8(table, x, views.result()?);
    Ok(())
}

/// Float functions.
pub(super) fn unary_f32<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::UnaryF32,
) -> Result<(), EngineError> {
    let tier = cx.tier;
    let mut views = cx.sources(p.y, [p.x])?;
    let x = views.source(0)?;
    tier.unary_f32(p.function, p.alpha, p.beta, x, views.result()?);
    Ok(())
}
