//! Lays the inputs under an output pixel side by side, in the order of K, widening them on the way.

use crate::geometry::Pixel;
use core::arch::x86_64::*;
use core::mem::MaybeUninit;
use redpoll_plan::Window;

/// What a patch is made of.
pub(in crate::x86_64) struct Patch<'a, T> {
    pub window: &'a Window,
    /// The whole input.
    pub x: &'a [T],
    /// First channel of the group.
    pub channel: usize,
    /// Channels of the group.
    pub channels: usize,
    /// What the border reads.
    pub border: T,
}

/// How elements of a patch are written.
pub(in crate::x86_64) trait Copied<T> {
    /// What is written.
    type To: Copy;
    /// One element.
    fn one(v: T) -> Self::To;
    /// A run of elements; `to` is as long.
    fn run(&self, run: &[T], to: &mut [MaybeUninit<Self::To>]);
}

/// As they are.
pub(in crate::x86_64) struct Same;

impl<T: Copy> Copied<T> for Same {
    type To = T;

    #[inline(always)]
    fn one(v: T) -> T {
        v
    }

    #[inline(always)]
    fn run(&self, run: &[T], to: &mut [MaybeUninit<T>]) {
        for (to, &v) in to.iter_mut().zip(run) {
            to.write(v);
        }
    }
}

/// int8 as i16.
pub(in crate::x86_64) struct Wide;

impl Copied<i8> for Wide {
    type To = i16;

    #[inline(always)]
    fn one(v: i8) -> i16 {
        i16::from(v)
    }

    /// Whole registers, the last one overlapping; below 8 elements one by one.
    #[inline(always)]
    fn run(&self, run: &[i8], to: &mut [MaybeUninit<i16>]) {
        let length = run.len();
        assert!(to.len() == length);
        if length >= 16 {
            let mut at = 0;
            loop {
                // SAFETY: AVX2 is there (only kernels of this tier come here); `at + 16` is at most the length of both.
                unsafe {
                    let v = _mm_loadu_si128(run.as_ptr().add(at).cast());
                    _mm256_storeu_si256(to.as_mut_ptr().add(at).cast(), _mm256_cvtepi8_epi16(v));
                }
                if at + 16 == length {
                    return;
                }
                at = (at + 16).min(length - 16);
            }
        } else if length >= 8 {
            for at in [0, length - 8] {
                // SAFETY: as above, with 8.
                unsafe {
                    let v = _mm_loadl_epi64(run.as_ptr().add(at).cast());
                    _mm_storeu_si128(to.as_mut_ptr().add(at).cast(), _mm_cvtepi8_epi16(v));
                }
            }
        } else {
            for (to, &v) in to.iter_mut().zip(run) {
                to.write(i16::from(v));
            }
        }
    }
}

/// int8 plus 128, as u8: the top bit flipped.
pub(in crate::x86_64) struct Flipped;

impl Copied<i8> for Flipped {
    type To = u8;

    #[inline(always)]
    fn one(v: i8) -> u8 {
        v as u8 ^ 0x80
    }

    /// Whole registers, the last one overlapping; below 8 elements one by one.
    #[inline(always)]
    fn run(&self, run: &[i8], to: &mut [MaybeUninit<u8>]) {
        let length = run.len();
        assert!(to.len() == length);
        let (from, out) = (run.as_ptr(), to.as_mut_ptr());
        if length >= 32 {
            let mut at = 0;
            loop {
                // SAFETY: AVX2 is there (only kernels of such tiers come here); `at + 32` is at most the length of both.
                unsafe {
                    let v = _mm256_loadu_si256(from.add(at).cast());
                    let v = _mm256_xor_si256(v, _mm256_set1_epi8(i8::MIN));
                    _mm256_storeu_si256(out.add(at).cast(), v);
                }
                if at + 32 == length {
                    return;
                }
                at = (at + 32).min(length - 32);
            }
        } else if length >= 8 {
            let mut at = 0;
            loop {
                // SAFETY: as above, with 8.
                unsafe {
                    let v = from.add(at).cast::<u64>().read_unaligned() ^ 0x8080_8080_8080_8080;
                    out.add(at).cast::<u64>().write_unaligned(v);
                }
                if at + 8 == length {
                    return;
                }
                at = (at + 8).min(length - 8);
            }
        } else {
            for (to, &v) in to.iter_mut().zip(run) {
                to.write(Self::one(v));
            }
        }
    }
}

impl<T: Copy> Patch<'_, T> {
    /// Packs the `taps · channels` elements under output pixel `at` to the start of `to`: a run a kernel row where
    /// the input has them side by side, else a run a tap.
    ///
    /// # Panics
    /// If `to` or the input is too short.
    #[inline(always)]
    pub(in crate::x86_64) fn pack<C: Copied<T>>(
        &self,
        at: &Pixel,
        to: &mut [MaybeUninit<C::To>],
        how: C,
    ) {
        let w = self.window;
        let (in_h, in_w, in_c) = (w.in_h as isize, w.in_w as isize, w.in_c as usize);
        let (taps, channels) = (w.kernel_w as usize, self.channels);
        let border = MaybeUninit::new(C::one(self.border));
        let one_run = w.dilation_w == 1 && channels == in_c;
        let rows = to.chunks_exact_mut(taps * channels);
        for (i, to) in rows.take(w.kernel_h as usize).enumerate() {
            let y = at.top + (i * w.dilation_h as usize) as isize;
            if y < 0 || y >= in_h {
                to.fill(border);
            } else if one_run {
                let start = at.left.clamp(0, in_w);
                let end = (at.left + taps as isize).clamp(start, in_w);
                let before = (-at.left).clamp(0, taps as isize) as usize * in_c;
                let inside = (end - start) as usize * in_c;
                let from = (at.base + (y * in_w + start) as usize) * in_c;
                if inside < to.len() {
                    to[..before].fill(border);
                    to[before + inside..].fill(border);
                }
                how.run(
                    &self.x[from..from + inside],
                    &mut to[before..before + inside],
                );
            } else {
                for (j, to) in to.chunks_exact_mut(channels).enumerate() {
                    match at.tap(w, i, j) {
                        Some(pixel) => {
                            let from = pixel * in_c + self.channel;
                            how.run(&self.x[from..from + channels], to);
                        }
                        None => to.fill(border),
                    }
                }
            }
        }
    }
}
