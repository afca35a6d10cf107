//! Every step, alone and divided among workers, against the tier called on whole buffers.

mod net;

use net::{Net, Random, run};
use redpoll_kernels::params::{
    ConvF32, ConvI8, DepthwiseF32, DepthwiseI8, Finish, FloatWeights, Part, Source,
};
use redpoll_kernels::{SCALAR, Tier};
use redpoll_plan::layout::{packed_f32_len, packed_i8_len, padded_n, patch_stride};
use redpoll_plan::{DType, Op, Window, op};
use zerocopy::IntoBytes;

fn window(batch: u32, size: u32, in_c: u32, out_c: u32, kernel: u32, stride: u32) -> Window {
    let pad = kernel / 2;
    let out = (size + 2 * pad - kernel) / stride + 1;
    Window {
        batch,
        in_h: size,
        in_w: size,
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
        pad_top: pad,
        pad_left: pad,
    }
}

fn x_dims(w: &Window) -> [u32; 4] {
    [w.batch, w.in_h, w.in_w, w.in_c]
}

fn y_dims(w: &Window) -> [u32; 4] {
    [w.batch, w.out_h, w.out_w, w.out_c]
}

fn x_len(w: &Window) -> usize {
    x_dims(w).iter().product::<u32>() as usize
}

fn y_len(w: &Window) -> usize {
    y_dims(w).iter().product::<u32>() as usize
}

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

#[test]
fn binary_steps_read_constants_and_work_in_place() {
    let mut random = Random(6);
    let (a, b) = (random.i8s(60), random.i8s(10));
    let mut net = Net::new();
    let (a_id, b_id) = (net.input(DType::I8, &[6, 10]), net.constant(DType::I8, &b));
    net.builder.add_output("y", a_id);
    let step = op::BinaryI8 {
        function: op::Binary::Add,
        a: a_id,
        b: b_id,
        y: a_id,
        dims: [1, 1, 1, 1, 6, 10],
        a_strides: [0, 0, 0, 0, 10, 1],
        b_strides: [0, 0, 0, 0, 0, 1],
        a_zero: 1,
        b_zero: 2,
        a_scale: 0.5,
        b_scale: 0.25,
        y_zero: 3,
        lo: -128,
        hi: 127,
    };
    net.step(Op::BinaryI8(step), 0);
    let mut expected = vec![0i8; 60];
    SCALAR.binary_i8(&step, Source::Slice(&a), Source::Slice(&b), &mut expected);
    assert_eq!(run(&mut net.finish(), &[a.as_bytes()]), expected.as_bytes());

    let (a, b) = (random.f32s(60), random.f32s(60));
    let mut net = Net::new();
    let step = op::BinaryF32 {
        function: op::Binary::Mul,
        a: net.input(DType::F32, &[60]),
        b: net.input(DType::F32, &[60]),
        y: net.output(DType::F32, &[60]),
        dims: [1, 1, 1, 1, 1, 60],
        a_strides: [0, 0, 0, 0, 0, 1],
        b_strides: [0, 0, 0, 0, 0, 1],
        lo: -1.0,
        hi: 1.0,
    };
    net.step(Op::BinaryF32(step), 0);
    let mut expected = vec![0f32; 60];
    SCALAR.binary_f32(&step, Source::Slice(&a), Source::Slice(&b), &mut expected);
    assert_eq!(
        run(&mut net.finish(), &[a.as_bytes(), b.as_bytes()]),
        expected.as_bytes()
    );
}

#[test]
fn functions_of_one_element() {
    let mut random = Random(7);
    let x = random.i8s(100);
    let table: [i8; 256] = std::array::from_fn(|i| (i as i32 / 2 - 60) as i8);
    let mut net = Net::new();
    let (x_id, table_id) = (
        net.input(DType::I8, &[100]),
        net.constant(DType::I8, &table),
    );
    net.builder.add_output("y", x_id);
    net.step(
        Op::TableI8(op::TableI8 {
            x: x_id,
            y: x_id,
            table: table_id,
        }),
        0,
    );
    let expected: Vec<i8> = x
        .iter()
        .map(|&v| table[(i32::from(v) + 128) as usize])
        .collect();
    assert_eq!(run(&mut net.finish(), &[x.as_bytes()]), expected.as_bytes());

    let x = random.f32s(100);
    let mut net = Net::new();
    let (x_id, y_id) = (
        net.input(DType::F32, &[100]),
        net.output(DType::F32, &[100]),
    );
    let step = op::UnaryF32 {
        function: op::Unary::Tanh,
        x: x_id,
        y: y_id,
        alpha: 0.0,
        beta: 0.0,
    };
    net.step(Op::UnaryF32(step), 0);
    let mut expected = vec![0f32; 100];
    SCALAR.unary_f32(op::Unary::Tanh, 0.0, 0.0, Source::Slice(&x), &mut expected);
    assert_eq!(run(&mut net.finish(), &[x.as_bytes()]), expected.as_bytes());
}

#[test]
fn uint8_at_the_edges() {
    // 0.5 a step, zero point 200.
    let x = [-100.0f32, -99.5, -0.5, 0.0, 0.25, 0.75, 27.5, 99.0];
    let quantized = [0u8, 1, 199, 200, 200, 202, 255, 255];
    let mut net = Net::new();
    let (x_id, y_id) = (net.input(DType::F32, &[8]), net.output(DType::U8, &[8]));
    net.step(
        Op::Quantize(op::Quantize {
            x: x_id,
            y: y_id,
            scale: 0.5,
            zero: 200,
        }),
        0,
    );
    assert_eq!(run(&mut net.finish(), &[x.as_bytes()]), quantized);

    let mut net = Net::new();
    let (x_id, y_id) = (net.input(DType::U8, &[8]), net.output(DType::F32, &[8]));
    net.step(
        Op::Dequantize(op::Dequantize {
            x: x_id,
            y: y_id,
            scale: 0.5,
            zero: 200,
        }),
        0,
    );
    // The input is as it was: a second step may read it.
    let again = net.output(DType::F32, &[8]);
    net.step(
        Op::Dequantize(op::Dequantize {
            x: x_id,
            y: again,
            scale: 0.5,
            zero: 200,
        }),
        0,
    );
    let expected: Vec<f32> = quantized
        .iter()
        .map(|&q| (f32::from(q) - 200.0) * 0.5)
        .collect();
    assert_eq!(run(&mut net.finish(), &[&quantized]), expected.as_bytes());

    let mut net = Net::new();
    let (x_id, y_id) = (net.input(DType::U8, &[8]), net.output(DType::I8, &[8]));
    net.step(Op::FlipSign(op::FlipSign { x: x_id, y: y_id }), 0);
    let expected: Vec<u8> = quantized.iter().map(|&q| q ^ 128).collect();
    assert_eq!(run(&mut net.finish(), &[&quantized]), expected);
}

#[test]
fn int8_and_float() {
    let x = [-3.0f32, -0.25, 0.0, 0.25, 0.75, 50.0];
    let mut net = Net::new();
    let (x_id, q_id, y_id) = (
        net.input(DType::F32, &[6]),
        net.tensor(DType::I8, &[6]),
        net.output(DType::F32, &[6]),
    );
    net.step(
        Op::Quantize(op::Quantize {
            x: x_id,
            y: q_id,
            scale: 0.5,
            zero: 100,
        }),
        0,
    );
    net.step(
        Op::Dequantize(op::Dequantize {
            x: q_id,
            y: y_id,
            scale: 0.5,
            zero: 100,
        }),
        0,
    );
    let expected = [-3.0f32, 0.0, 0.0, 0.0, 1.0, 13.5];
    assert_eq!(
        run(&mut net.finish(), &[x.as_bytes()]),
        expected.map(|v| v + 0.0).as_bytes()
    );
}

#[test]
fn reductions() {
    let mut random = Random(8);
    let x = random.i8s(2 * 9 * 5);
    let mut net = Net::new();
    let step = op::ReduceI8 {
        kind: op::Reduce::Mean,
        x: net.input(DType::I8, &[2, 9, 5]),
        y: net.output(DType::I8, &[2, 5]),
        outer: 2,
        count: 9,
        inner: 5,
        ratio: 0.1,
        x_zero: 5,
        y_zero: -5,
        lo: -128,
        hi: 127,
    };
    net.step(Op::ReduceI8(step), 0);
    let mut expected = vec![0i8; 10];
    SCALAR.reduce_i8(&step, &x, &mut expected);
    assert_eq!(run(&mut net.finish(), &[x.as_bytes()]), expected.as_bytes());

    let x = random.f32s(3 * 40);
    let mut net = Net::new();
    let (x_id, y_id) = (
        net.input(DType::F32, &[3, 40]),
        net.output(DType::F32, &[3]),
    );
    let step = op::ReduceF32 {
        kind: op::Reduce::Sum,
        x: x_id,
        y: y_id,
        outer: 3,
        count: 40,
        inner: 1,
    };
    net.step(Op::ReduceF32(step), 0);
    let mut expected = vec![0f32; 3];
    SCALAR.reduce_f32(&step, &x, &mut expected);
    assert_eq!(run(&mut net.finish(), &[x.as_bytes()]), expected.as_bytes());
}

#[test]
fn softmax() {
    let mut random = Random(9);
    let x = random.f32s(3 * 12);
    let mut net = Net::new();
    let x_id = net.input(DType::F32, &[3, 12]);
    net.builder.add_output("y", x_id);
    net.step(
        Op::SoftmaxF32(op::SoftmaxF32 {
            x: x_id,
            y: x_id,
            outer: 3,
            count: 12,
        }),
        0,
    );
    let mut expected = vec![0f32; 36];
    SCALAR.softmax_f32(12, Source::Slice(&x), &mut expected);
    assert_eq!(run(&mut net.finish(), &[x.as_bytes()]), expected.as_bytes());

    let x = random.i8s(3 * 12);
    let table: [f32; 256] = std::array::from_fn(|i| (-(i as f32) * 0.05).exp());
    let mut net = Net::new();
    let step = op::SoftmaxI8 {
        x: net.input(DType::I8, &[3, 12]),
        y: net.output(DType::I8, &[3, 12]),
        table: net.constant(DType::F32, &table),
        outer: 3,
        count: 12,
        scale: 1.0 / 256.0,
        y_zero: -128,
    };
    net.step(Op::SoftmaxI8(step), 0);
    let mut expected = vec![0i8; 36];
    SCALAR.softmax_i8(&step, &table, &x, &mut expected);
    assert_eq!(run(&mut net.finish(), &[x.as_bytes()]), expected.as_bytes());
}

#[test]
fn movement() {
    // Transposes 3 × 4 of 32 bits over a filled result with one column more.
    let x: Vec<i32> = (0..12).collect();
    let mut net = Net::new();
    let (x_id, y_id) = (
        net.input(DType::I32, &[3, 4]),
        net.output(DType::I32, &[4, 4]),
    );
    net.step(
        Op::Fill(op::Fill {
            y: y_id,
            element_bytes: 4,
            bits: 7,
        }),
        0,
    );
    let copy = op::Copy {
        x: x_id,
        y: y_id,
        element_bytes: 4,
        dims: [1, 1, 1, 1, 4, 3],
        x_offset: 0,
        x_strides: [0, 0, 0, 0, 1, 4],
        y_offset: 1,
        y_strides: [0, 0, 0, 0, 4, 1],
    };
    net.step(Op::Copy(copy), 0);
    let expected: [i32; 16] = [7, 0, 4, 8, 7, 1, 5, 9, 7, 2, 6, 10, 7, 3, 7, 11];
    assert_eq!(run(&mut net.finish(), &[x.as_bytes()]), expected.as_bytes());
}

#[test]
fn embedding() {
    let mut net = Net::new();
    let table: Vec<i8> = (0..12).collect();
    let step = op::Embedding {
        indices: net.input(DType::I32, &[4]),
        table: net.constant(DType::I8, &table),
        y: net.output(DType::I8, &[4, 3]),
        rows: 4,
        width: 3,
        element_bytes: 1,
        zero: 0x55,
    };
    net.step(Op::Embedding(step), 0);
    let indices = [2i32, 0, -1, 4];
    let expected = [6u8, 7, 8, 0, 1, 2, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55];
    assert_eq!(run(&mut net.finish(), &[indices.as_bytes()]), expected);
}
