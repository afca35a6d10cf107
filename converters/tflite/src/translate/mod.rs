//! Translation of the main subgraph to ONNX messages: one file a family of operators.
//!
//! Every tensor keeps its name. A quantised one is a `QuantizeLinear` behind the float operator that makes it, and a
//! `DequantizeLinear` before each reader; the import makes integer operators of that.

mod activation;
mod arithmetic;
mod control;
mod conv;
mod dense;
mod detection;
mod index;
mod movement;
mod recurrent;
mod reduce;
mod resize;
mod rounding;
mod scope;
mod shapes;
mod svdf;
mod table;
mod translator;
mod values;
mod variables;
mod weights;
mod window;

use redpoll_onnx::ModelBuilder;

use crate::{Error, Model, Result, TensorType};
pub use table::operators;
use translator::Translator;

/// The version of the standard operators that is written.
const OPSET: i64 = 20;

/// The first version with 16-bit quantisation, for models that have such.
const OPSET_16_BITS: i64 = 21;

/// Key of the model's metadata that names its states, a line `OUTPUT=INPUT` each.
pub const STATES_KEY: &str = "redpoll.states";

/// An output that is handed to an input of the next run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Name of the output.
    pub output: String,
    /// Name of the input.
    pub input: String,
}

/// A translated model.
#[derive(Clone, Debug, PartialEq)]
pub struct Translated {
    /// The messages. States are also written into the metadata, under `redpoll.states`.
    pub model: redpoll_onnx::Model,
    /// The variables. All begin as zero (quantised ones as their zero point).
    pub states: Vec<State>,
}

/// Translates the main subgraph of a model.
///
/// # Errors
/// [`Unsupported`](crate::ErrorKind::Unsupported) with all [gaps](Error::gaps),
/// [`Malformed`](crate::ErrorKind::Malformed) for a model that contradicts itself.
pub fn to_onnx(model: &Model<'_>) -> Result<Translated> {
    let subgraph = &model.subgraphs[0];
    let mut t = Translator::new(model, subgraph);
    t.inputs()?;
    for (index, operator) in subgraph.operators.iter().enumerate() {
        let found = table::translate(&mut t, operator);
        t.settle(index, operator, found)?;
    }
    let gaps = std::mem::take(&mut t.gaps);
    if !gaps.is_empty() {
        return Err(Error::of_gaps(gaps));
    }
    t.outputs()?;
    let states = variables::finish(&mut t)?;
    let mut tensors = model.subgraphs.iter().flat_map(|s| &s.tensors);
    let opset = match tensors.any(|t| t.dtype == TensorType::I16 && t.quantization.is_some()) {
        true => OPSET_16_BITS,
        false => OPSET,
    };
    let mut builder = ModelBuilder::new(opset);
    if !model.description.is_empty() {
        builder = builder.metadata("description", &model.description);
    }
    if !states.is_empty() {
        let lines: Vec<_> = states
            .iter()
            .map(|s| format!("{}={}", s.output, s.input))
            .collect();
        builder = builder.metadata(STATES_KEY, &lines.join("\n"));
    }
    let model = builder
        .build(t.graph)
        .map_err(|e| Error::malformed(e.to_string()))?;
    Ok(Translated { model, states })
}
