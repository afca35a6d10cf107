//! Depthwise convolutions: by output lines.

use redpoll_kernels::Tier;
use redpoll_kernels::params::{DepthwiseF32, DepthwiseI8, Finish};
use redpoll_plan::op;

use super::conv::float_weights;
use super::{Context, window_macs};
use crate::error::EngineError;
use crate::split::{self, Pace, Work};

/// Integer depthwise convolution.
pub(super) fn depthwise_i8<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::DepthwiseI8,
) -> Result<(), EngineError> {
    let params = DepthwiseI8 {
        window: p.window,
        weights: cx.constant(p.weights)?,
        bias: cx.constant(p.bias)?,
        scale: cx.constant(p.scale)?,
        x_zero: cx.small(p.x_zero)?,
        finish: Finish {
            y_zero: p.y_zero,
            lo: p.lo,
            hi: p.hi,
        },
    };
    let tier = cx.tier;
    let views = cx.sources(p.y, [p.x])?;
    let x = views.slice::<i8>(0)?;
    let rows = p.window.rows();
    let work = Work::new(tier, window_macs(&p.window, 1), Pace::Depthwise);
    let size = split::rows(rows, p.window.out_w as usize, &work, views.workers.count());
    views.parts(
        size.saturating_mul(p.window.out_c as usize),
        |index, y: &mut [i8], _| {
            tier.depthwise_i8(&params, x, y, split::part(index, size, rows));
        },
    )
}

/// Float depthwise convolution.
pub(super) fn depthwise_f32<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::DepthwiseF32,
) -> Result<(), EngineError> {
    let params = DepthwiseF32 {
        window: p.window,
        weights: float_weights(cx, p.weights)?,
        bias: cx.constant(p.bias)?,
        lo: p.lo,
        hi: p.hi,
    };
    let tier = cx.tier;
    let views = cx.sources(p.y, [p.x])?;
    let x = views.slice::<f32>(0)?;
    let rows = p.window.rows();
    let work = Work::new(tier, window_macs(&p.window, 1), Pace::Window);
    let size = split::rows(rows, p.window.out_w as usize, &work, views.workers.count());
    views.parts(
        size.saturating_mul(p.window.out_c as usize),
        |index, y: &mut [f32], _| {
            tier.depthwise_f32(&params, x, y, split::part(index, size, rows));
        },
    )
}
