//! The result of every step of a plan, as real numbers: to see where two forms of a model part.

use redpoll_graph::Tensor;

use crate::Error;

use super::Runner;
use super::runner::real_numbers;

/// The result of one step.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerValue {
    /// Name of the tensor.
    pub name: String,
    /// Kind of step.
    pub op: &'static str,
    /// True when it is held in integers.
    pub quantized: bool,
    /// The elements, dequantised.
    pub values: Vec<f32>,
}

impl Runner {
    /// Runs once and gives the result of every step whose elements are numbers, in order.
    ///
    /// # Errors
    /// As [`Runner::run`].
    pub fn layers(&mut self, inputs: &[Tensor]) -> Result<Vec<LayerValue>, Error> {
        self.set(inputs)?;
        let mut layers = Vec::new();
        for step in self.session().trace()? {
            let Some(values) = step.value().and_then(|v| real_numbers(&step.tensor, v)) else {
                continue;
            };
            let quantized = step.tensor.scale != 0.0;
            layers.push(LayerValue {
                name: step.tensor.name,
                op: step.op,
                quantized,
                values,
            });
        }
        Ok(layers)
    }
}
