//! Quantize: a calibrated float graph becomes an int8 graph.
//!
//! | step | file |
//! |---|---|
//! | which nodes compute in int8, which stay float and why | `select` |
//! | channels that use little of the range are scaled up | `equalize` |
//! | values that must share one scale | `groups` |
//! | from a range to scale and zero point | `parameters` |
//! | weights and biases, proof that no accumulator overflows | `weights` |
//! | the int8 graph, each border between float and int8 crossed once | `build` |
//! | weight rounding that compensates its error, bias correction | `refine` |
//! | calibration method and equalisation chosen on samples held out | `search` |
//!
//! Activations are asymmetric, one scale a tensor; weights symmetric, one scale an output channel; biases int32.

mod build;
mod equalize;
mod groups;
mod parameters;
mod refine;
mod search;
mod select;
mod weights;

use redpoll_graph::DType;

pub(crate) use equalize::EQUALIZED;
pub use equalize::equalized_values;
pub use parameters::activation_params;
pub use search::{Candidate, Searched, search};

use crate::calibrate::Executors;
use crate::{Calibrated, Error, ErrorKind, Optimized, Quantized};

/// Type of the model's inputs and outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Io {
    /// f32 as in the original; converted at the border.
    #[default]
    Float,
    /// The quantised integers themselves, with scale and zero point.
    Int8,
}

/// How weights are rounded to integers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rounding {
    /// Each to the nearest, half to even.
    Nearest,
    /// One after the other, later ones making up for the error of earlier ones on the calibration samples
    /// (successive rounding over the second moments of the layer's input, as GPTQ and LDLQ do).
    #[default]
    Compensated,
}

/// How to quantise.
#[derive(Clone, Debug, PartialEq)]
pub struct Scheme {
    /// Type of activations: [`DType::I8`] or [`DType::U8`].
    pub activations: DType,
    /// One weight scale for each output channel, not one for the tensor.
    pub per_channel: bool,
    /// Names of nodes that stay float.
    pub keep_float: Vec<String>,
    /// Type of inputs and outputs.
    pub io: Io,
    /// How weights are rounded. [`Rounding::Compensated`] needs the calibration samples.
    pub rounding: Rounding,
    /// Corrects biases so that the mean of each channel is the float one on the calibration samples.
    pub bias_correction: bool,
    /// Scales channels that use little of their value's range up, and the weights that read them down. Needs the
    /// calibration samples and weights with a scale for each channel.
    pub equalize: bool,
    /// With equalisation: how far beyond its largest element on the samples a channel may go before it meets the end
    /// of the range. At least 1; fresh data goes beyond the samples, in rare channels far beyond.
    pub headroom: f64,
}

impl Default for Scheme {
    fn default() -> Self {
        Self {
            activations: DType::I8,
            per_channel: true,
            keep_float: Vec::new(),
            io: Io::Float,
            rounding: Rounding::default(),
            bias_correction: true,
            equalize: true,
            headroom: 2.0,
        }
    }
}

/// What quantisation did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuantizeLog {
    /// Nodes that stayed float, with the reason.
    pub kept_float: Vec<(String, String)>,
    /// What else is worth knowing, one line each.
    pub notes: Vec<String>,
}

/// Turns the float graph of `model` into an int8 graph by `scheme`. `executors` runs the calibration samples through
/// the layers when weights or biases are refined; `progress` is told how many nodes are done, of how many.
///
/// # Errors
/// [`ErrorKind::Invalid`] when `scheme` names a node that is not there or an activation type that is not 8 bits wide,
/// or when a range is missing; [`ErrorKind::Internal`] when the result breaks an invariant.
pub fn quantize(
    model: &Calibrated,
    scheme: &Scheme,
    executors: &dyn Executors,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Quantized, Error> {
    check(model, scheme)?;
    let choices = select::select(&model.graph, scheme);
    let mut equalized = model.clone();
    let scaled = match scheme.equalize && scheme.per_channel {
        true => equalize::equalize(&mut equalized, &choices, scheme.headroom),
        false => Vec::new(),
    };
    let model = &equalized;
    let mut quantized = build::build(&model.graph, &model.ranges, scheme, &choices)?;
    redpoll_graph::verify(&quantized.graph)?;
    if !scaled.is_empty() {
        let n = scaled.len();
        let note = format!("channels of {n} values were scaled to fill their range");
        quantized.log.notes.push(note);
        let lines = equalize::to_metadata(&scaled);
        quantized.graph.metadata.insert(EQUALIZED.into(), lines);
    }
    refine::refine(model, &mut quantized, scheme, executors, progress)?;
    quantized.float = (!scaled.is_empty()).then(|| model.graph.clone());
    redpoll_graph::verify(&quantized.graph)?;
    Ok(quantized)
}

/// A model that arrived quantised, with its own scales, as it is.
///
/// # Errors
/// [`ErrorKind::Invalid`] when it is float.
pub fn keep(model: &Optimized) -> Result<Quantized, Error> {
    if model.is_quantized() {
        Ok(Quantized {
            graph: model.graph.clone(),
            log: QuantizeLog::default(),
            float: None,
        })
    } else {
        Err(Error::new(
            ErrorKind::Invalid,
            "the model is float: calibrate and quantize it",
        ))
    }
}

fn check(model: &Calibrated, scheme: &Scheme) -> Result<(), Error> {
    let invalid = |message: String| Err(Error::new(ErrorKind::Invalid, message));
    if scheme.activations.quantized_range().is_none() {
        return invalid(format!(
            "activations of type {} are not quantised: i8 or u8",
            scheme.activations
        ));
    }
    if let Some(n) = model
        .graph
        .nodes
        .iter()
        .find(|n| model.graph.value(n.output).is_quantized())
    {
        return invalid(format!(
            "node \"{}\" is already quantised: a model that arrives in int8 keeps its own scales",
            n.name
        ));
    }
    let missing = |name: &&String| !model.graph.nodes.iter().any(|n| n.name == **name);
    match scheme.keep_float.iter().find(missing) {
        None => Ok(()),
        Some(name) => invalid(format!(
            "there is no node \"{name}\" to keep in float; `inspect --stage optimize` lists the nodes"
        )),
    }
}

#[cfg(test)]
mod tests;
