//! Successive rounding: each weight takes over the error of those before it.
//!
//! With `e` the rounding error of a row of weights and `H` the covariance of the inputs, the output's mean squared
//! error is `eᵀ H e`. Factor `H = U D Uᵀ` with `U` unit upper triangular: then it is `Σ D_k (e_k + Σ_{j<k} U_jk e_j)²`,
//! and rounding `w_k + Σ_{j<k} U_jk e_j` one after the other keeps every term below `D_k / 4`. This is LDLQ (Chee et
//! al., "QuIP", 2023), which equals GPTQ (Frantar et al., 2022) at a third of the work.

use crate::quantize::weights::nearest;

/// Share of the mean variance that is added to the diagonal: inputs that hardly vary must not be leant on.
const DAMPING: f32 = 0.01;

/// Order of the weights and the factor `U`.
pub(super) struct Basis {
    /// Weights in the order in which they are rounded: largest variance first.
    order: Vec<usize>,
    /// `U` without its diagonal, row-major.
    factor: Vec<f32>,
}

impl Basis {
    /// Of a covariance `[k, k]`.
    pub fn of(covariance: &[f32], k: usize) -> Self {
        let mean = (0..k).map(|i| covariance[i * k + i]).sum::<f32>() / k.max(1) as f32;
        let damping = (DAMPING * mean).max(1e-6);
        let mut order: Vec<usize> = (0..k).collect();
        order.sort_by(|&a, &b| covariance[b * k + b].total_cmp(&covariance[a * k + a]));
        let mut h = vec![0f32; k * k];
        for (i, &a) in order.iter().enumerate() {
            for (j, &b) in order.iter().enumerate() {
                h[i * k + j] = covariance[a * k + b];
            }
            h[i * k + i] += damping;
        }
        factorize(&mut h, k, damping);
        Self { order, factor: h }
    }

    /// Rounds rows of weights, each divided by its scale.
    pub fn round(&self, rows: &[f32], scales: &[f32]) -> Vec<i8> {
        let k = self.order.len();
        let mut out = vec![0i8; rows.len()];
        if k == 0 {
            return out;
        }
        let share = scales.len().div_ceil(threads_for(rows.len())).max(1);
        std::thread::scope(|scope| {
            for ((out, rows), scales) in out
                .chunks_mut(share * k)
                .zip(rows.chunks(share * k))
                .zip(scales.chunks(share))
            {
                scope.spawn(move || {
                    for ((out, row), &scale) in out
                        .chunks_exact_mut(k)
                        .zip(rows.chunks_exact(k))
                        .zip(scales)
                    {
                        self.round_row(row, scale, out);
                    }
                });
            }
        });
        out
    }

    fn round_row(&self, row: &[f32], scale: f32, out: &mut [i8]) {
        let k = self.order.len();
        let mut wanted: Vec<f32> = self.order.iter().map(|&i| row[i] / scale).collect();
        let exact = wanted.clone();
        for i in 0..k {
            let q = nearest(wanted[i]);
            out[self.order[i]] = q;
            let error = exact[i] - f32::from(q);
            let factors = &self.factor[i * k + i + 1..(i + 1) * k];
            for (w, u) in wanted[i + 1..].iter_mut().zip(factors) {
                *w += error * u;
            }
        }
    }
}

/// Replaces the upper triangle of `h` by `U` of `H = U D Uᵀ`, from the last column to the first.
fn factorize(h: &mut [f32], k: usize, least: f32) {
    let mut d = vec![0f64; k];
    let mut scaled = vec![0f64; k];
    let mut u: Vec<f64> = h.iter().map(|&v| f64::from(v)).collect();
    for c in (0..k).rev() {
        for j in c + 1..k {
            scaled[j] = u[c * k + j] * d[j];
        }
        let tail = |row: &[f64]| dot(&row[c + 1..k], &scaled[c + 1..k]);
        d[c] = (u[c * k + c] - tail(&u[c * k..(c + 1) * k])).max(f64::from(least) * 0.1);
        let inverse = 1.0 / d[c];
        for i in 0..c {
            let row = &mut u[i * k..(i + 1) * k];
            row[c] = (row[c] - dot(&row[c + 1..k], &scaled[c + 1..k])) * inverse;
        }
    }
    for (h, u) in h.iter_mut().zip(&u) {
        *h = *u as f32;
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0f64; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a8
        .remainder()
        .iter()
        .zip(b8.remainder())
        .map(|(x, y)| x * y)
        .sum();
    for (x, y) in a8.zip(b8) {
        for l in 0..8 {
            lanes[l] += x[l] * y[l];
        }
    }
    lanes.iter().sum::<f64>() + rest
}

/// Threads that pay for this many weights.
fn threads_for(weights: usize) -> usize {
    if weights < 1 << 14 {
        return 1;
    }
    std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(8)
}
