//! Float pooling: 64 channels at a time, taps in order.

use super::taps::{MOST_TAPS, Taps};
use crate::geometry::Walk;
use crate::scalar;
use core::arch::x86_64::*;
use core::ops::Range;
use redpoll_plan::op::{self, Reduce};

/// Registers of channels.
const WIDE: usize = 4;

/// See [`crate::scalar::pool::pool_f32`]: the same bits. A border of −∞ never is the maximum, and one of +0.0 changes no
/// sum that began with +0.0.
///
/// # Safety
/// The CPU has the instructions.
///
/// # Panics
/// If a slice is shorter than the parameters say.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) unsafe fn pool_f32(p: &op::PoolF32, x: &[f32], y: &mut [f32], rows: Range<usize>) {
    let w = &p.window;
    let (c, taps) = (w.in_c as usize, w.taps());
    if taps > MOST_TAPS {
        return scalar::pool::pool_f32(p, x, y, rows);
    }
    if rows.is_empty() || c == 0 {
        return;
    }
    // Everything that the unchecked code below relies on.
    let inputs = [w.batch, w.in_h, w.in_w, w.in_c]
        .iter()
        .try_fold(1usize, |n, &d| n.checked_mul(d as usize));
    assert!(inputs.is_some_and(|n| x.len() >= n));
    assert!(rows.end <= w.rows());
    assert!(rows.len().checked_mul(c).is_some_and(|n| y.len() >= n));

    let max = p.kind == Reduce::Max;
    let none = if max { f32::NEG_INFINITY } else { 0.0 };
    let border = [none; 16 * WIDE];
    let places = Taps::new(w);
    let mut from = [border.as_ptr(); MOST_TAPS];
    for start in (0..c).step_by(16 * WIDE) {
        let count = (c - start).min(16 * WIDE);
        let mask: [__mmask16; WIDE] = core::array::from_fn(|i| {
            (((1u64 << (count.clamp(i * 16, i * 16 + 16) - i * 16)) - 1) & 0xffff) as u16
        });
        let mut walk = Walk::new(w, rows.start);
        for row in 0..rows.len() {
            let at = walk.next();
            places.point(
                &at,
                x.as_ptr().wrapping_add(start),
                border.as_ptr(),
                &mut from,
            );
            let mut all = [_mm512_set1_ps(none); WIDE];
            for &from in &from[..taps] {
                for (i, all) in all.iter_mut().enumerate() {
                    // SAFETY: pointers to pixels or to the border; lanes behind the channels are not read.
                    let x = unsafe { _mm512_maskz_loadu_ps(mask[i], from.wrapping_add(i * 16)) };
                    // The second operand is the result where they are equal or one is NaN.
                    *all = if max {
                        _mm512_max_ps(x, *all)
                    } else {
                        _mm512_add_ps(*all, x)
                    };
                }
            }
            if !max {
                let count = scalar::pool::count(w, &at, p.count_border != 0) as f32;
                for all in &mut all {
                    *all = _mm512_div_ps(*all, _mm512_set1_ps(count));
                }
            }
            for (i, &v) in all.iter().enumerate() {
                let to = y.as_mut_ptr().wrapping_add(row * c + start + i * 16);
                // SAFETY: a pixel of y; lanes behind the channels are not written.
                unsafe { _mm512_mask_storeu_ps(to, mask[i], v) };
            }
        }
    }
}
