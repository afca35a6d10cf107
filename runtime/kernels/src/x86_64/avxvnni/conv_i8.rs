//! Integer convolution and dense product: packs rows with flipped top bits (x + 128), then multiplies tiles.

use super::gemm_i8::{Tile, gemm};
use crate::geometry::pixel;
use crate::params::{ConvI8, Part};
use crate::x86_64::avx2::patches::{Copied, Flipped, Patch};
use crate::x86_64::strip::{self, Lines, Product, Runs};
use core::mem::MaybeUninit;
use redpoll_plan::layout::{BLOCK_K, packed_i8_len, padded_n};

/// Bytes of the buffer on the stack.
const BUFFER: usize = 64 * 1024;
/// Bytes wanted in the first cache beside the weights of a tile.
const NEAR: usize = 24 * 1024;
/// Rows of the tile.
const TILE_ROWS: usize = 6;
/// Most rows packed at a time.
const MOST_ROWS: usize = 48;

#[repr(align(64))]
struct Buffer([MaybeUninit<u8>; BUFFER]);

/// K of a group, and the same padded to quads.
fn row(p: &ConvI8<'_>) -> (usize, usize) {
    let k = p.window.taps() * (p.window.in_c as usize / p.groups.max(1));
    (k, k.div_ceil(BLOCK_K) * BLOCK_K)
}

/// Whether rows are short enough for the buffer.
pub(super) fn fits(p: &ConvI8<'_>) -> bool {
    row(p).1 <= BUFFER / TILE_ROWS
}

/// Products over a strip of flipped bytes.
struct Strip;

impl Product for Strip {
    const ELEMENT: usize = 1;

    unsafe fn lay(from: *const i8, to: *mut u8, count: usize) {
        // SAFETY: as the caller promises.
        let (from, to) = unsafe {
            let to = core::slice::from_raw_parts_mut(to.cast::<MaybeUninit<u8>>(), count);
            (core::slice::from_raw_parts(from, count), to)
        };
        Flipped.run(from, to);
    }

    unsafe fn fill(value: i8, to: *mut u8, count: usize) {
        // SAFETY: as the caller promises.
        unsafe { core::ptr::write_bytes(to, Flipped::one(value), count) }
    }

    unsafe fn multiply(p: &ConvI8<'_>, r: &Runs) {
        // SAFETY: as the caller promises.
        unsafe {
            let all = Tile {
                x: r.x,
                x_stride: r.x_stride,
                runs: r.runs,
                down: r.down,
                quads: r.quads,
                weights: r.weights,
                bias_unsigned: p.bias_unsigned.as_ptr().add(r.channel),
                scale: p.scale.as_ptr().add(r.channel),
                y: r.y,
                y_stride: r.y_stride,
                channels: r.channels,
                finish: p.finish,
            };
            gemm(&all, r.pixels, r.lines());
        }
    }
}

/// See [`crate::scalar::conv::conv_i8`]: the same bits. Only for rows that [`fits`] allows.
///
/// # Panics
/// If a slice is shorter than the parameters say.
#[target_feature(enable = "avx2,avxvnni")]
pub(super) fn conv_i8(p: &ConvI8<'_>, x: &[i8], y: &mut [i8], part: Part) {
    let w = &p.window;
    let groups = p.groups.max(1);
    let (in_c, out_c) = (w.in_c as usize, w.out_c as usize);
    let (group_in, group_out) = (in_c / groups, out_c / groups);
    let (k, stride) = row(p);
    let (rows, width) = (part.rows.len(), part.channels.len());
    if rows == 0 || width == 0 {
        return;
    }
    // Everything that the unchecked code below relies on.
    let inputs = [w.batch, w.in_h, w.in_w, w.in_c]
        .iter()
        .try_fold(1usize, |n, &d| n.checked_mul(d as usize));
    assert!(inputs.is_some_and(|n| x.len() >= n));
    assert!(fits(p) && part.rows.end <= w.rows() && part.channels.end <= out_c);
    assert!(rows.checked_mul(width).is_some_and(|n| y.len() >= n));
    assert!(p.weights.len() >= groups * packed_i8_len(group_out, k));
    assert!(p.bias_unsigned.len() >= groups * padded_n(group_out));
    assert!(p.scale.len() >= groups * padded_n(group_out));

    let pointwise = w.is_pointwise();
    // SAFETY: the asserts above; parts start at a block of channels.
    if !pointwise && unsafe { strip::conv_i8::<Strip>(p, x, y, &part) } {
        return;
    }
    let capacity = (NEAR / stride).clamp(TILE_ROWS, MOST_ROWS);
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
            if pointwise && in_c == stride {
                let from = &x[first * in_c..(first + count) * in_c];
                Flipped.run(from, &mut own.0[..count * in_c]);
            } else {
                for (r, to) in own.0.chunks_exact_mut(stride).take(count).enumerate() {
                    if pointwise {
                        let at = (first + r) * in_c + patch.channel;
                        Flipped.run(&x[at..at + k], &mut to[..k]);
                    } else {
                        patch.pack(&pixel(w, first + r), to, Flipped);
                    }
                    to[k..].fill(MaybeUninit::new(0));
                }
            }
            // SAFETY: the asserts above; packed is the start of a block (channels start at a multiple of 16 within a
            // group); `count` rows were packed; y holds `rows` of `width`.
            unsafe {
                let all = Tile {
                    x: own.0.as_ptr().cast(),
                    x_stride: stride,
                    runs: 1,
                    down: 0,
                    quads: stride / BLOCK_K,
                    weights: p.weights.as_ptr().add(packed * stride),
                    bias_unsigned: p.bias_unsigned.as_ptr().add(packed),
                    scale: p.scale.as_ptr().add(packed),
                    y: y.as_mut_ptr().add(row * width + done),
                    y_stride: width,
                    channels,
                    finish: p.finish,
                };
                gemm(&all, count, Lines::ONE);
            }
            row += count;
        }
        done += channels;
    }
}
