//! Stream: an offline causal model becomes a model of one step.
//!
//! One axis of the inputs is time. The step model takes a few frames of it; what its windows and recurrent layers need of
//! the frames before is state, zeros (an int8 value's zero point) at first. Every result is made by the same operator
//! from the same elements, so the outputs of all steps, one after the other, are the bits of the offline model. Frame `i` of
//! an offline value is frame `i + warm` of the stream: windows without a border before give results before the offline
//! model has any, which are to be dropped.

mod build;
mod time;

use redpoll_graph::Graph;

use crate::error::{Error, ErrorKind, Gap};
use crate::lower::StatePair;

/// The key of the metadata that tells of the steps: a line with their frames, then one an output.
pub const STREAM: &str = "redpoll.stream";

/// Frames of a step that are tried, in order, where none are asked for.
const MOST_FRAMES: usize = 64;

/// Which axes are time, and how many frames a step takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamOptions {
    /// Input and its axis; an empty name stands for the only input.
    pub inputs: Vec<(String, usize)>,
    /// Frames a step; without them the fewest that the model's strides allow.
    pub frames: Option<usize>,
}

/// A model of one step.
#[derive(Clone, Debug)]
pub struct Streamed {
    /// The graph, whose states are inputs and outputs.
    pub graph: Graph,
    /// Which outputs are handed to which inputs of the next step.
    pub states: Vec<StatePair>,
    /// Frames a step takes of each streamed input.
    pub frames: usize,
    /// For each output that has a time axis: its name, the axis, frames a step, and how many frames at the start of the
    /// stream are to be dropped.
    pub outputs: Vec<StreamOutput>,
}

/// An output of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamOutput {
    /// Its name.
    pub name: String,
    /// Its time axis.
    pub axis: usize,
    /// Frames that a step gives.
    pub frames: usize,
    /// Frames at the start of the stream that the offline model does not have.
    pub warm_up: usize,
}

/// Why there is no step model of so many frames.
enum Refusal {
    /// A stride does not divide the frames: more of them might do.
    Frames(String),
    /// The model is not causal, or has an operator along time that has no step.
    Gap(Gap),
    /// Anything else.
    Error(Error),
}

impl From<redpoll_graph::Error> for Refusal {
    fn from(e: redpoll_graph::Error) -> Self {
        Self::Error(e.into())
    }
}

/// Makes a model of one step of an offline model, float or int8.
///
/// # Errors
/// [`ErrorKind::Unsupported`], naming the node that looks ahead or has no step; [`ErrorKind::Invalid`] for an input or axis
/// that is not there, or frames that do not divide the offline length.
pub fn stream(graph: &Graph, options: &StreamOptions) -> Result<Streamed, Error> {
    let inputs = build::inputs(graph, &options.inputs)?;
    let length = inputs.first().map_or(1, |i| graph.value(i.0).shape[i.1]);
    let tried: Vec<usize> = match options.frames {
        Some(n) => vec![n],
        None => (1..=MOST_FRAMES).collect(),
    };
    let mut last = format!("no number of frames divides the {length} of the offline model");
    for frames in tried {
        if frames == 0 || !length.is_multiple_of(frames) {
            continue;
        }
        match build::step(graph, &inputs, frames) {
            Ok(made) => return Ok(made),
            Err(Refusal::Frames(why)) => last = why,
            Err(Refusal::Gap(gap)) => return Err(Error::unsupported(vec![gap])),
            Err(Refusal::Error(e)) => return Err(e),
        }
    }
    Err(Error::new(ErrorKind::Invalid, last))
}
