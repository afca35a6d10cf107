//! Windowed steps and matrix products, alone and divided among workers, against the tier called on whole buffers.

mod net;

use net::{Net, Random, run, window, x_dims, x_len, y_dims, y_len};
use redpoll_kernels::params::{
    ConvF32, ConvI8, DepthwiseF32, DepthwiseI8, Finish, FloatWeights, Part,
};
use redpoll_kernels::{SCALAR, Tier};
use redpoll_plan::layout::{packed_f32_len, packed_i8_len, padded_n, patch_stride};
use redpoll_plan::{DType, Op, Window, op};
use zerocopy::IntoBytes;

/// Windows that are cut by rows, by channels, and not at all.
fn windows() -> Vec<(Window, u32)> {
    vec![
        (Window::dense(1, 700, 1001), 1),
        (Window::dense(37, 96, 50), 1),
        (window(2, 13, 8, 40, 3, 2), 1),
        (window(1, 15, 24, 48, 3, 1), 4),
        (
            Window {
                in_c: 4096,
                out_c: 128,
                ..Window::dense(1, 0, 0)
            },
            4,
        ),
        (window(1, 3, 3, 5, 3, 1), 1),
    ]
}

#[test]
fn conv_i8() {
    for (w, groups) in windows() {
        let mut random = Random(1);
        let (n, k) = (
            (w.out_c / groups) as usize,
            w.taps() * (w.in_c / groups) as usize,
        );
        let channels = groups as usize * padded_n(n);
        let weights = random.i8s(groups as usize * packed_i8_len(n, k));
        let (bias, bias_unsigned) = (random.i32s(channels), random.i32s(channels));
        let scale = random.scales(channels);
        let x = random.i8s(x_len(&w));
        let finish = Finish {
            y_zero: 3,
            lo: -100,
            hi: 120,
        };

        let mut net = Net::new();
        let step = op::ConvI8 {
            x: net.input(DType::I8, &x_dims(&w)),
            y: net.output(DType::I8, &y_dims(&w)),
            weights: net.constant(DType::I8, &weights),
            bias: net.constant(DType::I32, &bias),
            bias_unsigned: net.constant(DType::I32, &bias_unsigned),
            scale: net.constant(DType::F32, &scale),
            window: w,
            groups,
            x_zero: -7,
            y_zero: finish.y_zero,
            lo: finish.lo,
            hi: finish.hi,
        };
        let scratch_bytes = if w.is_pointwise() {
            0
        } else {
            8 * patch_stride(k)
        };
        net.step(Op::ConvI8(step), scratch_bytes);

        let params = ConvI8 {
            window: w,
            groups: groups as usize,
            weights: &weights,
            bias: &bias,
            bias_unsigned: &bias_unsigned,
            scale: &scale,
            x_zero: -7,
            finish,
        };
        let mut expected = vec![0i8; y_len(&w)];
        let part = Part {
            rows: 0..w.rows(),
            channels: 0..w.out_c as usize,
        };
        SCALAR.conv_i8(
            &params,
            &x,
            &mut expected,
            part,
            &mut vec![0; scratch_bytes],
        );
        assert!(expected.iter().any(|&v| v != expected[0]));
        assert_eq!(
            run(&mut net.finish(), &[x.as_bytes()]),
            expected.as_bytes(),
            "{w:?}"
        );
    }
}

#[test]
fn conv_f32_and_f16() {
    for (w, groups) in windows() {
        for half in [false, true] {
            let mut random = Random(2);
            let (n, k) = (
                (w.out_c / groups) as usize,
                w.taps() * (w.in_c / groups) as usize,
            );
            let len = groups as usize * packed_f32_len(n, k);
            let single = random.f32s(len);
            // Any finite half: sign, small exponent, mantissa.
            let halves: Vec<u16> = (0..len).map(|_| (random.next() as u16) & 0x3BFF).collect();
            let bias = random.f32s(groups as usize * padded_n(n));
            let x = random.f32s(x_len(&w));

            let mut net = Net::new();
            let step = op::ConvF32 {
                x: net.input(DType::F32, &x_dims(&w)),
                y: net.output(DType::F32, &y_dims(&w)),
                weights: if half {
                    net.constant(DType::F16, &halves)
                } else {
                    net.constant(DType::F32, &single)
                },
                bias: net.constant(DType::F32, &bias),
                window: w,
                groups,
                lo: -5.0,
                hi: f32::INFINITY,
            };
            let scratch_bytes = if w.is_pointwise() {
                0
            } else {
                8 * patch_stride(4 * k)
            };
            net.step(Op::ConvF32(step), scratch_bytes);

            let weights = if half {
                FloatWeights::F16(&halves)
            } else {
                FloatWeights::F32(&single)
            };
            let params = ConvF32 {
                window: w,
                groups: groups as usize,
                weights,
                bias: &bias,
                lo: -5.0,
                hi: f32::INFINITY,
            };
            let mut expected = vec![0f32; y_len(&w)];
            let part = Part {
                rows: 0..w.rows(),
                channels: 0..w.out_c as usize,
            };
            SCALAR.conv_f32(
                &params,
                &x,
                &mut expected,
                part,
                &mut vec![0; scratch_bytes],
            );
            assert_eq!(
                run(&mut net.finish(), &[x.as_bytes()]),
                expected.as_bytes(),
                "{w:?} half {half}"
            );
        }
    }
}

#[test]
fn depthwise() {
    for w in [window(2, 30, 40, 40, 3, 1), window(1, 7, 5, 5, 5, 2)] {
        let mut random = Random(3);
        let channels = padded_n(w.out_c as usize);
        let len = w.taps() * channels;
        let finish = Finish {
            y_zero: -4,
            lo: -128,
            hi: 90,
        };

        let (weights, bias, scale) = (
            random.i8s(len),
            random.i32s(channels),
            random.scales(channels),
        );
        let x = random.i8s(x_len(&w));
        let mut net = Net::new();
        let step = op::DepthwiseI8 {
            x: net.input(DType::I8, &x_dims(&w)),
            y: net.output(DType::I8, &y_dims(&w)),
            weights: net.constant(DType::I8, &weights),
            bias: net.constant(DType::I32, &bias),
            scale: net.constant(DType::F32, &scale),
            window: w,
            x_zero: 9,
            y_zero: finish.y_zero,
            lo: finish.lo,
            hi: finish.hi,
        };
        net.step(Op::DepthwiseI8(step), 0);
        let params = DepthwiseI8 {
            window: w,
            weights: &weights,
            bias: &bias,
            scale: &scale,
            x_zero: 9,
            finish,
        };
        let mut expected = vec![0i8; y_len(&w)];
        SCALAR.depthwise_i8(&params, &x, &mut expected, 0..w.rows());
        assert_eq!(run(&mut net.finish(), &[x.as_bytes()]), expected.as_bytes());

        let (weights, bias, x) = (
            random.f32s(len),
            random.f32s(channels),
            random.f32s(x_len(&w)),
        );
        let mut net = Net::new();
        let step = op::DepthwiseF32 {
            x: net.input(DType::F32, &x_dims(&w)),
            y: net.output(DType::F32, &y_dims(&w)),
            weights: net.constant(DType::F32, &weights),
            bias: net.constant(DType::F32, &bias),
            window: w,
            lo: 0.0,
            hi: 6.0,
        };
        net.step(Op::DepthwiseF32(step), 0);
        let params = DepthwiseF32 {
            window: w,
            weights: FloatWeights::F32(&weights),
            bias: &bias,
            lo: 0.0,
            hi: 6.0,
        };
        let mut expected = vec![0f32; y_len(&w)];
        SCALAR.depthwise_f32(&params, &x, &mut expected, 0..w.rows());
        assert_eq!(run(&mut net.finish(), &[x.as_bytes()]), expected.as_bytes());
    }
}

#[test]
fn matmul() {
    // (batch, m, k, n, b is shared by all batches)
    for (batch, m, k, n, shared) in [
        (5, 7, 64, 80, false),
        (3, 50, 31, 33, true),
        (1, 2, 3, 4, false),
    ] {
        let mut random = Random(4);
        let (a, b) = (
            random.f32s(batch * m * k),
            random.f32s(if shared { k * n } else { batch * k * n }),
        );
        let mut net = Net::new();
        let step = op::MatMulF32 {
            a: net.input(DType::F32, &[a.len() as u32]),
            b: net.input(DType::F32, &[b.len() as u32]),
            y: net.output(DType::F32, &[(batch * m * n) as u32]),
            batch: batch as u32,
            m: m as u32,
            k: k as u32,
            n: n as u32,
            a_batch_stride: (m * k) as u32,
            b_batch_stride: if shared { 0 } else { (k * n) as u32 },
        };
        net.step(Op::MatMulF32(step), 0);
        let mut expected = vec![0f32; batch * m * n];
        for (i, y) in expected.chunks_exact_mut(m * n).enumerate() {
            let b = if shared {
                &b[..]
            } else {
                &b[i * k * n..][..k * n]
            };
            SCALAR.matmul_f32(&a[i * m * k..][..m * k], b, y, m, k, n);
        }
        assert_eq!(
            run(&mut net.finish(), &[a.as_bytes(), b.as_bytes()]),
            expected.as_bytes()
        );
    }
}

#[test]
fn pools() {
    let w = window(1, 40, 24, 24, 3, 2);
    let mut random = Random(5);
    for kind in [op::Reduce::Max, op::Reduce::Mean] {
        let x = random.i8s(x_len(&w));
        let mut net = Net::new();
        let step = op::PoolI8 {
            kind,
            x: net.input(DType::I8, &x_dims(&w)),
            y: net.output(DType::I8, &y_dims(&w)),
            window: w,
            count_border: 0,
            ratio: 0.9,
            x_zero: -3,
            y_zero: 1,
            lo: -128,
            hi: 127,
        };
        net.step(Op::PoolI8(step), 0);
        let mut expected = vec![0i8; y_len(&w)];
        SCALAR.pool_i8(&step, &x, &mut expected, 0..w.rows());
        assert_eq!(run(&mut net.finish(), &[x.as_bytes()]), expected.as_bytes());

        let x = random.f32s(x_len(&w));
        let mut net = Net::new();
        let (x_id, y_id) = (
            net.input(DType::F32, &x_dims(&w)),
            net.output(DType::F32, &y_dims(&w)),
        );
        let step = op::PoolF32 {
            kind,
            x: x_id,
            y: y_id,
            window: w,
            count_border: 1,
        };
        net.step(Op::PoolF32(step), 0);
        let mut expected = vec![0f32; y_len(&w)];
        SCALAR.pool_f32(&step, &x, &mut expected, 0..w.rows());
        assert_eq!(run(&mut net.finish(), &[x.as_bytes()]), expected.as_bytes());
    }
}
