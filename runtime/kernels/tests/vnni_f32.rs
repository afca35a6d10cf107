//! The float kernels of the AVX-512 VNNI tier equal the scalar definition bit for bit.
#![cfg(all(target_arch = "x86_64", feature = "std"))]

use redpoll_kernels::params::{ConvF32, DepthwiseF32, FloatWeights, Part};
use redpoll_kernels::{SCALAR, Tier, tier_by_name};
use redpoll_plan::Window;
use redpoll_plan::layout::{packed_f32_len, padded_n, patch_stride};

/// A small generator: the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n.max(1)
    }

    fn f32(&mut self) -> f32 {
        (self.below(20_001) as f32 - 10_000.0) * 1.7e-4
    }

    fn floats(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.f32()).collect()
    }

    /// Bits of finite half-precision numbers.
    fn halves(&mut self, n: usize) -> Vec<u16> {
        (0..n)
            .map(|_| (self.below(2) << 15 | self.below(0x4400)) as u16)
            .collect()
    }
}

fn tier() -> Option<&'static dyn Tier> {
    let tier = tier_by_name("avx512vnni");
    if tier.is_none() {
        println!("skipped: this CPU has no AVX-512 VNNI");
    }
    tier
}

fn bits(v: &[f32]) -> Vec<u32> {
    v.iter().map(|v| v.to_bits()).collect()
}

fn same(want: &[f32], got: &[f32], what: impl core::fmt::Debug) {
    let (len, canary) = (want.len(), 99f32.to_bits());
    assert!(bits(want) == bits(&got[..len]), "{what:?}");
    assert!(bits(&got[len..]).iter().all(|&v| v == canary), "{what:?}");
}

/// Bounds of the clamp: none, ReLU, ReLU6.
fn bounds(random: &mut Random) -> (f32, f32) {
    [
        (f32::NEG_INFINITY, f32::INFINITY),
        (0.0, f32::INFINITY),
        (0.0, 6.0),
    ][random.below(3)]
}

fn conv(tier: &dyn Tier, window: Window, groups: usize, random: &mut Random) {
    let n = window.out_c as usize / groups;
    let k = window.taps() * window.in_c as usize / groups;
    let single = random.floats(groups * packed_f32_len(16, k) * n.div_ceil(16));
    let half = random.halves(single.len());
    let bias = random.floats(groups * padded_n(n));
    let x = random.floats((window.batch * window.in_h * window.in_w * window.in_c) as usize);
    let (lo, hi) = bounds(random);
    let channels = window.out_c as usize;
    let start = random.below(window.rows());
    let end = start + random.below(window.rows() - start + 1);
    for weights in [FloatWeights::F32(&single), FloatWeights::F16(&half)] {
        let p = ConvF32 {
            window,
            groups,
            weights,
            bias: &bias,
            lo,
            hi,
        };
        for rows in [0..window.rows(), start..end] {
            let len = rows.len() * channels;
            let (mut want, mut got) = (vec![0.0; len], vec![99.0; len + 16]);
            let mut scratch = vec![0; (1 + random.below(8)) * patch_stride(k * 4)];
            let part = Part {
                rows,
                channels: 0..channels,
            };
            SCALAR.conv_f32(&p, &x, &mut want, part.clone(), &mut []);
            tier.conv_f32(&p, &x, &mut got[..len], part.clone(), &mut scratch);
            same(&want, &got, (window, groups, part));
        }
    }
}

#[test]
fn products_of_all_sizes_around_the_tiles() {
    let Some(tier) = tier() else { return };
    let mut random = Random(1);
    for m in (1..=13).chain([25, 49]) {
        for n in [1, 15, 16, 17, 32, 47, 64, 65, 80, 129, 200] {
            for k in [1, 2, 3, 17] {
                if (m + n + k) % 3 == 0 || m < 2 {
                    conv(tier, Window::dense(m, k, n), 1, &mut random);
                }
            }
        }
    }
}

/// A window with random geometry.
fn window(random: &mut Random, groups: u32) -> Window {
    let mut some = |least: usize, most: usize| (least + random.below(most - least + 1)) as u32;
    Window {
        batch: some(1, 2),
        in_h: some(1, 8),
        in_w: some(1, 10),
        in_c: groups * some(1, 12),
        out_h: some(1, 5),
        out_w: some(1, 8),
        out_c: groups * some(1, 35),
        kernel_h: some(1, 4),
        kernel_w: some(1, 4),
        stride_h: some(1, 3),
        stride_w: some(1, 3),
        dilation_h: some(1, 2),
        dilation_w: some(1, 2),
        pad_top: some(0, 3),
        pad_left: some(0, 3),
    }
}

#[test]
fn windows_of_all_kinds() {
    let Some(tier) = tier() else { return };
    let mut random = Random(2);
    for round in 0..300 {
        let groups = if round % 4 == 0 {
            1 + random.below(3)
        } else {
            1
        };
        let window = window(&mut random, groups as u32);
        conv(tier, window, groups, &mut random);
    }
    // Patches beyond the buffer on the stack.
    let mut w = Window::dense(1, 800, 20);
    (w.in_h, w.in_w, w.out_h, w.out_w) = (2, 3, 2, 3);
    (w.kernel_h, w.kernel_w, w.pad_top, w.pad_left) = (3, 3, 1, 1);
    conv(tier, w, 1, &mut random);
}

#[test]
fn one_row_by_channels() {
    let Some(tier) = tier() else { return };
    let mut random = Random(3);
    let (weights, bias) = (random.floats(19 * 16 * 40), random.floats(19 * 16));
    let x = random.floats(40);
    let p = ConvF32 {
        window: Window::dense(1, 40, 300),
        groups: 1,
        weights: FloatWeights::F32(&weights),
        bias: &bias,
        lo: -1.0,
        hi: 1.0,
    };
    for channels in [0..16, 16..40, 32..300, 288..300] {
        let part = Part {
            rows: 0..1,
            channels,
        };
        let len = part.channels.len();
        let (mut want, mut got) = (vec![0.0; len], vec![99.0; len + 16]);
        SCALAR.conv_f32(&p, &x, &mut want, part.clone(), &mut []);
        tier.conv_f32(&p, &x, &mut got[..len], part.clone(), &mut []);
        same(&want, &got, part);
    }
}

#[test]
fn depthwise_windows_of_all_kinds() {
    let Some(tier) = tier() else { return };
    let mut random = Random(4);
    for _ in 0..400 {
        let mut w = window(&mut random, 1);
        w.in_c = [1, 7, 15, 16, 17, 31, 32, 33, 64, 70][random.below(10)];
        w.out_c = w.in_c;
        let c = w.in_c as usize;
        let single = random.floats(w.taps() * padded_n(c));
        let half = random.halves(single.len());
        let bias = random.floats(padded_n(c));
        let x = random.floats((w.batch * w.in_h * w.in_w * w.in_c) as usize);
        let (lo, hi) = bounds(&mut random);
        let start = random.below(w.rows());
        for weights in [FloatWeights::F32(&single), FloatWeights::F16(&half)] {
            let p = DepthwiseF32 {
                window: w,
                weights,
                bias: &bias,
                lo,
                hi,
            };
            for rows in [0..w.rows(), start..w.rows()] {
                let len = rows.len() * c;
                let (mut want, mut got) = (vec![0.0; len], vec![99.0; len + 16]);
                SCALAR.depthwise_f32(&p, &x, &mut want, rows.clone());
                tier.depthwise_f32(&p, &x, &mut got[..len], rows.clone());
                same(&want, &got, (w, rows));
            }
        }
    }
}

#[test]
fn matrix_products() {
    let Some(tier) = tier() else { return };
    let mut random = Random(5);
    for m in [1, 2, 5, 6, 7, 13, 30] {
        for k in [0, 1, 9, 33] {
            for n in [1, 15, 16, 17, 64, 65, 131, 200] {
                let (a, b) = (random.floats(m * k), random.floats(k * n));
                let (mut want, mut got) = (vec![0.0; m * n], vec![99.0; m * n + 16]);
                SCALAR.matmul_f32(&a, &b, &mut want, m, k, n);
                tier.matmul_f32(&a, &b, &mut got[..m * n], m, k, n);
                same(&want, &got, (m, k, n));
            }
        }
    }
}
