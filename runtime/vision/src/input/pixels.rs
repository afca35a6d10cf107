//! Frames: bytes as cameras, decoders and screens give them, read a row at a time.

use super::Orientation;
use crate::VisionError;

/// Most pixels on a side of a frame.
pub const MAX_SIDE: u32 = 65_535;

/// How bytes make pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Three bytes a pixel: red, green, blue.
    Rgb,
    /// Three bytes a pixel: blue, green, red.
    Bgr,
    /// Four bytes a pixel, the last (opacity) left out.
    Rgba,
    /// Four bytes a pixel: blue, green, red and one left out.
    Bgra,
    /// One byte a pixel.
    Gray,
    /// A plane of Y, then a plane of U and V in turn, a pair for 2×2 pixels.
    Nv12,
    /// A plane of Y, then one of U, then one of V, each a quarter; their rows are half as far apart as those of Y.
    I420,
    /// Y U Y V for two pixels of a row.
    Yuyv,
}

/// How Y, U and V make red, green and blue. Integers of 20 bits behind the point, so every target gives the same bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Matrix {
    /// ITU-R BT.601, Y from 16 to 235: most cameras; the bytes of OpenCV's `cvtColor`.
    #[default]
    Bt601,
    /// ITU-R BT.601, all values from 0 to 255: JPEG, MJPEG cameras.
    Bt601Full,
    /// ITU-R BT.709, Y from 16 to 235: HD video.
    Bt709,
}

impl Matrix {
    /// Offset of Y; then what Y gives to all, V to red, U and V to green, U to blue, times 2²⁰.
    fn constants(self) -> (i32, [i32; 5]) {
        match self {
            Self::Bt601 => (16, [1_220_542, 1_673_527, -409_993, -852_492, 2_116_026]),
            Self::Bt601Full => (0, [1 << 20, 1_470_104, -360_853, -748_826, 1_858_077]),
            Self::Bt709 => (16, [1_220_945, 1_879_825, -223_608, -558_795, 2_215_014]),
        }
    }

    pub(crate) fn rgb(self, y: u8, u: u8, v: u8) -> [u8; 3] {
        let (offset, [cy, rv, gu, gv, bu]) = self.constants();
        let y = (i32::from(y) - offset).max(0) * cy + (1 << 19);
        let (u, v) = (i32::from(u) - 128, i32::from(v) - 128);
        [y + rv * v, y + gu * u + gv * v, y + bu * u].map(|c| (c >> 20).clamp(0, 255) as u8)
    }
}

/// The grey of a pixel by ITU-R BT.601, rounded, as Pillow's mode L.
pub fn luma([r, g, b]: [u8; 3]) -> u8 {
    ((u32::from(r) * 19_595 + u32::from(g) * 38_470 + u32::from(b) * 7_471 + 0x8000) >> 16) as u8
}

/// Pixels in memory, borrowed, and how they are to be turned.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    data: &'a [u8],
    format: Format,
    width: u32,
    height: u32,
    stride: usize,
    matrix: Matrix,
    orientation: Orientation,
}

impl Format {
    /// Bytes of a row of the first plane without a gap.
    pub(crate) fn row(self, width: u32) -> usize {
        let w = width as usize;
        match self {
            Self::Rgb | Self::Bgr => w.saturating_mul(3),
            Self::Rgba | Self::Bgra => w.saturating_mul(4),
            Self::Gray | Self::I420 => w,
            Self::Nv12 => w.saturating_add(w % 2),
            Self::Yuyv => w.div_ceil(2).saturating_mul(4),
        }
    }
}

impl<'a> Frame<'a> {
    /// A frame of `width` × `height` pixels as stored, rows one after the other without gaps.
    ///
    /// # Errors
    /// [`VisionError::FrameSize`]; [`VisionError::FrameBytes`] when there are fewer bytes than that.
    pub fn new(
        format: Format,
        width: u32,
        height: u32,
        data: &'a [u8],
    ) -> Result<Self, VisionError> {
        Self::with_stride(format, width, height, format.row(width), data)
    }

    /// As [`Frame::with_stride`], of data that it took before.
    #[cfg(feature = "std")]
    pub(crate) fn known(
        format: Format,
        (width, height): (u32, u32),
        stride: usize,
        data: &'a [u8],
    ) -> Self {
        Self {
            data,
            format,
            width,
            height,
            stride,
            matrix: Matrix::default(),
            orientation: Orientation::default(),
        }
    }

    /// A frame whose rows begin `stride` bytes apart (in the first plane).
    ///
    /// # Errors
    /// As [`Frame::new`].
    pub fn with_stride(
        format: Format,
        width: u32,
        height: u32,
        stride: usize,
        data: &'a [u8],
    ) -> Result<Self, VisionError> {
        let sides = 1..=MAX_SIDE;
        if !sides.contains(&width) || !sides.contains(&height) {
            return Err(VisionError::FrameSize);
        }
        let (w, h) = (width as usize, height as usize);
        let row = format.row(width);
        if stride < row {
            return Err(VisionError::FrameSize);
        }
        let rows =
            |stride: usize, n: usize, last: usize| (n - 1).checked_mul(stride)?.checked_add(last);
        let half = h.div_ceil(2);
        let needed = match format {
            Format::Nv12 => stride.checked_mul(h).zip(rows(stride, half, row)),
            Format::I420 => {
                let quarter = stride.div_ceil(2);
                let chroma = rows(quarter, 2 * half, w.div_ceil(2));
                stride.checked_mul(h).zip(chroma)
            }
            _ => Some(0).zip(rows(stride, h, row)),
        };
        let needed = needed
            .and_then(|(a, b)| a.checked_add(b))
            .ok_or(VisionError::FrameSize)?;
        if data.len() < needed {
            return Err(VisionError::FrameBytes {
                needed,
                got: data.len(),
            });
        }
        Ok(Self {
            data,
            format,
            width,
            height,
            stride,
            matrix: Matrix::default(),
            orientation: Orientation::default(),
        })
    }

    /// The same with another matrix for Y, U and V.
    pub fn with_matrix(self, matrix: Matrix) -> Self {
        Self { matrix, ..self }
    }

    /// The same, to be seen turned.
    pub fn with_orientation(self, orientation: Orientation) -> Self {
        Self {
            orientation,
            ..self
        }
    }

    /// Pixels in a row, after turning.
    pub fn width(&self) -> u32 {
        if self.orientation.swaps_sides() {
            self.height
        } else {
            self.width
        }
    }

    /// Rows, after turning.
    pub fn height(&self) -> u32 {
        if self.orientation.swaps_sides() {
            self.width
        } else {
            self.height
        }
    }

    /// The pixel at stored column `x` of stored row `y`; both inside.
    fn stored(&self, x: usize, y: usize) -> [u8; 3] {
        let d = self.data;
        let (half_x, half_y) = (x / 2, y / 2);
        match self.format {
            Format::Rgb => {
                let at = y * self.stride + x * 3;
                [d[at], d[at + 1], d[at + 2]]
            }
            Format::Bgr => {
                let at = y * self.stride + x * 3;
                [d[at + 2], d[at + 1], d[at]]
            }
            Format::Rgba => {
                let at = y * self.stride + x * 4;
                [d[at], d[at + 1], d[at + 2]]
            }
            Format::Bgra => {
                let at = y * self.stride + x * 4;
                [d[at + 2], d[at + 1], d[at]]
            }
            Format::Gray => [d[y * self.stride + x]; 3],
            Format::Nv12 => {
                let chroma = self.stride * (self.height as usize + half_y) + half_x * 2;
                self.matrix
                    .rgb(d[y * self.stride + x], d[chroma], d[chroma + 1])
            }
            Format::I420 => {
                let quarter = self.stride.div_ceil(2);
                let plane = (self.height as usize).div_ceil(2) * quarter;
                let u = self.stride * self.height as usize + half_y * quarter + half_x;
                self.matrix.rgb(d[y * self.stride + x], d[u], d[u + plane])
            }
            Format::Yuyv => {
                let pair = y * self.stride + half_x * 4;
                self.matrix
                    .rgb(d[pair + (x % 2) * 2], d[pair + 1], d[pair + 3])
            }
        }
    }

    /// The pixel at column `x` of row `y`, after turning, in red, green and blue; `None` outside.
    pub fn pixel(&self, x: u32, y: u32) -> Option<[u8; 3]> {
        let inside = x < self.width() && y < self.height();
        inside.then(|| {
            let (x, y) = self.orientation.stored(x, y, (self.width, self.height));
            self.stored(x as usize, y as usize)
        })
    }

    /// Pixels from column `x` of row `y` on, after turning: with three channels red, green and blue, with one grey.
    pub(crate) fn read_row(&self, x: u32, y: u32, channels: usize, out: &mut [u8]) {
        let upright = self.orientation == Orientation::default();
        let (x0, y0) = (x as usize, y as usize);
        if upright && self.format == Format::Rgb && channels == 3 {
            let at = y0 * self.stride + x0 * 3;
            out.copy_from_slice(&self.data[at..at + out.len()]);
        } else if upright && self.format == Format::Gray && channels == 1 {
            let at = y0 * self.stride + x0;
            out.copy_from_slice(&self.data[at..at + out.len()]);
        } else {
            for (i, pixel) in out.chunks_exact_mut(channels).enumerate() {
                let at = (x + i as u32, y);
                let (sx, sy) = self
                    .orientation
                    .stored(at.0, at.1, (self.width, self.height));
                let rgb = self.stored(sx as usize, sy as usize);
                match pixel {
                    [one] if self.format == Format::Gray => *one = rgb[0],
                    [one] => *one = luma(rgb),
                    _ => pixel.copy_from_slice(&rgb),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_picture_in_every_rgb_format() {
        let rgb = [10, 20, 30, 40, 50, 60];
        let bgr = [30, 20, 10, 60, 50, 40];
        let rgba = [10, 20, 30, 0, 40, 50, 60, 9];
        let bgra = [30, 20, 10, 0, 60, 50, 40, 9];
        for (format, data) in [
            (Format::Rgb, &rgb[..]),
            (Format::Bgr, &bgr),
            (Format::Rgba, &rgba),
            (Format::Bgra, &bgra),
        ] {
            let frame = Frame::new(format, 2, 1, data).unwrap();
            assert_eq!(frame.pixel(0, 0), Some([10, 20, 30]), "{format:?}");
            assert_eq!(frame.pixel(1, 0), Some([40, 50, 60]), "{format:?}");
            assert_eq!((frame.pixel(2, 0), frame.pixel(0, 1)), (None, None));
        }
    }

    #[test]
    fn sizes_are_checked_before_pixels_are_read() {
        let bytes = [0; 64];
        for format in [
            Format::Rgb,
            Format::Bgra,
            Format::Gray,
            Format::Nv12,
            Format::I420,
            Format::Yuyv,
        ] {
            for (w, h) in [(1, 1), (3, 3), (4, 2), (5, 3)] {
                let needed = match Frame::new(format, w, h, &[]) {
                    Err(VisionError::FrameBytes { needed, got: 0 }) => needed,
                    other => panic!("{other:?}"),
                };
                assert!(Frame::new(format, w, h, &bytes[..needed - 1]).is_err());
                let frame = Frame::new(format, w, h, &bytes[..needed]).unwrap();
                // The last byte is needed, and none behind it.
                for y in 0..h {
                    for x in 0..w {
                        frame.pixel(x, y).unwrap();
                    }
                }
            }
            for (w, h) in [(0, 1), (1, 0), (u32::MAX, u32::MAX), (MAX_SIDE + 1, 1)] {
                assert!(matches!(
                    Frame::new(format, w, h, &bytes),
                    Err(VisionError::FrameSize)
                ));
            }
            assert!(Frame::with_stride(format, 4, 4, 3, &bytes).is_err());
            assert!(Frame::with_stride(format, 4, 4, usize::MAX, &bytes).is_err());
        }
    }
}
