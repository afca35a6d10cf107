//! Depthwise convolution, int8 and float, of every tier against the definition.

use crate::random::{Random, pad};
use crate::{others, same};
use core::ops::Range;
use redpoll_kernels::params::{DepthwiseF32, DepthwiseI8, FloatWeights};
use redpoll_kernels::{SCALAR, Tier};
use redpoll_plan::Window;

/// A depthwise window; two of three are 3×3 or 5×5 of stride 1 or 2.
fn window(r: &mut Random, round: usize) -> Window {
    let c = [
        1, 3, 5, 8, 15, 16, 17, 24, 31, 32, 33, 47, 63, 64, 65, 72, 80, 96, 100, 128, 144,
    ][round % 21];
    let mut w = r.window(c, c);
    if !round.is_multiple_of(3) {
        (w.kernel_h, w.kernel_w, w.dilation_w) = (3, 3, 1);
        w.stride_w = r.one_to(2);
        if r.below(2) == 0 {
            (w.kernel_h, w.kernel_w) = (5, 5);
        }
        if r.below(2) == 0 {
            (w.stride_h, w.dilation_h, w.out_h) = (w.stride_w, 1, r.one_to(19));
        }
    }
    if round.is_multiple_of(50) {
        (w.kernel_h, w.kernel_w) = (12, 11);
    }
    w
}

fn parts(w: &Window, r: &mut Random) -> [Range<usize>; 3] {
    let start = r.below(w.rows());
    let end = start + r.below(w.rows() - start + 1);
    [0..w.rows(), start..end, start..start]
}

fn int8(w: Window, fixed: Option<(i8, i8)>, r: &mut Random) {
    let c = w.in_c as usize;
    let mut weights = r.bytes(w.taps() * c);
    let mut x = r.bytes((w.batch * w.in_h * w.in_w * w.in_c) as usize);
    if let Some((a, b)) = fixed {
        x.fill(a);
        weights.fill(b);
    }
    let bias: Vec<i32> = (0..c).map(|_| r.below(20_001) as i32 - 10_000).collect();
    // One of eight has scales that leave the range of integers.
    let wild = r.below(8) == 0;
    let sizes = [1.0, 10.0, 1e9, 1e30, f32::INFINITY, f32::NAN];
    let scale: Vec<f32> = (0..c)
        .map(|_| r.f32() * 0.01 * if wild { sizes[r.below(6)] } else { 1.0 })
        .collect();
    let (weights, bias, scale) = (pad(&weights, c), pad(&bias, c), pad(&scale, c));
    let p = DepthwiseI8 {
        window: w,
        weights: &weights,
        bias: &bias,
        scale: &scale,
        x_zero: r.end_i8(),
        finish: r.finish(),
    };
    for rows in parts(&w, r) {
        let len = rows.len() * c;
        let mut want = vec![0; len];
        SCALAR.depthwise_i8(&p, &x, &mut want, rows.clone());
        for tier in others() {
            let mut got = vec![99; len + 64];
            tier.depthwise_i8(&p, &x, &mut got[..len], rows.clone());
            assert!(want[..] == got[..len], "{} {w:?} {rows:?}", tier.name());
            assert!(
                got[len..].iter().all(|&v| v == 99),
                "wrote behind the result"
            );
        }
    }
}

#[test]
fn int8_windows_of_all_kinds() {
    let mut r = Random(11);
    for round in 0..2000 {
        let w = window(&mut r, round);
        int8(w, None, &mut r);
    }
}

#[test]
fn int8_extreme_values_are_exact() {
    let mut r = Random(12);
    for fixed in [(-128, -128), (-128, 127), (127, -128), (127, 127)] {
        for round in 0..60 {
            let w = window(&mut r, round);
            int8(w, Some(fixed), &mut r);
        }
    }
}

#[test]
fn float_windows_of_all_kinds() {
    let mut r = Random(13);
    for round in 0..800 {
        let w = window(&mut r, round);
        float(w, round, &mut r);
    }
}

/// The windows of tiles of a line: 3×3 and 5×5, stride 1 and 2, lines of all lengths, channels beyond a run.
#[test]
fn float_square_windows() {
    let mut r = Random(14);
    for round in 0..400 {
        let c = [4, 8, 9, 16, 20, 32, 40][round % 7];
        let c = if round % 40 == 0 {
            510 + r.one_to(20)
        } else {
            c
        };
        let mut w = r.window(c, c);
        let (kernel, stride) = ([3, 5][round % 2], r.one_to(2));
        (w.kernel_h, w.kernel_w) = (kernel, kernel);
        (w.stride_h, w.stride_w) = (stride, stride);
        (w.dilation_h, w.dilation_w) = (1, 1);
        (w.in_w, w.out_w) = (r.one_to(24), r.one_to(24));
        float(w, round, &mut r);
    }
}

fn float(w: Window, round: usize, r: &mut Random) {
    let c = w.in_c as usize;
    let wild = round.is_multiple_of(4);
    let x: Vec<f32> = (0..w.batch * w.in_h * w.in_w * w.in_c)
        .map(|_| if wild { r.wild_f32() } else { r.f32() })
        .collect();
    let (weights, bias) = (pad(&r.floats(w.taps() * c), c), pad(&r.floats(c), c));
    let half: Vec<u16> = weights
        .iter()
        .map(|&w| half::f16::from_f32(w).to_bits())
        .collect();
    for weights in [FloatWeights::F32(&weights), FloatWeights::F16(&half)] {
        let p = DepthwiseF32 {
            window: w,
            weights,
            bias: &bias,
            lo: 0.0,
            hi: 6.0,
        };
        for rows in parts(&w, r) {
            let len = rows.len() * c;
            let mut want = vec![0.0; len];
            SCALAR.depthwise_f32(&p, &x, &mut want, rows.clone());
            for tier in others() {
                let mut got = vec![99.0; len + 16];
                tier.depthwise_f32(&p, &x, &mut got[..len], rows.clone());
                same(
                    &want,
                    &got[..len],
                    &format!("{} {w:?} {rows:?}", tier.name()),
                );
                assert!(
                    got[len..].iter().all(|&v| v == 99.0),
                    "wrote behind the result"
                );
            }
        }
    }
}
