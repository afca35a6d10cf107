//! The integer convolutions of the VNNI tiers equal the scalar definition bit for bit, at sizes chosen for their tiles.
#![cfg(all(target_arch = "x86_64", feature = "std"))]

use redpoll_kernels::params::{ConvI8, DepthwiseI8, Finish, Part};
use redpoll_kernels::{SCALAR, Tier, tier_by_name};
use redpoll_plan::Window;
use redpoll_plan::layout::{BLOCK_K, BLOCK_N, packed_i8_len, padded_n, patch_stride};

/// A small generator: the same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32
    }

    fn below(&mut self, n: usize) -> usize {
        self.next() as usize % n.max(1)
    }

    fn i8(&mut self) -> i8 {
        self.next() as i8
    }
}

/// The VNNI tiers that this CPU has.
fn vnni() -> Vec<&'static dyn Tier> {
    let tiers: Vec<_> = ["avx512vnni", "avxvnni"]
        .into_iter()
        .filter_map(tier_by_name)
        .collect();
    if tiers.is_empty() {
        println!("skipped: this CPU has no VNNI");
    }
    tiers
}

/// Values of a case: random, or all at the end of the range.
#[derive(Clone, Copy, PartialEq)]
enum Values {
    Random,
    Extreme(i8, i8),
}

/// A convolution with its tensors, and both results.
struct Case {
    window: Window,
    groups: usize,
    weights: Vec<i8>,
    bias: Vec<i32>,
    bias_unsigned: Vec<i32>,
    scale: Vec<f32>,
    x: Vec<i8>,
    x_zero: i8,
    finish: Finish,
}

impl Case {
    fn new(window: Window, groups: usize, values: Values, random: &mut Random) -> Self {
        let n = window.out_c as usize / groups;
        let k = window.taps() * window.in_c as usize / groups;
        let x_zero = random.i8();
        let mut weights = vec![0i8; groups * packed_i8_len(n, k)];
        let mut bias = vec![0; groups * padded_n(n)];
        let mut bias_unsigned = bias.clone();
        let mut scale = vec![0.0; bias.len()];
        for g in 0..groups {
            for c in 0..n {
                let block = g * padded_n(n) / BLOCK_N + c / BLOCK_N;
                let mut sum = 0i32;
                for i in 0..k {
                    let w = match values {
                        Values::Random => random.i8().max(-127),
                        Values::Extreme(_, w) => w,
                    };
                    sum += i32::from(w);
                    let quad = block * k.div_ceil(BLOCK_K) + i / BLOCK_K;
                    weights[(quad * BLOCK_N + c % BLOCK_N) * BLOCK_K + i % BLOCK_K] = w;
                }
                let at = g * padded_n(n) + c;
                bias[at] = random.below(4001) as i32 - 2000 - i32::from(x_zero) * sum;
                bias_unsigned[at] = bias[at].wrapping_sub(128 * sum);
                scale[at] = (1 + random.below(4000)) as f32 * 3.1e-4 / (k as f32).sqrt();
            }
        }
        let len = window.batch * window.in_h * window.in_w * window.in_c;
        let x = (0..len)
            .map(|_| match values {
                Values::Random => random.i8(),
                Values::Extreme(x, _) => x,
            })
            .collect();
        let y_zero = i32::from(random.i8());
        let (a, b) = (i32::from(random.i8()), i32::from(random.i8()));
        let finish = match random.below(3) {
            0 => Finish {
                y_zero,
                lo: a.min(b),
                hi: a.max(b),
            },
            1 => Finish {
                y_zero,
                lo: y_zero,
                hi: 127,
            },
            _ => Finish {
                y_zero,
                lo: -128,
                hi: 127,
            },
        };
        Self {
            window,
            groups,
            weights,
            bias,
            bias_unsigned,
            scale,
            x,
            x_zero,
            finish,
        }
    }

    fn params(&self) -> ConvI8<'_> {
        ConvI8 {
            window: self.window,
            groups: self.groups,
            weights: &self.weights,
            bias: &self.bias,
            bias_unsigned: &self.bias_unsigned,
            scale: &self.scale,
            x_zero: self.x_zero,
            finish: self.finish,
        }
    }

    fn compare(&self, tiers: &[&dyn Tier], part: Part, scratch_rows: usize) {
        let k = self.window.taps() * self.window.in_c as usize / self.groups;
        let len = part.rows.len() * part.channels.len();
        let mut want = vec![0i8; len];
        SCALAR.conv_i8(&self.params(), &self.x, &mut want, part.clone(), &mut []);
        for tier in tiers {
            // Canaries behind the result and the scratch.
            let mut got = vec![99i8; len + 64];
            let mut scratch = vec![77u8; scratch_rows * patch_stride(k) + 64];
            let used = scratch.len() - 64;
            let (y, work) = (&mut got[..len], &mut scratch[..used]);
            tier.conv_i8(&self.params(), &self.x, y, part.clone(), work);
            let (name, w) = (tier.name(), &self.window);
            assert!(
                want[..] == got[..len],
                "{name} {w:?} groups {} {part:?}",
                self.groups
            );
            assert!(got[len..].iter().all(|&v| v == 99));
            assert!(scratch[used..].iter().all(|&v| v == 77));
        }
    }

    fn whole(&self) -> Part {
        Part {
            rows: 0..self.window.rows(),
            channels: 0..self.window.out_c as usize,
        }
    }
}

#[test]
fn products_of_all_sizes_around_the_tiles() {
    let tiers = &vnni()[..];
    let mut random = Random(1);
    for m in (1..=14).chain([23, 25, 49, 97]) {
        for n in [
            1, 7, 15, 16, 17, 24, 31, 32, 33, 47, 48, 49, 63, 64, 65, 80, 96, 113, 129, 145, 257,
        ] {
            for k in [1, 2, 3, 4, 5, 7, 8, 13, 16, 31, 64, 67] {
                if (m + n + k) % 3 == 0 || m < 3 {
                    let window = Window::dense(m, k, n);
                    let case = Case::new(window, 1, Values::Random, &mut random);
                    case.compare(tiers, case.whole(), 0);
                }
            }
        }
    }
}

#[test]
fn long_products_and_extreme_values() {
    let tiers = &vnni()[..];
    let mut random = Random(2);
    for (m, k, n) in [
        (1, 70_001, 35),
        (3, 25_000, 17),
        (9, 5_003, 81),
        (5, 4_097, 64),
        (7, 2_051, 20),
    ] {
        for values in [
            Values::Random,
            Values::Extreme(-128, 127),
            Values::Extreme(-128, -127),
            Values::Extreme(127, 127),
            Values::Extreme(127, -127),
        ] {
            let case = Case::new(Window::dense(m, k, n), 1, values, &mut random);
            case.compare(tiers, case.whole(), 0);
        }
    }
}

#[test]
fn parts_are_rows_or_channels_of_one_row() {
    let tiers = &vnni()[..];
    let mut random = Random(3);
    let case = Case::new(Window::dense(1, 100, 300), 1, Values::Random, &mut random);
    for (start, end) in [(0, 16), (16, 40), (32, 300), (288, 300), (128, 256)] {
        case.compare(
            tiers,
            Part {
                rows: 0..1,
                channels: start..end,
            },
            0,
        );
    }
    let case = Case::new(Window::dense(50, 33, 70), 1, Values::Random, &mut random);
    for (start, end) in [(0, 1), (7, 31), (49, 50), (20, 20)] {
        case.compare(
            tiers,
            Part {
                rows: start..end,
                channels: 0..70,
            },
            0,
        );
    }
}

/// A window with random geometry.
fn window(random: &mut Random, groups: u32) -> Window {
    let (kernel_h, kernel_w) = (1 + random.below(4) as u32, 1 + random.below(5) as u32);
    let (in_h, in_w) = (1 + random.below(9) as u32, 1 + random.below(12) as u32);
    Window {
        batch: 1 + random.below(2) as u32,
        in_h,
        in_w,
        in_c: groups * (1 + random.below(20) as u32),
        out_h: 1 + random.below(6) as u32,
        out_w: 1 + random.below(9) as u32,
        out_c: groups * (1 + random.below(40) as u32),
        kernel_h,
        kernel_w,
        stride_h: 1 + random.below(3) as u32,
        stride_w: 1 + random.below(3) as u32,
        dilation_h: 1 + random.below(2) as u32,
        dilation_w: 1 + random.below(3) as u32 / 2,
        pad_top: random.below(4) as u32,
        pad_left: random.below(4) as u32,
    }
}

#[test]
fn windows_of_all_kinds() {
    let tiers = &vnni()[..];
    let mut random = Random(4);
    for round in 0..1500 {
        let groups = if round % 4 == 0 {
            1 + random.below(4)
        } else {
            1
        };
        let case = Case::new(
            window(&mut random, groups as u32),
            groups,
            Values::Random,
            &mut random,
        );
        case.compare(tiers, case.whole(), 1 + random.below(8));
        let start = random.below(case.window.rows());
        let rows = start..start + random.below(case.window.rows() - start + 1);
        case.compare(
            tiers,
            Part {
                rows,
                channels: 0..case.window.out_c as usize,
            },
            8,
        );
    }
}

#[test]
fn long_patches_go_to_the_scratch() {
    let tiers = &vnni()[..];
    let mut random = Random(5);
    for (in_c, scratch_rows) in [
        (1024, 8),
        (1024, 1),
        (1031, 3),
        (3072, 1),
        (8001, 1),
        (3072, 3),
    ] {
        let mut w = Window::dense(1, in_c, 33);
        (w.in_h, w.in_w, w.out_h, w.out_w) = (3, 4, 3, 4);
        (w.kernel_h, w.kernel_w, w.pad_top, w.pad_left) = (3, 3, 1, 1);
        let case = Case::new(w, 1, Values::Random, &mut random);
        case.compare(tiers, case.whole(), scratch_rows);
    }
}

#[test]
fn depthwise_windows_of_all_kinds() {
    let tiers = &vnni()[..];
    let mut random = Random(6);
    for round in 0..3000 {
        let mut w = window(&mut random, 1);
        w.in_c = [
            1, 5, 15, 16, 17, 24, 31, 32, 33, 47, 64, 65, 80, 96, 100, 128, 144,
        ][random.below(17)];
        if round % 3 > 0 {
            (w.kernel_h, w.kernel_w, w.dilation_w) = (3, 3, 1);
            w.stride_w = 1 + random.below(2) as u32;
        }
        if round % 50 == 0 {
            (w.kernel_h, w.kernel_w) = (12, 11);
        }
        w.out_c = w.in_c;
        depthwise_case(tiers, w, Values::Random, &mut random);
    }
    for values in [
        Values::Extreme(-128, 127),
        Values::Extreme(-128, -127),
        Values::Extreme(127, -127),
    ] {
        for kernel in [3, 5, 11] {
            let mut w = window(&mut random, 1);
            (w.in_c, w.out_c, w.kernel_h, w.kernel_w) = (70, 70, kernel, kernel);
            depthwise_case(tiers, w, values, &mut random);
        }
    }
}

fn depthwise_case(tiers: &[&dyn Tier], w: Window, values: Values, random: &mut Random) {
    let c = w.in_c as usize;
    let mut weights = vec![0i8; w.taps() * padded_n(c)];
    for tap in weights.chunks_exact_mut(padded_n(c)) {
        tap[..c].iter_mut().for_each(|v| {
            *v = match values {
                Values::Random => random.i8().max(-127),
                Values::Extreme(_, w) => w,
            }
        });
    }
    let mut bias = vec![0i32; padded_n(c)];
    let mut scale = vec![0f32; padded_n(c)];
    for i in 0..c {
        bias[i] = random.below(20001) as i32 - 10000;
        scale[i] = (1 + random.below(4000)) as f32 * 2.3e-6;
    }
    let x: Vec<i8> = (0..w.batch * w.in_h * w.in_w * w.in_c)
        .map(|_| match values {
            Values::Random => random.i8(),
            Values::Extreme(x, _) => x,
        })
        .collect();
    let y_zero = i32::from(random.i8());
    let (a, b) = (i32::from(random.i8()), i32::from(random.i8()));
    let p = DepthwiseI8 {
        window: w,
        weights: &weights,
        bias: &bias,
        scale: &scale,
        x_zero: random.i8(),
        finish: Finish {
            y_zero,
            lo: a.min(b),
            hi: a.max(b),
        },
    };
    let start = random.below(w.rows());
    let end = start + random.below(w.rows() - start + 1);
    for rows in [0..w.rows(), start..end] {
        let len = rows.len() * c;
        let mut want = vec![0i8; len];
        SCALAR.depthwise_i8(&p, &x, &mut want, rows.clone());
        for tier in tiers {
            let mut got = vec![99i8; len + 64];
            tier.depthwise_i8(&p, &x, &mut got[..len], rows.clone());
            assert!(want[..] == got[..len], "{} {w:?} {rows:?}", tier.name());
            assert!(got[len..].iter().all(|&v| v == 99));
        }
    }
}
