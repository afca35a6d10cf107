//! The inner loops in plain Rust: what `dsp.rs` does, lane for lane.

use super::job::{Line, Product, Sum};
use super::lanes::{even_bytes, odd_bytes};
use crate::finish::finish;
use crate::params::Finish;

/// Products of two lanes added: SMLAD.
#[inline(always)]
fn smlad(a: u32, b: u32, acc: i32) -> i32 {
    let low = i32::from(a as i16) * i32::from(b as i16);
    let high = i32::from((a >> 16) as i16) * i32::from((b >> 16) as i16);
    acc.wrapping_add(low).wrapping_add(high)
}

/// `saturate(rhe(v) + zero)`.
#[inline(always)]
pub(super) fn finish1(v: f32, zero: i32) -> i32 {
    let last = Finish {
        y_zero: zero,
        lo: -128,
        hi: 127,
    };
    finish(v, &last)
}

/// `P` pixels × two channels at a time.
#[inline(always)]
unsafe fn product_px2<const P: usize>(job: &Product) {
    let mut n = 0;
    while n < job.channels {
        // SAFETY: see `Product`.
        unsafe {
            let (bias, scale) = (job.bias.add(n), job.scale.add(n));
            let mut acc = [[bias.read(), bias.add(1).read()]; P];
            let (mut x, mut w) = (job.x, job.w.add(n));
            while x != job.end {
                for acc in &mut acc {
                    let (a, b) = (x.read(), x.add(1).read());
                    for (c, acc) in acc.iter_mut().enumerate() {
                        let v = w.add(c).read();
                        *acc = smlad(b, odd_bytes(v), smlad(a, even_bytes(v), *acc));
                    }
                    x = x.add(2);
                }
                w = w.wrapping_add(16);
            }
            for (pixel, acc) in acc.iter().enumerate() {
                let y = job.y.add(pixel * job.y_step + n);
                for (c, &acc) in acc.iter().enumerate().take(job.channels - n) {
                    let v = finish1(acc as f32 * scale.add(c).read(), job.zero);
                    y.add(c).write(v as i8);
                }
            }
        }
        n += 2;
    }
}

/// Three pixels × two channels at a time, for the channels of a block.
///
/// # Safety
/// See [`Product`].
pub(super) unsafe fn product_3x2(job: &Product) {
    // SAFETY: as the caller promises.
    unsafe { product_px2::<3>(job) };
}

/// Two pixels × two channels at a time, for the channels of a block.
///
/// # Safety
/// See [`Product`].
pub(super) unsafe fn product_2x2(job: &Product) {
    // SAFETY: as the caller promises.
    unsafe { product_px2::<2>(job) };
}

/// One pixel, whose inputs are bytes, × the channels of a block.
///
/// # Safety
/// See [`Product`].
pub(super) unsafe fn product_1x4(job: &Product) {
    for n in 0..job.channels {
        // SAFETY: see `Product`.
        unsafe {
            let mut acc = job.bias.add(n).read();
            let (mut x, mut w) = (job.x, job.w.add(n));
            while x != job.end {
                let (u, v) = (x.read_unaligned(), w.read());
                acc = smlad(
                    odd_bytes(u),
                    odd_bytes(v),
                    smlad(even_bytes(u), even_bytes(v), acc),
                );
                x = x.wrapping_add(1);
                w = w.wrapping_add(16);
            }
            let v = finish1(acc as f32 * job.scale.add(n).read(), job.zero);
            job.y.add(n).write(v as i8);
        }
    }
}

unsafe fn line<const STRIDE: usize>(job: &Line, rows: [*const u32; 3]) {
    let pairs = (job.end.addr().wrapping_sub(rows[0].addr())) / (4 * STRIDE);
    let results = 2 * pairs + job.one_more;
    for result in 0..results {
        let mut acc = job.bias[0];
        for (row, w) in rows.iter().zip([&job.first, &job.second, &job.third]) {
            let taps = [w[0] as i16, w[1] as i16, (w[1] >> 16) as i16];
            for (j, tap) in taps.into_iter().enumerate() {
                // SAFETY: see `Line`.
                let x = unsafe { row.cast::<i16>().add(result * STRIDE + j).read() };
                acc = acc.wrapping_add(i32::from(x) * i32::from(tap));
            }
        }
        let v = finish1(acc as f32 * job.scale, job.zero);
        // SAFETY: see `Line`.
        unsafe { job.y.add(result * job.y_step).write(v as i8) };
    }
}

/// One line of one channel, stride 1.
///
/// # Safety
/// See [`Line`].
pub(super) unsafe fn line_by_1(job: &Line, a: *const u32, b: *const u32, c: *const u32) {
    // SAFETY: as the caller promises.
    unsafe { line::<1>(job, [a, b, c]) };
}

/// One line of one channel, stride 2.
///
/// # Safety
/// See [`Line`].
pub(super) unsafe fn line_by_2(job: &Line, a: *const u32, b: *const u32, c: *const u32) {
    // SAFETY: as the caller promises.
    unsafe { line::<2>(job, [a, b, c]) };
}

/// Sums of two dense operands.
///
/// # Safety
/// See [`Sum`].
pub(super) unsafe fn sum(job: &Sum) {
    let (mut a, mut b, mut y) = (job.a, job.b, job.y);
    while y.cast_const() != job.end {
        // SAFETY: see `Sum`.
        unsafe {
            let real_a = (i32::from(a.read()) - job.a_zero) as f32 * job.a_scale;
            let real_b = (i32::from(b.read()) - job.b_zero) as f32 * job.b_scale;
            y.write(finish1(real_a + real_b, job.zero) as i8);
        }
        (a, b, y) = (a.wrapping_add(1), b.wrapping_add(1), y.wrapping_add(1));
    }
}
