//! Recurrent layers: a product with the state and a cell for every time step, one after the other.

use redpoll_kernels::Tier;
use redpoll_kernels::params::{Cell, ConvF32, FloatWeights, Part};
use redpoll_plan::layout::{packed_f32_len, padded_n};
use redpoll_plan::{Window, op};

use super::{Context, conv::float_weights};
use crate::arena;
use crate::error::EngineError;

/// Weights and sizes of a layer, as all its steps use them.
struct Layer<'a, T: Tier + ?Sized> {
    tier: &'a T,
    cell: Cell<'a>,
    weights: FloatWeights<'a>,
    bias: &'a [f32],
    gates: usize,
    batch: usize,
}

impl<T: Tier + ?Sized> Layer<'_, T> {
    /// Products of `count` gates from gate `first`: `q[gate][batch][hidden] = bias + Σ h · r`.
    fn products(&self, first: usize, count: usize, h: &[f32], q: &mut [f32]) {
        let hidden = self.cell.hidden;
        // Whole blocks of one row lie behind one another as the blocks of one product.
        let joined = self.batch == 1 && hidden.is_multiple_of(redpoll_plan::layout::BLOCK_N);
        let (calls, width) = if joined {
            (1, count * hidden)
        } else {
            (count, hidden)
        };
        let (packed, padded) = (packed_f32_len(hidden, hidden), padded_n(hidden));
        for (call, q) in q
            .chunks_exact_mut(self.batch * width)
            .take(calls)
            .enumerate()
        {
            let (gate, blocks) = (first + call, if joined { count } else { 1 });
            let weights = gate * packed..(gate + blocks) * packed;
            let params = ConvF32 {
                window: Window::dense(self.batch as u32, hidden as u32, width as u32),
                groups: 1,
                weights: match self.weights {
                    FloatWeights::F32(w) => FloatWeights::F32(&w[weights]),
                    FloatWeights::F16(w) => FloatWeights::F16(&w[weights]),
                },
                bias: &self.bias[gate * padded..(gate + blocks) * padded],
                lo: f32::NEG_INFINITY,
                hi: f32::INFINITY,
            };
            let part = Part {
                rows: 0..self.batch,
                channels: 0..width,
            };
            self.tier.conv_f32(&params, h, q, part, &mut []);
        }
    }
}

/// Float recurrent layer.
pub(super) fn recurrent_f32<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::RecurrentF32,
) -> Result<(), EngineError> {
    let error = cx.operand_error();
    let (tier, step_scratch) = (cx.tier, cx.step_scratch);
    let [steps, batch, hidden] = [p.steps, p.batch, p.hidden].map(|d| d as usize);
    let (weights, bias) = (float_weights(cx, p.r)?, cx.constant(p.bias)?);
    let mut views = cx.sources(p.y, [p.x, p.h, p.c, p.peepholes, p.lengths])?;
    let (x, h, c) = (
        views.slice::<f32>(0)?,
        views.slice::<f32>(1)?,
        views.slice::<f32>(2)?,
    );
    let peepholes = match p.has_peepholes {
        0 => None,
        _ => Some(views.slice::<f32>(3)?),
    };
    let lengths = match p.has_lengths {
        0 => None,
        _ => Some(views.slice::<i32>(4)?),
    };
    let gates = p.cell.gates();
    let state = batch.checked_mul(hidden).ok_or(error)?;
    let scratch = core::mem::take(&mut views.scratch);
    let scratch = scratch.get_mut(..step_scratch).ok_or(error)?;
    let scratch: &mut [f32] = arena::cast_mut(scratch).map_err(|_| error)?;
    let (q, rest) = scratch.split_at_mut_checked(gates * state).ok_or(error)?;
    let y: &mut [f32] = views.result()?;
    let (y, states) = y.split_at_mut_checked(steps * state).ok_or(error)?;
    let (now, cell_now) = states.split_at_mut_checked(state).ok_or(error)?;
    let lstm = p.cell.states() == 2;
    let sizes = [
        (x.len(), y.len().saturating_mul(gates)),
        (h.len(), state),
        (c.len(), state),
        (rest.len(), state),
        (cell_now.len(), if lstm { state } else { 0 }),
        (peepholes.map_or(3 * hidden, <[f32]>::len), 3 * hidden),
        (lengths.map_or(batch, <[i32]>::len), batch),
        (bias.len(), gates * padded_n(hidden)),
        (
            match weights {
                FloatWeights::F32(w) => w.len(),
                FloatWeights::F16(w) => w.len(),
            },
            gates * packed_f32_len(hidden, hidden),
        ),
    ];
    if state == 0 || sizes.iter().any(|&(len, needed)| len < needed) {
        return Err(error);
    }
    now.copy_from_slice(&h[..state]);
    if lstm {
        cell_now.copy_from_slice(&c[..state]);
    }
    let layer = Layer {
        tier,
        cell: Cell {
            kind: p.cell,
            u: p.u,
            v: p.v,
            w: p.w,
            clip: p.clip,
            hidden,
            peepholes,
        },
        weights,
        bias,
        gates,
        batch,
    };
    for step in 0..steps {
        let t = if p.reverse == 0 {
            step
        } else {
            steps - 1 - step
        };
        let x = &x[t * state * gates..][..state * gates];
        let y = &mut y[t * state..][..state];
        layer.step(t, lengths, x, q, rest, (now, cell_now), y);
    }
    Ok(())
}

impl<T: Tier + ?Sized> Layer<'_, T> {
    /// Time step `t` of all rows.
    #[allow(clippy::too_many_arguments)]
    fn step(
        &self,
        t: usize,
        lengths: Option<&[i32]>,
        x: &[f32],
        q: &mut [f32],
        scaled: &mut [f32],
        (h, c): (&mut [f32], &mut [f32]),
        y: &mut [f32],
    ) {
        let n = self.cell.hidden;
        let (stride, width) = (self.batch * n, self.gates * n);
        let before = self.cell.kind == op::Cell::Gru;
        self.products(0, if before { 2 } else { self.gates }, h, q);
        if before {
            for b in 0..self.batch {
                let row = b * n..(b + 1) * n;
                let (x, q) = (&x[b * width..][..width], &q[b * n..]);
                self.tier.recurrent_reset(
                    &self.cell,
                    x,
                    q,
                    stride,
                    &h[row.clone()],
                    &mut scaled[row],
                );
            }
            self.products(2, 1, scaled, &mut q[2 * stride..]);
        }
        for b in 0..self.batch {
            let row = b * n..(b + 1) * n;
            if lengths.is_some_and(|l| i64::from(l[b]) <= t as i64) {
                y[row].fill(0.0);
                continue;
            }
            let c = c.get_mut(row.clone()).unwrap_or_default();
            self.tier.recurrent_cell(
                &self.cell,
                &x[b * width..][..width],
                &q[b * n..],
                stride,
                &mut h[row.clone()],
                c,
                &mut y[row],
            );
        }
    }
}
