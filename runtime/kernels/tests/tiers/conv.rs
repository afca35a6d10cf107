//! Convolution and dense product, int8 and float, of every tier against the definition.

use crate::random::{Random, pack_f32, pack_i8, pad};
use crate::{others, same};
use redpoll_kernels::params::{ConvF32, ConvI8, Finish, FloatWeights, Part};
use redpoll_kernels::{SCALAR, Tier};
use redpoll_plan::Window;
use redpoll_plan::layout::patch_stride;

pub(crate) fn whole(w: &Window) -> Part {
    Part {
        rows: 0..w.rows(),
        channels: 0..w.out_c as usize,
    }
}

/// Bytes at a multiple of 64.
fn scratch(bytes: usize) -> Vec<[u8; 64]> {
    let mut out = Vec::with_capacity(bytes / 64);
    out.resize(bytes / 64, [0; 64]);
    out
}

pub(crate) struct Int8 {
    pub(crate) window: Window,
    groups: usize,
    weights: Vec<i8>,
    bias: Vec<i32>,
    bias_unsigned: Vec<i32>,
    scale: Vec<f32>,
    x: Vec<i8>,
    x_zero: i8,
    finish: Finish,
}

impl Int8 {
    pub(crate) fn new(
        window: Window,
        groups: usize,
        fixed: Option<(i8, i8)>,
        r: &mut Random,
    ) -> Self {
        let n = window.out_c as usize / groups;
        let k = window.taps() * window.in_c as usize / groups;
        let mut weights = r.bytes(groups * n * k);
        let mut x = r.bytes((window.batch * window.in_h * window.in_w * window.in_c) as usize);
        if let Some((a, b)) = fixed {
            x.fill(a);
            weights.fill(b);
        }
        let x_zero = r.end_i8();
        let (mut bias, mut bias_unsigned) = (Vec::new(), Vec::new());
        for w in weights.chunks_exact(k) {
            let sum: i32 = w.iter().map(|&w| i32::from(w)).sum();
            let b = r.below(4001) as i32 - 2000 - i32::from(x_zero) * sum;
            bias.push(b);
            bias_unsigned.push(b - 128 * sum);
        }
        let scale: Vec<f32> = (0..bias.len())
            .map(|_| (r.f32().abs() + 1e-3) / (k as f32).sqrt() * 0.03)
            .collect();
        Self {
            window,
            groups,
            weights: pack_i8(&weights, groups, n, k),
            bias: pad(&bias, n),
            bias_unsigned: pad(&bias_unsigned, n),
            scale: pad(&scale, n),
            x,
            x_zero,
            finish: r.finish(),
        }
    }

    fn run(&self, tier: &dyn Tier, part: &Part, rows: usize) -> Vec<i8> {
        let p = ConvI8 {
            window: self.window,
            groups: self.groups,
            weights: &self.weights,
            bias: &self.bias,
            bias_unsigned: &self.bias_unsigned,
            scale: &self.scale,
            x_zero: self.x_zero,
            finish: self.finish,
        };
        let len = part.rows.len() * part.channels.len();
        let k = self.window.taps() * self.window.in_c as usize / self.groups;
        let mut scratch = scratch(rows * patch_stride(k));
        let mut y = vec![99; len + 64];
        tier.conv_i8(
            &p,
            &self.x,
            &mut y[..len],
            part.clone(),
            scratch.as_flattened_mut(),
        );
        assert!(y[len..].iter().all(|&v| v == 99), "wrote behind the result");
        y.truncate(len);
        y
    }

    pub(crate) fn check(&self, part: Part, rows: usize) {
        let want = self.run(&SCALAR, &part, rows);
        for tier in others() {
            let got = self.run(tier, &part, rows);
            assert!(
                want == got,
                "{} {:?} {} {part:?}",
                tier.name(),
                self.window,
                self.groups
            );
        }
    }
}

pub(crate) struct Float {
    pub(crate) window: Window,
    groups: usize,
    weights: Vec<f32>,
    half: Vec<u16>,
    bias: Vec<f32>,
    x: Vec<f32>,
    lo: f32,
    hi: f32,
}

impl Float {
    pub(crate) fn new(window: Window, groups: usize, r: &mut Random) -> Self {
        let n = window.out_c as usize / groups;
        let k = window.taps() * window.in_c as usize / groups;
        let weights = pack_f32(&r.floats(groups * n * k), groups, n, k);
        let wild = r.below(4) == 0;
        let x = (0..window.batch * window.in_h * window.in_w * window.in_c)
            .map(|_| if wild { r.wild_f32() } else { r.f32() })
            .collect();
        Self {
            window,
            groups,
            half: weights
                .iter()
                .map(|&w| half::f16::from_f32(w).to_bits())
                .collect(),
            weights,
            bias: pad(&r.floats(groups * n), n),
            x,
            lo: if r.below(2) == 0 {
                0.0
            } else {
                f32::NEG_INFINITY
            },
            hi: if r.below(2) == 0 { 1.0 } else { f32::INFINITY },
        }
    }

    fn run(&self, tier: &dyn Tier, half: bool, part: &Part, rows: usize) -> Vec<f32> {
        let weights = if half {
            FloatWeights::F16(&self.half)
        } else {
            FloatWeights::F32(&self.weights)
        };
        let p = ConvF32 {
            window: self.window,
            groups: self.groups,
            weights,
            bias: &self.bias,
            lo: self.lo,
            hi: self.hi,
        };
        let len = part.rows.len() * part.channels.len();
        let k = self.window.taps() * self.window.in_c as usize / self.groups;
        let mut scratch = scratch(rows * patch_stride(k * 4));
        let mut y = vec![99.0; len + 16];
        tier.conv_f32(
            &p,
            &self.x,
            &mut y[..len],
            part.clone(),
            scratch.as_flattened_mut(),
        );
        assert!(
            y[len..].iter().all(|&v| v == 99.0),
            "wrote behind the result"
        );
        y.truncate(len);
        y
    }

    pub(crate) fn check(&self, part: Part, rows: usize) {
        for half in [false, true] {
            let want = self.run(&SCALAR, half, &part, rows);
            for tier in others() {
                let got = self.run(tier, half, &part, rows);
                let what = format!("{} {:?} {} {part:?}", tier.name(), self.window, self.groups);
                same(&want, &got, &what);
            }
        }
    }
}

#[test]
fn int8_products_of_all_sizes_around_the_tiles() {
    let mut r = Random(1);
    for m in (1..=14).chain([17, 25, 49, 97]) {
        for n in 1..=33 {
            for k in 1..=13 {
                if (m + n + k) % 3 == 0 || m < 3 {
                    let case = Int8::new(Window::dense(m, k, n), 1, None, &mut r);
                    case.check(whole(&case.window), 0);
                }
            }
        }
    }
    for (m, k, n) in [
        (50, 64, 96),
        (7, 160, 65),
        (1, 1280, 100),
        (49, 31, 130),
        (3, 67, 257),
    ] {
        let case = Int8::new(Window::dense(m, k, n), 1, None, &mut r);
        case.check(whole(&case.window), 0);
    }
}

#[test]
fn int8_extreme_values_and_long_rows_are_exact() {
    let mut r = Random(2);
    for (m, k, n) in [
        (1, 40_001, 35),
        (5, 33_003, 17),
        (9, 5_003, 40),
        (4, 64, 16),
        (20, 67, 19),
    ] {
        for fixed in [
            None,
            Some((-128, -128)),
            Some((-128, -127)),
            Some((-128, 127)),
            Some((127, -128)),
            Some((127, 127)),
        ] {
            let case = Int8::new(Window::dense(m, k, n), 1, fixed, &mut r);
            case.check(whole(&case.window), 0);
        }
    }
}

#[test]
fn int8_windows_groups_and_parts() {
    let mut r = Random(3);
    for round in 0..1200 {
        let groups = if round % 4 == 0 { r.one_to(4) } else { 1 };
        let (in_c, out_c) = (groups * r.one_to(20), groups * r.one_to(40));
        let case = Int8::new(r.window(in_c, out_c), groups as usize, None, &mut r);
        case.check(whole(&case.window), r.one_to(8) as usize);
        let start = r.below(case.window.rows());
        let rows = start..start + r.below(case.window.rows() - start + 1);
        case.check(
            Part {
                rows,
                channels: 0..out_c as usize,
            },
            1,
        );
    }
    let case = Int8::new(Window::dense(1, 100, 300), 1, None, &mut r);
    for channels in [0..16, 16..40, 32..300, 288..300, 128..256, 16..16] {
        case.check(
            Part {
                rows: 0..1,
                channels,
            },
            0,
        );
    }
}

#[test]
fn int8_scales_of_all_sizes() {
    let mut r = Random(40);
    for round in 0..200 {
        let mut case = Int8::new(r.window(1 + round % 9, 1 + round % 70), 1, None, &mut r);
        for scale in &mut case.scale {
            *scale *= [1.0, -1.0, 10.0, 1e3, 1e9, 1e30, f32::INFINITY, f32::NAN][r.below(8)];
        }
        case.check(whole(&case.window), 4);
    }
}

#[test]
fn int8_images_of_many_lines() {
    let mut r = Random(41);
    // Input height and width, channels in and out, kernel, stride, dilation downwards.
    for (h, w, c, n, kernel, stride, down) in [
        (40, 300, 16, 16, 3, 1, 1),
        (33, 300, 16, 40, 3, 2, 1),
        (64, 96, 3, 8, 3, 2, 1),
        (61, 67, 3, 33, 3, 1, 1),
        (50, 64, 1, 20, 5, 1, 1),
        (45, 41, 5, 17, 5, 2, 2),
        (30, 33, 3, 64, 7, 2, 1),
        (20, 9, 70, 130, 3, 1, 3),
        (7, 700, 30, 20, 3, 1, 1),
        (5, 2000, 20, 20, 2, 2, 1),
        (49, 10, 1, 64, 4, 2, 1),
    ] {
        let window = Window {
            batch: 2,
            in_h: h,
            in_w: w,
            in_c: c,
            out_h: h.div_ceil(stride),
            out_w: w.div_ceil(stride),
            out_c: n,
            kernel_h: kernel,
            kernel_w: kernel,
            stride_h: stride,
            stride_w: stride,
            dilation_h: down,
            dilation_w: 1,
            pad_top: kernel / 2,
            pad_left: kernel / 2,
        };
        let case = Int8::new(window, 1, None, &mut r);
        case.check(whole(&window), 4);
        let start = r.below(window.rows());
        let rows = start..start + r.below(window.rows() - start + 1);
        case.check(
            Part {
                rows,
                channels: 0..n as usize,
            },
            1,
        );
    }
}

#[test]
fn int8_long_patches() {
    let mut r = Random(4);
    for (in_c, rows) in [(1031, 1), (1031, 8), (4000, 1), (4001, 2), (15_000, 1)] {
        let mut w = Window::dense(1, in_c, 18);
        (w.in_h, w.in_w, w.out_h, w.out_w) = (2, 3, 2, 3);
        (w.kernel_h, w.kernel_w, w.pad_top, w.pad_left) = (3, 3, 1, 1);
        let case = Int8::new(w, 1, None, &mut r);
        case.check(whole(&w), rows);
    }
}

#[test]
fn float_products_of_all_sizes_around_the_tiles() {
    let mut r = Random(5);
    for m in (1..=13).chain([25]) {
        for n in (1..=33).chain([63, 64, 65, 80]) {
            for k in [1, 2, 3, 5, 8, 17] {
                if (m + n + k) % 3 == 0 || m < 3 {
                    let case = Float::new(Window::dense(m, k, n), 1, &mut r);
                    case.check(whole(&case.window), 0);
                }
            }
        }
    }
}

#[test]
fn float_windows_groups_and_parts() {
    let mut r = Random(6);
    for round in 0..600 {
        let groups = if round % 4 == 0 { r.one_to(4) } else { 1 };
        let (in_c, out_c) = (groups * r.one_to(20), groups * r.one_to(40));
        let case = Float::new(r.window(in_c, out_c), groups as usize, &mut r);
        case.check(whole(&case.window), r.one_to(8) as usize);
        let start = r.below(case.window.rows());
        let rows = start..start + r.below(case.window.rows() - start + 1);
        case.check(
            Part {
                rows,
                channels: 0..out_c as usize,
            },
            1,
        );
    }
    let case = Float::new(Window::dense(1, 100, 300), 1, &mut r);
    for channels in [0..16, 16..40, 32..300, 288..300, 128..256] {
        case.check(
            Part {
                rows: 0..1,
                channels,
            },
            0,
        );
    }
    let mut w = Window::dense(1, 2000, 20);
    (w.in_h, w.in_w, w.out_h, w.out_w) = (2, 3, 2, 3);
    (w.kernel_h, w.kernel_w, w.pad_top, w.pad_left) = (3, 3, 1, 1);
    let case = Float::new(w, 1, &mut r);
    case.check(whole(&w), 1);
}

/// Larger images: in place where no window passes the border, else in several bands of padded lines.
#[test]
fn float_windows_in_place_and_in_bands() {
    let mut r = Random(8);
    for round in 0..120u32 {
        let groups = if round % 5 == 0 { 2 } else { 1 };
        let (in_c, out_c) = (groups * r.one_to(24), groups * r.one_to(20));
        let mut w = r.window(in_c, out_c);
        (w.in_h, w.in_w) = (8 + r.one_to(8), 8 + r.one_to(12));
        if round % 3 == 0 {
            (w.pad_top, w.pad_left) = (0, 0);
        }
        let fit = |size: u32, pad: u32, kernel: u32, dilation: u32, stride: u32| {
            (size + 2 * pad).saturating_sub((kernel - 1) * dilation + 1) / stride + 1
        };
        w.out_h = fit(w.in_h, w.pad_top, w.kernel_h, w.dilation_h, w.stride_h);
        w.out_w = fit(w.in_w, w.pad_left, w.kernel_w, w.dilation_w, w.stride_w);
        let case = Float::new(w, groups as usize, &mut r);
        case.check(whole(&w), 1);
        let start = r.below(w.rows());
        let rows = start..start + r.below(w.rows() - start + 1);
        case.check(
            Part {
                rows,
                channels: 0..out_c as usize,
            },
            4,
        );
    }
    // Lines so long that a band has one or two of the nine output lines; one output line does not fit at all.
    for (in_w, in_c) in [(40, 200), (30, 170), (64, 256)] {
        let mut w = Window::dense(1, in_c, 5);
        (w.in_h, w.in_w, w.out_h, w.out_w) = (9, in_w, 9, in_w);
        (w.kernel_h, w.kernel_w, w.pad_top, w.pad_left) = (3, 3, 1, 1);
        let case = Float::new(w, 1, &mut r);
        case.check(whole(&w), 1);
    }
}

#[test]
fn float_matrix_products() {
    let mut r = Random(7);
    for m in 1..=7 {
        for n in (1..=35).chain([64, 100]) {
            for k in [0, 1, 2, 7, 19] {
                let (a, b) = (r.floats(m * k), r.floats(k * n));
                let mut want = vec![5.0; m * n];
                SCALAR.matmul_f32(&a, &b, &mut want, m, k, n);
                for tier in others() {
                    let mut got = vec![7.0; m * n];
                    tier.matmul_f32(&a, &b, &mut got, m, k, n);
                    same(&want, &got, &format!("{} {m} × {k} × {n}", tier.name()));
                }
            }
        }
    }
}
