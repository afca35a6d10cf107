//! What the float kernels share: the clamp, and weights of half precision.

use core::arch::aarch64::*;
use core::arch::asm;

/// `v < lo ? lo : v > hi ? hi : v`; NaN and the sign of zero pass, which `fmax` and `fmin` would not let.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn clamp(v: float32x4_t, lo: float32x4_t, hi: float32x4_t) -> float32x4_t {
    let v = vbslq_f32(vcltq_f32(v, lo), lo, v);
    vbslq_f32(vcgtq_f32(v, hi), hi, v)
}

/// Sixteen weights, widened (exactly) if they are of half precision.
///
/// # Safety
/// `from` is readable for 16 elements: u16 if `HALF`, else f32.
#[inline]
#[target_feature(enable = "neon")]
pub(super) unsafe fn sixteen<const HALF: bool>(from: *const u8) -> [float32x4_t; 4] {
    // SAFETY: as the caller promises.
    unsafe {
        if HALF {
            let from: *const u16 = from.cast();
            let (a, b) = (widen(vld1q_u16(from)), widen(vld1q_u16(from.add(8))));
            [a[0], a[1], b[0], b[1]]
        } else {
            let from: *const f32 = from.cast();
            core::array::from_fn(|i| vld1q_f32(from.add(i * 4)))
        }
    }
}

/// Eight half-precision numbers: `fcvtl`, which has no stable intrinsic.
#[inline]
#[target_feature(enable = "neon")]
fn widen(bits: uint16x8_t) -> [float32x4_t; 2] {
    let (low, high): (float32x4_t, float32x4_t);
    // SAFETY: registers only.
    unsafe {
        asm!(
            "fcvtl {low:v}.4s, {bits:v}.4h",
            "fcvtl2 {high:v}.4s, {bits:v}.8h",
            bits = in(vreg) bits,
            low = out(vreg) low,
            high = lateout(vreg) high,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    [low, high]
}

/// Stores the first `count` of 16 elements.
///
/// # Safety
/// `to` is writable for them.
#[inline]
#[target_feature(enable = "neon")]
pub(super) unsafe fn store(to: *mut f32, v: [float32x4_t; 4], count: usize) {
    // SAFETY: as the caller promises; the copy holds 16.
    unsafe {
        let mut copy = [0.0f32; 16];
        let out = if count >= 16 { to } else { copy.as_mut_ptr() };
        for (i, &v) in v.iter().enumerate() {
            vst1q_f32(out.add(i * 4), v);
        }
        if count < 16 {
            core::ptr::copy_nonoverlapping(copy.as_ptr(), to, count);
        }
    }
}
