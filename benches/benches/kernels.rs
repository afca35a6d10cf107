//! Kernels × tiers × the shapes of common layers. Throughput: multiply-adds, or elements, a second.
#![allow(missing_docs)]

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use redpoll_kernels::params::{
    ConvF32, ConvI8, DepthwiseF32, DepthwiseI8, Finish, FloatWeights, Part, Source,
};
use redpoll_kernels::tiers;
use redpoll_plan::layout::{packed_f32_len, packed_i8_len, padded_n, patch_stride};
use redpoll_plan::op::{self, Binary, Reduce, Unary};
use redpoll_plan::{TensorId, Window};
use std::hint::black_box;
use std::time::Duration;

const ID: TensorId = TensorId(0);
const FINISH: Finish = Finish {
    y_zero: -3,
    lo: -128,
    hi: 127,
};

/// A square window with a border of half the kernel.
fn square(out: u32, in_c: u32, out_c: u32, stride: u32, kernel: u32) -> Window {
    let mut w = Window::dense(1, in_c, out_c);
    (w.in_h, w.in_w) = (out * stride, out * stride);
    (w.out_h, w.out_w) = (out, out);
    (w.kernel_h, w.kernel_w) = (kernel, kernel);
    (w.stride_h, w.stride_w) = (stride, stride);
    (w.pad_top, w.pad_left) = (kernel / 2, kernel / 2);
    w
}

fn bytes(n: usize) -> Vec<i8> {
    (0..n).map(|i| (i * 89 % 253) as i8).collect()
}

fn floats(n: usize) -> Vec<f32> {
    (0..n)
        .map(|i| (i * 89 % 253) as f32 / 128.0 - 1.0)
        .collect()
}

fn group<'a>(c: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = c.benchmark_group(name);
    group.warm_up_time(Duration::from_millis(200));
    group.measurement_time(Duration::from_millis(600));
    group.sample_size(20);
    group
}

/// Layers: name and window; products of MobileNetV2, first layers, a classifier of one row.
fn convolutions() -> [(&'static str, Window); 7] {
    [
        ("12544x32x16", Window::dense(12_544, 32, 16)),
        ("784x192x32", Window::dense(784, 192, 32)),
        ("196x384x64", Window::dense(196, 384, 64)),
        ("49x960x160", Window::dense(49, 960, 160)),
        ("1x1280x1000", Window::dense(1, 1280, 1000)),
        ("112x112x3_3x3s2_32", square(112, 3, 32, 2, 3)),
        ("28x28x128_3x3_128", square(28, 128, 128, 1, 3)),
    ]
}

fn depthwise() -> [(&'static str, Window); 4] {
    [
        ("112x112x32_3x3", square(112, 32, 32, 1, 3)),
        ("56x56x96_3x3s2", square(56, 96, 96, 2, 3)),
        ("14x14x384_3x3", square(14, 384, 384, 1, 3)),
        ("14x14x480_5x5", square(14, 480, 480, 1, 5)),
    ]
}

fn whole(w: &Window) -> Part {
    Part {
        rows: 0..w.rows(),
        channels: 0..w.out_c as usize,
    }
}

fn inputs(w: &Window) -> usize {
    (w.batch * w.in_h * w.in_w * w.in_c) as usize
}

fn conv_i8(c: &mut Criterion) {
    let mut group = group(c, "conv_i8");
    for (name, w) in convolutions() {
        let (n, k) = (w.out_c as usize, w.taps() * w.in_c as usize);
        let (weights, x) = (bytes(packed_i8_len(n, k)), bytes(inputs(&w)));
        let (bias, scale) = (vec![1; padded_n(n)], vec![1e-4; padded_n(n)]);
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
        let mut y = vec![0; w.rows() * n];
        let mut scratch = vec![0; 8 * patch_stride(k)];
        group.throughput(Throughput::Elements((w.rows() * n * k) as u64));
        for tier in tiers() {
            group.bench_function(BenchmarkId::new(tier.name(), name), |b| {
                b.iter(|| tier.conv_i8(black_box(&p), &x, &mut y, whole(&w), &mut scratch));
            });
        }
    }
}

fn conv_f32(c: &mut Criterion) {
    let mut group = group(c, "conv_f32");
    for (name, w) in convolutions() {
        let (n, k) = (w.out_c as usize, w.taps() * w.in_c as usize);
        let (weights, x) = (floats(packed_f32_len(n, k)), floats(inputs(&w)));
        let bias = vec![1.0; padded_n(n)];
        let p = ConvF32 {
            window: w,
            groups: 1,
            weights: FloatWeights::F32(&weights),
            bias: &bias,
            lo: 0.0,
            hi: 6.0,
        };
        let mut y = vec![0.0; w.rows() * n];
        let mut scratch = vec![0; 8 * patch_stride(k * 4)];
        group.throughput(Throughput::Elements((w.rows() * n * k) as u64));
        for tier in tiers() {
            group.bench_function(BenchmarkId::new(tier.name(), name), |b| {
                b.iter(|| tier.conv_f32(black_box(&p), &x, &mut y, whole(&w), &mut scratch));
            });
        }
    }
}

fn depthwise_both(c: &mut Criterion) {
    for (name, w) in depthwise() {
        let channels = w.in_c as usize;
        let size = w.taps() * padded_n(channels);
        let macs = Throughput::Elements((w.rows() * channels * w.taps()) as u64);
        let (weights, x) = (bytes(size), bytes(inputs(&w)));
        let (bias, scale) = (vec![1; padded_n(channels)], vec![1e-2; padded_n(channels)]);
        let p = DepthwiseI8 {
            window: w,
            weights: &weights,
            bias: &bias,
            scale: &scale,
            x_zero: 3,
            finish: FINISH,
        };
        let mut y = vec![0; w.rows() * channels];
        let mut int8 = group(c, "depthwise_i8");
        int8.throughput(macs.clone());
        for tier in tiers() {
            int8.bench_function(BenchmarkId::new(tier.name(), name), |b| {
                b.iter(|| tier.depthwise_i8(black_box(&p), &x, &mut y, 0..w.rows()));
            });
        }
        int8.finish();
        let (weights, x, bias) = (floats(size), floats(inputs(&w)), floats(padded_n(channels)));
        let p = DepthwiseF32 {
            window: w,
            weights: FloatWeights::F32(&weights),
            bias: &bias,
            lo: 0.0,
            hi: 6.0,
        };
        let mut y = vec![0.0; w.rows() * channels];
        let mut float = group(c, "depthwise_f32");
        float.throughput(macs);
        for tier in tiers() {
            float.bench_function(BenchmarkId::new(tier.name(), name), |b| {
                b.iter(|| tier.depthwise_f32(black_box(&p), &x, &mut y, 0..w.rows()));
            });
        }
    }
}

/// Elements of the element-wise kernels: 28² × 32.
const ELEMENTS: usize = 28 * 28 * 32;

fn elementwise(c: &mut Criterion) {
    let mut group = group(c, "elementwise");
    group.throughput(Throughput::Elements(ELEMENTS as u64));
    let (q, x) = (bytes(ELEMENTS), floats(ELEMENTS));
    let (mut yq, mut y) = (vec![0i8; ELEMENTS], vec![0f32; ELEMENTS]);
    let dims = [1, 1, 1, 1, 1, ELEMENTS as u32];
    let strides = [0, 0, 0, 0, 0, 1];
    let add = op::BinaryI8 {
        function: Binary::Add,
        a: ID,
        b: ID,
        y: ID,
        dims,
        a_strides: strides,
        b_strides: strides,
        a_zero: 3,
        b_zero: -4,
        a_scale: 0.6,
        b_scale: 0.7,
        y_zero: 1,
        lo: -128,
        hi: 127,
    };
    let table: [i8; 256] = core::array::from_fn(|i| i as i8);
    for tier in tiers() {
        let mut run = |name: &str, f: &mut dyn FnMut()| {
            group.bench_function(BenchmarkId::new(tier.name(), name), |b| b.iter(&mut *f));
        };
        run("add_i8", &mut || {
            tier.binary_i8(
                black_box(&add),
                Source::Slice(&q),
                Source::Slice(&q),
                &mut yq,
            );
        });
        run("table_i8", &mut || {
            tier.table_i8(&table, Source::Slice(&q), &mut yq)
        });
        run("quantize", &mut || {
            tier.quantize(black_box(0.01), 3, &x, &mut yq)
        });
        run("dequantize", &mut || {
            tier.dequantize(black_box(0.01), 3, &q, &mut y)
        });
        run("softmax_f32", &mut || {
            tier.softmax_f32(ELEMENTS, Source::Slice(&x), &mut y)
        });
        for (name, function) in [
            ("clamp", Unary::Clamp),
            ("sigmoid", Unary::Sigmoid),
            ("tanh", Unary::Tanh),
            ("exp", Unary::Exp),
        ] {
            run(name, &mut || {
                tier.unary_f32(function, 0.0, 6.0, Source::Slice(&x), &mut y)
            });
        }
    }
}

fn pooling(c: &mut Criterion) {
    let mut group = group(c, "pool_i8");
    for (name, kind, w) in [
        ("max_56x56x64_2x2s2", Reduce::Max, square(28, 64, 64, 2, 2)),
        (
            "mean_7x7x1280",
            Reduce::Mean,
            Window {
                kernel_h: 7,
                kernel_w: 7,
                in_h: 7,
                in_w: 7,
                ..Window::dense(1, 1280, 1280)
            },
        ),
    ] {
        let p = op::PoolI8 {
            kind,
            x: ID,
            y: ID,
            window: w,
            count_border: 0,
            ratio: 1.0,
            x_zero: 3,
            y_zero: 3,
            lo: -128,
            hi: 127,
        };
        let x = bytes(inputs(&w));
        let mut y = vec![0; w.rows() * w.in_c as usize];
        group.throughput(Throughput::Elements(x.len() as u64));
        for tier in tiers() {
            group.bench_function(BenchmarkId::new(tier.name(), name), |b| {
                b.iter(|| tier.pool_i8(black_box(&p), &x, &mut y, 0..w.rows()));
            });
        }
    }
}

criterion_group!(
    kernels,
    conv_i8,
    depthwise_both,
    conv_f32,
    elementwise,
    pooling
);
criterion_main!(kernels);
