//! Graph, nodes and values.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::names::NameIndex;
use crate::op::Op;
use crate::qparams::QParams;
use crate::shape;
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
    value_names: NameIndex,
    node_names: NameIndex,
}

impl Graph {
    /// An empty graph.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

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

    /// Adds a value; the name is made unique by a suffix where needed (names that were changed in place since
    /// the last call are not seen: the verifier finds a clash).
    pub fn add_value(&mut self, name: &str, dtype: DType, shape: Vec<usize>) -> ValueId {
        let id = ValueId(self.values.len() as u32);
        let present = self.values.iter().map(|v| v.name.as_str());
        let name = self.value_names.claim(name, present);
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

    /// Adds an input of the model.
    pub fn add_input(&mut self, name: &str, dtype: DType, shape: Vec<usize>) -> ValueId {
        let id = self.add_value(name, dtype, shape);
        self.inputs.push(id);
        id
    }

    /// Appends a node; type and shape of its result are inferred. Node and result are both called `name`, with
    /// a suffix where that is taken. Where the result keeps scale and zero point (data movement, maxima) they are those
    /// of the first data operand; other quantised results need [`add_node_as`](Self::add_node_as).
    ///
    /// # Errors
    /// Those of [`shape::infer`], naming the node.
    ///
    /// # Examples
    /// ```
    /// use redpoll_graph::{DType, Graph, Op, op::{Clamp, UnaryFn}};
    /// let mut g = Graph::new("tiny");
    /// let x = g.add_input("x", DType::F32, vec![1, 4]);
    /// let y = g.add_node("y", Op::Unary(UnaryFn::Clamp(Clamp::RELU)), &[x])?;
    /// g.outputs.push(y);
    /// assert_eq!(g.value(y).shape, [1, 4]);
    /// redpoll_graph::verify(&g)?;
    /// # Ok::<(), redpoll_graph::Error>(())
    /// ```
    pub fn add_node(&mut self, name: &str, op: Op, inputs: &[ValueId]) -> Result<ValueId, Error> {
        let (dtype, shape) = shape::infer(self, &op, inputs).map_err(|e| e.at(name))?;
        let qparams = match shape::qparams_operands(&op, inputs).first() {
            Some(&first) if shape::keeps_qparams(&op) => self.value(first).qparams.clone(),
            _ => None,
        };
        Ok(self.push_node(name, op, inputs, dtype, shape, qparams))
    }

    /// Appends a node whose quantised result has this type, scale and zero point.
    ///
    /// # Errors
    /// Those of [`shape::infer`], and [`ErrorKind::Type`] when the operator gives another type.
    pub fn add_node_as(
        &mut self,
        name: &str,
        op: Op,
        inputs: &[ValueId],
        dtype: DType,
        qparams: Option<QParams>,
    ) -> Result<ValueId, Error> {
        let (inferred, shape) = shape::infer(self, &op, inputs).map_err(|e| e.at(name))?;
        if !shape::may_be(&op, inferred, dtype) {
            return Err(Error::new(
                ErrorKind::Type,
                format!("{} gives {inferred}, not {dtype}", op.name()),
            )
            .at(name));
        }
        Ok(self.push_node(name, op, inputs, dtype, shape, qparams))
    }

    fn push_node(
        &mut self,
        name: &str,
        op: Op,
        inputs: &[ValueId],
        dtype: DType,
        shape: Vec<usize>,
        qparams: Option<QParams>,
    ) -> ValueId {
        let output = self.add_value(name, dtype, shape);
        self.value_mut(output).qparams = qparams;
        let present = self.nodes.iter().map(|n| n.name.as_str());
        let called = &self.values[output.index()].name;
        let name = self.node_names.claim(called, present);
        self.nodes.push(Node {
            name,
            op,
            inputs: inputs.to_vec(),
            output,
        });
        output
    }

    /// The contents of `id` when it is a constant.
    pub fn constant(&self, id: ValueId) -> Option<&Tensor> {
        self.value(id).constant.as_deref()
    }

    /// Finds a value by name, looking at one after the other.
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

    /// Multiply-accumulates of a node: convolution, dense and matrix products, recurrent layers; 0 for the others.
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
            (Op::Recurrent(_), Some(r)) => {
                let steps = weight(0).map_or(0, |x| x[..2].iter().product::<usize>());
                steps as u64 * r.iter().product::<usize>() as u64
            }
            _ => 0,
        }
    }
}
