//! Resizing rows first, then columns, a row of the result at a time.
//!
//! Only as many resized rows are kept as one row of the result reads.

use alloc::vec;
use alloc::vec::Vec;

use super::taps::Taps;

/// The numbers of one way to resize.
pub(super) trait Arithmetic {
    type Weight: Copy;
    /// A value resized along its row.
    type Middle: Copy + Default;
    type Sum: Copy;
    type Out: Copy + Default;

    fn across(&self, pixels: impl Iterator<Item = u8>, weights: &[Self::Weight]) -> Self::Middle;
    fn start(&self) -> Self::Sum;
    fn add(&self, sum: Self::Sum, value: Self::Middle, weight: Self::Weight) -> Self::Sum;
    fn finish(&self, sum: Self::Sum) -> Self::Out;
}

#[derive(Debug)]
pub(super) struct Separable<A: Arithmetic> {
    arithmetic: A,
    channels: usize,
    x: Taps<A::Weight>,
    y: Taps<A::Weight>,
    /// A row of the source.
    source: Vec<u8>,
    /// Rows of `x.reads.len() * channels`; source row `r` is in slot `r % slots`.
    kept: Vec<A::Middle>,
    slots: usize,
    /// The next source row that has not been resized, and the last one that there is.
    next: i32,
    last: i32,
    sums: Vec<A::Sum>,
    out: Vec<A::Out>,
}

impl<A: Arithmetic> Separable<A> {
    pub fn new(
        arithmetic: A,
        channels: usize,
        source: (u32, u32),
        x: Taps<A::Weight>,
        y: Taps<A::Weight>,
    ) -> Self {
        let row = x.reads.len() * channels;
        let slots = y.most().max(1);
        Self {
            channels,
            source: vec![0; source.0 as usize * channels],
            kept: vec![A::Middle::default(); row * slots],
            slots,
            next: 0,
            last: source.1 as i32 - 1,
            sums: vec![arithmetic.start(); row],
            out: vec![A::Out::default(); row],
            arithmetic,
            x,
            y,
        }
    }

    /// Row `y` of the result. Rows are asked for from the first to the last; the first begins anew.
    pub fn row(&mut self, y: usize, read: &mut dyn FnMut(u32, &mut [u8])) -> &[A::Out] {
        if y == 0 {
            self.next = 0;
        }
        let (first, weights) = self.y.reads[y].clone();
        let weights = &self.y.weights[weights];
        let row = self.out.len();
        let end = (first + weights.len() as i32).min(self.last + 1);
        for r in self.next.max(first)..end {
            read(r as u32, &mut self.source);
            let slot = r as usize % self.slots * row;
            let kept = &mut self.kept[slot..slot + row];
            match self.channels {
                1 => across::<A, 1>(&self.arithmetic, &self.source, &self.x, kept),
                _ => across::<A, 3>(&self.arithmetic, &self.source, &self.x, kept),
            }
        }
        self.next = self.next.max(end);
        self.sums.fill(self.arithmetic.start());
        for (i, &weight) in weights.iter().enumerate() {
            let slot = (first + i as i32).clamp(0, self.last) as usize % self.slots * row;
            for (sum, &value) in self.sums.iter_mut().zip(&self.kept[slot..slot + row]) {
                *sum = self.arithmetic.add(*sum, value, weight);
            }
        }
        for (out, &sum) in self.out.iter_mut().zip(&self.sums) {
            *out = self.arithmetic.finish(sum);
        }
        &self.out
    }
}

pub(super) fn across<A: Arithmetic, const C: usize>(
    a: &A,
    source: &[u8],
    taps: &Taps<A::Weight>,
    out: &mut [A::Middle],
) {
    for (pixel, (first, weights)) in out.chunks_exact_mut(C).zip(&taps.reads) {
        let weights = &taps.weights[weights.clone()];
        let from = &source[*first as usize * C..(*first as usize + weights.len()) * C];
        for (c, value) in pixel.iter_mut().enumerate() {
            *value = a.across(from.chunks_exact(C).map(|p| p[c]), weights);
        }
    }
}

/// Pillow's, 8 bits.
#[derive(Debug)]
pub(super) struct Pil;

impl Arithmetic for Pil {
    type Weight = i32;
    type Middle = u8;
    type Sum = i32;
    type Out = u8;

    fn across(&self, pixels: impl Iterator<Item = u8>, weights: &[i32]) -> u8 {
        let sum = pixels
            .zip(weights)
            .fold(self.start(), |sum, (p, &w)| self.add(sum, p, w));
        self.finish(sum)
    }
    fn start(&self) -> i32 {
        1 << 21
    }
    fn add(&self, sum: i32, value: u8, weight: i32) -> i32 {
        sum + i32::from(value) * weight
    }
    fn finish(&self, sum: i32) -> u8 {
        (sum >> 22).clamp(0, 255) as u8
    }
}

/// OpenCV's linear, 8 bits.
#[derive(Debug)]
pub(super) struct CvLinear;

impl Arithmetic for CvLinear {
    type Weight = i32;
    type Middle = i32;
    type Sum = i32;
    type Out = u8;

    fn across(&self, pixels: impl Iterator<Item = u8>, weights: &[i32]) -> i32 {
        pixels.zip(weights).map(|(p, &w)| i32::from(p) * w).sum()
    }
    fn start(&self) -> i32 {
        2
    }
    fn add(&self, sum: i32, value: i32, weight: i32) -> i32 {
        sum + ((weight * (value >> 4)) >> 16)
    }
    fn finish(&self, sum: i32) -> u8 {
        (sum >> 2).clamp(0, 255) as u8
    }
}

/// Means of parts of pixels, float.
#[derive(Debug)]
pub(super) struct Area;

impl Arithmetic for Area {
    type Weight = f32;
    type Middle = f32;
    type Sum = f32;
    type Out = u8;

    fn across(&self, pixels: impl Iterator<Item = u8>, weights: &[f32]) -> f32 {
        pixels
            .zip(weights)
            .fold(0.0, |sum, (p, &w)| sum + f32::from(p) * w)
    }
    fn start(&self) -> f32 {
        0.0
    }
    fn add(&self, sum: f32, value: f32, weight: f32) -> f32 {
        sum + value * weight
    }
    fn finish(&self, sum: f32) -> u8 {
        libm::rintf(sum) as u8
    }
}

/// Means of whole pixels, summed in integers.
#[derive(Debug)]
pub(super) struct Whole {
    pub factor: f32,
    /// Halves are rounded up, not to even (OpenCV where 2×2 pixels become one).
    pub up: bool,
}

impl Arithmetic for Whole {
    type Weight = i32;
    type Middle = i32;
    type Sum = i32;
    type Out = u8;

    fn across(&self, pixels: impl Iterator<Item = u8>, _weights: &[i32]) -> i32 {
        pixels.map(i32::from).sum()
    }
    fn start(&self) -> i32 {
        0
    }
    fn add(&self, sum: i32, value: i32, _weight: i32) -> i32 {
        sum + value
    }
    fn finish(&self, sum: i32) -> u8 {
        if self.up {
            ((sum + 2) >> 2) as u8
        } else {
            libm::rintf(sum as f32 * self.factor) as u8
        }
    }
}

/// TensorFlow's linear: from one value towards the next.
#[derive(Debug)]
pub(super) struct Lerp;

impl Arithmetic for Lerp {
    type Weight = f32;
    type Middle = f32;
    type Sum = f32;
    type Out = f32;

    fn across(&self, pixels: impl Iterator<Item = u8>, weights: &[f32]) -> f32 {
        pixels
            .zip(weights)
            .fold(0.0, |sum, (p, &w)| self.add(sum, f32::from(p), w))
    }
    fn start(&self) -> f32 {
        0.0
    }
    fn add(&self, sum: f32, value: f32, weight: f32) -> f32 {
        sum + (value - sum) * weight
    }
    fn finish(&self, sum: f32) -> f32 {
        sum
    }
}
