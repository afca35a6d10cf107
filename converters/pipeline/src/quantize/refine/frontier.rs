//! The values of all samples that nodes still to come will read.

use std::collections::HashMap;

use redpoll_graph::{Graph, NodeId, Tensor, ValueId};

use crate::calibrate::Executors;
use crate::{Error, ErrorKind};

/// Tensors of the live values, one for each sample.
pub(super) struct Frontier {
    tensors: HashMap<ValueId, Vec<Tensor>>,
    /// Last node that reads each value.
    last_use: HashMap<ValueId, usize>,
    samples: usize,
}

impl Frontier {
    /// Before the first node.
    pub fn new(graph: &Graph, samples: &[Vec<Tensor>]) -> Self {
        let of_input = |i: usize| samples.iter().filter_map(|s| s.get(i).cloned()).collect();
        let inputs = graph.inputs.iter().enumerate();
        let mut last_use = HashMap::new();
        for (i, node) in graph.nodes.iter().enumerate() {
            last_use.extend(node.inputs.iter().map(|&id| (id, i)));
        }
        Self {
            tensors: inputs.map(|(i, &id)| (id, of_input(i))).collect(),
            last_use,
            samples: samples.len(),
        }
    }

    /// The tensors of a live value, one for each sample; none when it is not live.
    pub fn tensors(&self, id: ValueId) -> &[Tensor] {
        self.tensors.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Runs one node over all samples and keeps its results.
    pub fn run(
        &mut self,
        graph: &Graph,
        id: NodeId,
        executors: &dyn Executors,
    ) -> Result<(), Error> {
        let single = single(graph, id);
        let output = graph.node(id).output;
        let name = &graph.value(output).name;
        let inputs: Vec<ValueId> = live_inputs(graph, id);
        let mut executor = executors.prepare(&single)?;
        let mut results = Vec::with_capacity(self.samples);
        for i in 0..self.samples {
            let one = |id: &ValueId| self.tensors.get(id).and_then(|all| all.get(i).cloned());
            let operands = inputs.iter().map(one).collect::<Option<Vec<_>>>();
            let operands = operands.ok_or_else(|| lost(name))?;
            executor.run(&operands, &mut |seen, tensor| {
                if seen == name {
                    results.push(tensor.clone());
                }
            })?;
        }
        if results.len() != self.samples {
            return Err(lost(name));
        }
        self.tensors.insert(output, results);
        Ok(())
    }

    /// Drops what no node after `id` reads.
    pub fn release(&mut self, graph: &Graph, id: NodeId) {
        let node = graph.node(id);
        for value in node.inputs.iter().chain([&node.output]) {
            if self
                .last_use
                .get(value)
                .is_none_or(|&last| last <= id.index())
            {
                self.tensors.remove(value);
            }
        }
    }
}

fn lost(name: &str) -> Error {
    Error::new(
        ErrorKind::Internal,
        format!("value \"{name}\" was not kept while refining"),
    )
}

/// The operands of a node that are no constants, each once.
fn live_inputs(graph: &Graph, id: NodeId) -> Vec<ValueId> {
    let mut inputs = Vec::new();
    for &input in &graph.node(id).inputs {
        if graph.value(input).constant.is_none() && !inputs.contains(&input) {
            inputs.push(input);
        }
    }
    inputs
}

/// A graph of one node.
fn single(graph: &Graph, id: NodeId) -> Graph {
    let node = graph.node(id);
    let mut single = Graph::new(&node.name);
    let mut copies: HashMap<ValueId, ValueId> = HashMap::new();
    for &old in node.inputs.iter().chain([&node.output]) {
        copies.entry(old).or_insert_with(|| {
            let new = ValueId(single.values.len() as u32);
            single.values.push(graph.value(old).clone());
            new
        });
    }
    let mut copy = node.clone();
    copy.inputs = node.inputs.iter().map(|old| copies[old]).collect();
    copy.output = copies[&node.output];
    single.inputs = live_inputs(graph, id)
        .iter()
        .map(|old| copies[old])
        .collect();
    single.outputs = vec![copy.output];
    single.nodes = vec![copy];
    single
}
