//! Orientation: the eight ways that EXIF knows of how stored pixels are to be seen.

/// How a picture is turned before it is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Orientation {
    /// As stored (EXIF 1).
    #[default]
    Upright,
    /// Left and right exchanged (EXIF 2).
    Mirrored,
    /// Half a turn (EXIF 3).
    HalfTurn,
    /// Top and bottom exchanged (EXIF 4).
    Flipped,
    /// Rows become columns (EXIF 5).
    Transposed,
    /// A quarter turn clockwise (EXIF 6).
    Clockwise,
    /// Mirrored at the other diagonal (EXIF 7).
    Transverse,
    /// A quarter turn counter-clockwise (EXIF 8).
    CounterClockwise,
}

impl Orientation {
    /// The one with EXIF's number, 1 to 8.
    pub fn from_exif(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Upright,
            2 => Self::Mirrored,
            3 => Self::HalfTurn,
            4 => Self::Flipped,
            5 => Self::Transposed,
            6 => Self::Clockwise,
            7 => Self::Transverse,
            8 => Self::CounterClockwise,
            _ => return None,
        })
    }

    /// True when width and height exchange.
    pub fn swaps_sides(self) -> bool {
        matches!(
            self,
            Self::Transposed | Self::Clockwise | Self::Transverse | Self::CounterClockwise
        )
    }

    /// Where the pixel that is seen at (`x`, `y`) is stored; `stored` are width and height as stored.
    pub(super) fn stored(self, x: u32, y: u32, stored: (u32, u32)) -> (u32, u32) {
        let (right, bottom) = (stored.0 - 1, stored.1 - 1);
        match self {
            Self::Upright => (x, y),
            Self::Mirrored => (right - x, y),
            Self::HalfTurn => (right - x, bottom - y),
            Self::Flipped => (x, bottom - y),
            Self::Transposed => (y, x),
            Self::Clockwise => (y, bottom - x),
            Self::Transverse => (right - y, bottom - x),
            Self::CounterClockwise => (right - y, x),
        }
    }
}
