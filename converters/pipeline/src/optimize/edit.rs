//! Small changes to a graph that keep its invariants, and the questions that rules ask of it.

use redpoll_graph::{DType, Error, Graph, Node, Op, QParams, Tensor, ValueId, shape};

use crate::import::fold::moved_qparams;

/// Who makes and who reads each value, at this moment.
pub(crate) struct Links {
    producer: Vec<Option<usize>>,
    readers: Vec<Vec<usize>>,
    is_output: Vec<bool>,
}

impl Links {
    /// Looks through the graph once.
    pub fn of(graph: &Graph) -> Self {
        let mut is_output = vec![false; graph.values.len()];
        for id in &graph.outputs {
            is_output[id.index()] = true;
        }
        let index = |n: redpoll_graph::NodeId| n.index();
        Self {
            producer: graph
                .producers()
                .into_iter()
                .map(|p| p.map(index))
                .collect(),
            readers: graph
                .consumers()
                .into_iter()
                .map(|c| c.into_iter().map(index).collect())
                .collect(),
            is_output,
        }
    }

    /// Index of the node that makes `id`.
    pub fn producer(&self, id: ValueId) -> Option<usize> {
        self.producer.get(id.index()).copied().flatten()
    }

    /// The node that makes `id`, with its index.
    pub fn maker<'g>(&self, graph: &'g Graph, id: ValueId) -> Option<(usize, &'g Node)> {
        let index = self.producer(id)?;
        Some((index, graph.nodes.get(index)?))
    }

    /// The node that makes `id`, when nobody else reads it.
    pub fn only_for_reader<'g>(&self, graph: &'g Graph, id: ValueId) -> Option<(usize, &'g Node)> {
        self.is_single(id).then(|| self.maker(graph, id))?
    }

    /// True when one operand of one node is the only use of `id`.
    pub fn is_single(&self, id: ValueId) -> bool {
        self.readers[id.index()].len() == 1 && !self.is_output[id.index()]
    }

    /// Indices of the nodes that read `id`.
    pub fn readers(&self, id: ValueId) -> &[usize] {
        &self.readers[id.index()]
    }

    /// True for an output of the model.
    pub fn is_output(&self, id: ValueId) -> bool {
        self.is_output[id.index()]
    }
}

/// Tries `rewrite` on every node in order until none changes; it gets the node's index and may insert and remove nodes.
/// Gives the number of changes.
pub(crate) fn each_node(
    graph: &mut Graph,
    mut rewrite: impl FnMut(&mut Graph, &Links, usize) -> Result<bool, crate::Error>,
) -> Result<usize, crate::Error> {
    let mut links = Links::of(graph);
    let (mut changes, mut index) = (0, 0);
    while index < graph.nodes.len() {
        if rewrite(graph, &links, index)? {
            changes += 1;
            links = Links::of(graph);
        } else {
            index += 1;
        }
    }
    Ok(changes)
}

/// A node name that no other node has.
pub(crate) fn unique_node_name(graph: &Graph, wanted: &str) -> String {
    let taken = |name: &str| graph.nodes.iter().any(|n| n.name == name);
    let mut name = wanted.to_owned();
    let mut n = 1;
    while taken(&name) {
        name = format!("{wanted}_{n}");
        n += 1;
    }
    name
}

/// Inserts a node before index `at`; its value gets the node's name.
pub(crate) fn insert(
    graph: &mut Graph,
    at: usize,
    name: &str,
    op: Op,
    inputs: &[ValueId],
) -> Result<ValueId, Error> {
    let (dtype, dims) = shape::infer(graph, &op, inputs).map_err(|e| e.at(name))?;
    let qparams = match shape::qparams_operands(&op, inputs).first() {
        Some(&id) if shape::keeps_qparams(&op) => moved_qparams(graph, &op, id),
        _ => None,
    };
    let output = graph.add_value(name, dtype, dims);
    graph.value_mut(output).qparams = qparams;
    let node = Node {
        name: unique_node_name(graph, name),
        op,
        inputs: inputs.to_vec(),
        output,
    };
    graph.nodes.insert(at, node);
    Ok(output)
}

/// Inserts a node before index `at` whose result is quantised.
pub(crate) fn insert_quantized(
    graph: &mut Graph,
    at: usize,
    name: &str,
    op: Op,
    input: ValueId,
    (dtype, qparams): (DType, Option<QParams>),
) -> ValueId {
    let dims = graph.value(input).shape.clone();
    let output = graph.add_value(name, dtype, dims);
    graph.value_mut(output).qparams = qparams;
    let node = Node {
        name: unique_node_name(graph, name),
        op,
        inputs: vec![input],
        output,
    };
    graph.nodes.insert(at, node);
    output
}

/// Removes the node at `index` and lets `value` stand for its result, under the same name where that is an output of the
/// model. Does nothing and gives false where an output would lose its name or its copy.
pub(crate) fn bypass(graph: &mut Graph, index: usize, value: ValueId) -> bool {
    let old = graph.nodes[index].output;
    if graph.outputs.contains(&old) {
        let fixed = graph.inputs.contains(&value) || graph.outputs.contains(&value);
        if fixed || graph.constant(value).is_some() {
            return false;
        }
        swap_names(graph, old, value);
    }
    graph.replace_uses(old, value);
    graph.nodes.remove(index);
    true
}

/// Exchanges the names of two values.
pub(crate) fn swap_names(graph: &mut Graph, a: ValueId, b: ValueId) {
    let name = std::mem::take(&mut graph.value_mut(a).name);
    let name = std::mem::replace(&mut graph.value_mut(b).name, name);
    graph.value_mut(a).name = name;
}

/// Lets the node at `index` compute `op` of `inputs` into a new value, which takes its name over, and inserts `after`,
/// which makes the old result of the new value.
pub(crate) fn split(
    graph: &mut Graph,
    index: usize,
    op: Op,
    inputs: Vec<ValueId>,
    after: Op,
) -> Result<(), Error> {
    let (old, name) = (graph.nodes[index].output, graph.nodes[index].name.clone());
    let (dtype, dims) = shape::infer(graph, &op, &inputs).map_err(|e| e.at(&name))?;
    let base = graph.value(old).name.clone();
    let inner = graph.add_value(&format!("{base}_moved"), dtype, dims);
    // Quantising operators say their type and scale in the value.
    graph.value_mut(inner).dtype = graph.value(old).dtype;
    let mut qparams = graph.value(old).qparams.clone();
    if let (Some(q), Op::Transpose { perm }) = (&mut qparams, &after) {
        q.axis = q.axis.map(|a| perm[a]);
    }
    graph.value_mut(inner).qparams = qparams;
    if !graph.outputs.contains(&old) {
        swap_names(graph, old, inner);
    }
    let node = &mut graph.nodes[index];
    node.op = op;
    node.inputs = inputs;
    node.output = inner;
    let node = Node {
        name: unique_node_name(graph, &format!("{name}_{}", after.name().to_lowercase())),
        op: after,
        inputs: vec![inner],
        output: old,
    };
    graph.nodes.insert(index + 1, node);
    Ok(())
}

/// The one element of an f32 constant.
pub(crate) fn scalar(graph: &Graph, id: ValueId) -> Option<f32> {
    graph.constant(id)?.scalar_f32()
}

/// The elements of an f32 constant that varies along the last axis of a result of shape `dims` only, one a channel.
pub(crate) fn per_channel(graph: &Graph, id: ValueId, dims: &[usize]) -> Option<Vec<f32>> {
    let tensor = graph.constant(id)?;
    let (values, &channels) = (tensor.as_f32()?, dims.last()?);
    let (last, leading) = match tensor.shape().split_last() {
        Some((&last, leading)) => (last, leading),
        None => (1, &[][..]),
    };
    if tensor.shape().len() > dims.len() || leading.iter().any(|&d| d != 1) {
        return None;
    }
    match last {
        1 => Some(vec![*values.first()?; channels]),
        n if n == channels => Some(values.to_vec()),
        _ => None,
    }
}

/// The integers behind a dequantised constant.
pub(crate) fn stored(graph: &Graph, links: &Links, id: ValueId) -> Option<ValueId> {
    let (_, node) = links.maker(graph, id)?;
    let stored = *node.inputs.first()?;
    (node.op == Op::Dequantize && graph.constant(stored).is_some()).then_some(stored)
}

/// True for a constant, or one that is stored in integers.
pub(crate) fn is_constant(graph: &Graph, links: &Links, id: ValueId) -> bool {
    graph.constant(id).is_some() || stored(graph, links, id).is_some()
}

/// Adds a constant of f32 elements.
pub(crate) fn add_floats(
    graph: &mut Graph,
    name: &str,
    shape: Vec<usize>,
    values: Vec<f32>,
) -> Result<ValueId, Error> {
    let tensor = Tensor::new(shape, redpoll_graph::Data::F32(values))?;
    Ok(graph.add_constant(name, tensor))
}

/// The permutation that undoes `perm`.
pub(crate) fn inverse(perm: &[usize]) -> Vec<usize> {
    let mut out = vec![0; perm.len()];
    for (i, &p) in perm.iter().enumerate() {
        out[p] = i;
    }
    out
}

/// True when `perm` leaves the order of all axes longer than 1 as it is: the elements do not move.
pub(crate) fn moves_nothing(perm: &[usize], shape: &[usize]) -> bool {
    let mut long = perm.iter().filter(|&&p| shape[p] != 1);
    let mut last = None;
    long.all(|p| last.replace(p).is_none_or(|before| before < p))
}

/// Drops values that nothing uses and numbers the others anew.
pub(crate) fn compact(graph: &mut Graph) {
    let mut used = vec![false; graph.values.len()];
    let of_nodes = graph
        .nodes
        .iter()
        .flat_map(|n| n.inputs.iter().chain([&n.output]));
    for id in of_nodes.chain(&graph.inputs).chain(&graph.outputs) {
        used[id.index()] = true;
    }
    let mut next = 0;
    let renumbered: Vec<ValueId> = used
        .iter()
        .map(|&u| {
            let id = ValueId(next);
            next += u32::from(u);
            id
        })
        .collect();
    let mut keep = used.iter();
    graph
        .values
        .retain(|_| keep.next().copied().unwrap_or(false));
    let ids = graph
        .nodes
        .iter_mut()
        .flat_map(|n| n.inputs.iter_mut().chain([&mut n.output]))
        .chain(&mut graph.inputs)
        .chain(&mut graph.outputs);
    for id in ids {
        *id = renumbered[id.index()];
    }
}
