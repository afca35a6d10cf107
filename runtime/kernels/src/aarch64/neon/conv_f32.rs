//! Float convolution and dense product: lays out rows for a matrix product.
//!
//! A pointwise window reads its rows where they are; others pack patches under several output pixels to the stack, or
//! to the scratch where more of them fit there.

use super::gemm_f32::{TILE_ROWS, Tile, gemm};
use crate::geometry::Walk;
use crate::params::{ConvF32, FloatWeights, Part};
use crate::patches::{Patch, Same};
use core::mem::MaybeUninit;
use redpoll_plan::layout::{packed_f32_len, padded_n};

/// Elements of the buffer on the stack.
const BUFFER: usize = 8 * 1024;
/// Elements of rows wanted in the first cache beside the weights of a tile.
const NEAR: usize = 4 * 1024;
/// Most rows of a product.
const MOST_ROWS: usize = 80;

#[repr(align(64))]
struct Buffer([MaybeUninit<f32>; BUFFER]);

/// See [`crate::scalar::conv::conv_f32`]: the same bits.
///
/// # Panics
/// If a slice is shorter than the parameters say.
#[target_feature(enable = "neon")]
pub(in crate::aarch64) fn conv_f32(
    p: &ConvF32<'_>,
    x: &[f32],
    y: &mut [f32],
    part: Part,
    scratch: &mut [u8],
) {
    let w = &p.window;
    let groups = p.groups.max(1);
    let (in_c, out_c) = (w.in_c as usize, w.out_c as usize);
    let (group_in, group_out) = (in_c / groups, out_c / groups);
    let k = w.taps() * group_in;
    let (rows, width) = (part.rows.len(), part.channels.len());
    if rows == 0 || width == 0 {
        return;
    }
    // Everything that the unchecked code below relies on.
    let inputs = [w.batch, w.in_h, w.in_w, w.in_c]
        .iter()
        .try_fold(1usize, |n, &d| n.checked_mul(d as usize));
    assert!(inputs.is_some_and(|n| x.len() >= n));
    assert!(part.rows.end <= w.rows() && part.channels.end <= out_c);
    assert!(rows.checked_mul(width).is_some_and(|n| y.len() >= n));
    let (weights, length, half): (*const u8, usize, bool) = match p.weights {
        FloatWeights::F32(w) => (w.as_ptr().cast(), w.len(), false),
        FloatWeights::F16(w) => (w.as_ptr().cast(), w.len(), true),
    };
    assert!(length >= groups * packed_f32_len(group_out, k));
    assert!(p.bias.len() >= groups * padded_n(group_out));

    let pointwise = w.is_pointwise();
    let near = (NEAR / k.max(1)).clamp(2 * TILE_ROWS, MOST_ROWS);
    let mut own = Buffer([MaybeUninit::uninit(); BUFFER]);
    // SAFETY: any bits may be written; what is written are f32.
    let (_, given, _) = unsafe { scratch.align_to_mut::<MaybeUninit<f32>>() };
    let buffer = if BUFFER / k.max(1) >= (given.len() / k.max(1)).min(near) {
        &mut own.0[..]
    } else {
        given
    };
    let capacity = if pointwise {
        near
    } else {
        near.min(buffer.len() / k.max(1))
    };
    assert!(capacity > 0, "scratch too small for a patch");

    let mut done = 0;
    while done < width {
        // Channels of one group.
        let channel = part.channels.start + done;
        let (group, n) = (channel / group_out, channel % group_out);
        let channels = (group_out - n).min(width - done);
        let packed = group * padded_n(group_out) + n;
        let patch = Patch {
            window: w,
            x,
            channel: group * group_in,
            channels: group_in,
            border: 0.0f32,
        };
        let mut walk = Walk::new(w, part.rows.start);
        let mut row = 0;
        while row < rows {
            let left = rows - row;
            let count = left.div_ceil(left.div_ceil(capacity));
            let (from, x_stride) = if pointwise {
                let at = (part.rows.start + row) * in_c + patch.channel;
                (x[at..].as_ptr(), in_c)
            } else {
                for to in buffer.chunks_exact_mut(k).take(count) {
                    patch.pack(&walk.next(), to, Same);
                }
                (buffer.as_ptr().cast::<f32>(), k)
            };
            // SAFETY: the asserts above; packed is the start of a block (channels start at a multiple of 16 within a
            // group); `count` rows were packed or lie in x; y holds `rows` of `width`.
            unsafe {
                let all = Tile {
                    x: from,
                    x_stride,
                    k,
                    weights: weights.add(packed * k * if half { 2 } else { 4 }),
                    bias: p.bias.as_ptr().add(packed),
                    y: y.as_mut_ptr().add(row * width + done),
                    y_stride: width,
                    channels,
                    lo: p.lo,
                    hi: p.hi,
                };
                gemm(&all, count, half);
            }
            row += count;
        }
        done += channels;
    }
}
