//! Reductions over one run of dimensions.

use redpoll_kernels::Tier;
use redpoll_plan::op;

use super::Context;
use crate::error::EngineError;

/// Integer.
pub(super) fn reduce_i8<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::ReduceI8,
) -> Result<(), EngineError> {
    let tier = cx.tier;
    let (x, y) = cx.pair(p.x, p.y)?;
    tier.reduce_i8(p, x, y);
    Ok(())
}

/// Float.
pub(super) fn reduce_f32<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::ReduceF32,
) -> Result<(), EngineError> {
    let tier = cx.tier;
    let (x, y) = cx.pair(p.x, p.y)?;
    tier.reduce_f32(p, x, y);
    Ok(())
}
