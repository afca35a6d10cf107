//! Inputs as 16-bit lanes, laid out for the tiles.
//!
//! A quad of K, `k0 k1 k2 k3`, becomes the words `(k0, k2)` and `(k1, k3)`: what one SXTB16 makes of a word, and of the
//! same word rotated, so that weights, which stay bytes, meet their inputs. Quads of several pixels lie in turn:
//!
//! ```text
//! [quad 0][pixel 0](k0,k2)(k1,k3)  [pixel 1](k0,k2)(k1,k3)  …   [quad 1][pixel 0] …
//! ```

#[cfg(not(cortex_m_dsp))]
use super::lanes::{even_bytes, odd_bytes};

/// Words of a quad.
#[cfg(not(cortex_m_helium))]
pub(super) const QUAD: usize = 2;

/// Widens `quads` quads of one pixel from `x` to every `pixels`th quad from `to`; gives the place behind.
///
/// # Safety
/// `x` is readable for `4 · quads` bytes; `to` is writable for `quads` quads, `pixels` quads apart.
#[cfg(not(cortex_m_helium))]
#[inline(always)]
pub(super) unsafe fn widen(x: *const i8, quads: usize, to: *mut u32, pixels: usize) -> *mut u32 {
    #[cfg(cortex_m_dsp)]
    // SAFETY: as the caller promises.
    unsafe {
        super::dsp::widen(x, quads, to, pixels)
    }
    #[cfg(not(cortex_m_dsp))]
    {
        let mut to = to;
        for quad in 0..quads {
            // SAFETY: as the caller promises.
            unsafe {
                let v = x.add(4 * quad).cast::<u32>().read_unaligned();
                to.write(even_bytes(v));
                to.add(1).write(odd_bytes(v));
            }
            to = to.wrapping_add(QUAD * pixels);
        }
        to
    }
}

/// As [`widen`], for the same value everywhere.
///
/// # Safety
/// As for the writes of [`widen`].
#[cfg(not(cortex_m_helium))]
#[inline(never)]
pub(super) unsafe fn fill(v: i8, quads: usize, to: *mut u32, pixels: usize) -> *mut u32 {
    let word = u32::from(v as i16 as u16) * 0x0001_0001;
    let mut to = to;
    for _ in 0..quads {
        // SAFETY: as the caller promises.
        unsafe {
            to.write(word);
            to.add(1).write(word);
        }
        to = to.wrapping_add(QUAD * pixels);
    }
    to
}

/// Copies bytes: sixteen at a time with Helium, else four.
///
/// # Safety
/// `from` is readable and `to` writable for `count` bytes, which are not 0; they do not overlap.
#[cfg(cortex_m_helium)]
#[inline(always)]
pub(super) unsafe fn copy(from: *const i8, to: *mut i8, count: usize) {
    // SAFETY: as the caller promises.
    unsafe { super::helium::copy(from, to, count) };
}

/// Sets bytes.
///
/// # Safety
/// `to` is writable for `count` bytes, which are not 0.
#[inline(always)]
pub(super) unsafe fn fill_bytes(v: i8, to: *mut i8, count: usize) {
    #[cfg(cortex_m_helium)]
    // SAFETY: as the caller promises.
    unsafe {
        super::helium::fill(v.into(), to, count);
    }
    #[cfg(not(cortex_m_helium))]
    for i in 0..count {
        // SAFETY: as the caller promises. Volatile, so that the compiler does not make a call to memset of it.
        unsafe { to.add(i).write_volatile(v) };
    }
}

/// Copies bytes, four at a time.
///
/// # Safety
/// `from` is readable and `to` writable for `count` bytes; they do not overlap.
#[cfg(not(cortex_m_helium))]
#[inline(always)]
pub(super) unsafe fn copy(from: *const i8, to: *mut i8, count: usize) {
    // SAFETY: as the caller promises.
    unsafe {
        let mut i = 0;
        while i + 4 <= count {
            let word = from.add(i).cast::<u32>().read_unaligned();
            to.add(i).cast::<u32>().write_unaligned(word);
            i += 4;
        }
        while i < count {
            // Volatile, so that the compiler does not make a call to memcpy of it.
            to.add(i).write_volatile(from.add(i).read());
            i += 1;
        }
    }
}
