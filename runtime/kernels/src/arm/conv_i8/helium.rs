//! Convolution with Helium: rows of bytes in, sums of a block of channels, results.
//!
//! A row is the input itself where a pixel lies in one run of whole quads, else a copy in the scratch or on the stack.

use super::Channels;
use crate::arm::helium::{Sums, finish, sums_1x4, sums_3x2};
use crate::geometry::Walk;
use core::mem::MaybeUninit;
use redpoll_plan::layout::{BLOCK_K, BLOCK_N};

/// Pixels at a time.
const PIXELS: usize = 3;
/// Bytes of the buffer on the stack.
const OWN: usize = 256;

impl Channels<'_> {
    /// All pixels: `rows` from output pixel `first` on.
    ///
    /// # Safety
    /// Pointers are good for what the window and the counts say; the scratch holds a patch of bytes unless the window is
    /// pointwise.
    pub(super) unsafe fn rows(&self, first: usize, rows: usize, scratch: &mut [u8]) {
        let mut own = [MaybeUninit::<i8>::uninit(); OWN];
        let bytes = self.quads * BLOCK_K;
        let pointwise = self.window.is_pointwise();
        let direct = pointwise && self.group_in == bytes;
        let (buffer, room) = if scratch.len() > OWN {
            (scratch.as_mut_ptr().cast::<i8>(), scratch.len())
        } else {
            (own.as_mut_ptr().cast::<i8>(), OWN)
        };
        let most = if direct {
            PIXELS
        } else {
            (room / bytes.max(1)).min(PIXELS)
        };
        let mut walk = Walk::new(self.window, first);
        let mut row = 0;
        while row < rows {
            // SAFETY: as the caller promises; the buffer holds `most` patches.
            unsafe {
                let y = self.y.add(row * self.y_step);
                if most == 0 {
                    // A long row that is no whole quads.
                    self.one(self.pixel_index(first + row), false, y);
                    row += 1;
                    continue;
                }
                let pixels = most.min(rows - row);
                let mut x = [core::ptr::null::<i8>(); PIXELS];
                let mut last = x[0];
                for (pixel, x) in x.iter_mut().enumerate() {
                    if pixel < pixels {
                        last = if direct {
                            self.pixel_index(first + row + pixel)
                        } else {
                            let to = buffer.add(pixel * bytes);
                            self.stage(&walk.next(), to);
                            to.cast_const()
                        };
                    }
                    *x = last;
                }
                self.sums(x, pixels, y);
                row += pixels;
            }
        }
    }

    /// Results of `pixels` rows with all channels.
    ///
    /// # Safety
    /// Rows are whole quads; `y` is writable for the pixels.
    unsafe fn sums(&self, x: [*const i8; PIXELS], pixels: usize, y: *mut i8) {
        let mut sums = [MaybeUninit::<i32>::uninit(); PIXELS * BLOCK_N];
        let sums = sums.as_mut_ptr().cast::<i32>();
        let mut done = 0;
        while done < self.count {
            let channels = (self.count - done).min(BLOCK_N);
            let job = Sums {
                x,
                bias: self.bias.wrapping_add(done),
                w: self.weights.wrapping_add(done * self.quads),
                sums,
                quads: self.quads,
                channels,
            };
            // SAFETY: as the caller promises; weights, bias and scale are padded to whole blocks.
            unsafe {
                if pixels == 1 {
                    sums_1x4(&job);
                } else {
                    sums_3x2(&job);
                }
                let scale = self.scale.add(done);
                for pixel in 0..pixels {
                    let y = y.add(pixel * self.y_step + done);
                    finish(sums.add(pixel * BLOCK_N), scale, y, channels, self.zero);
                }
            }
            done += channels;
        }
    }
}
