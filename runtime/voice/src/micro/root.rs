//! Square root to the nearest whole number.

/// The root of `x`, rounded, at most 2³² − 1 (2¹⁶ − 1 where `x` has 32 bits: the original takes those by a shorter way).
pub(super) fn root(x: u64) -> u32 {
    let largest = if x >> 32 == 0 { 0xffff } else { u32::MAX };
    let floor = x.isqrt();
    // Above floor · (floor + 1) the next number is nearer.
    if x - floor * floor > floor && floor != u64::from(largest) {
        floor as u32 + 1
    } else {
        floor as u32
    }
}

#[cfg(test)]
mod tests {
    use super::root;

    #[test]
    fn nearest_and_at_most_what_fits() {
        for (x, y) in [
            (0, 0),
            (1, 1),
            (2, 1),
            (3, 2),
            (6, 2),
            (7, 3),
            (1 << 40, 1 << 20),
        ] {
            assert_eq!(root(x), y);
        }
        assert_eq!(root(u64::from(u32::MAX)), 0xffff);
        assert_eq!(root(1 << 32), 0x1_0000);
        assert_eq!(root(u64::MAX), u32::MAX);
    }
}
