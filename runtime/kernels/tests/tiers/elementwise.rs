//! Element-wise kernels of every tier against the definition.

use crate::random::Random;
use crate::{others, same};
use redpoll_kernels::params::Source;
use redpoll_kernels::{SCALAR, Tier};
use redpoll_plan::TensorId;
use redpoll_plan::op::{self, Binary, Dims, Strides, Unary};

const ID: TensorId = TensorId(0);
const LENGTHS: [usize; 12] = [0, 1, 3, 7, 8, 15, 16, 17, 31, 33, 64, 133];
const FUNCTIONS: [Binary; 7] = [
    Binary::Add,
    Binary::Sub,
    Binary::Mul,
    Binary::Div,
    Binary::Pow,
    Binary::Max,
    Binary::Min,
];

/// A loop, and the strides of an operand that is dense, repeats along some dimensions, or runs backwards never.
fn operand(dims: &Dims, r: &mut Random) -> (Strides, usize) {
    let dense = r.below(2) == 0;
    let mut strides = [0; 6];
    let mut size = 1;
    for d in (0..6).rev() {
        if dense || r.below(3) > 0 {
            strides[d] = size as i32;
            size *= dims[d] as usize;
        }
    }
    (strides, size)
}

fn dims(r: &mut Random) -> Dims {
    let inner = [1, 2, 7, 8, 16, 19, 40][r.below(7)];
    let (a, b) = (r.one_to(4), r.one_to(3));
    [1, 1, 1, a, b, inner]
}

fn dense(dims: &Dims) -> Strides {
    let mut strides = [0; 6];
    let mut size = 1;
    for d in (0..6).rev() {
        strides[d] = size;
        size *= dims[d] as i32;
    }
    strides
}

#[test]
fn binary_int8() {
    let mut r = Random(21);
    for round in 0..3000 {
        let dims = dims(&mut r);
        let ((a_strides, a_len), (b_strides, b_len)) =
            (operand(&dims, &mut r), operand(&dims, &mut r));
        let f = r.finish();
        let p = op::BinaryI8 {
            function: FUNCTIONS[round % 7],
            a: ID,
            b: ID,
            y: ID,
            dims,
            a_strides,
            b_strides,
            a_zero: i32::from(r.end_i8()),
            b_zero: i32::from(r.end_i8()),
            a_scale: r.f32() * 2.0,
            b_scale: r.f32() * 2.0,
            y_zero: f.y_zero,
            lo: f.lo,
            hi: f.hi,
        };
        let (a, b) = (r.bytes(a_len), r.bytes(b_len));
        let len: usize = dims.iter().map(|&d| d as usize).product();
        let own = r.bytes(len);
        let in_place = op::BinaryI8 {
            a_strides: dense(&dims),
            ..p
        };
        let swapped = op::BinaryI8 {
            b_strides: dense(&dims),
            ..p
        };
        for tier in others() {
            let run = |p, a, b| {
                let (mut want, mut got) = (own.clone(), own.clone());
                SCALAR.binary_i8(p, a, b, &mut want);
                tier.binary_i8(p, a, b, &mut got);
                assert!(want == got, "{} {p:?}", tier.name());
            };
            run(&p, Source::Slice(&a), Source::Slice(&b));
            run(&in_place, Source::InPlace, Source::Slice(&b));
            run(&swapped, Source::Slice(&a), Source::InPlace);
        }
    }
}

#[test]
fn binary_int8_of_channels() {
    let mut r = Random(27);
    for (round, c) in [1, 3, 16, 24, 64, 72, 96, 500, 513, 1000]
        .into_iter()
        .enumerate()
    {
        for rows in [1, 2, 5, 63, 300] {
            let dims = [1, 1, 1, 1, rows, c];
            let f = r.finish();
            let p = op::BinaryI8 {
                function: [Binary::Mul, Binary::Add, Binary::Sub][round % 3],
                a: ID,
                b: ID,
                y: ID,
                dims,
                a_strides: [0, 0, 0, 0, c as i32, 1],
                b_strides: [0, 0, 0, 0, 0, 1],
                a_zero: i32::from(r.end_i8()),
                b_zero: i32::from(r.end_i8()),
                a_scale: r.f32(),
                b_scale: r.f32(),
                y_zero: f.y_zero,
                lo: f.lo,
                hi: f.hi,
            };
            let other = op::BinaryI8 {
                a_strides: p.b_strides,
                b_strides: p.a_strides,
                ..p
            };
            let (a, b) = (r.bytes((rows * c) as usize), r.bytes(c as usize));
            for tier in others() {
                let run = |p, x, z| {
                    let (mut want, mut got) = (a.clone(), a.clone());
                    SCALAR.binary_i8(p, x, z, &mut want);
                    tier.binary_i8(p, x, z, &mut got);
                    assert!(want == got, "{} {p:?}", tier.name());
                };
                run(&p, Source::Slice(&a), Source::Slice(&b));
                run(&p, Source::InPlace, Source::Slice(&b));
                run(&other, Source::Slice(&b), Source::Slice(&a));
                run(&other, Source::Slice(&b), Source::InPlace);
            }
        }
    }
}

#[test]
fn quotients_near_ties_round_as_divided() {
    let mut r = Random(28);
    for round in 0..4000 {
        // Scales of all sizes that models have, and beyond.
        let exponent = r.below(160) as u32 + 40;
        let scale = f32::from_bits(exponent << 23 | (r.below(1 << 23) as u32));
        let scale = if round % 50 == 0 {
            f32::from_bits(r.below(1 << 31) as u32)
        } else {
            scale
        };
        let mut x = Vec::new();
        for _ in 0..64 {
            // The neighbours of a tie, and anything.
            let near = ((r.below(600) as f32 - 300.0) + 0.5) * scale;
            let bits = near.to_bits();
            x.extend([-2i32, -1, 0, 1, 2].map(|d| f32::from_bits(bits.wrapping_add_signed(d))));
            x.push(r.wild_f32());
        }
        let zero = i32::from(r.end_i8());
        let mut want = vec![0; x.len()];
        SCALAR.quantize(scale, zero, &x, &mut want);
        for tier in others() {
            let mut got = vec![0; x.len()];
            tier.quantize(scale, zero, &x, &mut got);
            assert!(want == got, "{} {scale:e} {zero}", tier.name());
        }
    }
}

#[test]
fn binary_float() {
    let mut r = Random(22);
    for round in 0..2000 {
        let dims = dims(&mut r);
        let ((a_strides, a_len), (b_strides, b_len)) =
            (operand(&dims, &mut r), operand(&dims, &mut r));
        let p = op::BinaryF32 {
            function: FUNCTIONS[round % 7],
            a: ID,
            b: ID,
            y: ID,
            dims,
            a_strides,
            b_strides,
            lo: if r.below(2) == 0 {
                0.0
            } else {
                f32::NEG_INFINITY
            },
            hi: if r.below(2) == 0 { 6.0 } else { f32::INFINITY },
        };
        let mut wild = |n: usize| -> Vec<f32> { (0..n).map(|_| r.wild_f32()).collect() };
        let (a, b) = (wild(a_len), wild(b_len));
        let own = wild(dims.iter().map(|&d| d as usize).product());
        let in_place = op::BinaryF32 {
            a_strides: dense(&dims),
            ..p
        };
        let swapped = op::BinaryF32 {
            b_strides: dense(&dims),
            ..p
        };
        for tier in others() {
            let run = |p, a, b| {
                let (mut want, mut got) = (own.clone(), own.clone());
                SCALAR.binary_f32(p, a, b, &mut want);
                tier.binary_f32(p, a, b, &mut got);
                same(&want, &got, &format!("{} {p:?}", tier.name()));
            };
            run(&p, Source::Slice(&a), Source::Slice(&b));
            run(&in_place, Source::InPlace, Source::Slice(&b));
            run(&swapped, Source::Slice(&a), Source::InPlace);
        }
    }
}

#[test]
fn unary_float() {
    let functions = [
        Unary::Clamp,
        Unary::LeakyRelu,
        Unary::Elu,
        Unary::Sigmoid,
        Unary::HardSigmoid,
        Unary::HardSwish,
        Unary::Silu,
        Unary::Tanh,
        Unary::Gelu,
        Unary::GeluTanh,
        Unary::Softplus,
        Unary::Exp,
        Unary::Log,
        Unary::Sqrt,
        Unary::Reciprocal,
        Unary::Erf,
        Unary::Neg,
        Unary::Abs,
        Unary::Floor,
        Unary::Ceil,
        Unary::Round,
    ];
    let mut r = Random(23);
    for function in functions {
        for len in LENGTHS.into_iter().chain([20_000]) {
            let mut x: Vec<f32> = (0..len).map(|_| r.wild_f32()).collect();
            x.iter_mut().step_by(3).for_each(|x| *x *= 12.0);
            let mut want = vec![0.0; len];
            let (alpha, beta) = (-0.25, 0.75);
            SCALAR.unary_f32(function, alpha, beta, Source::Slice(&x), &mut want);
            for tier in others() {
                let what = format!("{} {function:?}", tier.name());
                let mut got = vec![0.0; len];
                tier.unary_f32(function, alpha, beta, Source::Slice(&x), &mut got);
                same(&want, &got, &what);
                got.copy_from_slice(&x);
                tier.unary_f32(function, alpha, beta, Source::InPlace, &mut got);
                same(&want, &got, &what);
            }
        }
    }
}

/// The hard swish divides by 6; tiers that multiply instead must give the same quotient for every x that the clamp lets
/// through. Every 331st of those floats; all of them with the environment variable REDPOLL_EXHAUSTIVE.
#[test]
fn hard_swish_of_every_quotient() {
    let step = if std::env::var_os("REDPOLL_EXHAUSTIVE").is_some() {
        1
    } else {
        331
    };
    let last = 4.5f32.to_bits();
    let mut at = 0;
    while at <= last {
        let x: Vec<f32> = (0..1u32 << 16)
            .map(|i| f32::from_bits((at + i * step).min(last)))
            .flat_map(|x| [x, -x])
            .collect();
        let mut want = vec![0.0; x.len()];
        SCALAR.unary_f32(Unary::HardSwish, 0.0, 0.0, Source::Slice(&x), &mut want);
        for tier in others() {
            let mut got = vec![0.0; x.len()];
            tier.unary_f32(Unary::HardSwish, 0.0, 0.0, Source::Slice(&x), &mut got);
            same(&want, &got, tier.name());
        }
        at += step << 16;
    }
}

#[test]
fn quantize_dequantize_table_and_flip() {
    let mut r = Random(24);
    let table: [i8; 256] = core::array::from_fn(|_| r.i8());
    for len in LENGTHS.into_iter().chain([5_000]) {
        for zero in [-128, -5, 0, 127] {
            let scale = r.f32().abs() * 0.05 + 0.01;
            let mut x: Vec<f32> = (0..len).map(|_| r.wild_f32()).collect();
            // Ties.
            x.iter_mut()
                .step_by(5)
                .enumerate()
                .for_each(|(i, x)| *x = (i as f32 - 9.5) * scale);
            let q = r.bytes(len);
            let bytes: Vec<u8> = q.iter().map(|&v| v as u8).collect();
            let mut want = (
                vec![0i8; len],
                vec![0f32; len],
                vec![0i8; len],
                vec![0u8; len],
            );
            SCALAR.quantize(scale, zero, &x, &mut want.0);
            SCALAR.dequantize(scale, zero, &q, &mut want.1);
            SCALAR.table_i8(&table, Source::Slice(&q), &mut want.2);
            SCALAR.flip_sign(Source::Slice(&bytes), &mut want.3);
            for tier in others() {
                let mut got = (
                    vec![0i8; len],
                    vec![0f32; len],
                    vec![0i8; len],
                    vec![0u8; len],
                );
                tier.quantize(scale, zero, &x, &mut got.0);
                tier.dequantize(scale, zero, &q, &mut got.1);
                tier.table_i8(&table, Source::Slice(&q), &mut got.2);
                tier.flip_sign(Source::Slice(&bytes), &mut got.3);
                assert!(want == got, "{}", tier.name());
                got.2.copy_from_slice(&q);
                got.3.copy_from_slice(&bytes);
                tier.table_i8(&table, Source::InPlace, &mut got.2);
                tier.flip_sign(Source::InPlace, &mut got.3);
                assert!(want == got, "{}", tier.name());
            }
        }
    }
}

#[test]
fn copies_of_all_kinds() {
    let mut r = Random(29);
    for round in 0..1500 {
        let bytes = [1, 1, 1, 2, 4, 8][r.below(6)];
        // A dense tensor read with its dimensions in another order, perhaps into a wider one.
        let mut dims = [1u32; 6];
        for (d, dim) in dims.iter_mut().enumerate().skip(2 + round % 3) {
            *dim = if d > 3 { r.one_to(40) } else { r.one_to(3) };
        }
        if round % 3 == 0 {
            dims[5] = [8, 16, 24, 32, 48, 64, 96, 128][r.below(8)] / bytes;
        }
        let mut order = [0, 1, 2, 3, 4, 5];
        for _ in 0..round % 3 {
            order.swap(r.below(6), r.below(6));
        }
        let (mut x_strides, mut y_strides) = ([0i32; 6], [0i32; 6]);
        let mut step = 1;
        for &d in order.iter().rev() {
            x_strides[d] = step;
            step *= dims[d] as i32;
        }
        let gap = [0, 0, 5][r.below(3)];
        let mut step_y = 1;
        for d in (0..6).rev() {
            y_strides[d] = step_y;
            step_y = step_y * dims[d] as i32 + if d == 5 { gap } else { 0 };
        }
        let p = op::Copy {
            x: ID,
            y: ID,
            element_bytes: bytes,
            dims,
            x_offset: 3,
            x_strides,
            y_offset: 2,
            y_strides,
        };
        let x: Vec<u8> = r
            .bytes((step as usize + 3) * bytes as usize)
            .iter()
            .map(|&v| v as u8)
            .collect();
        let mut want = vec![9u8; (step_y as usize + 2) * bytes as usize];
        let before = want.clone();
        SCALAR.copy(&p, &x, &mut want);
        for tier in others() {
            let mut got = before.clone();
            tier.copy(&p, &x, &mut got);
            assert!(want == got, "{} {p:?}", tier.name());
        }
    }
}
