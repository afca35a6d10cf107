//! Rows of fused multiply-adds: `acc[i] = fma(x, w[i], acc[i])`.

/// `acc[i] = fma(x, w[i], acc[i])`, one rounding each.
pub(super) fn scale_add(acc: &mut [f32], x: f32, w: &[f32]) {
    for (acc, &w) in acc.iter_mut().zip(w) {
        *acc = x.mul_add(w, *acc);
    }
}

/// `acc[i] = fma(x[i], w[i], acc[i])`, one rounding each.
pub(super) fn multiply_add(acc: &mut [f32], x: &[f32], w: &[f32]) {
    for ((acc, &x), &w) in acc.iter_mut().zip(x).zip(w) {
        *acc = x.mul_add(w, *acc);
    }
}
