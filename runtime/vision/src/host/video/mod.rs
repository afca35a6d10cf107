//! Frames of videos that need no codec: YUV4MPEG2, motion JPEG.

mod huffman;
mod motion_jpeg;
mod y4m;

pub(super) use huffman::with_tables;
pub use motion_jpeg::{MAX_JPEG_BYTES, MotionJpeg};
pub use y4m::Y4m;
