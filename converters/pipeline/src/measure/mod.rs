//! Measure: accuracy of plans on samples, with the arithmetic that the device will run; latency on this machine.

mod accuracy;
mod layers;
mod runner;
mod timing;

pub use accuracy::{Difference, Evaluation, evaluate, evaluate_alone};
pub use layers::LayerValue;
pub use runner::Runner;
pub use timing::{Timing, time};

/// Signal to noise ratio in dB of `actual` against `expected`: 10 · log10(Σ e² / Σ (e − a)²). `None` when equal or when
/// there is no signal.
pub fn sqnr_db(expected: &[f32], actual: &[f32]) -> Option<f64> {
    let mut difference = Difference::default();
    difference.add(expected, actual);
    difference.sqnr_db()
}
