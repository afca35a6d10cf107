//! Fourier transform of real signals of any even length, with the same bits on every target.

use alloc::vec;
use alloc::vec::Vec;
use core::f64::consts::PI;
use core::ops::{Add, Mul, Sub};

/// A complex number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Complex {
    /// Real part.
    pub re: f32,
    /// Imaginary part.
    pub im: f32,
}

impl Complex {
    /// The number `re + i · im`.
    pub const fn new(re: f32, im: f32) -> Self {
        Self { re, im }
    }

    /// `|z|²`.
    pub fn power(self) -> f32 {
        self.re * self.re + self.im * self.im
    }

    fn conj(self) -> Self {
        Self::new(self.re, -self.im)
    }

    /// `i · z`.
    fn turned(self) -> Self {
        Self::new(-self.im, self.re)
    }

    fn halved(self) -> Self {
        Self::new(0.5 * self.re, 0.5 * self.im)
    }
}

impl Add for Complex {
    type Output = Self;
    fn add(self, b: Self) -> Self {
        Self::new(self.re + b.re, self.im + b.im)
    }
}

impl Sub for Complex {
    type Output = Self;
    fn sub(self, b: Self) -> Self {
        Self::new(self.re - b.re, self.im - b.im)
    }
}

impl Mul for Complex {
    type Output = Self;
    fn mul(self, b: Self) -> Self {
        Self::new(
            self.re * b.re - self.im * b.im,
            self.re * b.im + self.im * b.re,
        )
    }
}

/// The transform of a real signal of `n` samples: `X[k] = Σ x[t] · exp(−2πi · k · t / n)` for `k` in `0..=n/2`.
///
/// `n` is even. Lengths made of 2, 3 and 5 are fast (400 and 512 alike), a large prime factor `p` costs `p²`.
///
/// The signal is taken as n/2 complex numbers; they are transformed by passes over factors 4, 2 and the odd ones, each
/// reading from one buffer and writing in order into another, so nothing is ever permuted.
#[derive(Clone, Debug)]
pub struct RealFft {
    n: usize,
    factors: Vec<usize>,
    /// `exp(−2πi · k / (n/2))`
    turns: Vec<Complex>,
    /// `exp(−2πi · k / n)`, k ≤ n/4
    halves: Vec<Complex>,
    a: Vec<Complex>,
    b: Vec<Complex>,
}

impl RealFft {
    /// A transform of `n` samples, or `None` unless `n` is even and from 2 to 65536.
    pub fn new(n: usize) -> Option<Self> {
        if !n.is_multiple_of(2) || !(2..=65536).contains(&n) {
            return None;
        }
        let h = n / 2;
        let circle = |k: usize, of: usize| {
            let phase = -2.0 * PI * k as f64 / of as f64;
            Complex::new(libm::cos(phase) as f32, libm::sin(phase) as f32)
        };
        Some(Self {
            n,
            factors: factors(h),
            turns: (0..h).map(|k| circle(k, h)).collect(),
            halves: (0..=h / 2).map(|k| circle(k, n)).collect(),
            a: vec![Complex::default(); h],
            b: vec![Complex::default(); h],
        })
    }

    /// Length of the signal.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Never: the shortest transform has 2 samples.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Values of a spectrum: `n / 2 + 1`.
    pub fn bins(&self) -> usize {
        self.n / 2 + 1
    }

    /// Transforms `signal`; one that is shorter than `n` is followed by zeros, what is beyond `n` is left out. Writes the
    /// first `n / 2 + 1` values of `spectrum`.
    ///
    /// # Panics
    ///
    /// When `spectrum` has fewer than [`Self::bins`] values.
    pub fn forward(&mut self, signal: &[f32], spectrum: &mut [Complex]) {
        let h = self.n / 2;
        let at = |t: usize| signal.get(t).copied().unwrap_or(0.0);
        for (t, z) in self.a.iter_mut().enumerate() {
            *z = Complex::new(at(2 * t), at(2 * t + 1));
        }
        self.transform();
        let z0 = self.a[0];
        spectrum[0] = Complex::new(z0.re + z0.im, 0.0);
        spectrum[h] = Complex::new(z0.re - z0.im, 0.0);
        for k in 1..=h / 2 {
            let (x, y) = (self.a[k], self.a[h - k].conj());
            let even = (x + y).halved();
            // −i · (x − y) / 2, turned by k
            let odd = ((y - x).halved().turned()) * self.halves[k];
            spectrum[k] = even + odd;
            spectrum[h - k] = (even - odd).conj();
        }
    }

    /// The inverse: `n / 2 + 1` values to `n` samples. The imaginary parts of the first and the last are taken as 0.
    ///
    /// # Panics
    ///
    /// When `spectrum` has fewer than [`Self::bins`] values or `signal` fewer than `n`.
    pub fn inverse(&mut self, spectrum: &[Complex], signal: &mut [f32]) {
        let h = self.n / 2;
        let (first, last) = (spectrum[0].re, spectrum[h].re);
        // Real and imaginary parts are swapped before and after: that makes the forward transform the inverse one.
        let swap = |z: Complex| Complex::new(z.im, z.re);
        self.a[0] = swap(Complex::new(0.5 * (first + last), 0.5 * (first - last)));
        for k in 1..=h / 2 {
            let (x, y) = (spectrum[k], spectrum[h - k].conj());
            let even = (x + y).halved();
            let odd = (x - y).halved() * self.halves[k].conj();
            self.a[k] = swap(even + odd.turned());
            self.a[h - k] = swap(even.conj() + odd.conj().turned());
        }
        self.transform();
        let scale = 1.0 / h as f32;
        for (pair, z) in signal[..self.n].chunks_exact_mut(2).zip(&self.a) {
            pair.copy_from_slice(&[z.im * scale, z.re * scale]);
        }
    }

    /// The complex transform of `a`, in place.
    fn transform(&mut self) {
        let total = self.a.len();
        let mut n = total;
        let mut stride = 1;
        for &p in &self.factors {
            let pass = Pass {
                p,
                m: n / p,
                stride,
                turns: &self.turns,
            };
            match p {
                4 => pass.four(&self.a, &mut self.b),
                2 => pass.two(&self.a, &mut self.b),
                _ => pass.any(&self.a, &mut self.b),
            }
            core::mem::swap(&mut self.a, &mut self.b);
            n /= p;
            stride *= p;
        }
    }
}

/// Factors of `n`: as many fours as there are, then a two, then odd ones.
fn factors(mut n: usize) -> Vec<usize> {
    let mut out = Vec::new();
    let mut p = 4;
    while n > 1 {
        if n.is_multiple_of(p) {
            out.push(p);
            n /= p;
        } else {
            p = match p {
                4 => 2,
                2 => 3,
                _ if (p + 2) * (p + 2) <= n => p + 2,
                _ => n,
            };
        }
    }
    out
}

/// One pass: transforms of `p` values that lie `m · stride` apart, turned, written `stride` apart.
struct Pass<'a> {
    p: usize,
    m: usize,
    stride: usize,
    turns: &'a [Complex],
}

impl Pass<'_> {
    fn two(&self, x: &[Complex], y: &mut [Complex]) {
        let (m, s) = (self.m, self.stride);
        for q in 0..m {
            let w = self.turns[s * q];
            for r in 0..s {
                let (a, b) = (x[r + s * q], x[r + s * (q + m)]);
                y[r + s * 2 * q] = a + b;
                y[r + s * (2 * q + 1)] = (a - b) * w;
            }
        }
    }

    fn four(&self, x: &[Complex], y: &mut [Complex]) {
        let (m, s) = (self.m, self.stride);
        for q in 0..m {
            let (w1, w2, w3) = (
                self.turns[s * q],
                self.turns[2 * s * q],
                self.turns[3 * s * q],
            );
            for r in 0..s {
                let at = |j: usize| x[r + s * (q + m * j)];
                let (a, b, c, d) = (at(0), at(1), at(2), at(3));
                let (even, odd) = (a + c, b + d);
                let (minus, turned) = (a - c, (b - d).turned());
                let to = r + s * 4 * q;
                y[to] = even + odd;
                y[to + s] = (minus - turned) * w1;
                y[to + 2 * s] = (even - odd) * w2;
                y[to + 3 * s] = (minus + turned) * w3;
            }
        }
    }

    fn any(&self, x: &[Complex], y: &mut [Complex]) {
        let (p, m, s) = (self.p, self.m, self.stride);
        let total = self.turns.len();
        for q in 0..m {
            for k in 0..p {
                let w = self.turns[s * q * k];
                for r in 0..s {
                    let mut sum = x[r + s * q];
                    for j in 1..p {
                        let turn = self.turns[(total / p) * (j * k % p)];
                        sum = sum + x[r + s * (q + m * j)] * turn;
                    }
                    y[r + s * (p * q + k)] = sum * w;
                }
            }
        }
    }
}
