//! Frames of videos that need no codec: YUV4MPEG2, motion JPEG.

mod motion_jpeg;
mod y4m;

pub use motion_jpeg::{MAX_JPEG_BYTES, MotionJpeg};
pub use y4m::Y4m;
