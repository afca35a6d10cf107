//! Cameras on Linux through Video4Linux 2.

use std::path::Path;

use anyhow::{Result, bail};

use super::source::Frames;
use crate::exit::Usage;

/// Frames of the camera at `path`.
#[cfg(not(all(target_os = "linux", feature = "camera")))]
pub fn open(path: &Path) -> Result<Frames> {
    bail!(Usage(format!(
        "{}: this redpoll was built without cameras (Linux, cargo feature camera); pipe frames in: ffmpeg … -f yuv4mpegpipe - | redpoll see -",
        path.display()
    )))
}

#[cfg(all(target_os = "linux", feature = "camera"))]
pub use linux::open;

#[cfg(all(target_os = "linux", feature = "camera"))]
mod linux {
    use anyhow::Context;
    use linuxvideo::format::{PixFormat, PixelFormat};
    use linuxvideo::stream::ReadStream;
    use linuxvideo::{BufType, Device};
    use redpoll_vision::{FileError, FileErrorKind, Format, Matrix, Picture};

    use super::{Frames, Path, Result, Usage, bail};
    use crate::see::source::Raw;

    /// Size that cameras are asked for; they give the nearest that they have.
    const SIZE: (u32, u32) = (640, 480);

    /// What is taken, the best first: bare pixels, which need no decoding, then JPEG.
    const FORMATS: [(&[u8; 4], Option<Format>); 8] = [
        (b"YUYV", Some(Format::Yuyv)),
        (b"NV12", Some(Format::Nv12)),
        (b"YU12", Some(Format::I420)),
        (b"RGB3", Some(Format::Rgb)),
        (b"BGR3", Some(Format::Bgr)),
        (b"GREY", Some(Format::Gray)),
        (b"MJPG", None),
        (b"JPEG", None),
    ];

    /// What the driver said of its frames.
    #[derive(Clone, Copy)]
    struct Layout {
        format: Option<Format>,
        size: (u32, u32),
        stride: usize,
    }

    impl Layout {
        fn of(fourcc: [u8; 4], size: (u32, u32), stride: u32) -> Option<Self> {
            let format = FORMATS.iter().find(|(name, _)| **name == fourcc)?.1;
            let stride = stride as usize;
            Some(Self {
                format,
                size,
                stride,
            })
        }

        /// A frame of these bytes.
        fn frame(&self, bytes: &[u8]) -> Result<Raw, FileError> {
            let Some(format) = self.format else {
                return Ok(Raw::Jpeg(bytes.to_vec()));
            };
            let pixels = bytes.to_vec();
            let picture =
                Picture::from_frame(format, Matrix::Bt601, self.size, self.stride, pixels);
            picture
                .map(Raw::Pixels)
                .map_err(|e| FileError::new(FileErrorKind::Picture, e.to_string()))
        }
    }

    struct Camera {
        stream: ReadStream,
        layout: Layout,
        over: bool,
    }

    impl Iterator for Camera {
        type Item = Result<Raw, FileError>;

        fn next(&mut self) -> Option<Self::Item> {
            if self.over {
                return None;
            }
            let layout = self.layout;
            let taken = self.stream.dequeue(|view| {
                Ok(if view.is_error() {
                    let text = "the camera says that the frame is damaged";
                    Err(FileError::new(FileErrorKind::Picture, text))
                } else {
                    layout.frame(&view)
                })
            });
            Some(taken.unwrap_or_else(|e| {
                self.over = true;
                Err(FileError::new(FileErrorKind::Io, e.to_string()))
            }))
        }
    }

    /// Frames of the camera at `path`.
    pub fn open(path: &Path) -> Result<Frames> {
        let name = path.display();
        let device = Device::open(path).with_context(|| format!("{name}: no camera"))?;
        let offered: Vec<_> = device
            .formats(BufType::VIDEO_CAPTURE)
            .filter_map(|format| Some(format.ok()?.pixel_format()))
            .collect();
        let has = |name: &[u8; 4]| offered.contains(&PixelFormat::from_fourcc(*name));
        let Some((fourcc, _)) = FORMATS.iter().find(|(name, _)| has(name)) else {
            let offered: Vec<_> = offered.iter().map(ToString::to_string).collect();
            bail!(Usage(format!(
                "{name}: expected a camera that gives YUYV, NV12, YU12, RGB3, BGR3, GREY or MJPG; found {}",
                if offered.is_empty() {
                    "none".to_owned()
                } else {
                    offered.join(", ")
                }
            )));
        };
        let wanted = PixFormat::new(SIZE.0, SIZE.1, PixelFormat::from_fourcc(**fourcc));
        let camera = device
            .video_capture(wanted)
            .with_context(|| format!("{name}: it does not take a format"))?;
        let given = camera.format();
        let fourcc = given.pixel_format().as_fourcc();
        let size = (given.width(), given.height());
        let Some(layout) = Layout::of(fourcc, size, given.bytes_per_line()) else {
            bail!(Usage(format!(
                "{name}: it gives {} against its word",
                given.pixel_format()
            )));
        };
        let stream = camera.into_stream().with_context(|| {
            format!("{name}: it gives no frames (is another program using it?)")
        })?;
        Ok(Box::new(Camera {
            stream,
            layout,
            over: false,
        }))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn pixel(raw: Raw, x: u32, y: u32) -> Option<[u8; 3]> {
            raw.decode().ok()?.frame().pixel(x, y)
        }

        #[test]
        fn frames_of_drivers_become_pictures() {
            // Two lines of YUYV with a gap of four bytes behind each.
            let layout = Layout::of(*b"YUYV", (2, 2), 8).unwrap();
            let bytes = [235, 128, 16, 128, 9, 9, 9, 9, 16, 128, 235, 128, 9, 9, 9, 9];
            let white = |x, y| pixel(layout.frame(&bytes).unwrap(), x, y);
            assert_eq!((white(0, 0), white(1, 0)), (Some([255; 3]), Some([0; 3])));
            assert_eq!((white(0, 1), white(1, 1)), (Some([0; 3]), Some([255; 3])));
            // Drivers may leave the last gap out, and say 0 for none; a frame that is cut off is an error.
            assert!(layout.frame(&bytes[..12]).is_ok());
            assert!(layout.frame(&bytes[..11]).is_err());
            let gray = Layout::of(*b"GREY", (3, 1), 0).unwrap();
            assert_eq!(pixel(gray.frame(&[1, 2, 3]).unwrap(), 2, 0), Some([3; 3]));
            assert!(Layout::of(*b"H264", (2, 2), 0).is_none());
            let huge = Layout::of(*b"RGB3", (u32::MAX, u32::MAX), u32::MAX).unwrap();
            assert!(huge.frame(&bytes).is_err());
        }

        #[test]
        fn jpegs_are_decoded_later() {
            let picture = Picture::from_rgb(16, 8, vec![200; 16 * 8 * 3]).unwrap();
            let bytes = picture.to_jpeg(90).unwrap();
            let layout = Layout::of(*b"MJPG", (16, 8), 0).unwrap();
            assert_eq!(pixel(layout.frame(&bytes).unwrap(), 7, 7), Some([200; 3]));
            assert!(layout.frame(b"no picture").unwrap().decode().is_err());
        }

        #[test]
        fn what_is_no_camera_is_said() {
            for path in ["/dev/video77", "/dev/null"] {
                let e = open(Path::new(path)).map(|_| ()).unwrap_err();
                assert!(
                    format!("{e:#}").contains(&format!("{path}: no camera")),
                    "{e:#}"
                );
            }
        }
    }
}
