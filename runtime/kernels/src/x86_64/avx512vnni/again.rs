//! Definitions compiled once more, for AVX-512: the same source, so the same bits; see `../avx2/again.rs` for why it may.

use crate::scalar;
use redpoll_plan::op;

/// See [`scalar::reduce::reduce_f32`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma")]
pub(super) fn reduce_f32(p: &op::ReduceF32, x: &[f32], y: &mut [f32]) {
    scalar::reduce::reduce_f32(p, x, y);
}
