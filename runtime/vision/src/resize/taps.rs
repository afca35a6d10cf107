//! Taps: for each pixel of an axis of the result, where it reads and with which weights.

use alloc::vec::Vec;
use core::ops::Range;

use super::Filter;

/// The weights of an axis, each output's one after the other.
#[derive(Clone, Debug)]
pub(super) struct Taps<W> {
    /// First source pixel and range of weights of each output. Along columns it may be −1, and the last one past the end: both
    /// stand for the pixel at the border.
    pub reads: Vec<(i32, Range<usize>)>,
    pub weights: Vec<W>,
}

impl<W> Taps<W> {
    pub fn build(keep: Range<u32>, mut one: impl FnMut(u32, &mut Vec<W>) -> i32) -> Self {
        let mut taps = Self {
            reads: Vec::new(),
            weights: Vec::new(),
        };
        for out in keep {
            let begin = taps.weights.len();
            let first = one(out, &mut taps.weights);
            taps.reads.push((first, begin..taps.weights.len()));
        }
        taps
    }

    /// Most source pixels that one output reads.
    pub fn most(&self) -> usize {
        self.reads.iter().map(|(_, r)| r.len()).max().unwrap_or(0)
    }
}

/// Half the width of a filter of Pillow's, in source pixels when enlarging.
fn support(filter: Filter) -> f64 {
    match filter {
        Filter::Box => 0.5,
        Filter::Bicubic => 2.0,
        Filter::Lanczos => 3.0,
        _ => 1.0,
    }
}

fn response(filter: Filter, x: f64) -> f64 {
    let d = x.abs();
    match filter {
        Filter::Box if x > -0.5 && x <= 0.5 => 1.0,
        Filter::Box => 0.0,
        // Cubic convolution with a = −1/2.
        Filter::Bicubic => match d {
            d if d < 1.0 => ((A + 2.0) * d - (A + 3.0)) * d * d + 1.0,
            d if d < 2.0 => (((d - 5.0) * d + 8.0) * d - 4.0) * A,
            _ => 0.0,
        },
        Filter::Lanczos if (-3.0..3.0).contains(&x) => sinc(x) * sinc(x / 3.0),
        Filter::Lanczos => 0.0,
        _ if d < 1.0 => 1.0 - d,
        _ => 0.0,
    }
}

const A: f64 = -0.5;

fn sinc(x: f64) -> f64 {
    let angle = x * core::f64::consts::PI;
    if angle == 0.0 {
        1.0
    } else {
        libm::sin(angle) / angle
    }
}

/// Pillow's weights with 22 bits behind the point: the filter stretched by the scale when shrinking, its values at the
/// source pixels' centres, made to sum to 1.
pub(super) fn pil(filter: Filter, from: u32, to: u32, keep: Range<u32>) -> Taps<i32> {
    let scale = f64::from(from) / f64::from(to);
    let stretch = scale.max(1.0);
    let reach = support(filter) * stretch;
    let per_pixel = 1.0 / stretch;
    let mut real = Vec::new();
    Taps::build(keep, |out, weights| {
        let center = (f64::from(out) + 0.5) * scale;
        let first = ((center - reach + 0.5) as i64).max(0);
        let end = ((center + reach + 0.5) as i64).min(i64::from(from));
        real.clear();
        real.extend((first..end).map(|x| response(filter, (x as f64 - center + 0.5) * per_pixel)));
        let sum: f64 = real.iter().sum();
        weights.extend(real.iter().map(|w| {
            let scaled = if sum != 0.0 { w / sum } else { *w } * f64::from(1 << 22);
            (if scaled < 0.0 {
                scaled - 0.5
            } else {
                scaled + 0.5
            }) as i32
        }));
        first as i32
    })
}

/// The distance of pixels of the source for one of the result, as OpenCV rounds it.
fn cv_scale(from: u32, to: u32) -> f64 {
    1.0 / (f64::from(to) / f64::from(from))
}

/// OpenCV's linear weights with 11 bits behind the point. `rows`: pixels past the border keep both weights, as OpenCV has it
/// along columns only; each product is cut off by itself, so that shows.
pub(super) fn cv_linear(from: u32, to: u32, keep: Range<u32>, rows: bool) -> Taps<i32> {
    let scale = cv_scale(from, to);
    let last = from as i32 - 1;
    Taps::build(keep, |out, weights| {
        let at = ((f64::from(out) + 0.5) * scale - 0.5) as f32;
        let floor = libm::floorf(at);
        linear(floor as i32, at - floor, last, rows, weights)
    })
}

/// Two weights, or the whole one at the border.
fn linear(first: i32, part: f32, last: i32, rows: bool, weights: &mut Vec<i32>) -> i32 {
    if !rows && !(0..last).contains(&first) {
        weights.push(2048);
        return first.clamp(0, last);
    }
    let fixed = |w: f32| libm::rintf(w * 2048.0) as i32;
    weights.extend([fixed(1.0 - part), fixed(part)]);
    first
}

/// OpenCV's linear weights where `INTER_AREA` enlarges: pixels keep their area.
pub(super) fn cv_area_larger(from: u32, to: u32, keep: Range<u32>, rows: bool) -> Taps<i32> {
    let scale = cv_scale(from, to);
    let inverse = f64::from(to) / f64::from(from);
    let last = from as i32 - 1;
    Taps::build(keep, |out, weights| {
        let first = libm::floor(f64::from(out) * scale);
        let part = ((f64::from(out) + 1.0) - (first + 1.0) * inverse) as f32;
        let part = if part <= 0.0 {
            0.0
        } else {
            part - libm::floorf(part)
        };
        linear(first as i32, part, last, rows, weights)
    })
}

/// Parts of source pixels that an output pixel covers.
pub(super) fn cv_area(from: u32, to: u32, keep: Range<u32>) -> Taps<f32> {
    let scale = cv_scale(from, to);
    Taps::build(keep, |out, weights| {
        let begin = f64::from(out) * scale;
        let end = begin + scale;
        let width = scale.min(f64::from(from) - begin);
        let last_whole = (libm::floor(end) as i64).min(i64::from(from) - 1);
        let first_whole = (libm::ceil(begin) as i64).min(last_whole);
        let mut first = first_whole;
        if first_whole as f64 - begin > 1e-3 {
            first -= 1;
            weights.push(((first_whole as f64 - begin) / width) as f32);
        }
        weights.extend((first_whole..last_whole).map(|_| (1.0 / width) as f32));
        if end - last_whole as f64 > 1e-3 {
            weights.push(((end - last_whole as f64).min(1.0).min(width) / width) as f32);
        }
        first.max(0) as i32
    })
}

/// `n` whole pixels for each output.
pub(super) fn whole(n: u32, keep: Range<u32>) -> Taps<i32> {
    Taps::build(keep, |out, weights| {
        weights.extend((0..n).map(|_| 1));
        (out * n) as i32
    })
}

/// TensorFlow's linear weights: 1 for the first pixel, then how far to go to the second.
pub(super) fn tf_bilinear(filter: Filter, from: u32, to: u32, keep: Range<u32>) -> Taps<f32> {
    let scale = match filter {
        Filter::TfBilinearCorners if to > 1 => (from - 1) as f32 / (to - 1) as f32,
        _ => from as f32 / to as f32,
    };
    Taps::build(keep, |out, weights| {
        let at = match filter {
            Filter::TfBilinear => (out as f32 + 0.5) * scale - 0.5,
            _ => out as f32 * scale,
        };
        let floor = libm::floorf(at);
        let first = (floor.max(0.0) as u32).min(from - 1);
        weights.push(1.0);
        if floor >= 0.0 && first + 1 < from {
            weights.push(at - floor);
        }
        first as i32
    })
}

/// The source pixel of each output, nearest. Pillow steps from pixel to pixel and adds up, OpenCV multiplies.
pub(super) fn nearest(filter: Filter, from: u32, to: u32, keep: Range<u32>) -> Vec<u32> {
    let last = from - 1;
    if filter == Filter::CvNearest {
        let scale = cv_scale(from, to);
        return keep
            .map(|out| (libm::floor(f64::from(out) * scale) as u32).min(last))
            .collect();
    }
    let scale = f64::from(from) / f64::from(to);
    let mut at = scale * 0.5;
    let mut all = Vec::new();
    for out in 0..keep.end {
        if out >= keep.start {
            all.push((at as u32).min(last));
        }
        at += scale;
    }
    all
}
