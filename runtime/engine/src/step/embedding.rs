//! Rows of a table by index.

use redpoll_kernels::Tier;
use redpoll_plan::op;

use super::Context;
use crate::error::EngineError;

/// Looks up each index.
pub(super) fn embedding<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::Embedding,
) -> Result<(), EngineError> {
    let tier = cx.tier;
    let table = cx.constant(p.table)?;
    let (indices, y) = cx.pair(p.indices, p.y)?;
    tier.embedding(p, indices, table, y);
    Ok(())
}
