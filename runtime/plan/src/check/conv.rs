//! Convolutions and matrix products.

use super::{StepCheck, bounds, finish, require, zero_point};
use crate::error::Fault;
use crate::layout::{BLOCK_N, packed_f32_len, packed_i8_len, padded_n, patch_stride};
use crate::op::{ConvF32, ConvI8, DepthwiseF32, DepthwiseI8, MatMulF32};
use crate::tensor::{DType, TensorId};
use crate::window::Window;

/// Largest kernel size, stride, dilation and border.
const MAX_WINDOW: u32 = 1 << 16;

/// Elements read and written by a window that is sound: no zero sizes, no coordinate beyond i32.
pub(super) struct Reach {
    pub(super) x_len: u32,
    pub(super) y_len: u32,
}

/// Checks the numbers of a window by themselves.
pub(super) fn window(w: &Window) -> Result<Reach, Fault> {
    let x_len = super::product(&[w.batch, w.in_h, w.in_w, w.in_c]);
    let y_len = super::product(&[w.batch, w.out_h, w.out_w, w.out_c]);
    let (x_len, y_len) = x_len.zip(y_len).ok_or(Fault::Geometry)?;
    require(x_len > 0 && y_len > 0, Fault::Geometry)?;
    // 1 ..= MAX_WINDOW less 1 are the numbers below a power of two: one comparison for all.
    let over = [
        w.kernel_h,
        w.kernel_w,
        w.stride_h,
        w.stride_w,
        w.dilation_h,
        w.dilation_w,
        w.pad_top.max(1),
        w.pad_left.max(1),
    ]
    .map(|v| v.wrapping_sub(1))
    .into_iter()
    .fold(0, |all, v| all | v);
    require(over < MAX_WINDOW, Fault::Geometry)?;
    let last = |out: u32, stride: u32, kernel: u32, dilation: u32| {
        u64::from(out - 1) * u64::from(stride) + u64::from(kernel - 1) * u64::from(dilation)
    };
    let far = last(w.out_h, w.stride_h, w.kernel_h, w.dilation_h)
        | last(w.out_w, w.stride_w, w.kernel_w, w.dilation_w)
        | u64::from(w.in_h | w.in_w);
    require(far <= i32::MAX as u64, Fault::Geometry)?;
    Ok(Reach { x_len, y_len })
}

/// Groups, output channels of a group and K of a grouped window.
fn grouped(w: &Window, groups: u32) -> Result<(usize, usize, usize), Fault> {
    require(
        groups > 0 && w.in_c.is_multiple_of(groups) && w.out_c.is_multiple_of(groups),
        Fault::Geometry,
    )?;
    let k = super::product(&[w.kernel_h, w.kernel_w, w.in_c / groups]).ok_or(Fault::Geometry)?;
    // Keeps every product of sizes below within usize on 32-bit machines, too.
    require(k <= 1 << 28 && w.out_c <= 1 << 28, Fault::Geometry)?;
    Ok((groups as usize, (w.out_c / groups) as usize, k as usize))
}

fn total(groups: usize, len: usize) -> Result<u32, Fault> {
    super::product(&[groups as u32, len as u32]).ok_or(Fault::Geometry)
}

/// A window that is no matrix product needs scratch for at least one patch of `k_bytes` a group.
#[inline(always)]
fn patch(step: &StepCheck<'_, '_>, w: &Window, k_bytes: usize) -> Result<(), Fault> {
    let room = step.scratch as usize;
    require(
        patch_stride(k_bytes) <= room || w.is_pointwise(),
        Fault::Params,
    )
}

/// `n` and `k` are at most 2²⁸.
pub(super) fn checked_len(n: usize, k: usize, blocks: usize) -> Result<(), Fault> {
    // `packed_*_len(n, k)` must not overflow.
    // Both are powers of two: no division.
    let up = |v: usize, to: usize| (v + to - 1) as u32 & !(to as u32 - 1);
    // Neither is above 2²⁸.
    let elements = u64::from(up(n, BLOCK_N)) * u64::from(up(k, blocks));
    require(elements <= u32::MAX.into(), Fault::Geometry)
}

pub(super) fn conv_i8(step: &StepCheck<'_, '_>, p: &ConvI8) -> Result<(), Fault> {
    let reach = window(&p.window)?;
    let (groups, n, k) = grouped(&p.window, p.groups)?;
    checked_len(n, k, 4)?;
    step.expect(p.x, DType::I8, reach.x_len)?;
    step.expect(p.y, DType::I8, reach.y_len)?;
    step.constant(p.weights, DType::I8, total(groups, packed_i8_len(n, k))?)?;
    let channels = total(groups, padded_n(n))?;
    step.constant(p.bias, DType::I32, channels)?;
    step.constant(p.bias_unsigned, DType::I32, channels)?;
    step.factors(p.scale, channels)?;
    zero_point(p.x_zero)?;
    finish(p.y_zero, p.lo, p.hi)?;
    patch(step, &p.window, k)
}

pub(super) fn conv_f32(step: &StepCheck<'_, '_>, p: &ConvF32) -> Result<(), Fault> {
    let reach = window(&p.window)?;
    let (groups, n, k) = grouped(&p.window, p.groups)?;
    checked_len(n, k, 1)?;
    step.expect(p.x, DType::F32, reach.x_len)?;
    step.expect(p.y, DType::F32, reach.y_len)?;
    float_weights(step, p.weights, total(groups, packed_f32_len(n, k))?)?;
    step.constant(p.bias, DType::F32, total(groups, padded_n(n))?)?;
    bounds(p.lo, p.hi)?;
    patch(step, &p.window, k * 4)
}

/// Weights in f32 or f16.
pub(super) fn float_weights(step: &StepCheck<'_, '_>, id: TensorId, len: u32) -> Result<(), Fault> {
    match step.constant(id, DType::F16, len) {
        Err(Fault::DType) => step.constant(id, DType::F32, len),
        other => other,
    }
}

/// Elements of depthwise weights and of their bias.
fn depthwise(w: &Window) -> Result<(u32, u32), Fault> {
    require(w.in_c == w.out_c && w.out_c <= 1 << 28, Fault::Geometry)?;
    let channels = padded_n(w.out_c as usize) as u32;
    let taps = super::product(&[w.kernel_h, w.kernel_w]).ok_or(Fault::Geometry)?;
    Ok((taps.checked_mul(channels).ok_or(Fault::Geometry)?, channels))
}

pub(super) fn depthwise_i8(step: &StepCheck<'_, '_>, p: &DepthwiseI8) -> Result<(), Fault> {
    let reach = window(&p.window)?;
    let (weights, channels) = depthwise(&p.window)?;
    step.expect(p.x, DType::I8, reach.x_len)?;
    step.expect(p.y, DType::I8, reach.y_len)?;
    step.constant(p.weights, DType::I8, weights)?;
    step.constant(p.bias, DType::I32, channels)?;
    step.factors(p.scale, channels)?;
    zero_point(p.x_zero)?;
    finish(p.y_zero, p.lo, p.hi)
}

pub(super) fn depthwise_f32(step: &StepCheck<'_, '_>, p: &DepthwiseF32) -> Result<(), Fault> {
    let reach = window(&p.window)?;
    let (weights, channels) = depthwise(&p.window)?;
    step.expect(p.x, DType::F32, reach.x_len)?;
    step.expect(p.y, DType::F32, reach.y_len)?;
    float_weights(step, p.weights, weights)?;
    step.constant(p.bias, DType::F32, channels)?;
    bounds(p.lo, p.hi)
}

fn len<const N: usize>(dims: [u32; N]) -> Result<u32, Fault> {
    super::product(&dims).ok_or(Fault::Geometry)
}

pub(super) fn matmul_f32(step: &StepCheck<'_, '_>, p: &MatMulF32) -> Result<(), Fault> {
    require(
        [p.batch, p.m, p.k, p.n].iter().all(|&d| d > 0),
        Fault::Geometry,
    )?;
    step.expect(p.y, DType::F32, len([p.batch, p.m, p.n])?)?;
    for (id, rows, columns, stride) in [
        (p.a, p.m, p.k, p.a_batch_stride),
        (p.b, p.k, p.n, p.b_batch_stride),
    ] {
        let tensor = step.typed(id, DType::F32)?;
        let end = len([p.batch - 1, stride])?.checked_add(len([rows, columns])?);
        require(
            end.is_some_and(|end| end as usize <= tensor.len),
            Fault::Length,
        )?;
    }
    Ok(())
}
