//! Convolution from a strip of input lines: every input byte is laid down once, and windows are read where they lie.
//!
//! ```text
//! strip, one line an input row:   border  pixel 0  pixel 1  pixel 2 …  border        as the tier's product eats it
//! output pixel x, kernel row i:           └── kernel_w · C bytes ──┘                 starts at x · stride_w · C
//! ```
//! A kernel row of all channels is one run of bytes, so a product of `kernel_h` runs needs no patch. Runs are eaten in
//! groups of four bytes: where `kernel_w · C` is not a multiple of four (images with three channels), the weights are laid
//! anew with zeros behind each run, so that what the last group reads beyond it counts nothing.
//!
//! The strip holds as many lines as the first cache likes; lines still wanted are moved to its front when it is full.

use crate::params::{ConvI8, Part};
use core::mem::MaybeUninit;
use redpoll_plan::layout::{BLOCK_K, BLOCK_N};

/// Bytes of the strip, on the stack.
const STRIP: usize = 64 * 1024;
/// Bytes of it wanted in the first cache.
const NEAR: usize = 24 * 1024;
/// Output pixels wanted for each pass over the weights.
const PIXELS: usize = 48;
/// Bytes of weights laid anew, on the stack.
const WEIGHTS: usize = 16 * 1024;
/// Output lines narrower than this leave too much of a tile empty.
const NARROW: usize = 4;

/// What a product over a strip reads and writes.
pub(in crate::x86_64) struct Runs {
    /// First run of the first pixel.
    pub x: *const u8,
    /// Bytes between pixels.
    pub x_stride: usize,
    /// Runs of a pixel: kernel rows.
    pub runs: usize,
    /// Bytes between the runs of a pixel.
    pub down: usize,
    /// Groups of four elements of a run.
    pub quads: usize,
    /// Output lines.
    pub lines: usize,
    /// Output pixels of a line.
    pub pixels: usize,
    /// Bytes between the first pixels of output lines.
    pub line: usize,
    /// First block of weights: `[blocks][runs][quads][16][4]`.
    pub weights: *const i8,
    /// First result.
    pub y: *mut i8,
    /// Elements between pixels of results.
    pub y_stride: usize,
    /// First channel, of a block.
    pub channel: usize,
    pub channels: usize,
}

/// Output lines of a product: rows of x that lie together.
#[derive(Clone, Copy)]
pub(in crate::x86_64) struct Lines {
    pub count: usize,
    /// Bytes between their first rows.
    pub x: usize,
    /// Elements between their first results.
    pub y: usize,
}

impl Lines {
    /// All rows lie together.
    pub(in crate::x86_64) const ONE: Self = Self {
        count: 1,
        x: 0,
        y: 0,
    };
}

impl Runs {
    /// The lines for a product that goes over all of them.
    pub(in crate::x86_64) fn lines(&self) -> Lines {
        Lines {
            count: self.lines,
            x: self.line,
            y: self.pixels * self.y_stride,
        }
    }
}

/// What a tier brings.
pub(in crate::x86_64) trait Product {
    /// Bytes of an element of the strip.
    const ELEMENT: usize;

    /// Lays `count` elements.
    ///
    /// # Safety
    /// `from` is readable for `count`, `to` writable for `count` elements.
    unsafe fn lay(from: *const i8, to: *mut u8, count: usize);

    /// Lays `count` times the same.
    ///
    /// # Safety
    /// `to` is writable for `count` elements.
    unsafe fn fill(value: i8, to: *mut u8, count: usize);

    /// All channels of all pixels of all lines.
    ///
    /// # Safety
    /// The CPU has the instructions; the pointers are good for what the numbers say.
    unsafe fn multiply(p: &ConvI8<'_>, r: &Runs);
}

/// Sizes that follow from a window.
struct Shape {
    /// Elements of a run.
    run: usize,
    quads: usize,
    /// Bytes between lines of the strip.
    line: usize,
    /// Elements of a line: border, input, border.
    before: usize,
    inside: usize,
    after: usize,
    /// Input rows from the first to the last tap.
    span: usize,
    /// Output lines of a product.
    group: usize,
    /// Lines of the strip.
    capacity: usize,
    /// Weights are laid anew.
    anew: bool,
}

impl Shape {
    /// None where patches are the better way, or the only one.
    fn new<P: Product>(p: &ConvI8<'_>, part: &Part) -> Option<Self> {
        let w = &p.window;
        let (c, out_w) = (w.in_c as usize, w.out_w as usize);
        let (kernel_h, kernel_w) = (w.kernel_h as usize, w.kernel_w as usize);
        let (stride_h, stride_w) = (w.stride_h as usize, w.stride_w as usize);
        let sparse =
            w.dilation_w != 1 && kernel_w > 1 || kernel_h < stride_h || kernel_w < stride_w;
        if p.groups > 1 || sparse || out_w < NARROW || part.rows.is_empty() {
            return None;
        }
        let run = kernel_w.checked_mul(c).filter(|&n| n > 0)?;
        let columns = (out_w - 1).checked_mul(stride_w)?.checked_add(kernel_w)?;
        let (pad, in_w) = (w.pad_left as usize, w.in_w as usize);
        let before = pad.min(columns);
        let inside = in_w.min(columns - before);
        let after = columns - before - inside;
        let elements = columns.checked_mul(c)?.checked_add(BLOCK_K)?;
        let line = elements
            .checked_mul(P::ELEMENT)?
            .checked_next_multiple_of(64)?;
        let span = (kernel_h - 1)
            .checked_mul(w.dilation_h as usize)?
            .checked_add(1)?;
        let most = STRIP / line;
        if most < span {
            return None;
        }
        let group = (PIXELS / out_w).clamp(1, 1 + (most - span) / stride_h);
        let needed = (part.rows.len() / out_w + 1)
            .checked_mul(stride_h)?
            .checked_add(span)?;
        let least = span + (group - 1) * stride_h;
        let capacity = (NEAR / line).min(needed).clamp(least, most);
        let quads = run.div_ceil(BLOCK_K);
        let anew = !run.is_multiple_of(BLOCK_K);
        let bytes = kernel_h * quads * 64 * part.channels.len().div_ceil(BLOCK_N);
        if anew && bytes > WEIGHTS {
            return None;
        }
        Some(Self {
            run,
            quads,
            line,
            before: before * c,
            inside: inside * c,
            after: after * c + BLOCK_K,
            span,
            group,
            capacity,
            anew,
        })
    }
}

#[repr(align(64))]
struct Bytes<const N: usize>([MaybeUninit<u8>; N]);

/// Lays the weights of `blocks` blocks with every run of `run` K padded to whole groups of four.
///
/// # Safety
/// `from` is readable for the blocks of `runs · run` K as the plan packs them, `to` writable for
/// `blocks · runs · ⌈run / 4⌉ · 64` bytes.
unsafe fn lay_weights(from: *const i8, to: *mut u8, blocks: usize, runs: usize, run: usize) {
    let (from, to) = (from.cast::<u32>(), to.cast::<u32>());
    let packed = (runs * run).div_ceil(BLOCK_K);
    let quads = run.div_ceil(BLOCK_K);
    for block in 0..blocks {
        for i in 0..runs {
            for q in 0..quads {
                let k = i * run + q * BLOCK_K;
                let (at, shift) = (k / BLOCK_K, k % BLOCK_K * 8);
                // The second group exists where it is needed: bytes of this run come from it.
                let next = if shift > 0 && at + 1 < packed {
                    at + 1
                } else {
                    at
                };
                let valid = (run - q * BLOCK_K).min(BLOCK_K) * 8;
                let mask = u32::MAX >> (32 - valid);
                // SAFETY: both groups are inside the block, the result inside what the caller has.
                unsafe {
                    let a = from.add((block * packed + at) * BLOCK_N);
                    let b = from.add((block * packed + next) * BLOCK_N);
                    let out = to.add(((block * runs + i) * quads + q) * BLOCK_N);
                    for n in 0..BLOCK_N {
                        let two = u64::from(b.add(n).read_unaligned()) << 32
                            | u64::from(a.add(n).read_unaligned());
                        out.add(n).write_unaligned((two >> shift) as u32 & mask);
                    }
                }
            }
        }
    }
}

/// The lines in the strip.
struct Strip<'a> {
    shape: &'a Shape,
    bytes: *mut u8,
    /// Batch entry.
    batch: usize,
    /// Input row of the first line, perhaps outside the input.
    top: isize,
    /// Lines that are there.
    filled: usize,
}

impl Strip<'_> {
    /// Makes input rows `from..to` of a batch entry present, and points to the first.
    ///
    /// # Safety
    /// `x` is readable for the input; `to − from` is at most the capacity, and no less than in the call before reaches.
    unsafe fn require<P: Product>(
        &mut self,
        p: &ConvI8<'_>,
        x: *const i8,
        batch: usize,
        (from, to): (isize, isize),
    ) -> *const u8 {
        let (s, w) = (self.shape, &p.window);
        let end = self.top + self.filled as isize;
        if batch != self.batch || from < self.top || from >= end {
            (self.batch, self.top, self.filled) = (batch, from, 0);
        } else if (to - self.top) as usize > s.capacity {
            let skip = (from - self.top) as usize;
            let keep = self.filled - skip;
            // SAFETY: lines inside the strip.
            unsafe { core::ptr::copy(self.bytes.add(skip * s.line), self.bytes, keep * s.line) };
            (self.top, self.filled) = (from, keep);
        }
        while self.top + (self.filled as isize) < to {
            let row = self.top + self.filled as isize;
            let inside = row >= 0 && row < w.in_h as isize;
            // SAFETY: a line inside the strip; a row of x, or nothing is read.
            unsafe {
                let line = self.bytes.add(self.filled * s.line);
                if inside {
                    let pixel = (batch * w.in_h as usize + row as usize) * w.in_w as usize;
                    let from = x.add(pixel * w.in_c as usize);
                    P::lay(from, line.add(s.before * P::ELEMENT), s.inside);
                } else {
                    P::fill(p.x_zero, line.add(s.before * P::ELEMENT), s.inside);
                }
            }
            self.filled += 1;
        }
        // SAFETY: a line inside the strip.
        unsafe { self.bytes.add((from - self.top) as usize * s.line) }
    }
}

/// See [`crate::scalar::conv::conv_i8`]: the same bits. False, and nothing done, where patches are the better way.
///
/// # Safety
/// The CPU has the instructions of `P`; the slices are as long as the parameters say, `part` lies inside the result and
/// its channels start at a block.
#[inline(never)] // Its buffers cost each call a write a page: not for callers that take the other way.
pub(in crate::x86_64) unsafe fn conv_i8<P: Product>(
    p: &ConvI8<'_>,
    x: &[i8],
    y: &mut [i8],
    part: &Part,
) -> bool {
    let w = &p.window;
    let Some(s) = Shape::new::<P>(p, part) else {
        return false;
    };
    let (out_h, out_w) = (w.out_h as usize, w.out_w as usize);
    let (stride_h, pixel) = (w.stride_h as usize, w.stride_w as usize * w.in_c as usize);
    let width = part.channels.len();
    let runs = w.kernel_h as usize;
    let mut bytes = Bytes::<STRIP>([MaybeUninit::uninit(); STRIP]);
    let mut laid = Bytes::<WEIGHTS>([MaybeUninit::uninit(); WEIGHTS]);
    let packed = (runs * s.run).div_ceil(BLOCK_K) * 64;
    // SAFETY: a block inside the weights; sizes as `Shape` has checked.
    let weights = unsafe {
        let from = p
            .weights
            .as_ptr()
            .add(part.channels.start / BLOCK_N * packed);
        if s.anew {
            let to = laid.0.as_mut_ptr().cast::<u8>();
            lay_weights(from, to, width.div_ceil(BLOCK_N), runs, s.run);
            to.cast_const().cast()
        } else {
            from
        }
    };
    let mut strip = Strip {
        shape: &s,
        bytes: bytes.0.as_mut_ptr().cast(),
        batch: usize::MAX,
        top: 0,
        filled: 0,
    };
    // The border left and right stays.
    for line in 0..s.capacity {
        // SAFETY: a line inside the strip.
        unsafe {
            let line = strip.bytes.add(line * s.line);
            P::fill(p.x_zero, line, s.before);
            P::fill(
                p.x_zero,
                line.add((s.before + s.inside) * P::ELEMENT),
                s.after,
            );
        }
    }
    let mut row = part.rows.start;
    while row < part.rows.end {
        let left = part.rows.end - row;
        let (column, out_y) = (row % out_w, row / out_w % out_h);
        let (lines, pixels) = if column == 0 && left >= out_w {
            ((left / out_w).min(out_h - out_y).min(s.group), out_w)
        } else {
            (1, (out_w - column).min(left))
        };
        let top = (out_y * stride_h) as isize - w.pad_top as isize;
        let bottom = top + ((lines - 1) * stride_h + s.span) as isize;
        // SAFETY: as the caller promises; the strip has room for `span` rows and those of a group more.
        unsafe {
            let first = strip.require::<P>(p, x.as_ptr(), row / out_w / out_h, (top, bottom));
            let r = Runs {
                x: first.add(column * pixel * P::ELEMENT),
                x_stride: pixel * P::ELEMENT,
                runs,
                down: w.dilation_h as usize * s.line,
                quads: s.quads,
                lines,
                pixels,
                line: stride_h * s.line,
                weights,
                y: y.as_mut_ptr().add((row - part.rows.start) * width),
                y_stride: width,
                channel: part.channels.start,
                channels: width,
            };
            P::multiply(p, &r);
        }
        row += lines * pixels;
    }
    true
}
