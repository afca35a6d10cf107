//! Softmax over the innermost dimension.

use redpoll_kernels::Tier;
use redpoll_plan::op;

use super::Context;
use crate::error::EngineError;

/// Float.
pub(super) fn softmax_f32<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::SoftmaxF32,
) -> Result<(), EngineError> {
    let tier = cx.tier;
    let mut views = cx.sources(p.y, [p.x])?;
    let x = views.source(0)?;
    tier.softmax_f32(p.count as usize, x, views.result()?);
    Ok(())
}

/// Integer.
pub(super) fn softmax_i8<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::SoftmaxI8,
) -> Result<(), EngineError> {
    let tier = cx.tier;
    let table = cx.small::<&[f32; 256], _>(cx.constant::<f32>(p.table)?)?;
    let (x, y) = cx.pair(p.x, p.y)?;
    tier.softmax_i8(p, table, x, y);
    Ok(())
}
