//! YUV4MPEG2: a line of text, then frames of bare pixels; what `ffmpeg -f yuv4mpegpipe` writes.

use std::io::{BufRead, Read};

use crate::host::{FileError, FileErrorKind, MAX_PICTURE_SIDE, Picture};
use crate::{Format, Matrix};

/// Most bytes of the first line, and of the line before a frame.
const MOST_LINE: u64 = 1024;

/// Frames of a YUV4MPEG2 stream, 8 bits, 4:2:0 or grey.
///
/// `XCOLORRANGE=FULL` means that all values are used; else Y goes from 16 to 235, as in video, but grey is taken as it is
/// unless `XCOLORRANGE=LIMITED` says so. Colour is that of the pixel's quarter; where exactly it was sampled is not looked at.
///
/// ```
/// use redpoll_vision::Y4m;
///
/// let stream = b"YUV4MPEG2 W2 H2 F25:1 C420jpeg\nFRAME\n\xeb\x10\x10\xeb\x80\x80";
/// let mut video = Y4m::open(&stream[..])?;
/// assert_eq!(video.frames_per_second(), Some(25.0));
/// let frame = video.next().unwrap()?;
/// assert_eq!(frame.frame().pixel(0, 0), Some([255; 3]));
/// assert!(video.next().is_none());
/// # Ok::<(), redpoll_vision::FileError>(())
/// ```
#[derive(Debug)]
pub struct Y4m<R> {
    source: R,
    width: u32,
    height: u32,
    format: Format,
    matrix: Matrix,
    /// Grey from 16 to 235.
    narrow_gray: bool,
    rate: Option<f64>,
    read: u64,
    over: bool,
}

fn refuse(text: impl Into<String>) -> FileError {
    FileError::new(FileErrorKind::Picture, text)
}

/// A line without its end; `None` where the stream is over.
fn line(source: &mut impl BufRead) -> Result<Option<String>, FileError> {
    let mut bytes = Vec::new();
    let read = source.take(MOST_LINE).read_until(b'\n', &mut bytes);
    read.map_err(|e| FileError::new(FileErrorKind::Io, e.to_string()))?;
    match bytes.pop() {
        None => Ok(None),
        Some(b'\n') => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Some(_) => Err(refuse(
            "no YUV4MPEG2 stream, or a damaged one: a line without end",
        )),
    }
}

impl<R: BufRead> Y4m<R> {
    /// Reads the first line.
    ///
    /// # Errors
    /// [`FileErrorKind::Picture`] for other streams and other pixels; [`FileErrorKind::TooLarge`]; [`FileErrorKind::Io`].
    pub fn open(mut source: R) -> Result<Self, FileError> {
        let first = line(&mut source)?.unwrap_or_default();
        let mut words = first.split(' ');
        if words.next() != Some("YUV4MPEG2") {
            return Err(refuse("no YUV4MPEG2 stream"));
        }
        let (mut width, mut height, mut rate, mut color, mut full) = (0, 0, None, "420", None);
        for word in words {
            let mut letters = word.chars();
            let (kind, value) = (letters.next(), letters.as_str());
            let side = || {
                let side = value.parse::<u32>();
                side.map_err(|_| refuse(format!("YUV4MPEG2: no size: {word:?}")))
            };
            match kind {
                Some('W') => width = side()?,
                Some('H') => height = side()?,
                Some('C') => color = value,
                Some('F') => {
                    let parts = value.split_once(':');
                    let parts = parts.and_then(|(n, d)| Some((n.parse().ok()?, d.parse().ok()?)));
                    rate = parts
                        .map(|(n, d): (u32, u32)| f64::from(n) / f64::from(d))
                        .filter(|r| r.is_finite() && *r > 0.0);
                }
                Some('X') if value.starts_with("COLORRANGE=") => {
                    full = Some(value.ends_with("=FULL"))
                }
                // Aspect, interlacing and comments change nothing here.
                _ => {}
            }
        }
        if width > MAX_PICTURE_SIDE || height > MAX_PICTURE_SIDE {
            return Err(FileError::new(
                FileErrorKind::TooLarge,
                format!(
                    "frames of {width}×{height}: up to {MAX_PICTURE_SIDE} pixels on a side are read"
                ),
            ));
        }
        if width == 0 || height == 0 {
            return Err(refuse("YUV4MPEG2: no width or no height"));
        }
        let format = match color {
            "420" | "420jpeg" | "420mpeg2" | "420paldv" => Format::I420,
            "mono" => Format::Gray,
            other => {
                return Err(refuse(format!(
                    "YUV4MPEG2 with pixels {other:?}; 4:2:0 and mono of 8 bits are read (ffmpeg: -pix_fmt yuv420p)"
                )));
            }
        };
        let matrix = if full == Some(true) {
            Matrix::Bt601Full
        } else {
            Matrix::Bt601
        };
        Ok(Self {
            source,
            width,
            height,
            format,
            matrix,
            narrow_gray: format == Format::Gray && full == Some(false),
            rate,
            read: 0,
            over: false,
        })
    }

    /// Width and height.
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// As the stream says; `None` where it does not.
    pub fn frames_per_second(&self) -> Option<f64> {
        self.rate
    }

    fn frame(&mut self) -> Result<Option<Picture>, FileError> {
        let Some(line) = line(&mut self.source)? else {
            return Ok(None);
        };
        if line.split(' ').next() != Some("FRAME") {
            return Err(refuse(format!(
                "YUV4MPEG2: after frame {} comes no frame",
                self.read
            )));
        }
        let (w, h) = (u64::from(self.width), u64::from(self.height));
        let bytes = match self.format {
            Format::Gray => w * h,
            _ => w * h + 2 * w.div_ceil(2) * h.div_ceil(2),
        };
        // Memory grows with what arrives, not with what the header claims.
        let mut pixels = Vec::new();
        let got = (&mut self.source).take(bytes).read_to_end(&mut pixels);
        got.map_err(|e| FileError::new(FileErrorKind::Io, e.to_string()))?;
        self.read += 1;
        if pixels.len() as u64 != bytes {
            return Err(refuse(format!(
                "YUV4MPEG2: ends inside of frame {}",
                self.read
            )));
        }
        if self.narrow_gray {
            for p in &mut pixels {
                *p = Matrix::Bt601.rgb(*p, 128, 128)[0];
            }
        }
        let size = (self.width, self.height);
        let picture = Picture::from_frame(self.format, self.matrix, size, 0, pixels);
        picture.map(Some).map_err(|e| refuse(e.to_string()))
    }
}

/// An error is the last item.
impl<R: BufRead> Iterator for Y4m<R> {
    type Item = Result<Picture, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let frame = self.frame().transpose();
        self.over = !matches!(frame, Some(Ok(_)));
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(text: &str) -> Result<Y4m<&[u8]>, FileError> {
        Y4m::open(text.as_bytes())
    }

    #[test]
    fn headers_say_what_is_read_and_what_not() {
        let video =
            open("YUV4MPEG2 W3 H5 F30000:1001 Ip A1:1 C420mpeg2 XYSCSS=420MPEG2\n").unwrap();
        assert_eq!((video.size(), video.format), ((3, 5), Format::I420));
        assert!((video.frames_per_second().unwrap() - 29.97).abs() < 0.001);
        assert_eq!(
            open("YUV4MPEG2 W3 H5 F0:0\n").unwrap().frames_per_second(),
            None
        );
        for (text, kind, part) in [
            ("", FileErrorKind::Picture, "no YUV4MPEG2"),
            ("YUV4MPEG W3 H5\n", FileErrorKind::Picture, "no YUV4MPEG2"),
            ("YUV4MPEG2 W3 H5", FileErrorKind::Picture, "without end"),
            ("YUV4MPEG2 W3\n", FileErrorKind::Picture, "no height"),
            ("YUV4MPEG2 W-3 H5\n", FileErrorKind::Picture, "W-3"),
            (
                "YUV4MPEG2 W99999999999 H5\n",
                FileErrorKind::Picture,
                "W999",
            ),
            ("YUV4MPEG2 W20000 H5\n", FileErrorKind::TooLarge, "16384"),
            (
                "YUV4MPEG2 W3 H5 C422\n",
                FileErrorKind::Picture,
                "-pix_fmt yuv420p",
            ),
            (
                "YUV4MPEG2 W3 H5 C420p10\n",
                FileErrorKind::Picture,
                "420p10",
            ),
        ] {
            let e = open(text).unwrap_err();
            assert_eq!(e.kind(), kind, "{text}: {e}");
            assert!(e.to_string().contains(part), "{text}: {e}");
        }
        let endless = format!("YUV4MPEG2 {}", "X".repeat(100_000));
        assert!(
            open(&endless)
                .unwrap_err()
                .to_string()
                .contains("without end")
        );
    }

    #[test]
    fn frames_end_with_the_stream_or_with_an_error() {
        let odd = "YUV4MPEG2 W3 H1 Cmono XCOLORRANGE=LIMITED\nFRAME\n\u{10}A\u{7f}FRAME Ixyz\nabc";
        let frames: Vec<_> = open(odd).unwrap().collect::<Result<_, _>>().unwrap();
        assert_eq!(frames.len(), 2);
        assert_eq!(frames[0].pixels(), [0, 57, 129]);
        for (text, part) in [
            ("FRAME\n123", "inside of frame 1"),
            ("FRAME\n123456789FRAM", "without end"),
            ("FRAME\n123456789HELLO\n", "after frame 1"),
        ] {
            // 3×2 of 4:2:0 is 6 bytes of Y, 2 of U, 2 of V; the last of which is missing above.
            let whole = format!("YUV4MPEG2 W3 H2\n{}", text.replace("9", "90"));
            let all: Vec<_> = open(&whole).unwrap().collect();
            let e = all.last().unwrap().as_ref().unwrap_err();
            assert!(e.to_string().contains(part), "{text}: {e}");
        }
    }
}
