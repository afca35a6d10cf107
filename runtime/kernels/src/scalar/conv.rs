//! Convolution and dense product, int8 and float: 16 output channels at a time over the packed layout.
//!
//! ```text
//! int8  [groups][N/16][K/4][16][4]     f32, f16  [groups][N/16][K][16]
//!        one block: channel 0: k k k k            one row: w(k, channel 0..16)
//!                   channel 1: k k k k
//! ```
//! Accumulator: i32 wrapping; the converter proves that `|bias| + K · 128 · 255 < 2³¹`.

use crate::finish::finish;
use crate::geometry::pixel;
use crate::math::{clamp, fma};
use crate::params::{ConvF32, ConvI8, FloatWeights, Part};
use half::f16;
use redpoll_plan::layout::{BLOCK_K, BLOCK_N, packed_f32_len, packed_i8_len, padded_n};

/// Sizes that all convolutions share.
struct Shape {
    /// Input channels of a group.
    group_in: usize,
    /// Output channels of a group.
    group_out: usize,
    /// Products of one output element.
    k: usize,
}

fn shape(w: &redpoll_plan::Window, groups: usize) -> Shape {
    let groups = groups.max(1);
    let group_in = w.in_c as usize / groups;
    Shape {
        group_in,
        group_out: w.out_c as usize / groups,
        k: w.taps() * group_in,
    }
}

/// Multiplies a block of 16 channels × 4 K into the accumulators.
#[inline(always)]
fn multiply_block(acc: &mut [i32; BLOCK_N], block: &[i8], x: [i8; BLOCK_K]) {
    for (acc, w) in acc.iter_mut().zip(block.chunks_exact(BLOCK_K)) {
        let sum = i32::from(w[0]) * i32::from(x[0])
            + i32::from(w[1]) * i32::from(x[1])
            + i32::from(w[2]) * i32::from(x[2])
            + i32::from(w[3]) * i32::from(x[3]);
        *acc = acc.wrapping_add(sum);
    }
}

/// Feeds a run of inputs to the blocks four at a time, keeping what is left for the next run.
struct Feed<'a> {
    blocks: core::slice::ChunksExact<'a, i8>,
    held: [i8; BLOCK_K],
    count: usize,
}

impl<'a> Feed<'a> {
    fn new(weights: &'a [i8]) -> Self {
        Self {
            blocks: weights.chunks_exact(BLOCK_N * BLOCK_K),
            held: [0; BLOCK_K],
            count: 0,
        }
    }

    #[inline(always)]
    fn flush(&mut self, acc: &mut [i32; BLOCK_N]) {
        if let Some(block) = self.blocks.next() {
            multiply_block(acc, block, self.held);
        }
        self.held = [0; BLOCK_K];
        self.count = 0;
    }

    #[inline(always)]
    fn push(&mut self, acc: &mut [i32; BLOCK_N], run: impl Iterator<Item = i8>) {
        for v in run {
            self.held[self.count] = v;
            self.count += 1;
            if self.count == BLOCK_K {
                self.flush(acc);
            }
        }
    }

    #[inline(always)]
    fn push_slice(&mut self, acc: &mut [i32; BLOCK_N], run: &[i8]) {
        if self.count > 0 {
            self.push(acc, run.iter().copied());
            return;
        }
        let mut quads = run.chunks_exact(BLOCK_K);
        for q in &mut quads {
            if let Some(block) = self.blocks.next() {
                multiply_block(acc, block, [q[0], q[1], q[2], q[3]]);
            }
        }
        self.push(acc, quads.remainder().iter().copied());
    }
}

/// `y = finish(f32(bias + Σ x · w) · scale[c])`, the border reading `x_zero`.
///
/// # Panics
/// If a slice is shorter than the parameters say.
pub fn conv_i8(p: &ConvI8<'_>, x: &[i8], y: &mut [i8], part: Part) {
    let w = &p.window;
    let s = shape(w, p.groups);
    let block_len = packed_i8_len(BLOCK_N, s.k);
    let channels = part.channels.len();
    for (y, row) in y.chunks_exact_mut(channels.max(1)).zip(part.rows) {
        let at = pixel(w, row);
        let mut done = 0;
        while done < channels {
            let channel = part.channels.start + done;
            let (group, n) = (channel / s.group_out, channel % s.group_out);
            let width = (s.group_out - n).min(BLOCK_N).min(channels - done);
            let packed = group * padded_n(s.group_out) + n;
            let mut acc = [0i32; BLOCK_N];
            acc.copy_from_slice(&p.bias[packed..packed + BLOCK_N]);
            let weights = &p.weights[packed / BLOCK_N * block_len..][..block_len];
            let mut feed = Feed::new(weights);
            at.each_tap(w, |_, pixel| match pixel {
                Some(i) => {
                    let start = i * w.in_c as usize + group * s.group_in;
                    feed.push_slice(&mut acc, &x[start..start + s.group_in]);
                }
                None => feed.push(&mut acc, core::iter::repeat_n(p.x_zero, s.group_in)),
            });
            if feed.count > 0 {
                feed.flush(&mut acc);
            }
            let scale = &p.scale[packed..packed + width];
            for ((y, &acc), &scale) in y[done..done + width].iter_mut().zip(&acc).zip(scale) {
                *y = finish(acc as f32 * scale, &p.finish) as i8;
            }
            done += width;
        }
    }
}

/// Sixteen weights of one K.
#[inline(always)]
fn weights_at(weights: &FloatWeights<'_>, at: usize) -> [f32; BLOCK_N] {
    let mut out = [0.0; BLOCK_N];
    match weights {
        FloatWeights::F32(w) => out.copy_from_slice(&w[at..at + BLOCK_N]),
        FloatWeights::F16(w) => {
            for (out, &bits) in out.iter_mut().zip(&w[at..at + BLOCK_N]) {
                *out = f16::from_bits(bits).to_f32_const();
            }
        }
    }
    out
}

/// `acc = bias; acc = fma(x, w, acc)` over K in order, the border reading `+0.0`; then the clamp.
///
/// # Panics
/// If a slice is shorter than the parameters say.
pub fn conv_f32(p: &ConvF32<'_>, x: &[f32], y: &mut [f32], part: Part) {
    let w = &p.window;
    let s = shape(w, p.groups);
    let block_len = packed_f32_len(BLOCK_N, s.k);
    let channels = part.channels.len();
    for (y, row) in y.chunks_exact_mut(channels.max(1)).zip(part.rows) {
        let at = pixel(w, row);
        let mut done = 0;
        while done < channels {
            let channel = part.channels.start + done;
            let (group, n) = (channel / s.group_out, channel % s.group_out);
            let width = (s.group_out - n).min(BLOCK_N).min(channels - done);
            let packed = group * padded_n(s.group_out) + n;
            let mut acc = [0f32; BLOCK_N];
            acc.copy_from_slice(&p.bias[packed..packed + BLOCK_N]);
            let block = packed / BLOCK_N * block_len;
            at.each_tap(w, |tap, pixel| {
                let start = pixel.map(|i| i * w.in_c as usize + group * s.group_in);
                for c in 0..s.group_in {
                    let x = start.map_or(0.0, |start| x[start + c]);
                    let k = tap * s.group_in + c;
                    let weights = weights_at(&p.weights, block + k * BLOCK_N);
                    for (acc, &w) in acc.iter_mut().zip(&weights) {
                        *acc = fma(x, w, *acc);
                    }
                }
            });
            for (y, &acc) in y[done..done + width].iter_mut().zip(&acc) {
                *y = clamp(acc, p.lo, p.hi);
            }
            done += width;
        }
    }
}
