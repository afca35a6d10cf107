//! The scalar definitions against the formulas, written directly over unpacked weights.

use crate::random::{Random, pack_f32, pack_i8, pad};
use redpoll_kernels::params::{
    ConvF32, ConvI8, DepthwiseF32, DepthwiseI8, Finish, FloatWeights, Part,
};
use redpoll_kernels::{SCALAR, Tier};
use redpoll_plan::Window;
use redpoll_plan::op::{self, Reduce};
use redpoll_plan::{TensorId, layout};

/// `clamp, round half to even, shift` with the standard library.
fn finish(v: f32, f: &Finish) -> i8 {
    let lo = (f.lo - f.y_zero) as f32;
    let hi = (f.hi - f.y_zero) as f32;
    (v.clamp(lo, hi).round_ties_even() as i32 + f.y_zero) as i8
}

/// The input element under a tap, `None` on the border.
fn at(w: &Window, row: usize, i: u32, j: u32, c: usize) -> Option<usize> {
    let (out_w, out_h) = (w.out_w as usize, w.out_h as usize);
    let (b, oy, ox) = (row / (out_w * out_h), row / out_w % out_h, row % out_w);
    let y = oy as i64 * i64::from(w.stride_h) + i64::from(i * w.dilation_h) - i64::from(w.pad_top);
    let x = ox as i64 * i64::from(w.stride_w) + i64::from(j * w.dilation_w) - i64::from(w.pad_left);
    let inside = (0..i64::from(w.in_h)).contains(&y) && (0..i64::from(w.in_w)).contains(&x);
    inside.then(|| {
        let pixel = (b as i64 * i64::from(w.in_h) + y) * i64::from(w.in_w) + x;
        pixel as usize * w.in_c as usize + c
    })
}

/// Every K of an output: tap row, tap column, channel of the group.
fn each_k(w: &Window, channels: usize) -> impl Iterator<Item = (u32, u32, usize)> {
    let (kh, kw) = (w.kernel_h, w.kernel_w);
    (0..kh).flat_map(move |i| (0..kw).flat_map(move |j| (0..channels).map(move |c| (i, j, c))))
}

#[test]
fn convolutions_are_their_formulas() {
    let mut r = Random(41);
    for round in 0..400 {
        let groups = if round % 3 == 0 {
            r.one_to(3) as usize
        } else {
            1
        };
        let (ci, n) = (r.one_to(9) as usize, r.one_to(20) as usize);
        let w = r.window((groups * ci) as u32, (groups * n) as u32);
        let k = w.taps() * ci;
        let len = (w.batch * w.in_h * w.in_w * w.in_c) as usize;
        let (q, x) = (r.bytes(len), r.floats(len));
        let (wq, wf) = (r.bytes(groups * n * k), r.floats(groups * n * k));
        let x_zero = r.end_i8();
        let real: Vec<i32> = (0..groups * n)
            .map(|_| r.below(9001) as i32 - 4500)
            .collect();
        let bias_f = r.floats(groups * n);
        let scale: Vec<f32> = (0..groups * n).map(|_| r.f32().abs() * 0.01).collect();
        let f = r.finish();
        // The packed bias holds − x_zero · Σ w.
        let packed_bias: Vec<i32> = (real.iter().zip(wq.chunks_exact(k)))
            .map(|(b, w)| b - i32::from(x_zero) * w.iter().map(|&w| i32::from(w)).sum::<i32>())
            .collect();
        let int8 = ConvI8 {
            window: w,
            groups,
            weights: &pack_i8(&wq, groups, n, k),
            bias: &pad(&packed_bias, n),
            bias_unsigned: &[],
            scale: &pad(&scale, n),
            x_zero,
            finish: f,
        };
        let float = ConvF32 {
            window: w,
            groups,
            weights: FloatWeights::F32(&pack_f32(&wf, groups, n, k)),
            bias: &pad(&bias_f, n),
            lo: -0.5,
            hi: 2.0,
        };
        let part = Part {
            rows: 0..w.rows(),
            channels: 0..groups * n,
        };
        let (mut got_q, mut got) = (
            vec![0; w.rows() * groups * n],
            vec![0.0; w.rows() * groups * n],
        );
        SCALAR.conv_i8(&int8, &q, &mut got_q, part.clone(), &mut []);
        SCALAR.conv_f32(&float, &x, &mut got, part, &mut []);
        for (o, (&got_q, &got)) in got_q.iter().zip(&got).enumerate() {
            let (row, channel) = (o / (groups * n), o % (groups * n));
            let first = channel / n * ci;
            let (mut sum, mut acc) = (real[channel], bias_f[channel]);
            for (at_k, (i, j, c)) in each_k(&w, ci).enumerate() {
                let from = at(&w, row, i, j, first + c);
                let v = from.map_or(0, |from| i32::from(q[from]) - i32::from(x_zero));
                sum += v * i32::from(wq[channel * k + at_k]);
                acc = from
                    .map_or(0.0, |from| x[from])
                    .mul_add(wf[channel * k + at_k], acc);
            }
            assert_eq!(
                got_q,
                finish(sum as f32 * scale[channel], &f),
                "{w:?} {row} {channel}"
            );
            assert_eq!(
                got.to_bits(),
                acc.clamp(-0.5, 2.0).to_bits(),
                "{w:?} {row} {channel}"
            );
        }
    }
}

#[test]
fn depthwise_convolutions_are_their_formulas() {
    let mut r = Random(42);
    for _ in 0..300 {
        let c = r.one_to(40) as usize;
        let w = r.window(c as u32, c as u32);
        let len = (w.batch * w.in_h * w.in_w) as usize * c;
        let (q, x) = (r.bytes(len), r.floats(len));
        let (wq, wf) = (r.bytes(w.taps() * c), r.floats(w.taps() * c));
        let x_zero = r.end_i8();
        let bias: Vec<i32> = (0..c).map(|_| r.below(9001) as i32 - 4500).collect();
        let (bias_f, scale) = (r.floats(c), r.floats(c));
        let f = r.finish();
        let int8 = DepthwiseI8 {
            window: w,
            weights: &pad(&wq, c),
            bias: &pad(&bias, c),
            scale: &pad(&scale, c),
            x_zero,
            finish: f,
        };
        let float = DepthwiseF32 {
            window: w,
            weights: FloatWeights::F32(&pad(&wf, c)),
            bias: &pad(&bias_f, c),
            lo: 0.0,
            hi: 6.0,
        };
        let (mut got_q, mut got) = (vec![0; w.rows() * c], vec![0.0; w.rows() * c]);
        SCALAR.depthwise_i8(&int8, &q, &mut got_q, 0..w.rows());
        SCALAR.depthwise_f32(&float, &x, &mut got, 0..w.rows());
        for (o, (&got_q, &got)) in got_q.iter().zip(&got).enumerate() {
            let (row, c_at) = (o / c, o % c);
            let (mut sum, mut acc) = (bias[c_at], bias_f[c_at]);
            for (tap, (i, j, _)) in each_k(&w, 1).enumerate() {
                let from = at(&w, row, i, j, c_at);
                sum +=
                    i32::from(from.map_or(x_zero, |from| q[from])) * i32::from(wq[tap * c + c_at]);
                acc = from
                    .map_or(0.0, |from| x[from])
                    .mul_add(wf[tap * c + c_at], acc);
            }
            assert_eq!(got_q, finish(sum as f32 * scale[c_at], &f));
            assert_eq!(got.to_bits(), acc.clamp(0.0, 6.0).to_bits());
        }
    }
}

#[test]
fn pools_and_reductions_are_their_formulas() {
    let mut r = Random(43);
    let id = TensorId(0);
    for round in 0..300 {
        let c = r.one_to(20) as usize;
        let w = r.window(c as u32, c as u32);
        let q = r.bytes((w.batch * w.in_h * w.in_w) as usize * c);
        let f = r.finish();
        let p = op::PoolI8 {
            kind: if round % 2 == 0 {
                Reduce::Max
            } else {
                Reduce::Mean
            },
            x: id,
            y: id,
            window: w,
            count_border: r.below(2) as u32,
            ratio: r.f32().abs() + 0.1,
            x_zero: i32::from(r.end_i8()),
            y_zero: f.y_zero,
            lo: f.lo,
            hi: f.hi,
        };
        let mut got = vec![0; w.rows() * c];
        SCALAR.pool_i8(&p, &q, &mut got, 0..w.rows());
        for (o, &got) in got.iter().enumerate() {
            let taps: Vec<i32> = each_k(&w, 1)
                .filter_map(|(i, j, _)| at(&w, o / c, i, j, o % c).map(|from| i32::from(q[from])))
                .collect();
            let want = if p.kind == Reduce::Max {
                taps.iter().copied().max().unwrap_or(-128).clamp(p.lo, p.hi) as i8
            } else {
                let count = if p.count_border == 1 {
                    w.taps()
                } else {
                    taps.len().max(1)
                };
                let sum: i32 = taps.iter().map(|t| t - p.x_zero).sum();
                finish(sum as f32 * (p.ratio / count as f32), &f)
            };
            assert_eq!(got, want, "{p:?}");
        }
        let (outer, count) = (r.one_to(3), r.one_to(30));
        let inner = if round % 4 == 0 { 1 } else { r.one_to(70) };
        let p = op::ReduceI8 {
            kind: [Reduce::Mean, Reduce::Max, Reduce::Min][round % 3],
            x: id,
            y: id,
            outer,
            count,
            inner,
            ratio: p.ratio / count as f32,
            x_zero: p.x_zero,
            y_zero: f.y_zero,
            lo: f.lo,
            hi: f.hi,
        };
        let q = r.bytes((outer * count * inner) as usize);
        let mut got = vec![0; (outer * inner) as usize];
        SCALAR.reduce_i8(&p, &q, &mut got);
        for (o, &got) in got.iter().enumerate() {
            let (a, b) = (o / inner as usize, o % inner as usize);
            let values: Vec<i32> = (0..count as usize)
                .map(|i| i32::from(q[(a * count as usize + i) * inner as usize + b]))
                .collect();
            let sum: i32 = values.iter().map(|v| v - p.x_zero).sum();
            let want = match p.kind {
                Reduce::Max => values
                    .iter()
                    .copied()
                    .max()
                    .map(|v| v.clamp(p.lo, p.hi) as i8),
                Reduce::Min => values
                    .iter()
                    .copied()
                    .min()
                    .map(|v| v.clamp(p.lo, p.hi) as i8),
                _ => Some(finish(sum as f32 * p.ratio, &f)),
            };
            assert_eq!(Some(got), want, "{p:?}");
        }
    }
}

#[test]
fn copies_fills_and_embeddings_are_their_formulas() {
    let mut r = Random(44);
    let id = TensorId(0);
    for round in 0..300 {
        let bytes = [1usize, 2, 4, 8][round % 4];
        let d: [u32; 6] = core::array::from_fn(|i| if i < 2 { 1 } else { r.one_to(5) });
        // x is read through a permutation with an offset, y written densely with an offset.
        let size: usize = d.iter().map(|&d| d as usize).product();
        let mut y_strides = [0i32; 6];
        let mut x_strides = [0i32; 6];
        let (mut sy, mut sx) = (1, 1);
        for i in (0..6).rev() {
            y_strides[i] = sy;
            sy *= d[i] as i32;
        }
        for i in [2, 5, 3, 4, 0, 1] {
            x_strides[i] = if r.below(6) == 0 { 0 } else { sx };
            sx *= d[i] as i32;
        }
        let p = op::Copy {
            x: id,
            y: id,
            element_bytes: bytes as u32,
            dims: d,
            x_offset: 3,
            x_strides,
            y_offset: 2,
            y_strides,
        };
        let x: Vec<u8> = r
            .bytes((size + 3) * bytes)
            .iter()
            .map(|&v| v as u8)
            .collect();
        let mut y = vec![0u8; (size + 2) * bytes];
        SCALAR.copy(&p, &x, &mut y);
        for i in 0..size {
            let (mut rest, mut from) = (i, 3usize);
            for a in (0..6).rev() {
                from += rest % d[a] as usize * x_strides[a] as usize;
                rest /= d[a] as usize;
            }
            assert_eq!(y[(i + 2) * bytes..][..bytes], x[from * bytes..][..bytes]);
        }
    }
    let p = op::Fill {
        y: id,
        element_bytes: 4,
        bits: 0x0102_0304,
    };
    let mut y = [0u8; 12];
    SCALAR.fill(&p, &mut y);
    assert_eq!(y, [4, 3, 2, 1, 4, 3, 2, 1, 4, 3, 2, 1]);
    let p = op::Embedding {
        indices: id,
        table: id,
        y: id,
        rows: 3,
        width: 2,
        element_bytes: 1,
        zero: 9,
    };
    let mut y = [0u8; 10];
    SCALAR.embedding(&p, &[2, -1, 0, 3, 1], &[10, 11, 20, 21, 30, 31], &mut y);
    assert_eq!(y, [30, 31, 9, 9, 10, 11, 9, 9, 20, 21]);
    assert_eq!(layout::padded_n(17), 32);
}
