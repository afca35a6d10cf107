//! What can be wrong with pixels, descriptions and outputs.

use core::fmt;

/// Why a frame, a description or a buffer is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VisionError {
    /// A frame without pixels, with a side above [`MAX_SIDE`](crate::MAX_SIDE), or with rows that overlap.
    FrameSize,
    /// A frame's bytes do not hold its rows.
    FrameBytes {
        /// Bytes that the size asks for.
        needed: usize,
        /// Bytes given.
        got: usize,
    },
    /// A frame of another size than the one prepared for.
    OtherSize {
        /// Width and height prepared for.
        wanted: (u32, u32),
        /// Width and height given, after turning.
        got: (u32, u32),
    },
    /// The buffer for the model's input has another number of elements.
    OutputLength {
        /// Elements of the input.
        needed: usize,
        /// Elements given.
        got: usize,
    },
    /// The buffer for the model's input has another element type than the one prepared for.
    OutputType,
    /// The description asks for what cannot be; the text says what must hold.
    Description(&'static str),
}

impl fmt::Display for VisionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FrameSize => f.write_str(
                "a frame has 1 to 65535 pixels on each side and rows that do not overlap",
            ),
            Self::FrameBytes { needed, got } => {
                write!(f, "the frame needs {needed} bytes, got {got}")
            }
            Self::OtherSize { wanted, got } => write!(
                f,
                "prepared for frames of {}×{}, got {}×{}",
                wanted.0, wanted.1, got.0, got.1
            ),
            Self::OutputLength { needed, got } => {
                write!(f, "the input has {needed} elements, got {got}")
            }
            Self::OutputType => f.write_str("the input has another element type"),
            Self::Description(text) => f.write_str(text),
        }
    }
}

impl core::error::Error for VisionError {}
