//! Real FFT of 512 samples in 16 bits, with the rounding of the fixed-point transform that the models were trained behind.
//!
//! The signal is taken as 256 complex numbers, transformed by four passes of radix 4 on values in digit-reversed order
//! (decimation in time). Each pass first divides by 4, as a multiplication by 8191/32768 that is rounded; products are
//! rounded to 15 bits; sums wrap in 16 bits.

use core::f64::consts::PI;

use super::FFT;

/// Complex numbers of the inner transform.
const N: usize = FFT / 2;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Fixed {
    re: i16,
    im: i16,
}

/// Half up, to 15 bits less.
fn rounded(x: i32) -> i16 {
    (x.wrapping_add(1 << 14) >> 15) as i16
}

impl Fixed {
    fn add(self, b: Self) -> Self {
        Self {
            re: self.re.wrapping_add(b.re),
            im: self.im.wrapping_add(b.im),
        }
    }

    fn sub(self, b: Self) -> Self {
        Self {
            re: self.re.wrapping_sub(b.re),
            im: self.im.wrapping_sub(b.im),
        }
    }

    fn mul(self, b: Self) -> Self {
        let p = |x: i16, y: i16| i32::from(x) * i32::from(y);
        Self {
            re: rounded(p(self.re, b.re).wrapping_sub(p(self.im, b.im))),
            im: rounded(p(self.re, b.im).wrapping_add(p(self.im, b.re))),
        }
    }

    fn divided(self, by: i32) -> Self {
        let reciprocal = 32767 / by;
        Self {
            re: rounded(i32::from(self.re) * reciprocal),
            im: rounded(i32::from(self.im) * reciprocal),
        }
    }

    /// `exp(i · phase)`
    fn turn(phase: f64) -> Self {
        let fixed = |x: f64| libm::floor(0.5 + 32767.0 * x) as i16;
        Self {
            re: fixed(libm::cos(phase)),
            im: fixed(libm::sin(phase)),
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Fft {
    /// `exp(−2πi · k / 256)`, as far as three quarters of the way of the last pass reach.
    turns: [Fixed; N],
    /// `exp(−πi · ((k + 1) / 256 + 1/2))`
    halves: [Fixed; N / 2],
}

impl Fft {
    pub(super) fn new() -> Self {
        let n = N as f64;
        Self {
            turns: core::array::from_fn(|k| Fixed::turn(-2.0 * PI * k as f64 / n)),
            halves: core::array::from_fn(|k| Fixed::turn(-PI * ((k as f64 + 1.0) / n + 0.5))),
        }
    }

    /// Energies of the bins of `frame`, whose samples are shifted left first.
    pub(super) fn energies(&self, frame: &[i16], shift: u32, out: &mut [u32; N + 1]) {
        let at = |i: usize| frame.get(i).map_or(0, |x| x << shift);
        let mut z = [Fixed::default(); N];
        for (i, z) in z.iter_mut().enumerate() {
            let from = reversed(i);
            *z = Fixed {
                re: at(2 * from),
                im: at(2 * from + 1),
            };
        }
        let mut m = 1;
        while m < N {
            self.pass(&mut z, m);
            m *= 4;
        }
        let energy = |z: Fixed| {
            let square = |x: i16| (i32::from(x) * i32::from(x)) as u32;
            square(z.re).wrapping_add(square(z.im))
        };
        let first = z[0].divided(2);
        let real = |re: i16| Fixed { re, im: 0 };
        out[0] = energy(real(first.re.wrapping_add(first.im)));
        out[N] = energy(real(first.re.wrapping_sub(first.im)));
        for k in 1..=N / 2 {
            let mirrored = Fixed {
                re: z[N - k].re,
                im: z[N - k].im.wrapping_neg(),
            };
            let (x, y) = (z[k].divided(2), mirrored.divided(2));
            let (sum, turned) = (x.add(y), x.sub(y).mul(self.halves[k - 1]));
            // Halved after the sum in 32 bits.
            let half =
                |a: i16, b: i16, sign: i32| ((i32::from(a) + sign * i32::from(b)) >> 1) as i16;
            out[k] = energy(Fixed {
                re: half(sum.re, turned.re, 1),
                im: half(sum.im, turned.im, 1),
            });
            out[N - k] = energy(Fixed {
                re: half(sum.re, turned.re, -1),
                im: half(turned.im, sum.im, -1),
            });
        }
    }

    /// Joins transforms of length `m` to transforms of length `4 · m`.
    fn pass(&self, z: &mut [Fixed; N], m: usize) {
        let step = N / (4 * m);
        for group in z.chunks_exact_mut(4 * m) {
            for k in 0..m {
                let at = |j: usize| group[k + j * m].divided(4);
                let a = at(0);
                let b = at(1).mul(self.turns[k * step]);
                let c = at(2).mul(self.turns[2 * k * step]);
                let d = at(3).mul(self.turns[3 * k * step]);
                let (minus, plus) = (a.sub(c), a.add(c));
                let (odd, cross) = (b.add(d), b.sub(d));
                group[k] = plus.add(odd);
                group[k + 2 * m] = plus.sub(odd);
                // −i · cross
                let turned = Fixed {
                    re: cross.im,
                    im: cross.re.wrapping_neg(),
                };
                group[k + m] = minus.add(turned);
                group[k + 3 * m] = minus.sub(turned);
            }
        }
    }
}

/// The four digits of `i` to base 4 in the opposite order.
fn reversed(i: usize) -> usize {
    ((i & 3) << 6) | ((i & 12) << 2) | ((i >> 2) & 12) | (i >> 6)
}
