//! Integer convolution and dense product: packs rows, then multiplies tiles.
//!
//! Rows of x, or patches under several output pixels, are copied with flipped top bits to a buffer that stays in the
//! first cache (3 instructions for 64 bytes, against one for every 4 inside the tile); then [`gemm`] runs over all
//! channels of them. Weights are streamed once for as many rows as the buffer holds.

use super::epilogue::small;
use super::gemm_i8::{Tile, gemm, gemm_long};
use super::patches::{Patch, flip};
use crate::geometry::Walk;
use crate::params::{ConvI8, Part};
use crate::x86_64::strip::{self, Lines, Product, Runs};
use core::mem::MaybeUninit;
use redpoll_plan::layout::{BLOCK_K, packed_i8_len, padded_n};

/// Bytes of the buffer on the stack for rows that should leave the first cache.
const BUFFER: usize = 128 * 1024;
/// Bytes wanted in the first cache beside the weights of a tile: the buffer of all others. Each page of a buffer costs a call a
/// write, which a layer of a microsecond feels.
const NEAR: usize = 24 * 1024;
/// Rows that are worth leaving it for: two tiles.
const FEW_ROWS: usize = 12;
/// Bytes behind the last row that a copy may write.
const SLACK: usize = 64;
/// Most rows packed at a time.
const MOST_ROWS: usize = 64;
/// Bytes of weights from which passes over them cost more than rows that leave the first cache.
const HEAVY: usize = 512 * 1024;
/// Longest row of [`one_row`].
const ONE_ROW: usize = 4096;

#[repr(align(64))]
struct Buffer<const N: usize> {
    _bytes: [MaybeUninit<u8>; N],
    _slack: [MaybeUninit<u8>; SLACK],
}

/// Products over a strip of flipped bytes.
struct Strip;

impl Product for Strip {
    const ELEMENT: usize = 1;

    #[inline]
    unsafe fn lay(from: *const i8, to: *mut u8, count: usize) {
        // SAFETY: as the caller promises; a tight copy writes nothing behind the end.
        unsafe { flip::<true>(from, to, count) }
    }

    #[inline]
    unsafe fn fill(value: i8, to: *mut u8, count: usize) {
        // SAFETY: as the caller promises.
        unsafe { core::ptr::write_bytes(to, value as u8 ^ 0x80, count) }
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
                bias: p.bias_unsigned.as_ptr().add(r.channel),
                scale: p.scale.as_ptr().add(r.channel),
                y: r.y,
                y_stride: r.y_stride,
                channels: r.channels,
                small: small(&p.scale[r.channel..][..r.channels]),
                finish: p.finish,
            };
            gemm(&all, r.pixels, r.lines());
        }
    }
}

/// See [`crate::scalar::conv::conv_i8`]: the same bits.
///
/// # Safety
/// The CPU has the instructions.
///
/// # Panics
/// If a slice is shorter than the parameters say.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
pub(super) unsafe fn conv_i8(
    p: &ConvI8<'_>,
    x: &[i8],
    y: &mut [i8],
    part: Part,
    scratch: &mut [u8],
) {
    let w = &p.window;
    let groups = p.groups.max(1);
    let (in_c, out_c) = (w.in_c as usize, w.out_c as usize);
    let (rows, width) = (part.rows.len(), part.channels.len());
    if rows == 0 || width == 0 {
        return;
    }
    if rows == 1 && groups == 1 && in_c <= ONE_ROW && w.is_pointwise() {
        // Everything that the unchecked code relies on.
        let x = &x[part.rows.start * in_c..][..in_c];
        assert!(part.channels.end <= out_c && y.len() >= width);
        assert!(p.weights.len() >= packed_i8_len(out_c, in_c));
        assert!(p.bias_unsigned.len() >= padded_n(out_c));
        assert!(p.scale.len() >= padded_n(out_c));
        // SAFETY: the asserts above; parts start at a block of channels.
        return unsafe { one_row(p, x, y, &part) };
    }
    let (group_in, group_out) = (in_c / groups, out_c / groups);
    let k = w.taps() * group_in;
    // Everything that the unchecked code below relies on.
    let inputs = [w.batch, w.in_h, w.in_w, w.in_c]
        .iter()
        .try_fold(1usize, |n, &d| n.checked_mul(d as usize));
    assert!(inputs.is_some_and(|n| x.len() >= n));
    assert!(part.rows.end <= w.rows() && part.channels.end <= out_c);
    assert!(rows.checked_mul(width).is_some_and(|n| y.len() >= n));
    assert!(p.weights.len() >= groups * packed_i8_len(group_out, k));
    assert!(p.bias_unsigned.len() >= groups * padded_n(group_out));
    assert!(p.scale.len() >= groups * padded_n(group_out));

    // SAFETY: the asserts above; parts start at a block of channels.
    unsafe { many_rows(p, x, y, part, scratch) }
}

/// A dense layer: nothing to choose, for where a call is as short as its preparation.
///
/// # Safety
/// As [`conv_i8`] has checked; `x` starts at the row, which is at most [`ONE_ROW`] long.
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn one_row(p: &ConvI8<'_>, x: &[i8], y: &mut [i8], part: &Part) {
    #[repr(align(64))]
    struct Row([MaybeUninit<u8>; ONE_ROW + SLACK]);
    let mut own = Row([MaybeUninit::uninit(); ONE_ROW + SLACK]);
    let row = own.0.as_mut_ptr().cast::<u8>();
    let (k, channels) = (p.window.in_c as usize, part.channels.clone());
    let quads = k.div_ceil(BLOCK_K);
    // SAFETY: as the caller promises; a copy writes whole groups of four.
    unsafe {
        flip::<false>(x.as_ptr(), row, k);
        let all = Tile {
            x: row,
            x_stride: 0,
            runs: 1,
            down: 0,
            quads,
            weights: p.weights.as_ptr().add(channels.start * quads * BLOCK_K),
            bias: p.bias_unsigned.as_ptr().add(channels.start),
            scale: p.scale.as_ptr().add(channels.start),
            y: y.as_mut_ptr(),
            y_stride: 0,
            channels: channels.len(),
            small: small(&p.scale[channels]),
            finish: p.finish,
        };
        gemm(&all, 1, Lines::ONE);
    }
}

/// Everything else.
///
/// # Safety
/// As [`conv_i8`] has checked.
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn many_rows(p: &ConvI8<'_>, x: &[i8], y: &mut [i8], part: Part, scratch: &mut [u8]) {
    // SAFETY: as the caller has checked.
    unsafe {
        if !p.window.is_pointwise() && strip::conv_i8::<Strip>(p, x, y, &part) {
            return;
        }
        let k = p.window.taps() * p.window.in_c as usize / p.groups.max(1);
        let stride = k.div_ceil(BLOCK_K) * BLOCK_K;
        let heavy = stride.saturating_mul(part.channels.len()) >= HEAVY;
        let wanted = if heavy {
            MOST_ROWS
        } else {
            (NEAR / stride.max(1)).clamp(FEW_ROWS, MOST_ROWS)
        };
        if wanted * stride <= NEAR {
            packed_rows::<NEAR>(p, x, y, part, scratch, stride, wanted);
        } else {
            packed_rows::<BUFFER>(p, x, y, part, scratch, stride, wanted);
        }
    }
}

/// Rows packed `wanted` at a time, of whole groups of four bytes, `stride` bytes each; long rows of patches go to the caller's
/// scratch.
///
/// # Safety
/// As [`conv_i8`] has checked.
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn packed_rows<const N: usize>(
    p: &ConvI8<'_>,
    x: &[i8],
    y: &mut [i8],
    part: Part,
    scratch: &mut [u8],
    stride: usize,
    wanted: usize,
) {
    let w = &p.window;
    let groups = p.groups.max(1);
    let (in_c, out_c) = (w.in_c as usize, w.out_c as usize);
    let (group_in, group_out) = (in_c / groups, out_c / groups);
    let k = w.taps() * group_in;
    let (rows, width) = (part.rows.len(), part.channels.len());
    let pointwise = w.is_pointwise();
    let mut own = Buffer::<N> {
        _bytes: [MaybeUninit::uninit(); N],
        _slack: [MaybeUninit::uninit(); SLACK],
    };
    let fit = |bytes: usize| (bytes / stride.max(1)).min(wanted);
    let tight = !pointwise && fit(scratch.len()) > fit(N);
    let (buffer, capacity) = if tight {
        (scratch.as_mut_ptr(), fit(scratch.len()))
    } else {
        ((&raw mut own).cast::<u8>(), fit(N))
    };
    let long = pointwise && capacity < if rows > 1 { 6 } else { 1 };
    assert!(pointwise || capacity > 0, "scratch too small for a patch");

    let mut done = 0;
    while done < width {
        // Channels of one group.
        let channel = part.channels.start + done;
        let (group, n) = (channel / group_out, channel % group_out);
        let channels = (group_out - n).min(width - done);
        let packed = group * padded_n(group_out) + n;
        let patch = Patch {
            window: w,
            x: x.as_ptr(),
            channel: group * group_in,
            channels: group_in,
            zero: p.x_zero,
        };
        // SAFETY: the asserts above; packed is the start of a block (channels start at a multiple of 16 within a
        // group), rows are copied to a buffer that holds `capacity` of them and the slack.
        unsafe {
            let mut all = Tile {
                x: buffer,
                x_stride: stride,
                runs: 1,
                down: 0,
                weights: p.weights.as_ptr().add(packed * stride),
                quads: stride / BLOCK_K,
                bias: p.bias_unsigned.as_ptr().add(packed),
                scale: p.scale.as_ptr().add(packed),
                y: y.as_mut_ptr().add(done),
                y_stride: width,
                channels,
                small: small(&p.scale[packed..][..channels]),
                finish: p.finish,
            };
            if long {
                let first = part.rows.start * in_c + patch.channel;
                all.x = x.as_ptr().add(first).cast();
                all.x_stride = in_c;
                gemm_long(&all, rows, k);
                done += channels;
                continue;
            }
            let mut row = 0;
            while row < rows {
                let left = rows - row;
                let count = left.div_ceil(left.div_ceil(capacity));
                let first = part.rows.start + row;
                if pointwise && in_c == stride {
                    flip::<false>(x.as_ptr().add(first * in_c), buffer, count * in_c);
                } else if pointwise {
                    for r in 0..count {
                        let from = (first + r) * in_c + patch.channel;
                        flip::<false>(x.as_ptr().add(from), buffer.add(r * stride), k);
                    }
                } else {
                    let mut walk = Walk::new(w, first);
                    for r in 0..count {
                        let (at, to) = (walk.next(), buffer.add(r * stride));
                        if tight {
                            patch.pack::<true>(&at, to);
                        } else {
                            patch.pack::<false>(&at, to);
                        }
                    }
                }
                all.y = y.as_mut_ptr().add(row * width + done);
                gemm(&all, count, Lines::ONE);
                row += count;
            }
        }
        done += channels;
    }
}
