//! A small generator (the same numbers in every run), random windows and packing.

use redpoll_kernels::params::Finish;
use redpoll_plan::Window;
use redpoll_plan::layout::{BLOCK_K, BLOCK_N, packed_f32_len, packed_i8_len, padded_n};

pub struct Random(pub u64);

impl Random {
    pub fn bits(&mut self) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as u32
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.bits() >> 1) as usize % n.max(1)
    }

    pub fn one_to(&mut self, n: usize) -> u32 {
        1 + self.below(n) as u32
    }

    pub fn i8(&mut self) -> i8 {
        self.bits() as i8
    }

    /// One of −128, 127, 0 or any.
    pub fn end_i8(&mut self) -> i8 {
        match self.below(6) {
            0 => -128,
            1 => 127,
            2 => 0,
            _ => self.i8(),
        }
    }

    /// In ±1.
    pub fn f32(&mut self) -> f32 {
        self.bits() as i32 as f32 / 2_147_483_648.0
    }

    /// Any bits now and then, ends and specials, else in ±8.
    pub fn wild_f32(&mut self) -> f32 {
        match self.below(24) {
            0 => f32::NAN,
            1 => f32::INFINITY,
            2 => f32::NEG_INFINITY,
            3 => -0.0,
            4 => 0.0,
            5 => f32::from_bits(self.bits()),
            6 => self.below(9) as f32 - 4.5,
            7 => f32::MIN_POSITIVE * self.f32(),
            _ => self.f32() * 8.0,
        }
    }

    pub fn bytes(&mut self, n: usize) -> Vec<i8> {
        (0..n).map(|_| self.i8()).collect()
    }

    pub fn floats(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.f32()).collect()
    }

    pub fn finish(&mut self) -> Finish {
        let y_zero = i32::from(self.end_i8());
        let (a, b) = (i32::from(self.end_i8()), i32::from(self.end_i8()));
        match self.below(3) {
            0 => Finish {
                y_zero,
                lo: a.min(b),
                hi: a.max(b),
            },
            1 => Finish {
                y_zero,
                lo: y_zero,
                hi: 127,
            },
            _ => Finish {
                y_zero,
                lo: -128,
                hi: 127,
            },
        }
    }

    /// A window of any stride, dilation and border, with at least one input pixel.
    pub fn window(&mut self, in_c: u32, out_c: u32) -> Window {
        Window {
            batch: self.one_to(2),
            in_h: self.one_to(9),
            in_w: self.one_to(11),
            in_c,
            out_h: self.one_to(5),
            out_w: self.one_to(8),
            out_c,
            kernel_h: self.one_to(4),
            kernel_w: self.one_to(4),
            stride_h: self.one_to(3),
            stride_w: self.one_to(3),
            dilation_h: self.one_to(2),
            dilation_w: if self.below(3) == 0 { 2 } else { 1 },
            pad_top: self.below(4) as u32,
            pad_left: self.below(4) as u32,
        }
    }
}

/// Packs `[groups][n][k]` as the layout of int8 convolutions.
pub fn pack_i8(w: &[i8], groups: usize, n: usize, k: usize) -> Vec<i8> {
    let size = packed_i8_len(n, k);
    let mut out = vec![0; groups * size];
    for (i, &v) in w.iter().enumerate() {
        let (g, c, kk) = (i / k / n, i / k % n, i % k);
        let quad = c / BLOCK_N * k.div_ceil(BLOCK_K) + kk / BLOCK_K;
        out[g * size + (quad * BLOCK_N + c % BLOCK_N) * BLOCK_K + kk % BLOCK_K] = v;
    }
    out
}

/// Packs `[groups][n][k]` as the layout of float convolutions.
pub fn pack_f32(w: &[f32], groups: usize, n: usize, k: usize) -> Vec<f32> {
    let size = packed_f32_len(n, k);
    let mut out = vec![0.0; groups * size];
    for (i, &v) in w.iter().enumerate() {
        let (g, c, kk) = (i / k / n, i / k % n, i % k);
        out[g * size + (c / BLOCK_N * k + kk) * BLOCK_N + c % BLOCK_N] = v;
    }
    out
}

/// Pads `[rows][n]` to whole blocks a row.
pub fn pad<T: Copy + Default>(v: &[T], n: usize) -> Vec<T> {
    let mut out = Vec::new();
    for row in v.chunks_exact(n) {
        out.extend_from_slice(row);
        out.resize(out.len().next_multiple_of(BLOCK_N), T::default());
    }
    debug_assert_eq!(out.len(), v.len() / n * padded_n(n));
    out
}
