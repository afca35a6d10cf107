//! Element-wise kernels, pooling and reductions of the AVX-512 VNNI tier equal the scalar definition bit for bit.
#![cfg(all(target_arch = "x86_64", feature = "std"))]

use redpoll_kernels::params::Source;
use redpoll_kernels::{SCALAR, Tier, tier_by_name};
use redpoll_plan::op::{self, Binary, Reduce};
use redpoll_plan::{TensorId, Window};

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

    fn i8(&mut self) -> i8 {
        self.below(256) as u8 as i8
    }

    fn f32(&mut self) -> f32 {
        (self.below(20_001) as f32 - 10_000.0) * 1.7e-3
    }

    fn bytes(&mut self, n: usize) -> Vec<i8> {
        (0..n).map(|_| self.i8()).collect()
    }

    /// lo ≤ hi.
    fn bounds(&mut self) -> (i32, i32) {
        let (a, b) = (i32::from(self.i8()), i32::from(self.i8()));
        (a.min(b), a.max(b))
    }
}

fn tier() -> Option<&'static dyn Tier> {
    let tier = tier_by_name("avx512vnni");
    if tier.is_none() {
        println!("skipped: this CPU has no AVX-512 VNNI");
    }
    tier
}

const NONE: TensorId = TensorId(0);

/// A loop of three dimensions, and for each of two operands strides that go along, repeat a dimension, or skip.
fn strides(random: &mut Random, dims: [u32; 3]) -> (op::Dims, [op::Strides; 2], [usize; 2]) {
    let mut lengths = [0; 2];
    let all = [0, 1].map(|operand: usize| {
        let mut strides = [0i32; 6];
        let mut next = if random.below(6) == 0 { 2 } else { 1 };
        for d in (0..3).rev() {
            if random.below(4) > 0 {
                strides[3 + d] = next;
                next *= dims[d] as i32;
            }
        }
        let last: i32 = (0..3).map(|d| strides[3 + d] * (dims[d] as i32 - 1)).sum();
        lengths[operand] = last as usize + 1;
        strides
    });
    ([1, 1, 1, dims[0], dims[1], dims[2]], all, lengths)
}

#[test]
fn two_operands() {
    let Some(tier) = tier() else { return };
    let mut random = Random(1);
    for round in 0..2000 {
        let run = [1, 5, 15, 16, 17, 63, 64, 65, 100, 130, 200][random.below(11)];
        let dims = [1 + random.below(3) as u32, 1 + random.below(3) as u32, run];
        let (dims, [a_strides, b_strides], lengths) =
            strides(&mut random, [dims[0], dims[1], dims[2]]);
        let (lo, hi) = random.bounds();
        let function = [
            Binary::Add,
            Binary::Sub,
            Binary::Mul,
            Binary::Max,
            Binary::Min,
        ][round % 5];
        let p = op::BinaryI8 {
            function,
            a: NONE,
            b: NONE,
            y: NONE,
            dims,
            a_strides,
            b_strides,
            a_zero: i32::from(random.i8()),
            b_zero: i32::from(random.i8()),
            a_scale: (1 + random.below(1000)) as f32 * 7.3e-4,
            b_scale: (1 + random.below(1000)) as f32 * 6.1e-4,
            y_zero: i32::from(random.i8()),
            lo,
            hi,
        };
        let len = dims.iter().product::<u32>() as usize;
        let (a, b, own) = (
            random.bytes(lengths[0]),
            random.bytes(lengths[1]),
            random.bytes(len),
        );
        let sources = [
            (Source::Slice(&a[..]), Source::Slice(&b[..])),
            (Source::InPlace, Source::Slice(&b[..])),
            (Source::Slice(&a[..]), Source::InPlace),
            (Source::InPlace, Source::InPlace),
        ];
        for (a, b) in sources {
            let (mut want, mut got) = (own.clone(), own.clone());
            got.resize(len + 64, 99);
            SCALAR.binary_i8(&p, a, b, &mut want);
            tier.binary_i8(&p, a, b, &mut got[..len]);
            assert!(want[..] == got[..len], "{p:?}");
            assert!(got[len..].iter().all(|&v| v == 99));
        }
        let (a, b): (Vec<f32>, Vec<f32>) = (
            a.iter().map(|&v| f32::from(v) * 0.37).collect(),
            b.iter().map(|&v| f32::from(v) * 0.21).collect(),
        );
        let p = op::BinaryF32 {
            function: [
                Binary::Add,
                Binary::Sub,
                Binary::Mul,
                Binary::Div,
                Binary::Max,
            ][round % 5],
            a: NONE,
            b: NONE,
            y: NONE,
            dims,
            a_strides,
            b_strides,
            lo: if round % 2 == 0 {
                0.0
            } else {
                f32::NEG_INFINITY
            },
            hi: if round % 4 == 0 { 6.0 } else { f32::INFINITY },
        };
        let mut want: Vec<f32> = own.iter().map(|&v| f32::from(v)).collect();
        let mut got = want.clone();
        got.resize(len + 16, 99.0);
        let b = if round % 3 == 0 {
            Source::InPlace
        } else {
            Source::Slice(&b[..])
        };
        SCALAR.binary_f32(&p, Source::Slice(&a), b, &mut want);
        tier.binary_f32(&p, Source::Slice(&a), b, &mut got[..len]);
        let same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
        assert!(want.iter().zip(&got).all(same), "{p:?}");
        assert!(got[len..].iter().all(|&v| v == 99.0));
    }
}

#[test]
fn one_operand() {
    let Some(tier) = tier() else { return };
    let mut random = Random(2);
    let mut table = [0i8; 256];
    table.iter_mut().for_each(|v| *v = random.i8());
    for len in (0..140).chain([1000]) {
        let x = random.bytes(len);
        let (mut want, mut got) = (vec![0i8; len], vec![99i8; len + 64]);
        SCALAR.table_i8(&table, Source::Slice(&x), &mut want);
        tier.table_i8(&table, Source::Slice(&x), &mut got[..len]);
        assert!(want[..] == got[..len]);
        let (mut want, mut got2) = (x.clone(), x.clone());
        SCALAR.table_i8(&table, Source::InPlace, &mut want);
        tier.table_i8(&table, Source::InPlace, &mut got2);
        assert_eq!(want, got2);

        let (zero, scale) = (
            i32::from(random.i8()),
            (1 + random.below(100)) as f32 * 3.3e-3,
        );
        let mut f: Vec<f32> = (0..len).map(|_| random.f32()).collect();
        for (f, v) in f.iter_mut().zip([
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            -0.0,
            1e30,
            -1e30,
        ]) {
            *f = v;
        }
        // Exact ties.
        for (i, f) in f.iter_mut().enumerate().skip(6) {
            if i % 3 == 0 {
                *f = (random.below(256) as f32 - 127.5) * scale;
            }
        }
        SCALAR.quantize(scale, zero, &f, &mut want);
        tier.quantize(scale, zero, &f, &mut got[..len]);
        assert!(want[..] == got[..len]);
        assert!(got[len..].iter().all(|&v| v == 99));

        let (mut want, mut got) = (vec![0f32; len], vec![99f32; len + 16]);
        SCALAR.dequantize(scale, zero, &x, &mut want);
        tier.dequantize(scale, zero, &x, &mut got[..len]);
        assert!(want[..] == got[..len] && got[len..].iter().all(|&v| v == 99.0));
    }
}

#[test]
fn pooling() {
    let Some(tier) = tier() else { return };
    let mut random = Random(3);
    for round in 0..1500 {
        let mut some = |least: usize, most: usize| (least + random.below(most - least + 1)) as u32;
        let mut window = Window {
            batch: some(1, 2),
            in_h: some(1, 9),
            in_w: some(1, 9),
            in_c: 0,
            out_h: some(1, 5),
            out_w: some(1, 6),
            out_c: 0,
            kernel_h: some(1, 4),
            kernel_w: some(1, 5),
            stride_h: some(1, 3),
            stride_w: some(1, 3),
            dilation_h: some(1, 2),
            dilation_w: some(1, 2),
            pad_top: some(0, 4),
            pad_left: some(0, 4),
        };
        if round % 100 == 0 {
            (window.kernel_h, window.kernel_w) = (12, 12);
        }
        window.in_c = [1, 16, 33, 63, 64, 65, 130][random.below(7)];
        window.out_c = window.in_c;
        let (lo, hi) = random.bounds();
        let p = op::PoolI8 {
            kind: if round % 2 == 0 {
                Reduce::Max
            } else {
                Reduce::Mean
            },
            x: NONE,
            y: NONE,
            window,
            count_border: random.below(2) as u32,
            ratio: (1 + random.below(300)) as f32 * 0.0123,
            x_zero: i32::from(random.i8()),
            y_zero: i32::from(random.i8()),
            lo,
            hi,
        };
        let c = window.in_c as usize;
        let x = random.bytes((window.batch * window.in_h * window.in_w) as usize * c);
        let start = random.below(window.rows());
        for rows in [0..window.rows(), start..window.rows()] {
            let len = rows.len() * c;
            let (mut want, mut got) = (vec![0i8; len], vec![99i8; len + 64]);
            SCALAR.pool_i8(&p, &x, &mut want, rows.clone());
            tier.pool_i8(&p, &x, &mut got[..len], rows.clone());
            assert!(want[..] == got[..len], "{p:?} {rows:?}");
            assert!(got[len..].iter().all(|&v| v == 99));
        }
    }
}

#[test]
fn reductions() {
    let Some(tier) = tier() else { return };
    let mut random = Random(4);
    for round in 0..1200 {
        let (lo, hi) = random.bounds();
        let (outer, count) = (random.below(4), [0, 1, 3, 4, 5, 49, 130][random.below(7)]);
        let inner = [1, 1, 2, 17, 64, 65, 130][random.below(7)];
        let p = op::ReduceI8 {
            kind: [Reduce::Sum, Reduce::Mean, Reduce::Max, Reduce::Min][round % 4],
            x: NONE,
            y: NONE,
            outer: outer as u32,
            count: count as u32,
            inner: inner as u32,
            ratio: (1 + random.below(300)) as f32 * 0.001,
            x_zero: i32::from(random.i8()),
            y_zero: i32::from(random.i8()),
            lo,
            hi,
        };
        let x = random.bytes(outer * count * inner);
        let len = outer * inner;
        let (mut want, mut got) = (vec![0i8; len], vec![99i8; len + 64]);
        SCALAR.reduce_i8(&p, &x, &mut want);
        tier.reduce_i8(&p, &x, &mut got[..len]);
        assert!(want[..] == got[..len], "{p:?}");
        assert!(got[len..].iter().all(|&v| v == 99));
    }
}
