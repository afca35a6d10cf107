//! The result of every step of one run.

use std::ops::Range;

use redpoll_engine::Observer;
use redpoll_plan::{Place, Step};

use crate::error::Error;
use crate::info::TensorInfo;
use crate::session::Session;
use crate::value::Value;

/// What one step wrote.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StepOutput {
    /// Name of the step, from the model's node; empty when the plan was stripped.
    pub name: String,
    /// Kind of step.
    pub op: &'static str,
    /// The tensor; its name is that of the model's value. Steps that fill parts of a tensor share it.
    pub tensor: TensorInfo,
    /// Its bytes right after the step.
    pub bytes: Vec<u8>,
}

impl StepOutput {
    /// The elements; `None` when the bytes happen to lie unaligned, which a vector's do not on common systems.
    pub fn value(&self) -> Option<Value<'_>> {
        Value::from_bytes(self.tensor.dtype, &self.bytes)
    }
}

/// Copies results.
struct Recorder {
    /// A step each.
    outputs: Vec<StepOutput>,
    /// Where the arena holds them.
    places: Vec<Range<usize>>,
}

impl Observer for Recorder {
    fn after(&mut self, step: &Step<'_>, arena: &[u8]) {
        let place = self.places.get(step.index).cloned().unwrap_or_default();
        if let (Some(output), Some(bytes)) = (self.outputs.get_mut(step.index), arena.get(place)) {
            output.bytes = bytes.to_vec();
        }
    }
}

impl Session {
    /// Runs once on the inputs that are set and copies the result of every step: for comparisons layer by layer. The
    /// inputs stay set.
    ///
    /// # Errors
    ///
    /// As [`Session::run`].
    pub fn trace(&mut self) -> Result<Vec<StepOutput>, Error> {
        let mut recorder = Recorder {
            outputs: Vec::new(),
            places: Vec::new(),
        };
        let plan = *self.plan();
        for step in plan.steps() {
            let id = step.op.output();
            // A result always is a tensor of the arena: the plan was checked.
            let Some(tensor) = plan.tensor(id) else {
                continue;
            };
            let (Place::Arena(offset) | Place::State(offset)) = tensor.place else {
                continue;
            };
            recorder
                .places
                .push(offset as usize..(offset as usize).saturating_add(tensor.bytes()));
            recorder.outputs.push(StepOutput {
                name: step.name.to_owned(),
                op: step.op.name(),
                tensor: TensorInfo::new(plan.tensor_name(id), &tensor),
                bytes: Vec::new(),
            });
        }
        let inputs = self.save_inputs()?;
        self.run_observed(Some(&mut recorder))?;
        self.restore_inputs(&inputs)?;
        Ok(recorder.outputs)
    }
}
