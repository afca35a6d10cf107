//! Classes of pixels.

use super::{Misfit, Output};
use crate::post::{ClassMap, class_map};

/// Reads segmenters: one map of classes, or of one share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// From here on a share counts as class 1.
    pub threshold: f32,
}

impl Segment {
    /// The class of each pixel of the input.
    ///
    /// # Errors
    /// [`Misfit`] when the first output is no map.
    pub fn read(&self, outputs: &[Output]) -> Result<ClassMap, Misfit> {
        let map = outputs
            .first()
            .and_then(|o| class_map(&o.shape, &o.values, self.threshold));
        map.filter(|m| m.width > 1 && m.height > 1)
            .ok_or_else(|| Misfit::new("a map [1, classes, h, w] or [1, h, w, classes]", outputs))
    }
}
