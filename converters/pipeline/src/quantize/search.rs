//! Search: quantises in a few ways on a part of the samples and keeps the way that does best on the others.
//!
//! No calibration method and no headroom of equalisation is best for every model: clipping outliers gains 3 dB on one
//! and loses 2 dB on another. So the samples are split ([`Parts`]): ranges come from the fit part, and the outputs of
//! each candidate, computed in integers, are held against float on the part held out. First the methods are compared
//! without equalisation, one that clips more having to be clearly better, then headrooms with the best method. Candidates are rounded to the nearest, which is quick
//! and ranks them well; the chosen one is then to be quantised with all samples and with everything that the scheme
//! asks for.

mod answers;
mod parts;

use std::collections::BTreeMap;
use std::sync::Arc;

use redpoll_graph::{Graph, Tensor};
use serde::{Deserialize, Serialize};

use self::answers::{Answers, distance_db};
use self::parts::Parts;
use super::{Io, Rounding, Scheme, quantize};
use crate::calibrate::{
    CalibrateOptions, Executors, Method, Range, Ranges, SampleSet, Statistics, calibrate, gather,
};
use crate::{Calibrated, Error, Optimized};

/// The methods that are tried, from the one that clips nothing to the one that clips without regard to the size of
/// the error.
const METHODS: [Method; 4] = [
    Method::MinMax,
    Method::Guarded,
    Method::MeanSquaredError,
    Method::PERCENTILE,
];
/// By how much a method has to beat those before it, dB. A few dozen samples held out tell no smaller differences, and
/// hold few of the rare large elements that clipping harms: in doubt, the method that clips less.
const MARGIN_DB: f64 = 0.5;
/// The headrooms of equalisation that are tried.
const HEADROOMS: [f64; 2] = [2.0, 4.0];

/// One way to quantise that was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Calibration method.
    pub method: String,
    /// Headroom of equalisation; absent without equalisation.
    pub equalize_headroom: Option<f64>,
    /// Signal to noise ratio of the model's outputs (of what a final softmax reads) on the held-out samples, weights
    /// rounded to the nearest: mean over samples, dB. Absent when there is no signal.
    pub held_out_sqnr_db: Option<f64>,
    /// True for the one that was kept.
    pub chosen: bool,
}

/// What a search found.
#[derive(Clone, Debug)]
pub struct Searched {
    /// The model with the ranges of the chosen method over all samples.
    pub calibrated: Calibrated,
    /// The scheme with the chosen equalisation.
    pub scheme: Scheme,
    /// What was tried, in order; empty when there were too few samples to hold some out.
    pub candidates: Vec<Candidate>,
    /// Number of samples held out.
    pub held_out: usize,
}

/// Calibrates `model` on `samples` and chooses the calibration method, unless `method` says which, and the
/// equalisation, unless `scheme` turns it off. `progress` hears which part is going on, and how much of how much is
/// done.
///
/// # Errors
/// As [`calibrate`] and [`quantize`].
pub fn search(
    model: &Optimized,
    samples: &SampleSet,
    method: Option<Method>,
    scheme: &Scheme,
    executors: &dyn Executors,
    progress: &mut dyn FnMut(&'static str, usize, usize),
) -> Result<Searched, Error> {
    let Some(parts) = Parts::of(samples.len()) else {
        let options = CalibrateOptions {
            method: method.unwrap_or_default(),
        };
        let calibrated = calibrate(model, samples.clone(), &options, executors, &mut |d, t| {
            progress("calibrate", d, t);
        })?;
        return Ok(Searched {
            calibrated,
            scheme: scheme.clone(),
            candidates: Vec::new(),
            held_out: 0,
        });
    };
    let ordered: SampleSet = parts.order.iter().map(|&i| samples[i].clone()).collect();
    let (mut few, mut fit) = (Statistics::default(), Statistics::default());
    let all = gather(
        &model.graph,
        &ordered,
        executors,
        &mut |done, total| progress("calibrate", done, total),
        &mut |n, seen| {
            if n == parts.few {
                few.clone_from(seen);
            }
            if n == parts.fit {
                fit.clone_from(seen);
            }
        },
    )?;
    let held_out = &ordered[parts.fit..];
    let mut bench = Bench {
        graph: &model.graph,
        scheme,
        executors,
        few: ordered[..parts.few].iter().cloned().collect(),
        ranges: BTreeMap::new(),
        statistics: Arc::new(fit.clone().with_means_of(&few)),
        fit: &fit,
        held_out,
        float: Answers::of(&model.graph, held_out, executors)?,
        tried: Vec::new(),
    };
    let best = bench.compare(method, progress)?;
    let (method, headroom) = (bench.tried[best].method, bench.tried[best].headroom);
    let candidates = bench.tried.iter().enumerate().map(|(i, t)| Candidate {
        method: t.method.to_string(),
        equalize_headroom: t.headroom,
        held_out_sqnr_db: t.sqnr_db,
        chosen: i == best,
    });
    Ok(Searched {
        candidates: candidates.collect(),
        held_out: held_out.len(),
        scheme: with_headroom(scheme, headroom),
        calibrated: Calibrated {
            graph: model.graph.clone(),
            ranges: Ranges {
                method: method.to_string(),
                samples: ordered.len(),
                values: all.ranges(method),
            },
            samples: Some(ordered),
            statistics: Some(Arc::new(all)),
        },
    })
}

fn with_headroom(scheme: &Scheme, headroom: Option<f64>) -> Scheme {
    Scheme {
        equalize: headroom.is_some(),
        headroom: headroom.unwrap_or(scheme.headroom),
        ..scheme.clone()
    }
}

/// A candidate and how it did.
struct Trial {
    method: Method,
    headroom: Option<f64>,
    sqnr_db: Option<f64>,
}

/// What candidates are made of and measured on.
struct Bench<'a> {
    graph: &'a Graph,
    scheme: &'a Scheme,
    executors: &'a dyn Executors,
    /// Samples that biases are corrected on.
    few: SampleSet,
    /// Of the fit part, with the channel means of the few.
    statistics: Arc<Statistics>,
    fit: &'a Statistics,
    /// Ranges by method, over the fit part.
    ranges: BTreeMap<String, BTreeMap<String, Range>>,
    held_out: &'a [Vec<Tensor>],
    float: Answers,
    tried: Vec<Trial>,
}

impl Bench<'_> {
    /// Tries all candidates and gives the index of the best.
    fn compare(
        &mut self,
        method: Option<Method>,
        progress: &mut dyn FnMut(&'static str, usize, usize),
    ) -> Result<usize, Error> {
        let methods = method.map_or(METHODS.to_vec(), |m| vec![m]);
        let headrooms: &[f64] = match self.scheme.equalize && self.scheme.per_channel {
            true => &HEADROOMS,
            false => &[],
        };
        let total = methods.len() + headrooms.len();
        for method in methods {
            self.attempt(method, None, total, progress)?;
        }
        let best = self.best(MARGIN_DB);
        let method = self.tried[best].method;
        let rest = self.tried.len();
        for &headroom in headrooms {
            if !self.attempt(method, Some(headroom), total, progress)? {
                break;
            }
        }
        progress("choose", total, total);
        Ok((rest..self.tried.len()).fold(best, |best, i| self.better(best, i, 0.0)))
    }

    /// Index of the first trial that no later one beats by more than `margin`.
    fn best(&self, margin: f64) -> usize {
        (1..self.tried.len()).fold(0, |best, i| self.better(best, i, margin))
    }

    /// `i` when that trial beats trial `best` by more than `margin` dB, else `best`.
    fn better(&self, best: usize, i: usize, margin: f64) -> usize {
        let db = |i: usize| self.tried[i].sqnr_db.unwrap_or(f64::NEG_INFINITY);
        if db(i) > db(best) + margin { i } else { best }
    }

    /// Quantises one way and measures it. False, and nothing noted, when equalisation finds nothing to do.
    fn attempt(
        &mut self,
        method: Method,
        headroom: Option<f64>,
        total: usize,
        progress: &mut dyn FnMut(&'static str, usize, usize),
    ) -> Result<bool, Error> {
        let values = self
            .ranges
            .entry(method.to_string())
            .or_insert_with(|| self.fit.ranges(method));
        let calibrated = Calibrated {
            graph: self.graph.clone(),
            ranges: Ranges {
                method: method.to_string(),
                samples: self.few.len(),
                values: values.clone(),
            },
            samples: Some(self.few.clone()),
            statistics: Some(self.statistics.clone()),
        };
        let scheme = Scheme {
            rounding: Rounding::Nearest,
            io: Io::Float,
            ..with_headroom(self.scheme, headroom)
        };
        let tried = self.tried.len();
        let int8 = quantize(&calibrated, &scheme, self.executors, &mut |done, nodes| {
            progress("choose", tried * nodes + done, total * nodes);
        })?;
        if headroom.is_some() && int8.float_graph().is_none() {
            return Ok(false);
        }
        let answers = Answers::of(int8.graph(), self.held_out, self.executors)?;
        self.tried.push(Trial {
            method,
            headroom,
            sqnr_db: distance_db(&self.float, &answers),
        });
        Ok(true)
    }
}
