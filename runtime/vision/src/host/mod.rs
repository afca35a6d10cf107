//! For hosts: picture files, videos without codecs, descriptions as TOML.

mod draw;
mod error;
mod picture;
mod toml_text;
mod video;

pub use draw::{Canvas, Color, class_color};
pub use error::{FileError, FileErrorKind};
pub use picture::{MAX_DECODED_BYTES, MAX_PICTURE_SIDE, Picture, is_picture};
pub use video::{MAX_JPEG_BYTES, MotionJpeg, Y4m};
