//! Pooling: by output lines.

use redpoll_kernels::Tier;
use redpoll_plan::op;

use super::{Context, window_macs};
use crate::error::EngineError;
use crate::split::{self, Pace, Work};

/// Integer pooling.
pub(super) fn pool_i8<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::PoolI8,
) -> Result<(), EngineError> {
    let tier = cx.tier;
    let views = cx.sources(p.y, [p.x])?;
    let x = views.slice::<i8>(0)?;
    let rows = p.window.rows();
    let work = Work::new(tier, window_macs(&p.window, 1), Pace::Window);
    let size = split::rows(rows, p.window.out_w as usize, &work, views.workers.count());
    views.parts(
        size.saturating_mul(p.window.out_c as usize),
        |index, y: &mut [i8], _| {
            tier.pool_i8(p, x, y, split::part(index, size, rows));
        },
    )
}

/// Float pooling.
pub(super) fn pool_f32<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::PoolF32,
) -> Result<(), EngineError> {
    let tier = cx.tier;
    let views = cx.sources(p.y, [p.x])?;
    let x = views.slice::<f32>(0)?;
    let rows = p.window.rows();
    let work = Work::new(tier, window_macs(&p.window, 1), Pace::Window);
    let size = split::rows(rows, p.window.out_w as usize, &work, views.workers.count());
    views.parts(
        size.saturating_mul(p.window.out_c as usize),
        |index, y: &mut [f32], _| {
            tier.pool_f32(p, x, y, split::part(index, size, rows));
        },
    )
}
