//! Calibrate: runs samples through the float model and keeps the range of every value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The interval that a value's elements lie in, after the calibration method cut outliers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Range {
    /// Lower end.
    pub min: f32,
    /// Upper end.
    pub max: f32,
}

/// Ranges of a model's values: ranges.json, to be reused and edited.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ranges {
    /// The calibration method that made them.
    pub method: String,
    /// Number of samples seen.
    pub samples: usize,
    /// Range of each value, by value name.
    pub values: BTreeMap<String, Range>,
}
