//! Natural logarithm in whole numbers, from a table of 128 pieces.

use super::bit_length;

/// Fixed-point bits of the base-2 logarithm.
const BITS: u32 = 16;
const PIECES: usize = 128;
/// Bits of the result.
const SHIFT: u32 = 6;
/// ln 2 in 16 bits.
const LN2: u64 = 45426;

/// `round(65536 · (log2(1 + i/128) − i/128))`: how far the logarithm lies above a line.
const ABOVE_LINE: [u16; PIECES + 1] = table();

/// The table, computed by the compiler: squaring `x` in 62 bits gives one bit of its logarithm after the other.
const fn table() -> [u16; PIECES + 1] {
    let mut out = [0; PIECES + 1];
    let mut i = 0;
    while i < PIECES {
        let one = 1u128 << 62;
        let mut x = one + ((i as u128) << 55);
        let mut log = 0u128;
        let mut bit = 0;
        while bit < 40 {
            x = (x * x) >> 62;
            log <<= 1;
            if x >= 2 * one {
                x >>= 1;
                log |= 1;
            }
            bit += 1;
        }
        let above = log - ((i as u128) << 33);
        out[i] = ((above + (1 << 23)) >> 24) as u16;
        i += 1;
    }
    out
}

/// `64 · ln(x)`, at most 65535; 0 for 0 and 1.
pub(super) fn scaled(x: u32) -> u16 {
    if x <= 1 {
        return 0;
    }
    let whole = bit_length(x) - 1;
    let rest = x - (1 << whole);
    let fraction = if whole < BITS {
        rest << (BITS - whole)
    } else {
        rest >> (whole - BITS)
    };
    let piece = (fraction >> 9) as usize;
    let (from, to) = (
        i32::from(ABOVE_LINE[piece]),
        i32::from(ABOVE_LINE[piece + 1]),
    );
    let along = fraction as i32 - 512 * piece as i32;
    // The arithmetic shift is by 16 where the pieces have 9 bits: so does the original.
    let above = from + (((to - from) * along) >> 16);
    let log2 = u64::from((whole << BITS) + fraction) + above as u64;
    let half = 1 << (BITS - 1);
    let ln = (LN2 * log2 + half) >> BITS;
    let scaled = ((ln << SHIFT) + half) >> BITS;
    scaled.min(0xffff) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_and_values() {
        assert_eq!(ABOVE_LINE[..4], [0, 224, 442, 654]);
        assert_eq!(ABOVE_LINE[PIECES], 0);
        for x in (2..200_000u32).chain([1 << 24, u32::MAX]) {
            let exact = 64.0 * f64::from(x).ln();
            assert!((f64::from(scaled(x)) - exact).abs() <= 0.9, "{x}");
        }
    }
}
