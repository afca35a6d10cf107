//! Float convolution, dense product and matrix product: rows as they lie, or packed patches, into tiles.

use super::gemm_f32::{Tile, gemm};
use crate::geometry::{Pixel, Walk};
use crate::params::{ConvF32, FloatWeights, Part};
use core::mem::MaybeUninit;
use redpoll_plan::Window;
use redpoll_plan::layout::{packed_f32_len, padded_n};

/// Elements of the buffer on the stack.
const BUFFER: usize = 6 * 1024;
/// Most rows packed at a time.
const MOST_ROWS: usize = 48;

#[repr(align(64))]
struct Buffer([MaybeUninit<f32>; BUFFER]);

/// Packs the patch under an output pixel: taps outside, channels of the group inside, the border +0.0.
///
/// # Safety
/// `x` is readable for the input of the window, `at` is of an output pixel of it, `channels` from `channel` are
/// inside `in_c`; `to` is writable for the patch.
unsafe fn pack(
    w: &Window,
    x: *const f32,
    channel: usize,
    channels: usize,
    at: &Pixel,
    mut to: *mut f32,
) {
    let taps = w.kernel_w as usize;
    let one_run = w.dilation_w == 1 && channels == w.in_c as usize;
    for i in 0..w.kernel_h as usize {
        // SAFETY: the pixel index counts only pixels inside; the destination advances by the patch in all.
        unsafe {
            if one_run
                && let Some(first) = at.tap(w, i, 0)
                && at.tap(w, i, taps - 1).is_some()
            {
                let length = taps * channels;
                core::ptr::copy_nonoverlapping(x.add(first * channels), to, length);
                to = to.add(length);
                continue;
            }
            for j in 0..taps {
                match at.tap(w, i, j) {
                    Some(pixel) => {
                        let from = x.add(pixel * w.in_c as usize + channel);
                        core::ptr::copy_nonoverlapping(from, to, channels);
                    }
                    None => core::slice::from_raw_parts_mut(to, channels).fill(0.0),
                }
                to = to.add(channels);
            }
        }
    }
}

/// See [`crate::scalar::conv::conv_f32`]: the same bits.
///
/// # Safety
/// The CPU has the instructions.
///
/// # Panics
/// If a slice is shorter than the parameters say, or the scratch does not hold one patch.
pub(super) unsafe fn conv_f32(
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
    let (weights, size, length) = match p.weights {
        FloatWeights::F32(w) => (w.as_ptr().cast::<u8>(), 4, w.len()),
        FloatWeights::F16(w) => (w.as_ptr().cast::<u8>(), 2, w.len()),
    };
    // Everything that the unchecked code below relies on.
    let inputs = [w.batch, w.in_h, w.in_w, w.in_c]
        .iter()
        .try_fold(1usize, |n, &d| n.checked_mul(d as usize));
    assert!(inputs.is_some_and(|n| x.len() >= n));
    assert!(part.rows.end <= w.rows() && part.channels.end <= out_c);
    assert!(rows.checked_mul(width).is_some_and(|n| y.len() >= n));
    assert!(length >= groups * packed_f32_len(group_out, k));
    assert!(p.bias.len() >= groups * padded_n(group_out));

    let pointwise = w.is_pointwise();
    let mut own = Buffer([MaybeUninit::uninit(); BUFFER]);
    let fit = |elements: usize| (elements / k.max(1)).min(MOST_ROWS);
    // SAFETY: every bit pattern is an f32.
    let (_, scratch, _) = unsafe { scratch.align_to_mut::<f32>() };
    let (buffer, capacity) = if fit(scratch.len()) > fit(BUFFER) {
        (scratch.as_mut_ptr(), fit(scratch.len()))
    } else {
        (own.0.as_mut_ptr().cast::<f32>(), fit(BUFFER))
    };
    assert!(pointwise || capacity > 0, "scratch too small for a patch");

    let mut done = 0;
    while done < width {
        // Channels of one group.
        let channel = part.channels.start + done;
        let (group, n) = (channel / group_out, channel % group_out);
        let channels = (group_out - n).min(width - done);
        let packed = group * padded_n(group_out) + n;
        let mut row = 0;
        while row < rows {
            let first = part.rows.start + row;
            let left = rows - row;
            // SAFETY: the asserts above; packed is the start of a block, the buffer holds `capacity` patches.
            unsafe {
                let (count, from, stride) = if pointwise {
                    (left, x.as_ptr().add(first * in_c + group * group_in), in_c)
                } else {
                    let count = left.div_ceil(left.div_ceil(capacity));
                    let mut walk = Walk::new(w, first);
                    for r in 0..count {
                        let (at, to) = (walk.next(), buffer.add(r * k));
                        pack(w, x.as_ptr(), group * group_in, group_in, &at, to);
                    }
                    (count, buffer.cast_const(), k)
                };
                let tile = Tile {
                    x: from,
                    x_stride: stride,
                    weights: weights.add(packed * k * size),
                    block_stride: 16 * k,
                    step: 16,
                    k,
                    bias: p.bias.as_ptr().add(packed),
                    lo: p.lo,
                    hi: p.hi,
                    y: y.as_mut_ptr().add(row * width + done),
                    y_stride: width,
                    channels,
                };
                match p.weights {
                    FloatWeights::F32(_) => gemm::<false>(&tile, count),
                    FloatWeights::F16(_) => gemm::<true>(&tile, count),
                }
                row += count;
            }
        }
        done += channels;
    }
}

/// See [`crate::scalar::matmul::matmul_f32`]: the same bits.
///
/// # Safety
/// The CPU has the instructions.
///
/// # Panics
/// If a slice is shorter than the sizes say.
pub(super) unsafe fn matmul_f32(a: &[f32], b: &[f32], y: &mut [f32], m: usize, k: usize, n: usize) {
    let holds = |len: usize, r: usize, c: usize| r.checked_mul(c).is_some_and(|l| len >= l);
    assert!(holds(a.len(), m, k) && holds(b.len(), k, n) && holds(y.len(), m, n));
    let tile = Tile {
        x: a.as_ptr(),
        x_stride: k,
        weights: b.as_ptr().cast(),
        block_stride: 16,
        step: n,
        k,
        bias: core::ptr::null(),
        lo: f32::NEG_INFINITY,
        hi: f32::INFINITY,
        y: y.as_mut_ptr(),
        y_stride: n,
        channels: n,
    };
    // SAFETY: the asserts above; the tile does not load columns behind the last.
    unsafe { gemm::<false>(&tile, m) };
}
