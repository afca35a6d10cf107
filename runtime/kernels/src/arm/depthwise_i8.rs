//! Depthwise convolution: see [`crate::scalar::depthwise::depthwise_i8`] for the definition.
//!
//! A 3 × 3 window takes four channels at a time. Three input lines of them are kept on the stack, each channel by itself
//! and widened to 16 bits, borders included:
//!
//! ```text
//! line of one channel:    (x0, x1) (x2, x3) (x4, x5) …        border pixels hold x_zero
//! weights of one row:     (w0, w1) (w1, w2)
//! result p:               x0·w0 + x1·w1   SMLAD      x2·w2           SMLABT
//! result p + 1, stride 1: x1·w0           SMLATB     x2·w1 + x3·w2   SMLAD
//! ```
//!
//! so 12 instructions make the 18 products of two results. Each input line is laid out once, not once a tap.
//! Accumulator: i32, `9 · 128 · 255 + |bias| < 2³¹`.

use super::clamp::clamp;
use super::job::Line;
use super::lanes::{even_bytes, high_lanes, lanes, low_lanes, odd_bytes};
use super::require;
use super::tile::{finish1, line_by_1, line_by_2};
use crate::geometry::Walk;
use crate::params::DepthwiseI8;
use core::mem::MaybeUninit;
use core::ops::Range;
use redpoll_plan::layout::padded_n;

/// Channels at a time.
const QUAD: usize = 4;
/// Words of a line of one channel.
const LINE: usize = 32;
/// Lines of all channels.
const LINES: usize = 3 * QUAD * LINE;

/// See [`crate::scalar::depthwise::depthwise_i8`].
pub(super) fn depthwise_i8(p: &DepthwiseI8<'_>, x: &[i8], y: &mut [i8], rows: Range<usize>) {
    let w = &p.window;
    let c = w.in_c as usize;
    let inputs = [w.batch, w.in_h, w.in_w, w.in_c]
        .iter()
        .try_fold(1usize, |n, &d| n.checked_mul(d as usize));
    require(inputs.is_some_and(|n| x.len() >= n));
    require(rows.end <= w.rows() && rows.start <= rows.end);
    require(y.len() / c.max(1) >= rows.len());
    require(p.weights.len() >= w.taps() * padded_n(c));
    require(p.bias.len() >= c && p.scale.len() >= c);
    let small = w.kernel_h == 3 && w.kernel_w == 3 && w.dilation_h == 1 && w.dilation_w == 1;
    let axes = axes(p, &rows).filter(|_| small && c.is_multiple_of(QUAD));
    // SAFETY: the checks above; channels are whole quads, and the axes cover the rows asked for.
    unsafe {
        match axes {
            Some(axes) => {
                let mut c4 = 0;
                while c4 < c {
                    let quad = Quad {
                        p,
                        axes: &axes,
                        x: x.as_ptr().add(c4),
                        y: y.as_mut_ptr().add(c4),
                        c4,
                    };
                    quad.strips();
                    c4 += QUAD;
                }
            }
            None => any_window(p, x.as_ptr(), y.as_mut_ptr(), rows),
        }
    }
    clamp(&p.finish, y);
}

/// One of the two axes of a window.
#[derive(Clone, Copy)]
struct Axis {
    inputs: usize,
    outputs: usize,
    stride: usize,
    pad: usize,
    /// Elements between neighbours in the input, in the output, taps between them in the weights.
    x_step: usize,
    y_step: usize,
    tap_step: usize,
}

/// Which way the lines run: along the image's rows, or along its columns where these are longer.
struct Axes {
    along: Axis,
    across: Axis,
    /// Elements of a whole image.
    x_image: usize,
    y_image: usize,
    /// Lines asked for, counted through all images; the element of the output that `y` starts with.
    lines: Range<usize>,
    y_start: usize,
}

/// The axes for output pixels `rows`; `None` when these are no whole lines or the stride along them is too large.
fn axes(p: &DepthwiseI8<'_>, rows: &Range<usize>) -> Option<Axes> {
    let w = &p.window;
    let c = w.in_c as usize;
    let [in_h, in_w, out_h, out_w] = [w.in_h, w.in_w, w.out_h, w.out_w].map(|d| d as usize);
    let vertical = Axis {
        inputs: in_h,
        outputs: out_h,
        stride: w.stride_h as usize,
        pad: w.pad_top as usize,
        x_step: in_w * c,
        y_step: out_w * c,
        tap_step: 3,
    };
    let horizontal = Axis {
        inputs: in_w,
        outputs: out_w,
        stride: w.stride_w as usize,
        pad: w.pad_left as usize,
        x_step: c,
        y_step: c,
        tap_step: 1,
    };
    let whole = *rows == (0..w.rows());
    let columns = whole && out_h > out_w && w.stride_h <= 2;
    let lines = if columns {
        0..w.batch as usize * out_w
    } else {
        let (start, end) = (rows.start.checked_rem(out_w)?, rows.end.checked_rem(out_w)?);
        if start != 0 || end != 0 || w.stride_w > 2 {
            return None;
        }
        rows.start.checked_div(out_w)?..rows.end.checked_div(out_w)?
    };
    let (along, across) = if columns {
        (vertical, horizontal)
    } else {
        (horizontal, vertical)
    };
    Some(Axes {
        along,
        across,
        x_image: in_h * in_w * c,
        y_image: out_h * out_w * c,
        lines,
        y_start: rows.start * c,
    })
}

/// Four channels of a 3 × 3 window.
struct Quad<'a, 'p> {
    p: &'a DepthwiseI8<'p>,
    axes: &'a Axes,
    /// The first channel of the first input pixel, and of the first output pixel asked for.
    x: *const i8,
    y: *mut i8,
    c4: usize,
}

impl Quad<'_, '_> {
    /// Strips of as many pixels as the lines hold.
    ///
    /// # Safety
    /// Pointers are good for the window and the lines.
    unsafe fn strips(&self) {
        let mut buffer = [MaybeUninit::<u32>::uninit(); LINES];
        let buffer = buffer.as_mut_ptr().cast::<u32>();
        let mut jobs = self.jobs();
        let along = &self.axes.along;
        let most = if along.stride == 1 {
            LINE - 1
        } else {
            LINE / 2 - 1
        } * 2;
        let mut first = 0;
        while first < along.outputs {
            let count = most.min(along.outputs - first);
            // SAFETY: as the caller promises.
            unsafe { self.strip(first, count, buffer, &mut jobs) };
            first += count;
        }
    }

    /// What each channel's lines have in common.
    fn jobs(&self) -> [Line; QUAD] {
        let Axes { along, across, .. } = self.axes;
        let stride = padded_n(self.p.window.in_c as usize);
        let word = |row: usize, tap: usize| {
            let tap = row * across.tap_step + tap * along.tap_step;
            let at = self.p.weights.as_ptr().wrapping_add(tap * stride + self.c4);
            // SAFETY: nine taps of padded channels, as `depthwise_i8` has checked.
            unsafe { at.cast::<u32>().read_unaligned() }
        };
        // The weights of a row for the channels 0 to 3.
        let pairs = |row: usize| {
            let taps = [word(row, 0), word(row, 1), word(row, 2)];
            let ([a, b, c], [d, e, f]) = (taps.map(even_bytes), taps.map(odd_bytes));
            [
                [low_lanes(a, b), low_lanes(b, c)],
                [low_lanes(d, e), low_lanes(e, f)],
                [high_lanes(a, b), high_lanes(b, c)],
                [high_lanes(d, e), high_lanes(e, f)],
            ]
        };
        let (first, second, third) = (pairs(0), pairs(1), pairs(2));
        let mut channel = self.c4;
        let mut rows = first.into_iter().zip(second).zip(third);
        [(); QUAD].map(|()| {
            let ((first, second), third) = rows.next().unwrap_or_default();
            // SAFETY: bias and scale have this channel, as `depthwise_i8` has checked.
            let (bias, scale) = unsafe {
                (
                    self.p.bias.as_ptr().add(channel).read(),
                    self.p.scale.as_ptr().add(channel).read(),
                )
            };
            channel += 1;
            Line {
                first,
                zero: self.p.finish.y_zero,
                second,
                third,
                scale,
                unused: 0,
                y: self.y,
                y_step: along.y_step,
                bias: [bias; 2],
                end: core::ptr::null(),
                one_more: 0,
            }
        })
    }

    /// All lines of the outputs `first..first + count` along them.
    ///
    /// # Safety
    /// As [`Self::strips`].
    unsafe fn strip(&self, first: usize, count: usize, buffer: *mut u32, jobs: &mut [Line; QUAD]) {
        let axes = self.axes;
        let Axes { along, across, .. } = axes;
        let pairs = count / 2;
        for job in jobs.iter_mut() {
            job.one_more = count % 2;
        }
        // Which line of all images each place holds, counted from 1; 0 for one of borders.
        let mut held = [usize::MAX; 3];
        let mut first_place = 0;
        let out_lines = across.outputs.max(1);
        for line in axes.lines.clone() {
            let (image, at) = (line / out_lines, line % out_lines);
            let top = (at * across.stride) as isize - across.pad as isize;
            let mut rows = [buffer.cast_const(); 3];
            let mut place = first_place;
            for (i, row) in rows.iter_mut().enumerate() {
                let input = top + i as isize;
                let inside = input >= 0 && input < across.inputs as isize;
                let wanted = if inside {
                    image * across.inputs + input as usize + 1
                } else {
                    0
                };
                let to = buffer.wrapping_add(place * QUAD * LINE);
                *row = to;
                if let Some(held) = held.get_mut(place)
                    && *held != wanted
                {
                    *held = wanted;
                    let from = inside.then(|| {
                        let offset = image * axes.x_image + input as usize * across.x_step;
                        self.x.wrapping_add(offset)
                    });
                    let words = along.stride * count.div_ceil(2) + 1;
                    // SAFETY: as the caller promises.
                    unsafe { self.lay_out(from, first * along.stride, words, to) };
                }
                place = if place == 2 { 0 } else { place + 1 };
            }
            first_place = (first_place + across.stride) % 3;
            let pixel = image * axes.y_image + at * across.y_step + first * along.y_step;
            let mut y = self.y.wrapping_add(pixel - axes.y_start);
            let [mut a, mut b, mut c] = rows;
            for job in jobs.iter_mut() {
                job.y = y;
                job.end = a.wrapping_add(along.stride * pairs);
                // SAFETY: lines hold two words more than a stride a pair; results lie in y.
                unsafe {
                    if along.stride == 1 {
                        line_by_1(job, a, b, c);
                    } else {
                        line_by_2(job, a, b, c);
                    }
                }
                y = y.wrapping_add(1);
                (a, b, c) = (
                    a.wrapping_add(LINE),
                    b.wrapping_add(LINE),
                    c.wrapping_add(LINE),
                );
            }
        }
    }

    /// Lays out `words` pairs of pixels of an input line from pixel `start − pad` on, each channel by itself.
    ///
    /// # Safety
    /// `to` is writable for four lines; `line` is a line of the input, `None` one of borders.
    #[inline(never)]
    unsafe fn lay_out(&self, line: Option<*const i8>, start: usize, words: usize, to: *mut u32) {
        let along = &self.axes.along;
        let step = along.x_step;
        let first = start as isize - along.pad as isize;
        let inputs = along.inputs as isize;
        // SAFETY: as the caller promises.
        unsafe {
            let Some(row) = line else {
                self.edge(None, first, 0..words, to);
                return;
            };
            // Pairs of which both pixels are inside.
            let start = ((1 - first).max(0) as usize / 2).min(words);
            let end = ((inputs - first).max(0) as usize / 2).min(words).max(start);
            self.edge(Some(row), first, 0..start, to);
            let mut from = row.wrapping_offset((first + 2 * start as isize) * step as isize);
            let mut to_pair = to.add(start);
            for _ in start..end {
                let a = from.cast::<u32>().read_unaligned();
                let b = from.wrapping_add(step).cast::<u32>().read_unaligned();
                let (a_even, a_odd) = (even_bytes(a), odd_bytes(a));
                let (b_even, b_odd) = (even_bytes(b), odd_bytes(b));
                to_pair.write(low_lanes(a_even, b_even));
                to_pair.add(LINE).write(low_lanes(a_odd, b_odd));
                to_pair.add(2 * LINE).write(high_lanes(a_even, b_even));
                to_pair.add(3 * LINE).write(high_lanes(a_odd, b_odd));
                from = from.wrapping_add(2 * step);
                to_pair = to_pair.add(1);
            }
            self.edge(Some(row), first, end..words, to);
        }
    }

    /// Pairs of which a pixel may be on the border.
    ///
    /// # Safety
    /// As [`Self::lay_out`].
    #[inline(never)]
    unsafe fn edge(&self, row: Option<*const i8>, first: isize, pairs: Range<usize>, to: *mut u32) {
        let along = &self.axes.along;
        let border = u32::from(self.p.x_zero as u8) * 0x0101_0101;
        let pixel = |at: isize| match row {
            Some(row) if at >= 0 && at < along.inputs as isize => {
                let from = row.wrapping_add(at as usize * along.x_step);
                // SAFETY: a pixel of the line.
                unsafe { from.cast::<u32>().read_unaligned() }
            }
            _ => border,
        };
        let mut pair = pairs.start;
        while pair < pairs.end {
            let at = first + 2 * pair as isize;
            let (a, b) = (pixel(at), pixel(at + 1));
            let (a_even, a_odd) = (even_bytes(a), odd_bytes(a));
            let (b_even, b_odd) = (even_bytes(b), odd_bytes(b));
            // SAFETY: as the caller promises.
            unsafe {
                let to = to.add(pair);
                to.write(low_lanes(a_even, b_even));
                to.add(LINE).write(low_lanes(a_odd, b_odd));
                to.add(2 * LINE).write(high_lanes(a_even, b_even));
                to.add(3 * LINE).write(high_lanes(a_odd, b_odd));
            }
            pair += 1;
        }
    }
}

/// Windows of any kind: four channels at a time where there are four.
///
/// # Safety
/// Pointers are good for the window and `rows`.
#[inline(never)]
unsafe fn any_window(p: &DepthwiseI8<'_>, x: *const i8, y: *mut i8, rows: Range<usize>) {
    let w = &p.window;
    let c = w.in_c as usize;
    let stride = padded_n(c);
    let mut walk = Walk::new(w, rows.start);
    let mut y = y;
    for _ in rows {
        let at = walk.next();
        let mut channel = 0;
        while channel < c {
            let count = QUAD.min(c - channel);
            let read = |from: *const i8| {
                let mut word = 0;
                for i in 0..count {
                    // SAFETY: `count` channels are left.
                    word |= u32::from(unsafe { from.add(i).read() } as u8) << (8 * i);
                }
                word
            };
            let mut acc = [0i32; QUAD];
            at.each_tap(w, |tap, pixel| {
                let x = match pixel {
                    Some(i) => read(x.wrapping_add(i * c + channel)),
                    None => u32::from(p.x_zero as u8) * 0x0101_0101,
                };
                let weights = read(p.weights.as_ptr().wrapping_add(tap * stride + channel));
                let (even, odd) = (lanes(even_bytes(x)), lanes(odd_bytes(x)));
                let (even_w, odd_w) = (lanes(even_bytes(weights)), lanes(odd_bytes(weights)));
                acc[0] = acc[0].wrapping_add(even[0] * even_w[0]);
                acc[1] = acc[1].wrapping_add(odd[0] * odd_w[0]);
                acc[2] = acc[2].wrapping_add(even[1] * even_w[1]);
                acc[3] = acc[3].wrapping_add(odd[1] * odd_w[1]);
            });
            for (i, acc) in acc.iter().enumerate().take(count) {
                // SAFETY: bias, scale and y have this channel.
                unsafe {
                    let bias = p.bias.as_ptr().add(channel + i).read();
                    let scale = p.scale.as_ptr().add(channel + i).read();
                    let v = bias.wrapping_add(*acc) as f32 * scale;
                    y.add(channel + i).write(finish1(v, p.finish.y_zero) as i8);
                }
            }
            channel += count;
        }
        y = y.wrapping_add(c);
    }
}
