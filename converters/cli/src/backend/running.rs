//! A model that is loaded, whichever engine runs it.

use std::time::Duration;

use anyhow::Result;
use redpoll_graph::Tensor;
use redpoll_pipeline::measure::{Runner, Timing, time};
use redpoll_session::Backend;

/// A loaded model.
pub enum Running {
    /// On our engine.
    Native(Box<Runner>),
    /// On another one.
    Other(Runner<Box<dyn Backend>>),
}

/// The same expression for both.
macro_rules! either {
    ($this:expr, $runner:ident => $body:expr) => {
        match $this {
            Running::Native($runner) => $body,
            Running::Other($runner) => $body,
        }
    };
}

impl Running {
    /// Our engine, where it runs the model.
    pub fn native(&mut self) -> Option<&mut Runner> {
        match self {
            Self::Native(runner) => Some(runner),
            Self::Other(_) => None,
        }
    }

    /// Writes the inputs.
    pub fn set(&mut self, inputs: &[Tensor]) -> Result<()> {
        Ok(either!(self, runner => runner.set(inputs))?)
    }

    /// Runs once on the inputs that are written.
    pub fn run_once(&mut self) -> Result<()> {
        Ok(either!(self, runner => Backend::run(runner.session()))?)
    }

    /// Every output of the last run.
    pub fn outputs(&self) -> Result<Vec<(String, Tensor)>> {
        Ok(either!(self, runner => runner.outputs())?)
    }

    /// Writes the inputs, runs once and gives every output as real numbers.
    pub fn run(&mut self, inputs: &[Tensor]) -> Result<Vec<Vec<f32>>> {
        Ok(either!(self, runner => runner.run(inputs))?)
    }

    /// Measures.
    pub fn time(&mut self, inputs: &[Tensor], budget: Duration) -> Result<Timing> {
        Ok(either!(self, runner => time(runner, inputs, budget, 10))?)
    }
}
