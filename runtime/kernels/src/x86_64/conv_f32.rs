//! Float convolution and dense product: rows as they lie, under windows in place or in padded bands, or as packed patches,
//! into the tiles of a tier.

use crate::bands::{Bands, Rows, Runs};
use crate::geometry::pixel;
use crate::params::{ConvF32, FloatWeights, Part};
use crate::patches::{Patch, Same};
use core::mem::MaybeUninit;
use core::ops::Range;
use redpoll_plan::layout::{BLOCK_N, packed_f32_len, padded_n};

/// Elements of the buffer on the stack: padded lines, or patches.
const BUFFER: usize = 32 * 1024;
/// Most rows packed at a time.
const MOST_ROWS: usize = 48;

#[repr(align(64))]
struct Buffer([MaybeUninit<f32>; BUFFER]);

/// Operands of one tile, or of a whole product; where the rows lie comes beside it.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    /// The K of a row.
    pub(super) runs: Runs,
    /// First block: f32, or f16 bits.
    pub(super) weights: *const u8,
    /// Elements between blocks.
    pub(super) block_stride: usize,
    /// Elements between K.
    pub(super) step: usize,
    /// Whole blocks; null starts from +0.0.
    pub(super) bias: *const f32,
    pub(super) lo: f32,
    pub(super) hi: f32,
    /// First result.
    pub(super) y: *mut f32,
    /// Elements between rows of results.
    pub(super) y_stride: usize,
    /// Channels to load and store, of the last block perhaps not all.
    pub(super) channels: usize,
}

/// Computes rows × channels of any size for a tier: `gemm(tile, half-precision weights, x, rows, count)`.
pub(super) trait Gemm: Copy {
    /// # Safety
    /// The CPU has the instructions; `count` rows, relative to `x`, are readable; the pointers of the tile are good for
    /// its channels and those rows.
    unsafe fn gemm(self, tile: &Tile, half: bool, x: *const f32, rows: &Rows, count: usize);
}

/// See [`crate::scalar::conv::conv_f32`]: the same bits.
///
/// # Safety
/// The CPU has the instructions.
///
/// # Panics
/// If a slice is shorter than the parameters say, or the scratch does not hold one patch.
#[inline(always)]
pub(super) unsafe fn conv_f32<G: Gemm>(
    gemm: G,
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

    let all = Product {
        gemm,
        p,
        x,
        y: y.as_mut_ptr(),
        weights,
        size,
        k,
        width,
    };
    let mut done = 0;
    while done < width {
        // Channels of one group.
        let channel = part.channels.start + done;
        let (group, n) = (channel / group_out, channel % group_out);
        let channels = (group_out - n).min(width - done);
        let share = Share {
            done,
            channels,
            packed: group * padded_n(group_out) + n,
            group: group * group_in,
            group_in,
        };
        // SAFETY: the asserts above; packed is the start of a block.
        unsafe {
            if w.is_pointwise() {
                let x = x.as_ptr().add(part.rows.start * in_c + share.group);
                all.tiles(&share, Runs::one(k), x, &Rows::even(in_c), 0, rows);
            } else {
                all.windows(&share, part.rows.clone(), scratch);
            }
        }
        done += channels;
    }
}

/// A convolution whose sizes were checked.
struct Product<'a, G> {
    gemm: G,
    p: &'a ConvF32<'a>,
    x: &'a [f32],
    y: *mut f32,
    weights: *const u8,
    /// Bytes of a weight.
    size: usize,
    k: usize,
    /// Elements between rows of results.
    width: usize,
}

/// Channels of one group.
struct Share {
    /// First of them in a row of results.
    done: usize,
    channels: usize,
    /// First of them in the packed weights.
    packed: usize,
    /// First input channel, and their number.
    group: usize,
    group_in: usize,
}

impl<G: Gemm> Product<'_, G> {
    /// Results of `count` rows from `row`.
    ///
    /// # Safety
    /// The CPU has the instructions; sizes as asserted by [`conv_f32`]; the rows are readable.
    unsafe fn tiles(
        &self,
        share: &Share,
        runs: Runs,
        x: *const f32,
        rows: &Rows,
        row: usize,
        count: usize,
    ) {
        // SAFETY: as the caller promises.
        unsafe {
            let tile = Tile {
                runs,
                weights: self.weights.add(share.packed * self.k * self.size),
                block_stride: BLOCK_N * self.k,
                step: BLOCK_N,
                bias: self.p.bias.as_ptr().add(share.packed),
                lo: self.p.lo,
                hi: self.p.hi,
                y: self.y.add(row * self.width + share.done),
                y_stride: self.width,
                channels: share.channels,
            };
            self.gemm.gemm(&tile, self.size == 2, x, rows, count);
        }
    }

    /// Results under windows: the input in place, bands of padded lines, or patches where a line does not fit.
    ///
    /// # Safety
    /// As for [`Self::tiles`].
    #[inline(never)]
    unsafe fn windows(&self, share: &Share, rows: Range<usize>, scratch: &mut [u8]) {
        let w = &self.p.window;
        let mut own = Buffer([MaybeUninit::uninit(); BUFFER]);
        // SAFETY: any bits may be written; what is written are f32.
        let (_, given, _) = unsafe { scratch.align_to_mut::<MaybeUninit<f32>>() };
        let buffer = if given.len() > BUFFER {
            given
        } else {
            &mut own.0[..]
        };
        if let Some(bands) = Bands::new(w, share.group, share.group_in, buffer.len()) {
            let (runs, mut row) = (bands.runs(), 0);
            // SAFETY: as the caller promises; the buffer has the length that the bands were made for.
            unsafe {
                bands.each(self.x.as_ptr(), buffer, rows, |from, places, count| {
                    self.tiles(share, runs, from, places, row, count);
                    row += count;
                });
            }
            return;
        }
        let capacity = (buffer.len() / self.k.max(1)).min(MOST_ROWS);
        assert!(capacity > 0, "scratch too small for a patch");
        let patch = Patch {
            window: w,
            x: self.x,
            channel: share.group,
            channels: share.group_in,
            border: 0.0f32,
        };
        let mut row = 0;
        while row < rows.len() {
            let left = rows.len() - row;
            let count = left.div_ceil(left.div_ceil(capacity));
            for (r, to) in buffer
                .chunks_exact_mut(self.k.max(1))
                .take(count)
                .enumerate()
            {
                patch.pack(&pixel(w, rows.start + row + r), to, Same);
            }
            let (runs, places) = (Runs::one(self.k), Rows::even(self.k));
            // SAFETY: as the caller promises; `count` patches were packed.
            unsafe {
                self.tiles(share, runs, buffer.as_ptr().cast(), &places, row, count);
            }
            row += count;
        }
    }
}
