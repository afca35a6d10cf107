//! From frames to inputs.

mod describe;
mod orient;
mod pixels;
mod place;
mod prepare;

pub use describe::{
    Anchor, ColorOrder, Labels, Layout, MAX_INPUT_SIDE, Preprocess, ResizeRule, Values,
};
pub use orient::Orientation;
pub use pixels::{Format, Frame, MAX_SIDE, Matrix, luma};
pub use place::Placement;
pub use prepare::{Input, Preprocessor, Target};
