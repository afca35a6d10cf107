//! Motion JPEG: JPEG files one after the other, also with other bytes between them (multipart streams of network cameras).

use std::io::{BufRead, Read};

use crate::host::{FileError, FileErrorKind};

/// Most bytes of one JPEG of a stream.
pub const MAX_JPEG_BYTES: usize = 64 << 20;

/// Cuts a stream into JPEG files, which are not decoded. What lies between them is skipped.
///
/// A damaged one is an error of the kind [`FileErrorKind::Picture`] or [`FileErrorKind::TooLarge`], after which the next one follows;
/// [`FileErrorKind::Io`] is the last.
#[derive(Debug)]
pub struct MotionJpeg<R> {
    source: R,
    /// The start of a picture was read already.
    started: bool,
    over: bool,
}

/// Why a picture ends.
enum Broken {
    Io(std::io::Error),
    /// The stream ends.
    End,
    Damaged,
    TooLarge,
    /// Another picture begins inside.
    Restart,
}

impl From<std::io::Error> for Broken {
    fn from(e: std::io::Error) -> Self {
        Self::Io(e)
    }
}

/// Bytes that begin segments without a length: TEM and the restarts.
fn alone(code: u8) -> bool {
    code == 0x01 || (0xd0..=0xd7).contains(&code)
}

impl<R: BufRead> MotionJpeg<R> {
    /// Cuts `source`.
    pub fn new(source: R) -> Self {
        Self {
            source,
            started: false,
            over: false,
        }
    }

    fn byte(&mut self) -> Result<u8, Broken> {
        let mut byte = [0];
        match self.source.read_exact(&mut byte) {
            Ok(()) => Ok(byte[0]),
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => Err(Broken::End),
            Err(e) => Err(e.into()),
        }
    }

    /// Skips to behind the next start of a picture; false where the stream ends.
    fn skip(&mut self) -> Result<bool, Broken> {
        let mut last = 0;
        loop {
            match self.byte() {
                Ok(0xd8) if last == 0xff => return Ok(true),
                Ok(byte) => last = byte,
                Err(Broken::End) => return Ok(false),
                Err(e) => return Err(e),
            }
        }
    }

    /// The code of the segment that must begin here.
    fn code(&mut self, out: &mut Vec<u8>) -> Result<u8, Broken> {
        if self.byte()? != 0xff {
            return Err(Broken::Damaged);
        }
        out.push(0xff);
        loop {
            // Any number of 0xff may stand before the code.
            let code = self.byte()?;
            if code != 0xff {
                out.push(code);
                return Ok(code);
            }
        }
    }

    /// Compressed data up to the code that ends it.
    fn data(&mut self, out: &mut Vec<u8>) -> Result<u8, Broken> {
        loop {
            let before = out.len();
            let room = (MAX_JPEG_BYTES - before.min(MAX_JPEG_BYTES)) as u64;
            (&mut self.source).take(room).read_until(0xff, out)?;
            if out.last() != Some(&0xff) || out.len() == before {
                return Err(if out.len() >= MAX_JPEG_BYTES {
                    Broken::TooLarge
                } else {
                    Broken::End
                });
            }
            let mut code = self.byte()?;
            while code == 0xff {
                code = self.byte()?;
            }
            out.push(code);
            if code != 0 && !alone(code) {
                return Ok(code);
            }
        }
    }

    fn picture(&mut self) -> Result<Vec<u8>, Broken> {
        let mut out = vec![0xff, 0xd8];
        let mut code = self.code(&mut out)?;
        loop {
            match code {
                0xd9 => return Ok(out),
                0xd8 => return Err(Broken::Restart),
                0 => return Err(Broken::Damaged),
                _ if alone(code) => code = self.code(&mut out)?,
                _ => {
                    let length = [self.byte()?, self.byte()?];
                    out.extend(length);
                    let Some(rest) = u16::from_be_bytes(length).checked_sub(2) else {
                        return Err(Broken::Damaged);
                    };
                    let rest = u64::from(rest);
                    if (&mut self.source).take(rest).read_to_end(&mut out)? as u64 != rest {
                        return Err(Broken::End);
                    }
                    if out.len() > MAX_JPEG_BYTES {
                        return Err(Broken::TooLarge);
                    }
                    // A scan's data has no length: it goes on to the next code.
                    code = if code == 0xda {
                        self.data(&mut out)?
                    } else {
                        self.code(&mut out)?
                    };
                }
            }
        }
    }
}

impl<R: BufRead> Iterator for MotionJpeg<R> {
    type Item = Result<Vec<u8>, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let started = std::mem::take(&mut self.started);
        let found = if started { Ok(true) } else { self.skip() };
        let picture = match found {
            Ok(false) => {
                self.over = true;
                return None;
            }
            Ok(true) => self.picture(),
            Err(e) => Err(e),
        };
        Some(picture.map_err(|e| match e {
            Broken::Io(e) => {
                self.over = true;
                FileError::new(FileErrorKind::Io, e.to_string())
            }
            Broken::End => {
                self.over = true;
                FileError::new(
                    FileErrorKind::Picture,
                    "motion JPEG: ends inside of a picture",
                )
            }
            Broken::TooLarge => FileError::new(
                FileErrorKind::TooLarge,
                format!(
                    "motion JPEG: a picture of more than {} MiB",
                    MAX_JPEG_BYTES >> 20
                ),
            ),
            Broken::Damaged => {
                FileError::new(FileErrorKind::Picture, "motion JPEG: a damaged picture")
            }
            Broken::Restart => {
                self.started = true;
                FileError::new(
                    FileErrorKind::Picture,
                    "motion JPEG: a picture begins inside of another",
                )
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Picture;

    fn jpeg(value: u8) -> Vec<u8> {
        let picture = Picture::from_rgb(32, 24, vec![value; 32 * 24 * 3]).unwrap();
        picture.to_jpeg(80).unwrap()
    }

    fn cut(bytes: &[u8]) -> Vec<Result<Vec<u8>, FileErrorKind>> {
        MotionJpeg::new(bytes)
            .map(|item| item.map_err(|e| e.kind()))
            .collect()
    }

    #[test]
    fn pictures_are_cut_whatever_lies_between_them() {
        let (a, b) = (jpeg(10), jpeg(200));
        let plain = [&a[..], &b].concat();
        assert_eq!(cut(&plain), [Ok(a.clone()), Ok(b.clone())]);
        let parts = [
            b"--frame\r\nContent-Type: image/jpeg\r\n\r\n",
            &a[..],
            b"\r\n--frame\r\nX: \xff\xff\r\n\r\n",
            &b,
            b"\r\n--frame--\xff",
        ]
        .concat();
        assert_eq!(cut(&parts), [Ok(a.clone()), Ok(b.clone())]);
        // A thumbnail inside of a segment is no picture of its own.
        let mut outer = a[..2].to_vec();
        outer.extend([0xff, 0xe1]);
        outer.extend((b.len() as u16 + 2).to_be_bytes());
        outer.extend(&b);
        outer.extend(&a[2..]);
        assert_eq!(cut(&[&outer[..], &a].concat()), [Ok(outer), Ok(a)]);
        assert_eq!((cut(b""), cut(b"nothing here")), (vec![], vec![]));
    }

    #[test]
    fn damaged_ones_are_told_and_the_next_follows() {
        let (a, b) = (jpeg(10), jpeg(200));
        let half = &a[..a.len() / 2];
        let all = cut(&[half, &b, &a].concat());
        assert!(all.contains(&Ok(a.clone())), "{}", all.len());
        assert!(all.iter().any(Result::is_err));
        let restart = [&a[..2], &b].concat();
        assert_eq!(cut(&restart), [Err(FileErrorKind::Picture), Ok(b.clone())]);
        assert_eq!(cut(half), [Err(FileErrorKind::Picture)]);
        let short = [0xff, 0xd8, 0xff, 0xe0, 0, 1];
        assert_eq!(cut(&short), [Err(FileErrorKind::Picture)]);
        // A scan that never ends.
        let mut endless = vec![0xff, 0xd8, 0xff, 0xda, 0, 2];
        endless.resize(MAX_JPEG_BYTES + 100, 7);
        endless.extend(&a);
        assert_eq!(cut(&endless), [Err(FileErrorKind::TooLarge), Ok(a)]);
    }

    #[test]
    fn any_bytes_come_to_an_end() {
        let whole = [jpeg(10), jpeg(200)].concat();
        let mut state = 1u32;
        for _ in 0..2000 {
            let mut bytes = whole.clone();
            for _ in 0..4 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = (state >> 8) as usize % bytes.len();
                bytes[at] = state as u8;
            }
            for picture in MotionJpeg::new(&bytes[..]).flatten() {
                let _ = Picture::from_bytes(&picture);
            }
        }
    }
}
