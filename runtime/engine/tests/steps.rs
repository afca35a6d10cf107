//! Steps without windows, alone and divided among workers, against the tier called on whole buffers.

mod net;

use net::{Net, Random, run};
use redpoll_kernels::params::Source;
use redpoll_kernels::{SCALAR, Tier};
use redpoll_plan::{DType, Op, op};
use zerocopy::IntoBytes;

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
fn long_runs_are_divided() {
    let mut random = Random(8);
    let n = 5003;
    let (x, a) = (random.f32s(n), random.i8s(n));
    let b = random.i8s(1);
    let mut net = Net::new();
    let (x_id, a_id) = (
        net.input(DType::F32, &[n as u32]),
        net.input(DType::I8, &[n as u32]),
    );
    let (q_id, y_id) = (
        net.tensor(DType::I8, &[n as u32]),
        net.output(DType::I8, &[n as u32]),
    );
    let b_id = net.constant(DType::I8, &b);
    let quantize = op::Quantize {
        x: x_id,
        y: q_id,
        scale: 0.01,
        zero: 5,
    };
    // In place with one element for all, then two runs.
    let shift = op::BinaryI8 {
        function: op::Binary::Sub,
        a: q_id,
        b: b_id,
        y: q_id,
        dims: [1, 1, 1, 1, 1, n as u32],
        a_strides: [0, 0, 0, 0, 0, 1],
        b_strides: [0; 6],
        a_zero: 1,
        b_zero: 2,
        a_scale: 0.5,
        b_scale: 0.25,
        y_zero: 3,
        lo: -128,
        hi: 127,
    };
    let add = op::BinaryI8 {
        function: op::Binary::Add,
        b: a_id,
        y: y_id,
        b_strides: shift.a_strides,
        ..shift
    };
    net.step(Op::Quantize(quantize), 0);
    net.step(Op::BinaryI8(shift), 0);
    net.step(Op::BinaryI8(add), 0);
    let (mut q, mut expected) = (vec![0i8; n], vec![0i8; n]);
    SCALAR.quantize(0.01, 5, &x, &mut q);
    SCALAR.binary_i8(&shift, Source::InPlace, Source::Slice(&b), &mut q);
    SCALAR.binary_i8(&add, Source::Slice(&q), Source::Slice(&a), &mut expected);
    assert_eq!(
        run(&mut net.finish(), &[x.as_bytes(), a.as_bytes()]),
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

/// Enough elements for several parts, elsewhere and in place.
#[test]
fn float_functions_are_divided() {
    let mut random = Random(8);
    let x = random.f32s(100_001);
    let mut expected = vec![0f32; x.len()];
    SCALAR.unary_f32(op::Unary::Silu, 0.0, 0.0, Source::Slice(&x), &mut expected);
    for in_place in [false, true] {
        let mut net = Net::new();
        let x_id = net.input(DType::F32, &[100_001]);
        let y_id = if in_place {
            net.builder.add_output("y", x_id);
            x_id
        } else {
            net.output(DType::F32, &[100_001])
        };
        let step = op::UnaryF32 {
            function: op::Unary::Silu,
            x: x_id,
            y: y_id,
            alpha: 0.0,
            beta: 0.0,
        };
        net.step(Op::UnaryF32(step), 0);
        assert_eq!(run(&mut net.finish(), &[x.as_bytes()]), expected.as_bytes());
    }
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
