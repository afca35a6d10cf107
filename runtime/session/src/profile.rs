//! Time of each step.

use std::time::Instant;

use redpoll_engine::Observer;
use redpoll_plan::{Plan, Step};

use crate::error::Error;
use crate::session::Session;

/// What one step costs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StepProfile {
    /// Name of the step, from the model's node; empty when the plan was stripped.
    pub name: String,
    /// Kind of step.
    pub op: &'static str,
    /// Name of the tier whose kernels do it.
    pub tier: &'static str,
    /// Multiply-adds.
    pub macs: u64,
    /// Bytes of all operands: activations and weights read, the result written, each once.
    pub bytes: usize,
    /// Nanoseconds of the fastest run.
    pub ns: u64,
    /// Nanoseconds of the average run.
    pub mean_ns: u64,
}

/// Reads the clock around each step.
struct Clock {
    start: Instant,
    /// Fastest and sum, a step each.
    times: Vec<(u64, u64)>,
}

impl Observer for Clock {
    fn before(&mut self, _: &Step<'_>) {
        self.start = Instant::now();
    }

    fn after(&mut self, step: &Step<'_>, _: &[u8]) {
        let ns = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        if let Some((fastest, sum)) = self.times.get_mut(step.index) {
            *fastest = ns.min(*fastest);
            *sum = sum.saturating_add(ns);
        }
    }
}

fn operand_bytes(plan: &Plan<'_>, step: &Step<'_>) -> usize {
    let inputs = step.op.inputs();
    let operands = inputs.iter().copied().chain([step.op.output()]);
    operands
        .filter_map(|id| plan.tensor(id))
        .map(|tensor| tensor.bytes())
        .fold(0, usize::saturating_add)
}

impl Session {
    /// Runs `runs` times (at least once) on the inputs that are set and measures every step. The inputs stay set.
    ///
    /// # Errors
    ///
    /// As [`Session::run`].
    pub fn profile(&mut self, runs: usize) -> Result<Vec<StepProfile>, Error> {
        let runs = runs.max(1);
        let inputs = self.save_inputs()?;
        let steps = self.plan().steps().len();
        let mut clock = Clock {
            start: Instant::now(),
            times: vec![(u64::MAX, 0); steps],
        };
        for _ in 0..runs {
            self.run_observed(Some(&mut clock))?;
            self.restore_inputs(&inputs)?;
        }
        let (plan, tier) = (self.plan(), self.tier());
        let profile = plan
            .steps()
            .zip(clock.times)
            .map(|(step, (ns, sum))| StepProfile {
                name: step.name.to_owned(),
                op: step.op.name(),
                tier,
                macs: step.macs,
                bytes: operand_bytes(plan, &step),
                ns,
                mean_ns: sum / runs as u64,
            });
        Ok(profile.collect())
    }
}
