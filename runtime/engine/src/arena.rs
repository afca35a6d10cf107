//! Disjoint views of the one arena: the result of a step and up to two operands.

use core::ops::Range;

use redpoll_kernels::params::Source;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Where an operand is.
pub(crate) enum Operand<'p> {
    /// Bytes of the arena.
    Arena(Range<usize>),
    /// Constant bytes of the plan.
    Constant(&'p [u8]),
}

/// Why no views can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clash {
    /// A range ends outside the arena, or the bytes are no array of the element.
    Outside,
    /// The result covers a part of an operand.
    Overlap,
}

/// Elements that a kernel's views can hold.
pub(crate) trait Element: FromBytes + IntoBytes + Immutable + KnownLayout {}
impl<T: FromBytes + IntoBytes + Immutable + KnownLayout> Element for T {}

/// `bytes` as elements; fails when they are misaligned or end within an element.
pub(crate) fn cast<T: Element>(bytes: &[u8]) -> Result<&[T], Clash> {
    <[T]>::ref_from_bytes(bytes).map_err(|_| Clash::Outside)
}

/// As [`cast`], to write.
pub(crate) fn cast_mut<T: Element>(bytes: &mut [u8]) -> Result<&mut [T], Clash> {
    <[T]>::mut_from_bytes(bytes).map_err(|_| Clash::Outside)
}

/// `source` as elements.
pub(crate) fn cast_source<T: Element>(source: Source<'_, u8>) -> Result<Source<'_, T>, Clash> {
    Ok(match source {
        Source::Slice(bytes) => Source::Slice(cast(bytes)?),
        Source::InPlace => Source::InPlace,
    })
}

/// The result's bytes, and each operand's beside them. An operand of exactly the result's range is in place.
pub(crate) fn views<'a, const N: usize>(
    arena: &'a mut [u8],
    y: Range<usize>,
    operands: [Operand<'a>; N],
) -> Result<(&'a mut [u8], [Source<'a, u8>; N]), Clash> {
    let outside = Clash::Outside;
    let bytes = y.end.checked_sub(y.start).ok_or(outside)?;
    let (before, rest) = arena.split_at_mut_checked(y.start).ok_or(outside)?;
    let (result, after) = rest.split_at_mut_checked(bytes).ok_or(outside)?;
    let (before, after) = (&*before, &*after);
    let mut sources = [Source::InPlace; N];
    for (source, operand) in sources.iter_mut().zip(operands) {
        *source = match operand {
            Operand::Constant(bytes) => Source::Slice(bytes),
            Operand::Arena(x) if x == y => Source::InPlace,
            Operand::Arena(x) if x.end <= y.start => Source::Slice(before.get(x).ok_or(outside)?),
            Operand::Arena(x) if x.start >= y.end => {
                let x = x.start - y.end..x.end - y.end;
                Source::Slice(after.get(x).ok_or(outside)?)
            }
            Operand::Arena(_) => return Err(Clash::Overlap),
        };
    }
    Ok((result, sources))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes() -> [u8; 16] {
        core::array::from_fn(|i| i as u8)
    }

    #[test]
    fn operands_on_both_sides() {
        let mut arena = bytes();
        let (y, [a, b]) = views(
            &mut arena,
            4..8,
            [Operand::Arena(0..4), Operand::Arena(12..16)],
        )
        .unwrap();
        assert_eq!(y, [4, 5, 6, 7]);
        assert!(matches!(a, Source::Slice([0, 1, 2, 3])));
        assert!(matches!(b, Source::Slice([12, 13, 14, 15])));
    }

    #[test]
    fn same_range_is_in_place() {
        let mut arena = bytes();
        let (_, [a, b]) = views(
            &mut arena,
            4..8,
            [Operand::Arena(4..8), Operand::Constant(&[9])],
        )
        .unwrap();
        assert!(matches!(a, Source::InPlace));
        assert!(matches!(b, Source::Slice([9])));
    }

    #[test]
    fn partial_overlap_and_outside_are_errors() {
        let clash = |y, x| {
            views(&mut bytes(), y, [Operand::Arena(x)])
                .map(|_| ())
                .unwrap_err()
        };
        assert_eq!(clash(4..8, 6..10), Clash::Overlap);
        assert_eq!(clash(4..8, 0..5), Clash::Overlap);
        assert_eq!(clash(4..8, 0..16), Clash::Overlap);
        assert_eq!(clash(4..8, 12..17), Clash::Outside);
        assert_eq!(clash(4..17, 0..4), Clash::Outside);
        #[allow(clippy::reversed_empty_ranges)]
        let reversed = 8..4;
        assert_eq!(clash(reversed, 0..4), Clash::Outside);
        #[allow(clippy::reversed_empty_ranges)]
        let reversed = 14..12;
        assert_eq!(clash(4..8, reversed), Clash::Outside);
    }

    #[test]
    fn casts_need_whole_aligned_elements() {
        #[repr(align(64))]
        struct Aligned([u8; 16]);
        let aligned = Aligned(bytes());
        assert_eq!(cast::<f32>(&aligned.0).unwrap().len(), 4);
        assert_eq!(cast::<f32>(&aligned.0[..7]).unwrap_err(), Clash::Outside);
        assert_eq!(cast::<f32>(&aligned.0[1..5]).unwrap_err(), Clash::Outside);
        assert_eq!(cast::<i8>(&aligned.0[1..5]).unwrap().len(), 4);
    }
}
