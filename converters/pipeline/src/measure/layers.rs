//! The result of every step of a plan, as real numbers: to see where two forms of a model part.

use redpoll_graph::Tensor;
use redpoll_plan::{DType, Place, Plan, Step, TensorId};
use redpoll_session::Observer;

use crate::Error;

use super::Runner;

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

struct Collect<'p> {
    plan: Plan<'p>,
    layers: Vec<LayerValue>,
}

impl Observer for Collect<'_> {
    fn after(&mut self, step: &Step<'_>, arena: &[u8]) {
        let id = step.op.output();
        if let Some((values, quantized)) = real(&self.plan, id, arena) {
            let name = self.plan.tensor_name(id).to_owned();
            self.layers.push(LayerValue {
                name,
                op: step.op.name(),
                quantized,
                values,
            });
        }
    }
}

/// The elements of a tensor in working memory.
fn real(plan: &Plan<'_>, id: TensorId, arena: &[u8]) -> Option<(Vec<f32>, bool)> {
    let tensor = plan.tensor(id)?;
    let Place::Arena(offset) = tensor.place else {
        return None;
    };
    let bytes = arena.get(offset as usize..)?.get(..tensor.bytes())?;
    let quantized = tensor.scale != 0.0;
    let scaled = |q: i32| {
        if quantized {
            (q - tensor.zero_point) as f32 * tensor.scale
        } else {
            q as f32
        }
    };
    let words = bytes.as_chunks::<4>().0;
    let values = match tensor.dtype {
        DType::F32 => words.iter().map(|&w| f32::from_le_bytes(w)).collect(),
        DType::I32 => words
            .iter()
            .map(|&w| scaled(i32::from_le_bytes(w)))
            .collect(),
        DType::I8 => bytes.iter().map(|&b| scaled((b as i8).into())).collect(),
        DType::U8 | DType::Bool => bytes.iter().map(|&b| scaled(b.into())).collect(),
        DType::F16 | DType::I64 => return None,
    };
    Some((values, quantized))
}

impl Runner {
    /// Runs once and gives the result of every step, in order.
    ///
    /// # Errors
    /// As [`Runner::run`].
    pub fn layers(&mut self, inputs: &[Tensor]) -> Result<Vec<LayerValue>, Error> {
        self.set(inputs)?;
        let bytes = self.session().plan_bytes().to_vec();
        let aligned = redpoll_session::Aligned::copy_of(&bytes);
        let plan = Plan::from_bytes(&aligned)
            .map_err(|e| Error::new(crate::ErrorKind::Internal, format!("{e:?}")))?;
        let mut collect = Collect {
            plan,
            layers: Vec::new(),
        };
        self.session().run_observed(Some(&mut collect))?;
        Ok(collect.layers)
    }
}
