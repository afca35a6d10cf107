//! Runs samples on the engine: the graph is lowered with every value kept, and run at full speed.

use redpoll_graph::{Graph, Tensor};
use redpoll_session::Options;

use super::{Executor, Executors, Observe};
use crate::Error;
use crate::lower::{Keep, LowerOptions, lower};
use crate::measure::Runner;

/// Executors on the engine, with the arithmetic that the device will run.
#[derive(Clone, Debug, Default)]
pub struct Engine {
    /// Threads and tier.
    pub options: Options,
}

struct Run {
    runner: Runner,
    inputs: Vec<String>,
}

impl Executors for Engine {
    fn prepare<'g>(&self, graph: &'g Graph) -> Result<Box<dyn Executor + 'g>, Error> {
        self.run(graph, Keep::All)
    }

    fn prepare_outputs<'g>(&self, graph: &'g Graph) -> Result<Box<dyn Executor + 'g>, Error> {
        self.run(graph, Keep::Outputs)
    }
}

impl Engine {
    fn run(&self, graph: &Graph, keep: Keep) -> Result<Box<dyn Executor>, Error> {
        let options = LowerOptions {
            keep,
            ..LowerOptions::default()
        };
        let lowered = lower(graph, &options)?;
        let inputs = graph.inputs.iter().map(|&id| graph.value(id).name.clone());
        Ok(Box::new(Run {
            runner: Runner::new(lowered.plan(), &self.options)?,
            inputs: inputs.collect(),
        }))
    }
}

impl Executor for Run {
    fn run(&mut self, inputs: &[Tensor], observe: &mut Observe<'_>) -> Result<(), Error> {
        self.runner.set(inputs)?;
        self.runner.session().run()?;
        for (name, tensor) in self.inputs.iter().zip(inputs) {
            observe(name, tensor);
        }
        for (name, tensor) in self.runner.outputs()? {
            observe(&name, &tensor);
        }
        Ok(())
    }
}
