//! Recurrent cells: the definitions compiled once more for 16 lanes, as `../avx2/again.rs` does for 8.

use crate::params::Cell;
use crate::scalar;

/// See [`scalar::recurrent::recurrent_cell`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma")]
pub(super) fn recurrent_cell(
    p: &Cell<'_>,
    x: &[f32],
    q: &[f32],
    stride: usize,
    h: &mut [f32],
    c: &mut [f32],
    y: &mut [f32],
) {
    scalar::recurrent::recurrent_cell(p, x, q, stride, h, c, y);
}

/// See [`scalar::recurrent::recurrent_reset`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma")]
pub(super) fn recurrent_reset(
    p: &Cell<'_>,
    x: &[f32],
    q: &[f32],
    stride: usize,
    h: &[f32],
    out: &mut [f32],
) {
    scalar::recurrent::recurrent_reset(p, x, q, stride, h, out);
}
