//! Tasks: what a model's outputs mean.

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
