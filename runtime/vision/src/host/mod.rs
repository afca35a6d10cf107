//! For hosts: picture files, descriptions as TOML.

mod draw;
mod error;
mod picture;
mod toml_text;

pub use draw::{Canvas, Color, class_color};
pub use error::{FileError, FileErrorKind};
pub use picture::{MAX_DECODED_BYTES, MAX_PICTURE_SIDE, Picture, is_picture};
