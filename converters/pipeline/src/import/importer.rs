//! The state of an import: the graph so far, names, and how operators are added to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use redpoll_graph::{DType, Data, Graph, Node, Op, QParams, Tensor, ValueId, shape};
use redpoll_onnx::{DataType, Model};

use crate::Gap;

use super::bounds::{Bound, Size};
use super::fold::{self, Budget};
use super::narrow::{self, Width};
use super::node::{OnnxNode, Stop, gap, invalid};

/// What a name of the ONNX model stands for so far.
#[derive(Clone, Copy)]
pub(crate) enum Known {
    /// A value of the graph.
    Value(ValueId),
    /// The result of a node that is a gap.
    Missing,
}

/// Builds the graph node by node.
pub(crate) struct Importer<'a> {
    /// The model, for decoding tensors in attributes.
    pub model: &'a Model,
    /// The graph so far.
    pub graph: Graph,
    /// ONNX names seen so far.
    pub names: BTreeMap<String, Known>,
    /// What constants may still take.
    pub budget: Budget,
    /// Values that are narrower than the type that holds them.
    pub narrow: BTreeMap<ValueId, Width>,
    /// Values that are narrower floats in the model: BF16 and those of 8 and 4 bits.
    pub floats: BTreeMap<ValueId, DataType>,
    /// Values whose size along an axis depends on data.
    pub bounds: BTreeMap<ValueId, Bound>,
    /// Whole numbers that are such sizes, or constants beside them.
    pub sizes: BTreeMap<ValueId, Vec<Size>>,
    /// What is not supported so far.
    pub gaps: Vec<Gap>,
    /// Bodies of control flow around the present node.
    pub depth: usize,
    /// Nodes and bodies that control flow has become.
    pub unrolled: usize,
    /// Constants of bodies by where their messages lie.
    pub decoded: BTreeMap<usize, ValueId>,
    /// Names that were made in the bodies around, with what they stood for before.
    undo: Vec<(String, Option<Known>)>,
    node_names: BTreeMap<String, usize>,
}

impl<'a> Importer<'a> {
    /// An import with nothing in it.
    pub fn new(model: &'a Model) -> Self {
        Self {
            model,
            graph: Graph::default(),
            names: BTreeMap::new(),
            budget: Budget::of(&Graph::default()),
            narrow: BTreeMap::new(),
            floats: BTreeMap::new(),
            bounds: BTreeMap::new(),
            sizes: BTreeMap::new(),
            gaps: Vec::new(),
            depth: 0,
            unrolled: 0,
            decoded: BTreeMap::new(),
            undo: Vec::new(),
            node_names: BTreeMap::new(),
        }
    }

    /// Says what a name stands for.
    pub fn define(&mut self, name: &str, known: Known) {
        let before = self.names.insert(name.to_owned(), known);
        if self.depth > 0 {
            self.undo.push((name.to_owned(), before));
        }
    }

    /// Begins a body: what is defined from now on is forgotten at its end.
    pub fn open_scope(&mut self) -> usize {
        self.undo.len()
    }

    /// Ends the body that [`open_scope`](Self::open_scope) began.
    pub fn close_scope(&mut self, outside: usize) {
        while self.undo.len() > outside {
            match self.undo.pop() {
                Some((name, Some(before))) => {
                    self.names.insert(name, before);
                }
                Some((name, None)) => {
                    self.names.remove(&name);
                }
                None => return,
            }
        }
    }

    /// A node name that no other node has.
    pub fn unique_node_name(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        while self.node_names.contains_key(&name) {
            // Counting goes on where the last clash left it.
            let n = self.node_names.entry(wanted.to_owned()).or_insert(0);
            *n += 1;
            name = format!("{wanted}_{n}");
        }
        self.node_names.insert(name.clone(), 0);
        name
    }

    /// Adds the operator that makes the node's first output; folds it when all inputs are constants.
    pub fn emit(
        &mut self,
        node: &OnnxNode<'_>,
        op: Op,
        inputs: &[ValueId],
    ) -> Result<ValueId, Stop> {
        self.emit_as(&node.name, node.output_name(), op, inputs)
    }

    /// Adds an operator of several that a node becomes, named after the node with a suffix.
    pub fn emit_part(
        &mut self,
        node: &OnnxNode<'_>,
        part: &str,
        op: Op,
        inputs: &[ValueId],
    ) -> Result<ValueId, Stop> {
        let name = self.unique_node_name(&format!("{}_{part}", node.name));
        let value = format!("{}_{part}", node.output_name());
        self.emit_as(&name, &value, op, inputs)
    }

    /// Adds an operator under the given node and value names.
    pub fn emit_as(
        &mut self,
        name: &str,
        value_name: &str,
        op: Op,
        inputs: &[ValueId],
    ) -> Result<ValueId, Stop> {
        let id = self.append(name, value_name, op, inputs)?;
        if let Some(tensor) = self.nothing(id)? {
            self.graph.nodes.pop();
            self.graph.value_mut(id).constant = Some(Arc::new(tensor));
            return Ok(id);
        }
        let folded = match self.graph.nodes.last() {
            Some(node) => fold::fold(&self.graph, node, &mut self.budget)?,
            None => None,
        };
        if let Some(tensor) = folded {
            self.graph.nodes.pop();
            self.graph.value_mut(id).constant = Some(Arc::new(tensor));
        }
        Ok(id)
    }

    /// Keeps in mind which type a value has in the model, where the graph holds it in a wider one.
    pub fn note(&mut self, id: ValueId, data_type: DataType) {
        self.narrow
            .extend(narrow::width(data_type).map(|width| (id, width)));
        if matches!(data_type, DataType::BF16 | DataType::Small(_)) {
            self.floats.insert(id, data_type);
        }
    }

    /// The tensor of a value without elements: it is a constant, whatever it was made of.
    fn nothing(&self, id: ValueId) -> Result<Option<Tensor>, Stop> {
        let value = self.graph.value(id);
        if !value.is_empty() || value.qparams.is_some() {
            return Ok(None);
        }
        let data = match value.dtype {
            DType::F32 => Data::F32(Vec::new()),
            DType::I8 => Data::I8(Vec::new()),
            DType::U8 => Data::U8(Vec::new()),
            DType::I32 => Data::I32(Vec::new()),
            DType::I64 => Data::I64(Vec::new()),
            DType::Bool => Data::Bool(Vec::new()),
        };
        Ok(Some(Tensor::new(value.shape.clone(), data)?))
    }

    /// Adds an operator as it is, without folding.
    pub fn append(
        &mut self,
        name: &str,
        value_name: &str,
        op: Op,
        inputs: &[ValueId],
    ) -> Result<ValueId, redpoll_graph::Error> {
        let (dtype, shape) = shape::infer(&self.graph, &op, inputs)?;
        let qparams = match shape::qparams_operands(&op, inputs).first() {
            Some(&id) if shape::keeps_qparams(&op) => fold::moved_qparams(&self.graph, &op, id),
            _ => None,
        };
        Ok(self.push(name, value_name, op, inputs, (dtype, shape, qparams)))
    }

    fn push(
        &mut self,
        name: &str,
        value_name: &str,
        op: Op,
        inputs: &[ValueId],
        (dtype, shape, qparams): (DType, Vec<usize>, Option<QParams>),
    ) -> ValueId {
        let output = self.graph.add_value(value_name, dtype, shape);
        self.graph.value_mut(output).qparams = qparams;
        self.graph.nodes.push(Node {
            name: name.to_owned(),
            op,
            inputs: inputs.to_vec(),
            output,
        });
        output
    }

    /// Adds an operator whose result is quantised by `qparams`.
    pub fn emit_quantized(
        &mut self,
        node: &OnnxNode<'_>,
        op: Op,
        input: ValueId,
        dtype: DType,
        qparams: QParams,
    ) -> ValueId {
        let shape = self.shape(input).to_vec();
        let about = (dtype, shape, Some(qparams));
        self.push(&node.name, node.output_name(), op, &[input], about)
    }

    /// Adds a constant named after the node.
    pub fn constant(&mut self, node: &OnnxNode<'_>, part: &str, tensor: Tensor) -> ValueId {
        let name = format!("{}_{part}", node.output_name());
        self.graph.add_constant(&name, tensor)
    }

    /// Dimensions of a value.
    pub fn shape(&self, id: ValueId) -> &[usize] {
        &self.graph.value(id).shape
    }

    /// Number of dimensions of a value.
    pub fn rank(&self, id: ValueId) -> usize {
        self.shape(id).len()
    }

    /// Element type of a value.
    pub fn dtype(&self, id: ValueId) -> DType {
        self.graph.value(id).dtype
    }

    /// The contents of input `index`, which must be constant.
    pub fn constant_input(
        &self,
        node: &OnnxNode<'_>,
        index: usize,
        what: &str,
    ) -> Result<&Tensor, Stop> {
        let id = node.input(index)?;
        match self.graph.constant(id) {
            Some(tensor) => Ok(tensor),
            None => gap(format!(
                "{what} (input {index}) is computed at run time; it must be a constant: \
                 export with fixed shapes or simplify the model first"
            )),
        }
    }

    /// Integers of input `index`, which must be constant.
    pub fn constant_ints(
        &self,
        node: &OnnxNode<'_>,
        index: usize,
        what: &str,
    ) -> Result<Vec<i64>, Stop> {
        match self.constant_input(node, index, what)?.to_i64() {
            Some(ints) => Ok(ints),
            None => invalid(format!("{what} (input {index}) is not of an integer type")),
        }
    }

    /// Integers of an input that may be left out, or `None`.
    pub fn optional_ints(
        &self,
        node: &OnnxNode<'_>,
        index: usize,
        what: &str,
    ) -> Result<Option<Vec<i64>>, Stop> {
        match node.optional(index) {
            Some(_) => self.constant_ints(node, index, what).map(Some),
            None => Ok(None),
        }
    }

    /// The one element of an f32 constant, if the value is such.
    pub fn scalar(&self, id: ValueId) -> Option<f32> {
        self.graph.constant(id)?.scalar_f32()
    }
}
