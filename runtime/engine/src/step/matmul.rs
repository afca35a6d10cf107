//! Matrix products of two activations: by rows of the result over all batches.

use redpoll_kernels::Tier;
use redpoll_plan::op;

use super::Context;
use crate::error::EngineError;
use crate::split::{self, Pace, Work};

/// Float batched matrix product.
pub(super) fn matmul_f32<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::MatMulF32,
) -> Result<(), EngineError> {
    let tier = cx.tier;
    let error = cx.operand_error();
    let views = cx.sources(p.y, [p.a, p.b])?;
    let (a, b) = (views.slice::<f32>(0)?, views.slice::<f32>(1)?);
    let [batch, m, k, n] = [p.batch, p.m, p.k, p.n].map(|d| d as usize);
    let (a_stride, b_stride) = (p.a_batch_stride as usize, p.b_batch_stride as usize);
    let last = batch.saturating_sub(1);
    let fits = |len: usize, stride: usize, one: usize| {
        last.checked_mul(stride)
            .and_then(|start| start.checked_add(one))
            .is_some_and(|end| end <= len)
    };
    if batch > 0
        && !(fits(a.len(), a_stride, m.saturating_mul(k))
            && fits(b.len(), b_stride, k.saturating_mul(n)))
    {
        return Err(error);
    }
    let rows = batch.saturating_mul(m);
    let macs = (rows as u64)
        .saturating_mul(k as u64)
        .saturating_mul(n as u64);
    let size = split::rows(
        rows,
        1,
        &Work::new(tier, macs, Pace::Float),
        views.workers.count(),
    );
    views.parts(size.saturating_mul(n), |index, mut y: &mut [f32], _| {
        let mut part = split::part(index, size, rows);
        // A part may end one batch and begin others.
        while !part.is_empty() {
            let (of, row) = (part.start / m, part.start % m);
            let count = (m - row).min(part.len());
            let (now, later) = core::mem::take(&mut y).split_at_mut(count * n);
            let a = &a[of * a_stride + row * k..][..count * k];
            tier.matmul_f32(a, &b[of * b_stride..][..k * n], now, count, k, n);
            y = later;
            part.start += count;
        }
    })
}
