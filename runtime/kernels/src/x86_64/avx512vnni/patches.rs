//! Copies input rows and patches side by side with their top bits flipped (x + 128), ready for the tile.
//!
//! Stores are whole registers of 64 bytes: each run overwrites what the one before left behind its end. So the
//! destination needs 64 bytes of slack; where it has none (`TIGHT`) the last store of a run is masked.

use super::epilogue::low_bits;
use crate::geometry::Pixel;
use core::arch::x86_64::*;
use redpoll_plan::Window;

/// Copies `length` bytes and flips their top bits.
///
/// # Safety
/// `from` is readable for `length` bytes, `to` writable for `length`, rounded up to 64 if not `TIGHT`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub(super) unsafe fn flip<const TIGHT: bool>(from: *const i8, to: *mut u8, length: usize) {
    let sign = _mm512_set1_epi8(i8::MIN);
    let mut at = 0;
    // SAFETY: as the caller promises; masked-off bytes are not read.
    unsafe {
        // Short runs, of images with few channels: small stores seldom cross a cache line.
        if length <= 16 && !TIGHT {
            let v = _mm_maskz_loadu_epi8(low_bits(length) as u16, from);
            let v = _mm_xor_si128(v, _mm512_castsi512_si128(sign));
            _mm_storeu_si128(to.cast(), v);
            return;
        }
        while at + 64 <= length {
            let v = _mm512_loadu_si512(from.add(at).cast());
            _mm512_storeu_si512(to.add(at).cast(), _mm512_xor_si512(v, sign));
            at += 64;
        }
        if at < length {
            let mask = low_bits(length - at);
            let v = _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, from.add(at)), sign);
            if TIGHT {
                _mm512_mask_storeu_epi8(to.add(at).cast(), mask, v);
            } else {
                _mm512_storeu_si512(to.add(at).cast(), v);
            }
        }
    }
}

/// Sets `length` bytes.
///
/// # Safety
/// `to` is writable for `length`, rounded up to 64 if not `TIGHT`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn fill<const TIGHT: bool>(to: *mut u8, value: u8, length: usize) {
    let v = _mm512_set1_epi8(value as i8);
    for at in (0..length).step_by(64) {
        // SAFETY: as the caller promises.
        unsafe {
            if TIGHT {
                _mm512_mask_storeu_epi8(to.add(at).cast(), low_bits(length - at), v);
            } else {
                _mm512_storeu_si512(to.add(at).cast(), v);
            }
        }
    }
}

/// What a patch is made of.
pub(super) struct Patch<'a> {
    pub window: &'a Window,
    /// The whole input.
    pub x: *const i8,
    /// First channel of the group.
    pub channel: usize,
    /// Channels of the group.
    pub channels: usize,
    /// What the border reads.
    pub zero: i8,
}

impl Patch<'_> {
    /// Packs the `taps · channels` bytes under output pixel `at`.
    ///
    /// # Safety
    /// `x` is readable for the input of the window, `at` is of an output pixel of it, the channels are inside
    /// `in_c`; `to` is writable for the patch, and 64 bytes more if not `TIGHT`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    pub(super) unsafe fn pack<const TIGHT: bool>(&self, at: &Pixel, mut to: *mut u8) {
        let w = self.window;
        let (in_h, in_w) = (w.in_h as isize, w.in_w as isize);
        let taps = w.kernel_w as usize;
        let border = self.zero as u8 ^ 0x80;
        let one_run = w.dilation_w == 1 && self.channels == w.in_c as usize;
        if one_run && at.inside(w) {
            let run = taps * self.channels;
            let down = w.dilation_h as usize * w.in_w as usize * self.channels;
            let first = at.base + at.top as usize * w.in_w as usize + at.left as usize;
            for i in 0..w.kernel_h as usize {
                // SAFETY: all taps are inside the input.
                unsafe {
                    let from = self.x.add(first * self.channels + i * down);
                    flip::<TIGHT>(from, to.add(i * run), run);
                }
            }
            return;
        }
        for i in 0..w.kernel_h as usize {
            let y = at.top + (i * w.dilation_h as usize) as isize;
            // SAFETY: runs lie inside the input (the pixel index counts only pixels inside), the destination advances
            // by taps · channels a kernel row in all.
            unsafe {
                if y < 0 || y >= in_h {
                    fill::<TIGHT>(to, border, taps * self.channels);
                    to = to.add(taps * self.channels);
                } else if one_run {
                    let start = at.left.clamp(0, in_w);
                    let end = (at.left + taps as isize).clamp(start, in_w);
                    let before = ((start - at.left) as usize).min(taps) * self.channels;
                    let inside = (end - start) as usize * self.channels;
                    let after = taps * self.channels - before - inside;
                    let pixel = at.base + y as usize * w.in_w as usize + start as usize;
                    if before > 0 {
                        fill::<TIGHT>(to, border, before);
                    }
                    to = to.add(before);
                    if inside > 0 {
                        flip::<TIGHT>(self.x.add(pixel * self.channels), to, inside);
                    }
                    to = to.add(inside);
                    if after > 0 {
                        fill::<TIGHT>(to, border, after);
                    }
                    to = to.add(after);
                } else {
                    for j in 0..taps {
                        match at.tap(w, i, j) {
                            Some(pixel) => {
                                let from = pixel * w.in_c as usize + self.channel;
                                flip::<TIGHT>(self.x.add(from), to, self.channels);
                            }
                            None => fill::<TIGHT>(to, border, self.channels),
                        }
                        to = to.add(self.channels);
                    }
                }
            }
        }
    }
}
