//! Steps that only move or set elements.

use redpoll_kernels::Tier;
use redpoll_plan::op;

use super::Context;
use crate::error::EngineError;

/// Transposes, slices, concatenations.
pub(super) fn copy<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::Copy,
) -> Result<(), EngineError> {
    let tier = cx.tier;
    let (x, y) = cx.pair(p.x, p.y)?;
    tier.copy(p, x, y);
    Ok(())
}

/// One value everywhere.
pub(super) fn fill<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::Fill,
) -> Result<(), EngineError> {
    let tier = cx.tier;
    tier.fill(p, cx.sources(p.y, [])?.result()?);
    Ok(())
}
