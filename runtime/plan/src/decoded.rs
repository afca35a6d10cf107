//! A plan with all steps and tensors decoded, for hosts that run it many times.

use alloc::vec::Vec;

use crate::plan::{Located, Plan, Step};
use crate::tensor::TensorId;

/// A plan beside what is read from its records: a run then decodes nothing. Takes some hundred bytes a step.
///
/// Microcontrollers decode a step when they run it, which takes no memory.
#[derive(Clone, Debug)]
pub struct Decoded<'p> {
    plan: Plan<'p>,
    steps: Vec<Step<'p>>,
    located: Vec<Located<'p>>,
}

impl<'p> Decoded<'p> {
    /// Decodes all of `plan`.
    pub fn new(plan: Plan<'p>) -> Self {
        let ids = (0..plan.tensor_count() as u32).map(TensorId);
        Self {
            steps: plan.steps().collect(),
            // All were found when the plan was checked; one that is not ends the list, and is looked for in the plan.
            located: ids.map_while(|id| plan.locate(id)).collect(),
            plan,
        }
    }

    /// The plan.
    pub fn plan(&self) -> &Plan<'p> {
        &self.plan
    }

    /// The steps, in order.
    pub fn steps(&self) -> &[Step<'p>] {
        &self.steps
    }

    /// As [`Plan::locate`].
    #[inline]
    pub fn locate(&self, id: TensorId) -> Option<Located<'p>> {
        self.located.get(id.0 as usize).copied()
    }
}
