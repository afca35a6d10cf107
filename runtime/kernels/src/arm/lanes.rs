//! Words as two 16-bit lanes, as the DSP extension sees them.

/// Bytes 0 and 2, sign-extended: SXTB16.
#[inline(always)]
pub(super) fn even_bytes(v: u32) -> u32 {
    #[cfg(cortex_m_dsp)]
    {
        let out: u32;
        // SAFETY: the target has the instruction.
        unsafe {
            core::arch::asm!("sxtb16 {0}, {1}", out(reg) out, in(reg) v, options(pure, nomem, nostack, preserves_flags));
        }
        out
    }
    #[cfg(not(cortex_m_dsp))]
    {
        let low = v as i8 as i16 as u16;
        let high = (v >> 16) as i8 as i16 as u16;
        u32::from(low) | u32::from(high) << 16
    }
}

/// Bytes 1 and 3, sign-extended: SXTB16 with a rotation.
#[inline(always)]
pub(super) fn odd_bytes(v: u32) -> u32 {
    #[cfg(cortex_m_dsp)]
    {
        let out: u32;
        // SAFETY: the target has the instruction.
        unsafe {
            core::arch::asm!("sxtb16 {0}, {1}, ror #8", out(reg) out, in(reg) v, options(pure, nomem, nostack, preserves_flags));
        }
        out
    }
    #[cfg(not(cortex_m_dsp))]
    even_bytes(v.rotate_right(8))
}

/// The low lanes of two words: PKHBT.
#[inline(always)]
pub(super) fn low_lanes(a: u32, b: u32) -> u32 {
    (a & 0xFFFF) | (b << 16)
}

/// The high lanes of two words: PKHTB.
#[inline(always)]
pub(super) fn high_lanes(a: u32, b: u32) -> u32 {
    (a >> 16) | (b & 0xFFFF_0000)
}

/// Sums of lanes, wrapping: SADD16.
#[inline(always)]
pub(super) fn add_lanes(a: u32, b: u32) -> u32 {
    #[cfg(cortex_m_dsp)]
    {
        let out: u32;
        // SAFETY: the target has the instruction. It writes the GE flags, which the compiler does not keep.
        unsafe {
            core::arch::asm!("sadd16 {0}, {1}, {2}", out(reg) out, in(reg) a, in(reg) b, options(pure, nomem, nostack));
        }
        out
    }
    #[cfg(not(cortex_m_dsp))]
    {
        let low = (a as u16).wrapping_add(b as u16);
        let high = ((a >> 16) as u16).wrapping_add((b >> 16) as u16);
        u32::from(low) | u32::from(high) << 16
    }
}

/// Both lanes as numbers.
#[inline(always)]
pub(super) fn lanes(v: u32) -> [i32; 2] {
    [i32::from(v as i16), (v as i32) >> 16]
}
