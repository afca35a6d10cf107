//! Steps with two operands, element by element.

use redpoll_kernels::Tier;
use redpoll_plan::op;

use super::Context;
use crate::error::EngineError;

/// Integer.
pub(super) fn binary_i8<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::BinaryI8,
) -> Result<(), EngineError> {
    let tier = cx.tier;
    let mut views = cx.sources(p.y, [p.a, p.b])?;
    let (a, b) = (views.source(0)?, views.source(1)?);
    tier.binary_i8(p, a, b, views.result()?);
    Ok(())
}

/// Float.
pub(super) fn binary_f32<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::BinaryF32,
) -> Result<(), EngineError> {
    let tier = cx.tier;
    let mut views = cx.sources(p.y, [p.a, p.b])?;
    let (a, b) = (views.source(0)?, views.source(1)?);
    tier.binary_f32(p, a, b, views.result()?);
    Ok(())
}
