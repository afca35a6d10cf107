//! Integer convolution and dense product: packs rows as i16, then multiplies tiles.
//!
//! Rows of x, or patches under several output pixels, are widened to a buffer that stays in the first cache; then
//! [`gemm`] runs over all channels of them. Rows too long for it are multiplied as they come.

use super::gemm_i8::{Tile, gemm};
use super::patches::{Copied, Patch, Same, Wide};
use crate::geometry::pixel;
use crate::params::{ConvI8, Part};
use crate::x86_64::strip::{self, Lines, Product, Runs};
use core::mem::MaybeUninit;
use redpoll_plan::layout::{BLOCK_K, packed_i8_len, padded_n, patch_stride};

/// Elements of the buffer on the stack.
const BUFFER: usize = 32 * 1024;
/// Elements wanted in the first cache beside the weights of a tile.
const NEAR: usize = 12 * 1024;
/// Rows of the tile.
const TILE_ROWS: usize = 6;
/// Most rows packed at a time.
const MOST_ROWS: usize = 48;

#[repr(align(64))]
struct Buffer([MaybeUninit<i16>; BUFFER]);

/// Products over a strip of i16.
struct Strip;

impl Product for Strip {
    const ELEMENT: usize = 2;

    unsafe fn lay(from: *const i8, to: *mut u8, count: usize) {
        // SAFETY: as the caller promises; lines and elements of a strip are aligned to two bytes.
        let (from, to) = unsafe {
            let to = core::slice::from_raw_parts_mut(to.cast::<MaybeUninit<i16>>(), count);
            (core::slice::from_raw_parts(from, count), to)
        };
        Wide.run(from, to);
    }

    unsafe fn fill(value: i8, to: *mut u8, count: usize) {
        // SAFETY: as the caller promises, as above.
        let to = unsafe { core::slice::from_raw_parts_mut(to.cast::<MaybeUninit<i16>>(), count) };
        to.fill(MaybeUninit::new(Wide::one(value)));
    }

    unsafe fn multiply(p: &ConvI8<'_>, r: &Runs) {
        // SAFETY: as the caller promises.
        unsafe {
            let all = Tile {
                x: r.x,
                x_stride: r.x_stride,
                runs: r.runs,
                down: r.down,
                k: r.quads * BLOCK_K,
                weights: r.weights,
                bias: p.bias.as_ptr().add(r.channel),
                scale: p.scale.as_ptr().add(r.channel),
                y: r.y,
                y_stride: r.y_stride,
                channels: r.channels,
                finish: p.finish,
            };
            gemm(&all, r.pixels, r.lines(), false);
        }
    }
}

/// See [`crate::scalar::conv::conv_i8`]: the same bits.
///
/// # Panics
/// If a slice is shorter than the parameters say.
#[target_feature(enable = "avx2,fma")]
pub(super) fn conv_i8(p: &ConvI8<'_>, x: &[i8], y: &mut [i8], part: Part, scratch: &mut [u8]) {
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
    assert!(p.weights.len() >= groups * packed_i8_len(group_out, k));
    assert!(p.bias.len() >= groups * padded_n(group_out));
    assert!(p.scale.len() >= groups * padded_n(group_out));

    let pointwise = w.is_pointwise();
    // SAFETY: the asserts above; parts start at a block of channels.
    if !pointwise && unsafe { strip::conv_i8::<Strip>(p, x, y, &part) } {
        return;
    }
    let stride = k.div_ceil(BLOCK_K) * BLOCK_K;
    let fit = BUFFER / stride.max(1);
    let direct = fit < rows.min(3);
    let capacity = if direct && pointwise {
        rows
    } else if direct {
        let fit = scratch.len() / patch_stride(k);
        assert!(fit > 0, "scratch too small for a patch");
        fit
    } else {
        fit.min((NEAR / stride.max(1)).max(TILE_ROWS))
            .min(MOST_ROWS)
    };
    let mut own = Buffer([MaybeUninit::uninit(); BUFFER]);

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
            border: p.x_zero,
        };
        let mut row = 0;
        while row < rows {
            let left = rows - row;
            let count = left.div_ceil(left.div_ceil(capacity));
            let first = part.rows.start + row;
            let (from, x_stride) = if direct && pointwise {
                let at = first * in_c + patch.channel;
                (x[at..].as_ptr().cast::<u8>(), in_c)
            } else if direct {
                // SAFETY: any byte may be written; what is written are bytes.
                let (_, scratch, _) = unsafe { scratch.align_to_mut::<MaybeUninit<i8>>() };
                for r in 0..count {
                    let to = &mut scratch[r * patch_stride(k)..][..k];
                    patch.pack(&pixel(w, first + r), to, Same);
                }
                (scratch.as_ptr().cast::<u8>(), patch_stride(k))
            } else {
                for (r, to) in own.0.chunks_exact_mut(stride).take(count).enumerate() {
                    if pointwise {
                        let at = (first + r) * in_c + patch.channel;
                        Wide.run(&x[at..at + k], &mut to[..k]);
                    } else {
                        patch.pack(&pixel(w, first + r), to, Wide);
                    }
                    to[k..].fill(MaybeUninit::new(0));
                }
                (own.0.as_ptr().cast::<u8>(), stride * 2)
            };
            // SAFETY: the asserts above; packed is the start of a block (channels start at a multiple of 16 within a
            // group); `count` rows were packed or lie in x; y holds `rows` of `width`.
            unsafe {
                let all = Tile {
                    x: from,
                    x_stride,
                    runs: 1,
                    down: 0,
                    k,
                    weights: p.weights.as_ptr().add(packed * stride),
                    bias: p.bias.as_ptr().add(packed),
                    scale: p.scale.as_ptr().add(packed),
                    y: y.as_mut_ptr().add(row * width + done),
                    y_stride: width,
                    channels,
                    finish: p.finish,
                };
                gemm(&all, count, Lines::ONE, direct);
            }
            row += count;
        }
        done += channels;
    }
}
