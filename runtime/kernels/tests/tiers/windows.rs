//! Pooling, reductions and softmax of every tier against the definition.

use crate::random::Random;
use crate::{others, same};
use redpoll_kernels::params::Source;
use redpoll_kernels::{SCALAR, Tier};
use redpoll_plan::TensorId;
use redpoll_plan::op::{self, Reduce};

const ID: TensorId = TensorId(0);

#[test]
fn pooling() {
    let mut r = Random(31);
    for round in 0..1500 {
        let c = [1, 3, 8, 15, 16, 17, 33, 64, 70][round % 9];
        let w = r.window(c, c);
        let c = c as usize;
        let len = w.batch as usize * w.in_h as usize * w.in_w as usize * c;
        let kind = if round % 2 == 0 {
            Reduce::Max
        } else {
            Reduce::Mean
        };
        let f = r.finish();
        let int8 = op::PoolI8 {
            kind,
            x: ID,
            y: ID,
            window: w,
            count_border: r.below(2) as u32,
            ratio: 0.5 + r.f32().abs(),
            x_zero: i32::from(r.end_i8()),
            y_zero: f.y_zero,
            lo: f.lo,
            hi: f.hi,
        };
        let float = op::PoolF32 {
            kind,
            x: ID,
            y: ID,
            window: w,
            count_border: int8.count_border,
        };
        let (q, x): (Vec<i8>, Vec<f32>) = (0..len).map(|_| (r.i8(), r.wild_f32())).unzip();
        let start = r.below(w.rows());
        let end = start + r.below(w.rows() - start + 1);
        for rows in [0..w.rows(), start..end] {
            let n = rows.len() * c;
            let (mut want_q, mut want) = (vec![0; n], vec![0.0; n]);
            SCALAR.pool_i8(&int8, &q, &mut want_q, rows.clone());
            SCALAR.pool_f32(&float, &x, &mut want, rows.clone());
            for tier in others() {
                let (mut got_q, mut got) = (vec![0; n], vec![0.0; n]);
                tier.pool_i8(&int8, &q, &mut got_q, rows.clone());
                tier.pool_f32(&float, &x, &mut got, rows.clone());
                assert!(want_q == got_q, "{} {int8:?}", tier.name());
                same(&want, &got, &format!("{} {float:?}", tier.name()));
            }
        }
    }
}

#[test]
fn reductions() {
    let mut r = Random(32);
    let kinds = [
        Reduce::Sum,
        Reduce::Mean,
        Reduce::Max,
        Reduce::Min,
        Reduce::Prod,
    ];
    for round in 0..1500 {
        let outer = r.one_to(4);
        let count = if round % 10 == 0 {
            r.one_to(3000)
        } else {
            r.one_to(50)
        };
        let inner = if round % 2 == 0 { 1 } else { r.one_to(40) };
        let f = r.finish();
        let int8 = op::ReduceI8 {
            kind: kinds[round % 5],
            x: ID,
            y: ID,
            outer,
            count,
            inner,
            ratio: r.f32(),
            x_zero: i32::from(r.end_i8()),
            y_zero: f.y_zero,
            lo: f.lo,
            hi: f.hi,
        };
        let float = op::ReduceF32 {
            kind: kinds[round % 5],
            x: ID,
            y: ID,
            outer,
            count,
            inner,
        };
        let len = (outer * count * inner) as usize;
        let wild = round % 3 == 0;
        let (q, x): (Vec<i8>, Vec<f32>) = (0..len)
            .map(|_| (r.i8(), if wild { r.wild_f32() } else { r.f32() }))
            .unzip();
        let n = (outer * inner) as usize;
        let (mut want_q, mut want) = (vec![0; n], vec![0.0; n]);
        SCALAR.reduce_i8(&int8, &q, &mut want_q);
        SCALAR.reduce_f32(&float, &x, &mut want);
        for tier in others() {
            let (mut got_q, mut got) = (vec![0; n], vec![0.0; n]);
            tier.reduce_i8(&int8, &q, &mut got_q);
            tier.reduce_f32(&float, &x, &mut got);
            assert!(want_q == got_q, "{} {int8:?}", tier.name());
            same(&want, &got, &format!("{} {float:?}", tier.name()));
        }
    }
}

#[test]
fn softmax() {
    let mut r = Random(33);
    let table: [f32; 256] = core::array::from_fn(|i| (i as f32 * -0.07).exp());
    for count in (1..=40).chain([100, 257, 1000]) {
        for outer in [1, 3] {
            let n = outer * count;
            let x: Vec<f32> = (0..n)
                .map(|_| {
                    if count % 4 == 0 {
                        r.wild_f32()
                    } else {
                        r.f32() * 20.0
                    }
                })
                .collect();
            let q = r.bytes(n);
            let p = op::SoftmaxI8 {
                x: ID,
                y: ID,
                table: ID,
                outer: outer as u32,
                count: count as u32,
                scale: 1.0 / 256.0,
                y_zero: -128,
            };
            let (mut want, mut want_q) = (vec![0.0; n], vec![0; n]);
            SCALAR.softmax_f32(count, Source::Slice(&x), &mut want);
            SCALAR.softmax_i8(&p, &table, &q, &mut want_q);
            for tier in others() {
                let (mut got, mut got_q) = (vec![0.0; n], vec![0; n]);
                tier.softmax_f32(count, Source::Slice(&x), &mut got);
                same(&want, &got, tier.name());
                got.copy_from_slice(&x);
                tier.softmax_f32(count, Source::InPlace, &mut got);
                same(&want, &got, tier.name());
                tier.softmax_i8(&p, &table, &q, &mut got_q);
                assert!(want_q == got_q, "{}", tier.name());
            }
        }
    }
}
