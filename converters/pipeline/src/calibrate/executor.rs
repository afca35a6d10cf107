//! What runs samples through a graph: the reference evaluator, or an engine on a plan that keeps every value.

use redpoll_graph::{Graph, Tensor};

use crate::Error;

/// Told the name and the contents of each input and of each value that a node made.
pub type Observe<'a> = dyn FnMut(&str, &Tensor) + 'a;

/// Makes executors for graphs.
pub trait Executors {
    /// Gets ready to run `graph`, float or int8.
    ///
    /// # Errors
    /// When the graph cannot be run.
    fn prepare<'g>(&self, graph: &'g Graph) -> Result<Box<dyn Executor + 'g>, Error>;

    /// As [`prepare`](Self::prepare), where only the graph's outputs have to be shown: may be faster.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    fn prepare_outputs<'g>(&self, graph: &'g Graph) -> Result<Box<dyn Executor + 'g>, Error> {
        self.prepare(graph)
    }
}

/// Runs one graph.
pub trait Executor {
    /// Runs it on `inputs`, one tensor for each of its inputs, and shows `observe` these and the result of every node.
    ///
    /// # Errors
    /// When an input does not fit.
    fn run(&mut self, inputs: &[Tensor], observe: &mut Observe<'_>) -> Result<(), Error>;
}

/// The reference evaluator: slow, and the definition.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference;

struct Evaluate<'g>(&'g Graph);

impl Executors for Reference {
    fn prepare<'g>(&self, graph: &'g Graph) -> Result<Box<dyn Executor + 'g>, Error> {
        Ok(Box::new(Evaluate(graph)))
    }
}

impl Executor for Evaluate<'_> {
    fn run(&mut self, inputs: &[Tensor], observe: &mut Observe<'_>) -> Result<(), Error> {
        let graph = self.0;
        redpoll_graph::eval::run_with(graph, inputs, &mut |id, tensor| {
            observe(&graph.value(id).name, tensor);
        })?;
        Ok(())
    }
}
