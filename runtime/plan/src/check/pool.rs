//! Pooling.

use super::conv::{Reach, window};
use super::{StepCheck, factor, finish, require, zero_point};
use crate::error::Fault;
use crate::op::{PoolF32, PoolI8, Reduce};
use crate::tensor::DType;
use crate::window::Window;

/// Most taps of a pooling window.
const MAX_TAPS: u64 = 1 << 24;

/// A window of which no position lies wholly in the border, with at most [`MAX_TAPS`] taps.
fn pool_window(kind: Reduce, count_border: u32, w: &Window) -> Result<Reach, Fault> {
    let reach = window(w)?;
    require(
        matches!(kind, Reduce::Max | Reduce::Mean) && count_border <= 1,
        Fault::Value,
    )?;
    require(w.in_c == w.out_c, Fault::Geometry)?;
    require(
        u64::from(w.kernel_h) * u64::from(w.kernel_w) <= MAX_TAPS,
        Fault::Geometry,
    )?;
    let touches = |size: u32, out: u32, kernel: u32, stride: u32, dilation: u32, pad: u32| {
        let (kernel, pad) = (u64::from(kernel - 1) * u64::from(dilation), u64::from(pad));
        let last = u64::from(out - 1) * u64::from(stride);
        pad <= kernel && last < u64::from(size) + pad
    };
    require(
        touches(
            w.in_h,
            w.out_h,
            w.kernel_h,
            w.stride_h,
            w.dilation_h,
            w.pad_top,
        ) && touches(
            w.in_w,
            w.out_w,
            w.kernel_w,
            w.stride_w,
            w.dilation_w,
            w.pad_left,
        ),
        Fault::Geometry,
    )?;
    Ok(reach)
}

pub(super) fn pool_i8(step: &StepCheck<'_, '_>, p: &PoolI8) -> Result<(), Fault> {
    let reach = pool_window(p.kind, p.count_border, &p.window)?;
    step.expect(p.x, DType::I8, reach.x_len)?;
    step.expect(p.y, DType::I8, reach.y_len)?;
    factor(p.ratio)?;
    zero_point(p.x_zero)?;
    finish(p.y_zero, p.lo, p.hi)
}

pub(super) fn pool_f32(step: &StepCheck<'_, '_>, p: &PoolF32) -> Result<(), Fault> {
    let reach = pool_window(p.kind, p.count_border, &p.window)?;
    step.expect(p.x, DType::F32, reach.x_len)?;
    step.expect(p.y, DType::F32, reach.y_len)
}
