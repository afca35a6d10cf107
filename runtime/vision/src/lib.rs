//! Vision on the device: from pixels to a model's input, and from its outputs to an answer.
//!
//! | wanted | use |
//! |---|---|
//! | pixels of a camera or a decoder | [`Frame`], [`Format`], [`Matrix`], [`Orientation`] |
//! | what a model wants | [`Preprocess`], stored with the model |
//! | the model's input, in one pass | [`Preprocessor`] |
//! | what the outputs mean | [`Classify`], [`Detect`], [`Faces`], [`Segment`], [`Pose`]; [`Db`] and [`ctc_greedy`] for text |
//! | the same thing from frame to frame | [`Tracker`] |
//! | picture files, drawing (feature `std`) | `Picture`, `Canvas` |
//! | frames of videos (feature `std`) | `Y4m`, `MotionJpeg` |
//!
//! Without the default feature `std` it needs a heap, and takes memory only when a [`Preprocessor`] is made. Bytes are the
//! same on every target: integers, or float operations in a fixed order.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod error;
mod input;
mod occlusion;
mod post;
mod resize;
mod task;

#[cfg(feature = "std")]
mod host;

pub use error::VisionError;
pub use input::{
    Anchor, ColorOrder, Format, Frame, Input, Labels, Layout, MAX_INPUT_SIDE, MAX_SIDE, Matrix,
    Orientation, Placement, Preprocess, Preprocessor, ResizeRule, Target, Values, luma,
};
pub use occlusion::{Occlusion, Saliency};
pub use post::{
    ClassMap, CtcText, Db, Detection, Nms, Ranked, Rect, SsdAnchors, Suppress, TextBox, Track,
    Tracker, Yolo, class_map, ctc_greedy, heat_points, post_processed, sigmoid, softmax, ssd,
    top_k, ultraface, yolo, yunet,
};
pub use resize::Filter;
pub use task::{Classify, Detect, Faces, Misfit, Output, Pose, Segment, Task};

#[cfg(feature = "std")]
pub use host::{
    Canvas, Color, FileError, FileErrorKind, MAX_DECODED_BYTES, MAX_JPEG_BYTES, MAX_PICTURE_SIDE,
    MotionJpeg, Picture, Y4m, class_color, is_picture,
};
