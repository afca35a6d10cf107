//! Integer convolution and dense product: see [`crate::scalar::conv::conv_i8`] for the definition.
//!
//! Inputs under two or three output pixels are widened (`widen.rs`) into the scratch, or into a small buffer on the stack;
//! then every pair of channels runs over them. A single pixel, or one for which no buffer is large enough, is read as
//! bytes against four channels at a time. With Helium nothing is widened: see `helium.rs`. Accumulator bound:
//! `|bias| + K · 128 · 255 < 2³¹`.

#[cfg(cortex_m_helium)]
mod helium;

use super::clamp::clamp;
use super::job::Product;
use super::require;
use super::tile::product_1x4;
#[cfg(not(cortex_m_helium))]
use super::tile::{product_2x2, product_3x2};
#[cfg(not(cortex_m_helium))]
use super::widen::{QUAD, fill, widen};
use super::widen::{copy, fill_bytes};
use crate::geometry::Pixel;
#[cfg(not(cortex_m_helium))]
use crate::geometry::Walk;
use crate::params::{ConvI8, Part};
#[cfg(not(cortex_m_helium))]
use core::mem::MaybeUninit;
use redpoll_plan::Window;
use redpoll_plan::layout::{BLOCK_K, BLOCK_N, packed_i8_len, padded_n, patch_stride};

/// Words of the buffer on the stack: 512 bytes.
#[cfg(not(cortex_m_helium))]
const OWN: usize = 128;
/// Most pixels of a tile.
#[cfg(not(cortex_m_helium))]
const PIXELS: usize = 3;

/// The channels of one group that are asked for.
struct Channels<'a> {
    weights: *const u32,
    bias: *const i32,
    scale: *const f32,
    count: usize,
    quads: usize,
    zero: i32,
    y: *mut i8,
    /// Results between pixels.
    y_step: usize,
    window: &'a Window,
    /// The whole input, from the group's first channel on.
    x: *const i8,
    group_in: usize,
    border: i8,
}

/// See [`crate::scalar::conv::conv_i8`].
pub(super) fn conv_i8(p: &ConvI8<'_>, x: &[i8], y: &mut [i8], part: Part, scratch: &mut [u8]) {
    let w = &p.window;
    let groups = p.groups.max(1);
    let (group_in, group_out) = (w.in_c as usize / groups, (w.out_c as usize / groups).max(1));
    let k = w.taps() * group_in;
    let (rows, width) = (part.rows.len(), part.channels.len());
    if rows == 0 || width == 0 {
        return;
    }
    // Everything that the unchecked code below relies on.
    let inputs = [w.batch, w.in_h, w.in_w, w.in_c]
        .iter()
        .try_fold(1usize, |n, &d| n.checked_mul(d as usize));
    require(inputs.is_some_and(|n| x.len() >= n));
    require(part.rows.end <= w.rows() && part.channels.end <= groups * group_out);
    require(rows.checked_mul(width).is_some_and(|n| y.len() >= n));
    require(p.weights.len() >= groups * packed_i8_len(group_out, k));
    require(p.bias.len() >= groups * padded_n(group_out));
    require(p.scale.len() >= groups * padded_n(group_out));
    require(w.is_pointwise() || scratch.len() >= patch_stride(k));

    let quads = k.div_ceil(BLOCK_K);
    let mut done = 0;
    while done < width {
        let channel = part.channels.start + done;
        let (group, n) = (channel / group_out, channel % group_out);
        let count = (group_out - n).min(width - done);
        let packed = group * padded_n(group_out) + n;
        let c = Channels {
            // Channels start at a multiple of 16 within a group, so at the start of a block.
            weights: p
                .weights
                .as_ptr()
                .wrapping_add(packed * quads * BLOCK_K)
                .cast(),
            bias: p.bias.as_ptr().wrapping_add(packed),
            scale: p.scale.as_ptr().wrapping_add(packed),
            count,
            quads,
            zero: p.finish.y_zero,
            y: y.as_mut_ptr().wrapping_add(done),
            y_step: width,
            window: w,
            x: x.as_ptr().wrapping_add(group * group_in),
            group_in,
            border: p.x_zero,
        };
        // SAFETY: the checks above.
        unsafe { c.rows(part.rows.start, rows, scratch) };
        done += count;
    }
    clamp(&p.finish, &mut y[..]);
}

impl Channels<'_> {
    /// All pixels: `rows` from output pixel `first` on.
    ///
    /// # Safety
    /// Pointers are good for what the window and the counts say; the scratch holds a patch of bytes unless the window is
    /// pointwise.
    #[cfg(not(cortex_m_helium))]
    unsafe fn rows(&self, first: usize, rows: usize, scratch: &mut [u8]) {
        let mut own = [MaybeUninit::<u32>::uninit(); OWN];
        let own = own.as_mut_ptr().cast::<u32>();
        // SAFETY: bytes are words of any content; the aligned middle is used.
        let (_, given, _) = unsafe { scratch.align_to_mut::<u32>() };
        let pixel_words = QUAD * self.quads;
        let pointwise = self.window.is_pointwise();
        // Inputs that are no whole quads are staged as bytes, on the stack.
        let staged = !pointwise && !self.group_in.is_multiple_of(BLOCK_K);
        let (buffer, words) = match given.len() {
            n if n >= OWN || staged => (given.as_mut_ptr(), n),
            _ => (own, OWN),
        };
        let fits = if staged && self.quads > OWN {
            1
        } else {
            words / pixel_words.max(1)
        };
        let most = fits.min(PIXELS).min(rows);
        let mut walk = Walk::new(self.window, first);
        let mut row = 0;
        while row < rows {
            let pixels = most.min(rows - row);
            // SAFETY: the buffer holds `most` widened pixels, or a patch of bytes where it holds none.
            unsafe {
                let y = self.y.add(row * self.y_step);
                if pixels < 2 {
                    let at = self.pixel_index(first + row);
                    let bytes = if pointwise {
                        at
                    } else {
                        let patch = given.as_mut_ptr().cast::<i8>();
                        self.stage(&walk.next(), patch);
                        patch.cast_const()
                    };
                    self.one(bytes, !pointwise, y);
                    row += 1;
                    continue;
                }
                for pixel in 0..pixels {
                    let to = buffer.add(QUAD * pixel);
                    if pointwise {
                        self.widen_row(self.pixel_index(first + row + pixel), to, pixels);
                    } else if staged {
                        self.stage(&walk.next(), own.cast());
                        widen(own.cast(), self.quads, to, pixels);
                    } else {
                        self.widen_patch(&walk.next(), to, pixels);
                    }
                }
                let end = buffer.add(pixel_words * pixels);
                let head = buffer.add(self.quads % 4 * QUAD * pixels);
                let job = self.job(buffer, head, end, y);
                if pixels == 3 {
                    self.blocks(job, |job| product_3x2(job));
                } else {
                    self.blocks(job, |job| product_2x2(job));
                }
            }
            row += pixels;
        }
    }

    /// Input pixel `row` of a pointwise window.
    fn pixel_index(&self, row: usize) -> *const i8 {
        self.x.wrapping_add(row * self.window.in_c as usize)
    }

    /// Widens a pixel that lies in one run; a last quad that is not whole gets zeros.
    ///
    /// # Safety
    /// The run and the buffer are good for K.
    #[cfg(not(cortex_m_helium))]
    #[inline(always)]
    unsafe fn widen_row(&self, from: *const i8, to: *mut u32, pixels: usize) {
        let (whole, left) = (self.group_in / BLOCK_K, self.group_in % BLOCK_K);
        // SAFETY: as the caller promises.
        unsafe {
            let to = widen(from, whole, to, pixels);
            if left > 0 {
                let quad = last_quad(from.add(whole * BLOCK_K), left);
                widen((&raw const quad).cast(), 1, to, pixels);
            }
        }
    }

    /// Widens the inputs under an output pixel; runs are whole quads.
    ///
    /// # Safety
    /// As [`Self::widen_row`].
    #[cfg(not(cortex_m_helium))]
    #[inline(always)]
    unsafe fn widen_patch(&self, at: &Pixel, to: *mut u32, pixels: usize) {
        let mut to = to;
        self.each_run(at, |run, count| {
            let quads = count / BLOCK_K;
            // SAFETY: as the caller promises.
            to = unsafe {
                match run {
                    Some(from) => widen(from, quads, to, pixels),
                    None => fill(self.border, quads, to, pixels),
                }
            };
        });
    }

    /// Copies the inputs under an output pixel as bytes, zeros up to a whole quad behind them.
    ///
    /// # Safety
    /// `to` is writable for `4 · quads` bytes.
    #[inline(never)]
    unsafe fn stage(&self, at: &Pixel, to: *mut i8) {
        let mut done = 0;
        self.each_run(at, |run, count| {
            // SAFETY: as the caller promises.
            unsafe {
                let to = to.add(done);
                match run {
                    Some(from) => copy(from, to, count),
                    None => fill_bytes(self.border, to, count),
                }
            }
            done += count;
        });
        while done < self.quads * BLOCK_K {
            // SAFETY: as above.
            unsafe { to.add(done).write(0) };
            done += 1;
        }
    }

    /// Calls `f` with the runs of inputs under an output pixel in the order of K, `None` for those on the border.
    #[inline(always)]
    fn each_run(&self, at: &Pixel, mut f: impl FnMut(Option<*const i8>, usize)) {
        let w = self.window;
        let (in_h, in_w) = (w.in_h as isize, w.in_w as isize);
        let (taps, channels, in_c) = (w.kernel_w as isize, self.group_in, w.in_c as usize);
        let from = |y: isize, x: isize| {
            self.x
                .wrapping_add((at.base + (y * in_w + x) as usize) * in_c)
        };
        let one_run = w.dilation_w == 1 && channels == in_c;
        for i in 0..w.kernel_h as usize {
            let y = at.top + (i * w.dilation_h as usize) as isize;
            if y < 0 || y >= in_h {
                f(None, taps as usize * channels);
            } else if one_run {
                let before = (-at.left).clamp_to(taps);
                let after = (at.left + taps - in_w).clamp_to(taps - before);
                let inside = taps - before - after;
                if before > 0 {
                    f(None, before as usize * channels);
                }
                if inside > 0 {
                    f(Some(from(y, at.left + before)), inside as usize * channels);
                }
                if after > 0 {
                    f(None, after as usize * channels);
                }
            } else {
                for j in 0..w.kernel_w as usize {
                    let x = at.left + (j * w.dilation_w as usize) as isize;
                    let inside = x >= 0 && x < in_w;
                    f(inside.then(|| from(y, x)), channels);
                }
            }
        }
    }

    /// A product of all channels.
    fn job(&self, x: *const u32, head: *const u32, end: *const u32, y: *mut i8) -> Product {
        Product {
            head,
            end,
            x,
            w: self.weights,
            bias: self.bias,
            scale: self.scale,
            y,
            y_step: self.y_step,
            zero: self.zero,
            channels: self.count,
        }
    }

    /// Calls `product` for each block of channels.
    ///
    /// # Safety
    /// As [`Product`] says.
    #[inline(always)]
    unsafe fn blocks(&self, mut job: Product, product: impl Fn(&Product)) {
        let mut left = self.count;
        while left > 0 {
            job.channels = left.min(BLOCK_N);
            product(&job);
            left -= job.channels;
            job.w = job.w.wrapping_add(self.quads * BLOCK_N);
            job.bias = job.bias.wrapping_add(BLOCK_N);
            job.scale = job.scale.wrapping_add(BLOCK_N);
            job.y = job.y.wrapping_add(BLOCK_N);
        }
    }

    /// One pixel of bytes × all channels; `padded`: whether they are whole quads.
    ///
    /// # Safety
    /// `x` is readable for K, or whole quads; `y` is writable for a pixel.
    #[inline(never)]
    unsafe fn one(&self, x: *const i8, padded: bool, y: *mut i8) {
        let (whole, left) = if padded {
            (self.quads, 0)
        } else {
            (self.group_in / BLOCK_K, self.group_in % BLOCK_K)
        };
        let from = x.cast::<u32>();
        let behind = from.wrapping_add(whole);
        let job = self.job(from, from.wrapping_add(whole % 4), behind, y);
        // SAFETY: as the caller promises.
        unsafe {
            if left == 0 {
                self.blocks(job, |job| product_1x4(job));
                return;
            }
            // The last inputs go into the bias.
            let quad = last_quad(x.add(whole * BLOCK_K), left);
            self.blocks(job, |job| {
                let mut bias = [0i32; BLOCK_N];
                for (n, sum) in bias.iter_mut().enumerate() {
                    let weights = job.w.add(whole * BLOCK_N + n).read().to_le_bytes();
                    *sum = job.bias.add(n).read();
                    for (w, x) in weights.iter().zip(quad.to_le_bytes()) {
                        *sum = sum.wrapping_add(i32::from(*w as i8) * i32::from(x as i8));
                    }
                }
                let bias = bias.as_ptr();
                product_1x4(&Product { bias, ..*job });
            });
        }
    }
}

/// The last `count` (below 4) bytes of a row, zeros behind them.
///
/// # Safety
/// `from` is readable for them.
#[inline(always)]
unsafe fn last_quad(from: *const i8, count: usize) -> u32 {
    let mut word = 0;
    for i in 0..count {
        // SAFETY: as the caller promises.
        word |= u32::from(unsafe { from.add(i).read() } as u8) << (8 * i);
    }
    word
}

/// Clamping to a range of lengths, without the panic of `clamp`.
trait ClampTo {
    fn clamp_to(self, most: isize) -> isize;
}

impl ClampTo for isize {
    #[inline(always)]
    fn clamp_to(self, most: isize) -> isize {
        self.max(0).min(most)
    }
}
