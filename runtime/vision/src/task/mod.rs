//! Tasks: what a model's outputs mean.

mod classify;
mod detect;
mod pose;
mod segment;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

pub use classify::Classify;
pub use detect::{Detect, Faces};
pub use pose::Pose;
pub use segment::Segment;

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum Task {
    /// One class for the picture.
    Classify,
    /// Boxes with classes.
    Detect,
    /// Boxes of faces with points.
    Faces,
    /// A class or a share for each pixel.
    Segment,
    /// Points of bodies.
    Pose,
    /// Boxes of lines of text, and what they say.
    Text,
}

impl Task {
    /// Every task.
    pub const ALL: [Self; 6] = [
        Self::Classify,
        Self::Detect,
        Self::Faces,
        Self::Segment,
        Self::Pose,
        Self::Text,
    ];

    /// Its name in descriptions and commands.
    pub fn name(self) -> &'static str {
        match self {
            Self::Classify => "classify",
            Self::Detect => "detect",
            Self::Faces => "faces",
            Self::Segment => "segment",
            Self::Pose => "pose",
            Self::Text => "text",
        }
    }
}

/// An output of a model, as real numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Its name in the model.
    pub name: String,
    /// Its sizes.
    pub shape: Vec<usize>,
    /// Its elements.
    pub values: Vec<f32>,
}

/// A model that does not fit a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The outputs that the task reads.
    pub expected: &'static str,
    /// The outputs that the model has.
    pub found: String,
}

impl Misfit {
    /// Of a model with these outputs.
    pub fn new(expected: &'static str, outputs: &[Output]) -> Self {
        let all: Vec<_> = outputs
            .iter()
            .map(|o| format!("{} {:?}", o.name, o.shape))
            .collect();
        Self {
            expected,
            found: all.join(", "),
        }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the model does not fit the task: expected {}; found {}",
            self.expected, self.found
        )
    }
}

impl core::error::Error for Misfit {}
