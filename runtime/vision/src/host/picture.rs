//! Pictures from files: JPEG, PNG, BMP, turned as their EXIF says; limits before memory is taken.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Seek};
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageError, ImageReader, Limits};

use super::{FileError, FileErrorKind};
use crate::{Format, Frame, Matrix, Orientation, VisionError};

/// Most pixels on a side of a picture that is read.
pub const MAX_PICTURE_SIDE: u32 = 16_384;
/// Most memory that one picture may take while it is decoded, bytes.
pub const MAX_DECODED_BYTES: u64 = 512 << 20;

/// A picture in memory that it owns. From files: RGB or grey, 8 bits, as stored; [`Picture::frame`] is turned as it is to be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    pixels: Vec<u8>,
    format: Format,
    width: u32,
    height: u32,
    stride: usize,
    matrix: Matrix,
    orientation: Orientation,
}

/// True when the name ends as that of a picture: jpg, jpeg, png, bmp.
pub fn is_picture(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
    let extension = extension.to_ascii_lowercase();
    matches!(extension.as_str(), "jpg" | "jpeg" | "png" | "bmp")
}

fn refuse(e: &ImageError) -> FileError {
    match e {
        ImageError::IoError(e) if e.kind() != std::io::ErrorKind::UnexpectedEof => {
            FileError::new(FileErrorKind::Io, e.to_string())
        }
        ImageError::Limits(e) => FileError::new(
            FileErrorKind::TooLarge,
            format!(
                "{e}: pictures of up to {MAX_PICTURE_SIDE} pixels on a side and {} MiB are read",
                MAX_DECODED_BYTES >> 20
            ),
        ),
        ImageError::Unsupported(_) => FileError::new(
            FileErrorKind::Picture,
            format!("{e}; JPEG, PNG and BMP are read"),
        ),
        _ => FileError::new(
            FileErrorKind::Picture,
            format!("no picture, or a damaged one: {e}"),
        ),
    }
}

impl Picture {
    /// Pixels that a program made: `width` × `height` × 3 bytes of red, green and blue; `None` for other lengths.
    pub fn from_rgb(width: u32, height: u32, pixels: Vec<u8>) -> Option<Self> {
        let bytes = u64::from(width) * u64::from(height) * 3;
        let fits = Frame::new(Format::Rgb, width, height, &pixels).is_ok();
        (fits && pixels.len() as u64 == bytes)
            .then(|| Self::packed(Format::Rgb, width, height, pixels))
    }

    /// A picture of bytes that are known to fit, rows without gaps.
    fn packed(format: Format, width: u32, height: u32, pixels: Vec<u8>) -> Self {
        Self {
            pixels,
            format,
            width,
            height,
            stride: format.row(width),
            matrix: Matrix::default(),
            orientation: Orientation::Upright,
        }
    }

    /// A frame of a camera or a video: rows of `format` that begin `stride` bytes apart, 0 for no gaps.
    ///
    /// # Errors
    /// As [`Frame::with_stride`].
    pub fn from_frame(
        format: Format,
        matrix: Matrix,
        (width, height): (u32, u32),
        stride: usize,
        pixels: Vec<u8>,
    ) -> Result<Self, VisionError> {
        let packed = format.row(width);
        let stride = if stride == 0 { packed } else { stride };
        Frame::with_stride(format, width, height, stride, &pixels)?;
        let picture = Self::packed(format, width, height, pixels);
        Ok(Self {
            stride,
            matrix,
            ..picture
        })
    }

    /// Reads a file; the bytes, not the name, say what kind it is.
    ///
    /// # Errors
    /// [`FileErrorKind::Io`], [`FileErrorKind::Picture`], [`FileErrorKind::TooLarge`].
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let file = File::open(path)
            .map_err(|e| FileError::new(FileErrorKind::Io, e.to_string()).at(path))?;
        Self::read(BufReader::new(file)).map_err(|e| e.at(path))
    }

    /// Decodes a file's bytes.
    ///
    /// # Errors
    /// As [`Picture::open`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FileError> {
        Self::read(Cursor::new(bytes))
    }

    /// Decodes a frame of motion JPEG, which may lack the Huffman tables: then they are the standard's.
    ///
    /// # Errors
    /// As [`Picture::open`].
    pub fn from_jpeg_frame(bytes: Vec<u8>) -> Result<Self, FileError> {
        Self::from_bytes(&super::video::with_tables(bytes))
    }

    fn read(source: impl BufRead + Seek) -> Result<Self, FileError> {
        let reader = ImageReader::new(source)
            .with_guessed_format()
            .map_err(|e| FileError::new(FileErrorKind::Io, e.to_string()))?;
        let mut reader = reader;
        let mut limits = Limits::default();
        limits.max_image_width = Some(MAX_PICTURE_SIDE);
        limits.max_image_height = Some(MAX_PICTURE_SIDE);
        limits.max_alloc = Some(MAX_DECODED_BYTES);
        reader.limits(limits.clone());
        let mut decoder = reader.into_decoder().map_err(|e| refuse(&e))?;
        // A picture whose EXIF is damaged is still a picture.
        let orientation = decoder
            .orientation()
            .map_or(1, image::metadata::Orientation::to_exif);
        // The decoder's own limit is on its work; the pixels are ours.
        limits
            .reserve(decoder.total_bytes())
            .map_err(|e| refuse(&e))?;
        let image = DynamicImage::from_decoder(decoder).map_err(|e| refuse(&e))?;
        let (width, height) = (image.width(), image.height());
        let (format, pixels) = match image {
            DynamicImage::ImageLuma8(gray) => (Format::Gray, gray.into_raw()),
            other => (Format::Rgb, other.into_rgb8().into_raw()),
        };
        let picture = Self {
            orientation: Orientation::from_exif(orientation).unwrap_or_default(),
            ..Self::packed(format, width, height, pixels)
        };
        let fits = Frame::new(format, width, height, &picture.pixels);
        fits.map_err(|e| FileError::new(FileErrorKind::Picture, e.to_string()))?;
        Ok(picture)
    }

    /// Width, as it is to be seen.
    pub fn width(&self) -> u32 {
        self.frame().width()
    }

    /// Height, as it is to be seen.
    pub fn height(&self) -> u32 {
        self.frame().height()
    }

    /// The pixels as a frame.
    pub fn frame(&self) -> Frame<'_> {
        // Checked when the picture was made; nothing changes the number of its pixels.
        Frame::known(
            self.format,
            (self.width, self.height),
            self.stride,
            &self.pixels,
        )
        .with_matrix(self.matrix)
        .with_orientation(self.orientation)
    }

    /// The same picture stored upright in red, green and blue.
    pub fn to_rgb(&self) -> Self {
        let frame = self.frame();
        let (width, height) = (frame.width(), frame.height());
        let mut pixels = vec![0; width as usize * height as usize * 3];
        for (y, row) in pixels.chunks_exact_mut(width as usize * 3).enumerate() {
            frame.read_row(0, y as u32, 3, row);
        }
        Self::packed(Format::Rgb, width, height, pixels)
    }

    /// The bytes as stored.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The bytes as stored, to be changed.
    pub fn pixels_mut(&mut self) -> &mut [u8] {
        &mut self.pixels
    }

    fn encoded(&self) -> DynamicImage {
        let rgb = self.to_rgb();
        let image = image::RgbImage::from_raw(rgb.width, rgb.height, rgb.pixels);
        DynamicImage::ImageRgb8(image.unwrap_or_default())
    }

    /// Writes a file; the name's ending (png, jpg, bmp) says which kind.
    ///
    /// # Errors
    /// [`FileErrorKind::Io`], also for other endings.
    pub fn save(&self, path: &Path) -> Result<(), FileError> {
        let saved = self.encoded().save(path);
        saved.map_err(|e| FileError::new(FileErrorKind::Io, e.to_string()).at(path))
    }

    /// The picture as the bytes of a JPEG file of `quality` 1 to 100.
    ///
    /// # Errors
    /// [`FileErrorKind::Picture`] for sides that JPEG does not have.
    pub fn to_jpeg(&self, quality: u8) -> Result<Vec<u8>, FileError> {
        let mut bytes = Vec::new();
        let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality);
        let written = self.encoded().write_with_encoder(encoder);
        written.map_err(|e| FileError::new(FileErrorKind::Picture, e.to_string()))?;
        Ok(bytes)
    }
}
