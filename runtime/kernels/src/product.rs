//! Integer convolution and dense product: lays out rows for a matrix product, for every tier of AArch64 and WebAssembly.
//!
//! A pointwise window reads its rows where they are; others pack patches under several output pixels to the stack, or
//! to the scratch where more of them fit there. A product takes as many rows at a time as stay in the first cache.

use crate::geometry::Walk;
use crate::params::{ConvI8, Finish, Part};
use crate::patches::{Patch, Same};
use core::mem::MaybeUninit;
use redpoll_plan::layout::{BLOCK_K, packed_i8_len, padded_n, patch_stride};

/// Bytes of the buffer on the stack.
const BUFFER: usize = 32 * 1024;
/// Bytes of rows wanted in the first cache beside the weights of a tile.
const NEAR: usize = 16 * 1024;
/// Fewest and most rows of a product.
const ROWS: (usize, usize) = (12, 96);
/// From so many rows on it pays to look for weights of −128.
const SEARCH_ROWS: usize = 16;

/// Rows and channels of one tile, or of a whole product.
#[derive(Clone, Copy)]
pub(crate) struct Tile {
    /// Rows of `k` bytes.
    pub x: *const i8,
    /// Bytes between rows.
    pub x_stride: usize,
    /// Elements of a row.
    pub k: usize,
    /// First block of weights.
    pub weights: *const i8,
    pub bias: *const i32,
    pub scale: *const f32,
    pub y: *mut i8,
    pub y_stride: usize,
    /// Channels to store.
    pub channels: usize,
    pub finish: Finish,
}

/// The last `count` (1 to 3) bytes of a row, zeros behind them.
///
/// # Safety
/// `from` is readable for them.
#[inline(always)]
pub(crate) unsafe fn last_quad(from: *const i8, count: usize) -> i32 {
    let from: *const u8 = from.cast();
    // SAFETY: as the caller promises. No copy of unknown length: it would be a call.
    unsafe {
        let pair = || i32::from(from.cast::<u16>().read_unaligned());
        match count {
            1 => i32::from(*from),
            2 => pair(),
            _ => pair() | i32::from(*from.add(2)) << 16,
        }
    }
}

#[repr(align(64))]
struct Buffer([MaybeUninit<i8>; BUFFER]);

/// A product of rows and all channels of a [`Tile`]; the last argument says that no weight is −128.
pub(crate) type Product = unsafe fn(&Tile, usize, bool);

/// See [`crate::scalar::conv::conv_i8`]: the same bits, by `product`. `search`: whether it gains from weights above −128.
///
/// # Safety
/// The CPU has the instructions of `product`.
///
/// # Panics
/// If a slice is shorter than the parameters say.
pub(crate) unsafe fn conv_i8(
    p: &ConvI8<'_>,
    x: &[i8],
    y: &mut [i8],
    part: Part,
    scratch: &mut [u8],
    (product, search): (Product, bool),
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
    assert!(p.weights.len() >= groups * packed_i8_len(group_out, k));
    assert!(p.bias.len() >= groups * padded_n(group_out));
    assert!(p.scale.len() >= groups * padded_n(group_out));

    let small =
        search && rows >= SEARCH_ROWS && p.weights.iter().fold(i8::MAX, |m, &w| m.min(w)) > i8::MIN;
    let pointwise = w.is_pointwise();
    let near = (NEAR / k.max(1)).clamp(ROWS.0, ROWS.1);
    let mut own = Buffer([MaybeUninit::uninit(); BUFFER]);
    let (own_rows, given_rows) = (BUFFER / k.max(1), scratch.len() / patch_stride(k).max(1));
    // SAFETY: any byte may be written; what is written are bytes.
    let (_, given, _) = unsafe { scratch.align_to_mut::<MaybeUninit<i8>>() };
    let buffer = if own_rows >= given_rows.min(near) {
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
            border: p.x_zero,
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
                (buffer.as_ptr().cast::<i8>(), k)
            };
            // SAFETY: the asserts above; packed is the start of a block (channels start at a multiple of 16 within a
            // group); `count` rows were packed or lie in x; y holds `rows` of `width`.
            unsafe {
                let all = Tile {
                    x: from,
                    x_stride,
                    k,
                    weights: p
                        .weights
                        .as_ptr()
                        .add(packed * k.div_ceil(BLOCK_K) * BLOCK_K),
                    bias: p.bias.as_ptr().add(packed),
                    scale: p.scale.as_ptr().add(packed),
                    y: y.as_mut_ptr().add(row * width + done),
                    y_stride: width,
                    channels,
                    finish: p.finish,
                };
                product(&all, count, small);
            }
            row += count;
        }
        done += channels;
    }
}
