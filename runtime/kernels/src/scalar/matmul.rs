//! Matrix product of two working buffers.

use crate::math::fma;

/// `y [m, n] = a [m, k] · b [k, n]`: `acc = +0.0; acc = fma(a, b, acc)` over k in order.
///
/// # Panics
/// If a slice is shorter than the sizes say.
#[inline(always)]
pub fn matmul_f32(a: &[f32], b: &[f32], y: &mut [f32], m: usize, k: usize, n: usize) {
    for i in 0..m {
        let y = &mut y[i * n..(i + 1) * n];
        y.fill(0.0);
        for (kk, &a) in a[i * k..(i + 1) * k].iter().enumerate() {
            for (y, &b) in y.iter_mut().zip(&b[kk * n..(kk + 1) * n]) {
                *y = fma(a, b, *y);
            }
        }
    }
}
