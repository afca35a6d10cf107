//! Calibrate: runs samples through the float model and keeps the range of every value.
//!
//! One pass fills a [`Statistics`]: a histogram, running averages and the range of each channel, for every float
//! value. A [`Method`] then turns a histogram into a [`Range`], so all methods see the same numbers and cost one run.
//! Ranges are kept as JSON ([`Ranges::to_json`]) and can be edited and used again ([`with_ranges`]).

mod engine;
mod executor;
mod histogram;
mod method;
mod statistics;

use std::collections::BTreeMap;
use std::sync::Arc;

use redpoll_graph::{DType, Graph, Tensor};
use serde::{Deserialize, Serialize};

pub use engine::Engine;
pub use executor::{Executor, Executors, Observe, Reference};
pub use histogram::Histogram;
pub use method::{Method, mse_range};
pub use statistics::{Channels, Statistics, ValueStatistics};

use crate::{Calibrated, Error, ErrorKind, Optimized};

/// Samples that calibration ran over: for each, a tensor for each input of the model.
pub type SampleSet = Arc<[Vec<Tensor>]>;

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

impl Ranges {
    /// As JSON, one value a line group, in the order of the names.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when a number cannot be written.
    pub fn to_json(&self) -> Result<String, Error> {
        serde_json::to_string_pretty(self)
            .map_err(|e| Error::new(ErrorKind::Internal, format!("ranges: {e}")))
    }

    /// Reads what [`to_json`](Self::to_json) wrote, edited or not.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for malformed JSON and for ranges that are not finite or upside down.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let ranges: Self = serde_json::from_str(text)
            .map_err(|e| Error::new(ErrorKind::Invalid, format!("ranges: {e}")))?;
        let sane = |r: &Range| r.min.is_finite() && r.max.is_finite() && r.min <= r.max;
        match ranges.values.iter().find(|(_, r)| !sane(r)) {
            None => Ok(ranges),
            Some((name, r)) => Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "ranges: \"{name}\" has min {} and max {}: both must be finite, min not above max",
                    r.min, r.max
                ),
            )),
        }
    }
}

/// How to calibrate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CalibrateOptions {
    /// How a histogram becomes a range.
    pub method: Method,
}

/// Runs `samples` through `model` on what `executors` gives and keeps the range of every float value.
///
/// `progress` is told how many samples are done, of how many.
///
/// # Errors
/// [`ErrorKind::Invalid`] when there are no samples or one does not fit the model, or when a value is not finite on
/// every sample; and the errors of the executor.
pub fn calibrate(
    model: &Optimized,
    samples: SampleSet,
    options: &CalibrateOptions,
    executors: &dyn Executors,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Calibrated, Error> {
    let statistics = gather(&model.graph, &samples, executors, progress, &mut |_, _| {})?;
    let ranges = Ranges {
        method: options.method.to_string(),
        samples: samples.len(),
        values: statistics.ranges(options.method),
    };
    Ok(Calibrated {
        graph: model.graph.clone(),
        ranges,
        samples: Some(samples),
        statistics: Some(Arc::new(statistics)),
    })
}

/// Takes ranges that were made before, edited or not, instead of running samples. What needs samples (error
/// compensation of weights and biases, equalisation) is then left out when quantising.
///
/// # Errors
/// [`ErrorKind::Invalid`] when a value of the model has no range; names of values that the model lacks are ignored.
pub fn with_ranges(model: &Optimized, ranges: Ranges) -> Result<Calibrated, Error> {
    match observed(&model.graph).find(|name| !ranges.values.contains_key(*name)) {
        Some(name) => Err(Error::new(
            ErrorKind::Invalid,
            format!("ranges: value \"{name}\" is missing: calibrate this model again"),
        )),
        None => Ok(Calibrated {
            graph: model.graph.clone(),
            ranges,
            samples: None,
            statistics: None,
        }),
    }
}

/// Runs `samples` through `graph` and gathers the statistics of every float value. `after` sees them after each
/// sample, with the number of samples so far.
pub(crate) fn gather(
    graph: &Graph,
    samples: &[Vec<Tensor>],
    executors: &dyn Executors,
    progress: &mut dyn FnMut(usize, usize),
    after: &mut dyn FnMut(usize, &Statistics),
) -> Result<Statistics, Error> {
    if samples.is_empty() {
        return Err(Error::new(
            ErrorKind::Invalid,
            "calibration needs at least one sample",
        ));
    }
    let mut executor = executors.prepare(graph)?;
    let mut statistics = Statistics::default();
    for (done, sample) in samples.iter().enumerate() {
        executor.run(sample, &mut |name, tensor| statistics.observe(name, tensor))?;
        statistics.end_sample();
        progress(done + 1, samples.len());
        after(done + 1, &statistics);
    }
    match observed(graph).find(|name| !statistics.values.contains_key(*name)) {
        Some(name) => Err(Error::new(
            ErrorKind::Invalid,
            format!(
                "calibration never saw a finite element of \"{name}\": look at the samples' values and scaling"
            ),
        )),
        None => Ok(statistics),
    }
}

/// Names of the float values that have a range: inputs and results of nodes.
fn observed(graph: &Graph) -> impl Iterator<Item = &str> {
    let results = graph.nodes.iter().map(|n| n.output);
    let ids = graph.inputs.iter().copied().chain(results);
    ids.map(|id| graph.value(id))
        .filter(|v| v.dtype == DType::F32 && !v.is_empty())
        .map(|v| v.name.as_str())
}

#[cfg(test)]
mod tests;
