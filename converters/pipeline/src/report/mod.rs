//! Report: what a conversion did, as JSON and as a self-contained HTML page.
//!
//! The JSON names are read by scripts: fields are added, never renamed.

mod chart;
mod html;
mod plan_summary;

use serde::{Deserialize, Serialize};

pub use html::to_html;
pub use plan_summary::{PlanSummary, PortSummary, StepSummary};

use crate::quantize::Candidate;

/// Accuracy of one form of the model on the evaluation samples. All is absent of a form that there is not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Share of samples whose best class is the label, 0 to 1. Absent without labels.
    pub top1: Option<f64>,
    /// Share of samples whose label is among the five best.
    pub top5: Option<f64>,
    /// Mean squared difference of the outputs from float's. 0 for float itself.
    pub mse: Option<f64>,
    /// Share of samples whose best class is float's. Absent where the outputs are no classes.
    pub agreement: Option<f64>,
    /// Median time of one inference on the converting machine, µs, one thread.
    pub p50_us: Option<f64>,
}

/// What became of one operator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// Name in the model.
    pub name: String,
    /// Operator.
    pub op: String,
    /// Shape of the result.
    pub shape: Vec<usize>,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Signal to quantisation-noise ratio of the result against float, dB. Absent when exact or not measured.
    pub sqnr_db: Option<f64>,
    /// True when it computes in float.
    pub kept_float: bool,
    /// Why it does.
    pub reason: Option<String>,
}

/// One tensor in working memory over time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct MemoryBlock {
    pub name: String,
    pub offset: usize,
    pub bytes: usize,
    pub first_step: usize,
    pub last_step: usize,
}

/// The whole report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Model name: the file's stem.
    pub model: String,
    /// Version of the converter.
    pub converter: String,
    /// True when this conversion quantised the model, so that there is a float and an int8 form to compare. Otherwise
    /// the plan is the model as it arrived, and only that form, float or int8, has figures.
    pub quantized_here: bool,
    /// True when the model arrived quantised, with its own scales.
    #[serde(default)]
    pub arrived_int8: bool,
    /// Calibration method.
    pub method: String,
    /// Ways to quantise that were tried on samples held out, and which was kept; empty when there was nothing to choose.
    #[serde(default)]
    pub candidates: Vec<Candidate>,
    /// Calibration samples that the candidates were compared on.
    #[serde(default)]
    pub held_out_samples: usize,
    /// Samples that the ranges come from.
    pub calibration_samples: usize,
    /// Samples that the accuracy comes from.
    pub evaluation_samples: usize,
    /// The float model.
    pub float: Score,
    /// The int8 model, in the arithmetic of the device.
    pub int8: Score,
    /// Signal to quantisation-noise ratio of the outputs over all evaluation samples, dB.
    pub sqnr_db: Option<f64>,
    /// Working memory that a run needs, bytes.
    pub arena_bytes: usize,
    /// The largest sum of live tensors at any step: no plan needs less.
    pub live_bytes: usize,
    /// Patch buffer of convolutions, bytes a thread.
    pub scratch_bytes: usize,
    /// Packed weights, biases, scales and tables, bytes.
    pub weight_bytes: usize,
    /// The plan file, bytes.
    pub plan_bytes: usize,
    /// The float model's file, bytes; 0 when the model arrived in int8.
    pub float_onnx_bytes: usize,
    /// The int8 ONNX file, bytes: the one written, or the one that arrived; 0 when there is none.
    pub int8_onnx_bytes: usize,
    /// Multiply-accumulates of one inference.
    pub macs: u64,
    /// Instruction-set tier that the times were taken with.
    pub tier: String,
    /// Every operator.
    pub layers: Vec<Layer>,
    /// The memory map.
    pub memory: Vec<MemoryBlock>,
    /// Names of the plan's steps, in order.
    pub steps: Vec<String>,
    /// Rewrite rules that changed something, with how often.
    pub passes: Vec<(String, usize)>,
    /// Seconds that the conversion took.
    pub seconds: f64,
}

impl Report {
    /// The report as indented JSON.
    pub fn to_json(&self) -> String {
        // Only maps with keys that are no strings can fail, and there are none.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}
