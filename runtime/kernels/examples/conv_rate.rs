//! Rates of the convolutions of MobileNetV2 in every tier of this CPU, next to the ceiling of its multiplier.
//!
//! `taskset -c 1 cargo run --release -p redpoll-kernels --features std --example conv_rate [tier …] [part of a name …]`
//!
//! The best of many runs on one core, in 10⁹ multiply-adds a second; the last column is the share of the ceiling, a
//! loop that multiplies registers only.

use redpoll_kernels::params::{
    ConvF32, ConvI8, DepthwiseF32, DepthwiseI8, Finish, FloatWeights, Part,
};
use redpoll_kernels::{Tier, tiers};
use redpoll_plan::Window;
use redpoll_plan::layout::{packed_f32_len, packed_i8_len, padded_n, patch_stride};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Rows, K, N of products of the anomaly detector of MLPerf Tiny, then of MobileNetV2 at 224 × 224.
const PRODUCTS: [(u32, u32, u32); 20] = [
    (1, 640, 128),
    (1, 128, 128),
    (1, 128, 640),
    (12544, 32, 16),
    (12544, 16, 96),
    (3136, 96, 24),
    (3136, 24, 144),
    (3136, 144, 24),
    (784, 144, 32),
    (784, 32, 192),
    (784, 192, 32),
    (196, 192, 64),
    (196, 64, 384),
    (196, 384, 64),
    (196, 576, 96),
    (49, 160, 960),
    (49, 960, 160),
    (49, 960, 320),
    (49, 320, 1280),
    (1, 1280, 1000),
];

/// Side of the output, channels in and out, stride, kernel of convolutions.
const WINDOWS: [(u32, u32, u32, u32, u32); 16] = [
    (32, 3, 16, 1, 3),
    (48, 3, 8, 2, 3),
    (112, 3, 32, 2, 3),
    (112, 3, 64, 2, 7),
    (160, 3, 16, 2, 3),
    (32, 16, 16, 1, 3),
    (16, 32, 32, 1, 3),
    (8, 64, 64, 1, 3),
    (55, 16, 64, 1, 3),
    (27, 32, 128, 1, 3),
    (80, 16, 16, 1, 3),
    (56, 64, 64, 1, 3),
    (28, 128, 128, 1, 3),
    (14, 256, 256, 1, 3),
    (7, 512, 512, 1, 3),
    (16, 16, 32, 2, 1),
];

/// Side of the output, channels, stride, kernel of depthwise convolutions.
const DEPTHWISE: [(u32, u32, u32, u32); 14] = [
    (48, 8, 1, 3),
    (28, 72, 2, 5),
    (28, 144, 2, 5),
    (28, 240, 1, 5),
    (14, 672, 1, 5),
    (7, 1152, 1, 5),
    (112, 32, 1, 3),
    (56, 96, 2, 3),
    (56, 144, 1, 3),
    (28, 192, 1, 3),
    (14, 384, 1, 3),
    (14, 576, 1, 3),
    (7, 960, 1, 3),
    (14, 480, 1, 5),
];

fn square(out: u32, in_c: u32, out_c: u32, stride: u32, kernel: u32) -> Window {
    Window {
        batch: 1,
        in_h: out * stride,
        in_w: out * stride,
        in_c,
        out_h: out,
        out_w: out,
        out_c,
        kernel_h: kernel,
        kernel_w: kernel,
        stride_h: stride,
        stride_w: stride,
        dilation_h: 1,
        dilation_w: 1,
        pad_top: kernel / 2,
        pad_left: kernel / 2,
    }
}

/// True if the arguments want this line.
fn wanted(name: &str) -> bool {
    let names = std::env::args().skip(1);
    let mut names = names
        .filter(|n| tiers().iter().all(|t| t.name() != n))
        .peekable();
    names.peek().is_none() || names.any(|n| name.contains(&n))
}

/// Shortest of the runs in about a tenth of a second.
fn best(mut f: impl FnMut()) -> Duration {
    let start = Instant::now();
    let mut best = Duration::MAX;
    while start.elapsed() < Duration::from_millis(100) {
        let run = Instant::now();
        f();
        best = best.min(run.elapsed());
    }
    best
}

fn report(what: &str, macs: f64, time: Duration, ceiling: f64) {
    let rate = macs / time.as_secs_f64() / 1e9;
    let us = time.as_secs_f64() * 1e6;
    println!(
        "{what:<34} {us:>8.1} µs {rate:>7.1} GMAC/s {:>5.1} %",
        100.0 * rate / ceiling
    );
}

fn bytes(n: usize) -> Vec<i8> {
    (0..n).map(|i| (i * 89 % 253) as i8).collect()
}

const FINISH: Finish = Finish {
    y_zero: -3,
    lo: -128,
    hi: 127,
};

fn conv_i8(tier: &dyn Tier, name: &str, w: Window, ceiling: f64) -> Duration {
    if !wanted(name) {
        return Duration::ZERO;
    }
    let (n, k) = (w.out_c as usize, w.taps() * w.in_c as usize);
    let weights = bytes(packed_i8_len(n, k));
    let bias = vec![1; padded_n(n)];
    let scale = vec![1e-4; padded_n(n)];
    let p = ConvI8 {
        window: w,
        groups: 1,
        weights: &weights,
        bias: &bias,
        bias_unsigned: &bias,
        scale: &scale,
        x_zero: 3,
        finish: FINISH,
    };
    let x = bytes((w.in_h * w.in_w * w.in_c) as usize);
    let mut y = vec![0; w.rows() * n];
    let mut scratch = vec![0; 8 * patch_stride(k)];
    let part = Part {
        rows: 0..w.rows(),
        channels: 0..n,
    };
    let time = best(|| tier.conv_i8(black_box(&p), &x, &mut y, part.clone(), &mut scratch));
    report(name, (w.rows() * n * k) as f64, time, ceiling);
    time
}

fn conv_f32(tier: &dyn Tier, name: &str, w: Window, ceiling: f64) {
    if !wanted(name) {
        return;
    }
    let (n, k) = (w.out_c as usize, w.taps() * w.in_c as usize);
    let weights = vec![0.01; packed_f32_len(n, k)];
    let bias = vec![1.0; padded_n(n)];
    let p = ConvF32 {
        window: w,
        groups: 1,
        weights: FloatWeights::F32(&weights),
        bias: &bias,
        lo: 0.0,
        hi: 6.0,
    };
    let x = vec![0.5; (w.in_h * w.in_w * w.in_c) as usize];
    let mut y = vec![0.0; w.rows() * n];
    let mut scratch = vec![0; 8 * patch_stride(k * 4)];
    let part = Part {
        rows: 0..w.rows(),
        channels: 0..n,
    };
    let time = best(|| tier.conv_f32(black_box(&p), &x, &mut y, part.clone(), &mut scratch));
    report(name, (w.rows() * n * k) as f64, time, ceiling);
}

fn depthwise_i8(tier: &dyn Tier, name: &str, w: Window, ceiling: f64) {
    if !wanted(name) {
        return;
    }
    let c = w.in_c as usize;
    let weights = bytes(w.taps() * padded_n(c));
    let bias = vec![1; padded_n(c)];
    let scale = vec![1e-2; padded_n(c)];
    let p = DepthwiseI8 {
        window: w,
        weights: &weights,
        bias: &bias,
        scale: &scale,
        x_zero: 3,
        finish: FINISH,
    };
    let x = bytes((w.in_h * w.in_w * w.in_c) as usize);
    let mut y = vec![0; w.rows() * c];
    let time = best(|| tier.depthwise_i8(black_box(&p), &x, &mut y, 0..w.rows()));
    report(name, (w.rows() * c * w.taps()) as f64, time, ceiling);
}

fn depthwise_f32(tier: &dyn Tier, name: &str, w: Window, ceiling: f64) {
    if !wanted(name) {
        return;
    }
    let c = w.in_c as usize;
    let weights = vec![0.1; w.taps() * padded_n(c)];
    let bias = vec![1.0; padded_n(c)];
    let p = DepthwiseF32 {
        window: w,
        weights: FloatWeights::F32(&weights),
        bias: &bias,
        lo: 0.0,
        hi: 6.0,
    };
    let x = vec![0.5; (w.in_h * w.in_w * w.in_c) as usize];
    let mut y = vec![0.0; w.rows() * c];
    let time = best(|| tier.depthwise_f32(black_box(&p), &x, &mut y, 0..w.rows()));
    report(name, (w.rows() * c * w.taps()) as f64, time, ceiling);
}

/// Multiply-adds of a loop of 2¹⁶ steps over 12 registers: 64 (int8) or 16 (f32) each.
#[cfg(target_arch = "x86_64")]
mod registers {
    use core::arch::x86_64::*;

    pub const STEPS: usize = 1 << 16;

    #[target_feature(enable = "avx512f,avx512vnni")]
    pub fn int8(seed: i32) -> i32 {
        let x = _mm512_set1_epi32(seed);
        let mut acc = [x; 12];
        for _ in 0..STEPS {
            for acc in &mut acc {
                *acc = _mm512_dpbusd_epi32(*acc, x, x);
            }
        }
        acc.iter().fold(0, |s, &a| s ^ _mm512_reduce_add_epi32(a))
    }

    #[target_feature(enable = "avx512f")]
    pub fn f32(seed: f32) -> f32 {
        let x = _mm512_set1_ps(seed);
        let mut acc = [x; 12];
        for _ in 0..STEPS {
            for acc in &mut acc {
                *acc = _mm512_fmadd_ps(x, x, *acc);
            }
        }
        acc.iter().fold(0.0, |s, &a| s + _mm512_reduce_add_ps(a))
    }
}

/// Ceilings of int8 and f32 in 10⁹ multiply-adds a second; NaN where the CPU has no AVX-512 VNNI.
fn ceilings() -> (f64, f64) {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx512f") && std::is_x86_feature_detected!("avx512vnni") {
        let steps = (registers::STEPS * 12) as f64;
        let int8 = best(|| {
            // SAFETY: the CPU has the instructions.
            _ = black_box(unsafe { registers::int8(black_box(1)) });
        });
        let f32 = best(|| {
            // SAFETY: the CPU has the instructions.
            _ = black_box(unsafe { registers::f32(black_box(1.0)) });
        });
        let rate = |lanes: f64, t: Duration| steps * lanes / t.as_secs_f64() / 1e9;
        return (rate(64.0, int8), rate(16.0, f32));
    }
    (f64::NAN, f64::NAN)
}

fn main() {
    let named: Vec<String> = std::env::args()
        .skip(1)
        .filter(|n| tiers().iter().any(|t| t.name() == n))
        .collect();
    let (int8, f32) = ceilings();
    println!("ceiling: {int8:.0} GMAC/s int8, {f32:.0} GMAC/s f32");
    for &tier in tiers() {
        if !named.is_empty() && !named.iter().any(|n| n == tier.name()) {
            continue;
        }
        println!("{}", tier.name());
        let mut total = Duration::ZERO;
        let mut macs = 0.0;
        for (m, k, n) in PRODUCTS {
            let name = format!("int8 {m} × {k} × {n}");
            total += conv_i8(tier, &name, Window::dense(m, k, n), int8);
            macs += f64::from(m) * f64::from(k) * f64::from(n);
        }
        if !total.is_zero() {
            report("int8 products in all", macs, total, int8);
        }
        for (side, c, n, stride, kernel) in WINDOWS {
            let name = format!("int8 {side}² × {c} → {n}, {kernel}×{kernel} stride {stride}");
            conv_i8(tier, &name, square(side, c, n, stride, kernel), int8);
        }
        for (side, c, stride, kernel) in DEPTHWISE {
            let name = format!("int8 {side}² × {c}, {kernel}×{kernel} stride {stride} depthwise");
            depthwise_i8(tier, &name, square(side, c, c, stride, kernel), int8);
        }
        for (m, k, n) in [
            (3136, 24, 144),
            (784, 192, 32),
            (196, 384, 64),
            (49, 960, 160),
            (1, 1280, 1000),
        ] {
            let name = format!("f32 {m} × {k} × {n}");
            conv_f32(tier, &name, Window::dense(m, k, n), f32);
        }
        conv_f32(
            tier,
            "f32 28² × 128 → 128, 3×3",
            square(28, 128, 128, 1, 3),
            f32,
        );
        for (side, c, stride, kernel) in [(56, 144, 1, 3), (14, 384, 1, 3), (14, 480, 1, 5)] {
            let name = format!("f32 {side}² × {c}, {kernel}×{kernel} depthwise");
            depthwise_f32(tier, &name, square(side, c, c, stride, kernel), f32);
        }
    }
}
