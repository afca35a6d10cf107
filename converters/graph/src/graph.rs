//! Graph, nodes and values.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::op::Op;
use crate::qparams::QParams;
use crate::tensor::Tensor;
use crate::types::DType;

/// Index of a value in [`Graph::values`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub u32);

/// Index of a node in [`Graph::nodes`] at this moment; passes that remove nodes renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

impl ValueId {
    /// As an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl NodeId {
    /// As an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A tensor that flows through the graph, or a constant.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// Unique name: the ONNX tensor's name where there is one.
    pub name: String,
    /// Element type.
    pub dtype: DType,
    /// Concrete dimensions, outermost first.
    pub shape: Vec<usize>,
    /// Scale and zero point of quantised values.
    pub qparams: Option<QParams>,
    /// The contents of a constant.
    pub constant: Option<Arc<Tensor>>,
}

impl Value {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// True when there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of the elements.
    pub fn bytes(&self) -> usize {
        self.len() * self.dtype.size()
    }

    /// True for a quantised value.
    pub fn is_quantized(&self) -> bool {
        self.qparams.is_some() && matches!(self.dtype, DType::I8 | DType::U8)
    }
}

/// An operator applied to values.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Unique name: the ONNX node's name, or that of its first output.
    pub name: String,
    /// Operator and attributes.
    pub op: Op,
    /// Operands in the order of the operator's docs; optional trailing ones (bias) are left out.
    pub inputs: Vec<ValueId>,
    /// The one result.
    pub output: ValueId,
}

/// A model: nodes in execution order (each value is made before it is used).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// Model name.
    pub name: String,
    /// All values; those that no node uses are allowed and ignored.
    pub values: Vec<Value>,
    /// Nodes in execution order.
    pub nodes: Vec<Node>,
    /// Inputs of the model, in its order.
    pub inputs: Vec<ValueId>,
    /// Outputs of the model, in its order.
    pub outputs: Vec<ValueId>,
    /// Free text that travels with the model (preprocessing, labels, origin).
    pub metadata: BTreeMap<String, String>,
}

impl Graph {
    /// The value of `id`. Panics on an id of another graph.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.index()]
    }

    /// The value of `id`, for change.
    pub fn value_mut(&mut self, id: ValueId) -> &mut Value {
        &mut self.values[id.index()]
    }

    /// The node of `id`. Panics on an id of another graph.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// Adds a value; the name is made unique by a suffix where needed.
    pub fn add_value(&mut self, name: &str, dtype: DType, shape: Vec<usize>) -> ValueId {
        let id = ValueId(self.values.len() as u32);
        let name = self.unique_value_name(name);
        self.values.push(Value {
            name,
            dtype,
            shape,
            qparams: None,
            constant: None,
        });
        id
    }

    /// Adds a constant.
    pub fn add_constant(&mut self, name: &str, tensor: Tensor) -> ValueId {
        let id = self.add_value(name, tensor.dtype(), tensor.shape().to_vec());
        self.values[id.index()].constant = Some(Arc::new(tensor));
        id
    }

    /// The contents of `id` when it is a constant.
    pub fn constant(&self, id: ValueId) -> Option<&Tensor> {
        self.value(id).constant.as_deref()
    }

    /// Finds a value by name.
    pub fn find_value(&self, name: &str) -> Option<ValueId> {
        self.values
            .iter()
            .position(|v| v.name == name)
            .map(|i| ValueId(i as u32))
    }

    /// For each value, the node that makes it.
    pub fn producers(&self) -> Vec<Option<NodeId>> {
        let mut out = vec![None; self.values.len()];
        for (i, node) in self.nodes.iter().enumerate() {
            out[node.output.index()] = Some(NodeId(i as u32));
        }
        out
    }

    /// For each value, the nodes that read it (a node twice when it reads twice).
    pub fn consumers(&self) -> Vec<Vec<NodeId>> {
        let mut out = vec![Vec::new(); self.values.len()];
        for (i, node) in self.nodes.iter().enumerate() {
            for input in &node.inputs {
                out[input.index()].push(NodeId(i as u32));
            }
        }
        out
    }

    /// Makes every reader of `from`, and the model's outputs, read `to`.
    pub fn replace_uses(&mut self, from: ValueId, to: ValueId) {
        for node in &mut self.nodes {
            for input in &mut node.inputs {
                if *input == from {
                    *input = to;
                }
            }
        }
        for output in &mut self.outputs {
            if *output == from {
                *output = to;
            }
        }
    }

    /// Multiply-accumulates of a node: convolution, dense and matrix products; 0 for the others.
    pub fn macs(&self, node: &Node) -> u64 {
        let out = self.value(node.output).len() as u64;
        let weight = |i: usize| {
            node.inputs
                .get(i)
                .map(|&id| self.value(id).shape.as_slice())
        };
        match (&node.op, weight(1)) {
            (Op::Conv(_), Some(w)) => out * w[1..].iter().product::<usize>() as u64,
            (Op::Dense { .. }, Some(w)) => out * w.get(1).copied().unwrap_or(0) as u64,
            (Op::MatMul, _) => {
                let k = weight(0).and_then(|a| a.last().copied()).unwrap_or(0);
                out * k as u64
            }
            _ => 0,
        }
    }

    fn unique_value_name(&self, name: &str) -> String {
        // Names stay as they are in practice; a linear probe over the few clashes is enough.
        if self.find_value(name).is_none() {
            return name.to_owned();
        }
        let mut n = 1;
        loop {
            let candidate = format!("{name}_{n}");
            if self.find_value(&candidate).is_none() {
                return candidate;
            }
            n += 1;
        }
    }
}
