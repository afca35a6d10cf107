//! The state of a translation: names, nodes, gaps, inputs and outputs.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use redpoll_onnx::proto::NodeProto;
use redpoll_onnx::{DataType, Dim, GraphBuilder};

use super::variables::{Carried, Variable};
use crate::{
    Activation, Error, Gap, Model, Operator, Result, Sparsity, Subgraph, Tensor, TensorType,
};

/// Why an operator is not translated.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Not supported: all such are listed together.
    Gap(String),
    /// Wrong in itself.
    Invalid(String),
    /// An operand is the result of a gap.
    Blocked,
    /// From reading a tensor.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(e: Error) -> Self {
        Self::Failed(e)
    }
}

/// Result of a translation.
pub(crate) type Done<T = ()> = std::result::Result<T, Stop>;

pub(crate) fn gap<T>(reason: impl Into<String>) -> Done<T> {
    Err(Stop::Gap(reason.into()))
}

pub(crate) fn invalid<T>(reason: impl Into<String>) -> Done<T> {
    Err(Stop::Invalid(reason.into()))
}

/// What is known of a tensor so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    /// Nobody has made it.
    Not,
    /// A value of this name exists.
    Yes,
    /// By an operator that is a gap.
    Missing,
}

/// Nodes above which a model is refused.
const MAX_NODES: usize = 40_000;

/// Bytes above which the name of a tensor is replaced by its number.
const MAX_NAME: usize = 1024;

/// Builds the messages operator by operator.
pub(crate) struct Translator<'m> {
    pub model: &'m Model<'m>,
    pub subgraph: &'m Subgraph,
    pub graph: GraphBuilder,
    pub gaps: Vec<Gap>,
    /// Name of each tensor's value, unique.
    pub(super) names: Vec<String>,
    pub made: Vec<Made>,
    /// Float values of quantised tensors.
    pub reals: BTreeMap<usize, String>,
    /// Variables by name.
    pub variables: BTreeMap<String, Variable>,
    /// Variables that handles stand for.
    pub handles: BTreeMap<usize, String>,
    /// Memory of recurrent layers.
    pub carried: Vec<Carried>,
    /// Numbers of dimensions that the file does not know.
    pub ranks: BTreeMap<usize, usize>,
    /// Before every name that is made here: names are unique over all subgraphs.
    pub(super) prefix: String,
    /// Subgraphs that this one lies in.
    pub depth: usize,
    /// Nodes that may still be made: far more than the import takes.
    pub(super) nodes_left: usize,
    /// Bytes of constants that may still be read: operators may share them.
    pub(super) bytes_left: Cell<usize>,
    pub(super) taken: BTreeSet<String>,
    pub(super) counts: BTreeMap<String, usize>,
}

impl<'m> Translator<'m> {
    pub fn new(model: &'m Model<'m>, subgraph: &'m Subgraph) -> Self {
        Self::within(model, subgraph, String::new())
    }

    pub(super) fn within(model: &'m Model<'m>, subgraph: &'m Subgraph, prefix: String) -> Self {
        let mut t = Self {
            model,
            subgraph,
            graph: GraphBuilder::new(&subgraph.name),
            gaps: Vec::new(),
            names: Vec::new(),
            made: vec![Made::Not; subgraph.tensors.len()],
            reals: BTreeMap::new(),
            variables: BTreeMap::new(),
            handles: BTreeMap::new(),
            carried: Vec::new(),
            ranks: BTreeMap::new(),
            prefix,
            depth: 0,
            nodes_left: MAX_NODES,
            bytes_left: Cell::new(model.len().saturating_mul(8).saturating_add(1 << 24)),
            taken: BTreeSet::new(),
            counts: BTreeMap::new(),
        };
        for (i, tensor) in subgraph.tensors.iter().enumerate() {
            let wanted = match (tensor.name.as_str(), tensor.dtype) {
                ("", _) => format!("tensor_{i}"),
                // Every node around a tensor carries its name.
                (name, _) if name.len() > MAX_NAME => format!("tensor_{i}"),
                // The variable itself has the same name.
                (name, TensorType::Resource) => format!("{name}_handle"),
                (name, _) => name.to_owned(),
            };
            let name = t.unique(&wanted);
            t.names.push(name);
        }
        t
    }

    pub fn tensor(&self, id: usize) -> &'m Tensor {
        &self.subgraph.tensors[id]
    }

    pub fn shape(&self, id: usize) -> &'m [usize] {
        &self.tensor(id).shape
    }

    /// True where integers stand for reals by a scale.
    pub fn is_quantized(&self, id: usize) -> bool {
        let tensor = self.tensor(id);
        let integer = matches!(
            tensor.dtype,
            TensorType::I8 | TensorType::U8 | TensorType::I16 | TensorType::I4
        );
        integer && tensor.quantization.is_some()
    }

    /// Operand `i` of an operator.
    pub fn input(&self, op: &Operator, i: usize) -> Done<usize> {
        match op.inputs.get(i) {
            Some(Some(id)) => Ok(*id),
            _ => invalid(format!("operand {i} is missing")),
        }
    }

    /// Operand `i`, which may be left out.
    pub fn optional(&self, op: &Operator, i: usize) -> Option<usize> {
        op.inputs.get(i).copied().flatten()
    }

    /// Result `i` of an operator.
    pub fn output(&self, op: &Operator, i: usize) -> Done<usize> {
        match op.outputs.get(i) {
            Some(&id) => Ok(id),
            None => invalid(format!("result {i} is missing")),
        }
    }

    /// Adds a node with one result and gives its name.
    pub fn emit(&mut self, hint: &str, node: NodeProto) -> String {
        let name = self.unique(hint);
        self.emit_as(&name, node);
        name
    }

    /// Takes so much of the work that a model may make.
    pub fn work(&mut self, nodes: usize) {
        self.nodes_left = self.nodes_left.saturating_sub(nodes);
    }

    /// The elements of a constant; operators that share one read it more than once, but not without end.
    pub fn data(&self, tensor: &Tensor) -> Done<&'m [u8]> {
        let bytes = self.model.data(tensor)?;
        self.take(bytes.len())?;
        Ok(bytes)
    }

    /// The elements of a sparse constant.
    pub fn dense(&self, tensor: &Tensor, sparsity: &Sparsity) -> Done<Vec<u8>> {
        let bytes = tensor.count().and_then(|n| tensor.dtype.bytes(n));
        self.take(bytes.unwrap_or(usize::MAX))?;
        Ok(self.model.dense(tensor, sparsity)?)
    }

    /// Takes so many bytes of what a model may unfold to.
    pub fn take(&self, bytes: usize) -> Done {
        match self.bytes_left.get().checked_sub(bytes) {
            Some(left) => {
                self.bytes_left.set(left);
                Ok(())
            }
            None => gap("the constants of the model unfold to too many bytes"),
        }
    }

    /// Adds a node whose result is called `name`.
    pub fn emit_as(&mut self, name: &str, mut node: NodeProto) {
        self.work(1);
        node.output = vec![name.to_owned()];
        node.name = format!("{name}_{}", node.op_type.to_lowercase());
        self.graph.node(node);
    }

    /// Adds a node whose result is tensor `id`: what is fused comes behind it, and a quantised tensor is quantised.
    pub fn finish(&mut self, id: usize, node: NodeProto, activation: Activation) -> Done {
        self.claim(id)?;
        let base = self.name(id).to_owned();
        let last = match activation_node(activation)? {
            None => node,
            Some(fused) => {
                let before = self.emit(&format!("{base}_linear"), node);
                let mut fused = fused;
                fused.input.insert(0, before);
                self.bounds(&base, &mut fused, activation);
                fused
            }
        };
        if !self.is_quantized(id) {
            self.emit_as(&base, last);
            return Ok(());
        }
        let real = self.emit(&format!("{base}_float"), last);
        self.quantize(id, &real)
    }

    /// The bounds of a clamp as constants.
    fn bounds(&mut self, base: &str, node: &mut NodeProto, activation: Activation) {
        let bounds = match activation {
            Activation::Relu6 => [0.0, 6.0],
            Activation::ReluN1To1 => [-1.0, 1.0],
            _ => return,
        };
        for (part, value) in ["least", "most"].iter().zip(bounds) {
            let name = self.float(&format!("{base}_{part}"), value);
            node.input.push(name);
        }
    }

    /// Says that tensor `id` is made now, and by nobody else.
    pub fn claim(&mut self, id: usize) -> Done {
        let constant = self.tensor(id).is_constant();
        if constant || self.made[id] != Made::Not {
            return invalid(format!("tensor \"{}\" is made twice", self.name(id)));
        }
        self.made[id] = Made::Yes;
        Ok(())
    }

    /// Notes what became of an operator.
    pub fn settle(&mut self, index: usize, op: &Operator, found: Done) -> Result<()> {
        self.work(1);
        if self.nodes_left == 0 {
            return Err(Error::limit(format!(
                "the model becomes more than {MAX_NODES} nodes"
            )));
        }
        let node = match op.outputs.first() {
            Some(&id) => self.name(id).to_owned(),
            None => format!("operator {index}"),
        };
        match found {
            Ok(()) => return Ok(()),
            Err(Stop::Gap(reason)) => self.gaps.push(Gap {
                node,
                op: op.op.clone(),
                reason,
            }),
            Err(Stop::Failed(e)) if e.kind() == crate::ErrorKind::Unsupported => {
                self.gaps.push(Gap {
                    node,
                    op: op.op.clone(),
                    reason: e.to_string(),
                });
            }
            Err(Stop::Failed(e)) => {
                return Err(Error::malformed(format!(
                    "node \"{node}\" ({}): {e}",
                    op.op
                )));
            }
            Err(Stop::Invalid(reason)) => {
                return Err(Error::malformed(format!(
                    "node \"{node}\" ({}): {reason}",
                    op.op
                )));
            }
            Err(Stop::Blocked) => {}
        }
        for &id in &op.outputs {
            self.made[id] = Made::Missing;
        }
        Ok(())
    }

    /// The model's inputs, with dimensions that may have any size.
    pub fn inputs(&mut self) -> Result<()> {
        for &id in &self.subgraph.inputs {
            let tensor = self.tensor(id);
            let Some(dtype) = data_type(tensor.dtype) else {
                return Err(Error::unsupported(format!(
                    "input \"{}\" has elements of type {:?}",
                    tensor.name, tensor.dtype
                )));
            };
            if self.claim(id).is_err() {
                return Err(Error::malformed(format!(
                    "input \"{}\" is a constant, or named twice",
                    tensor.name
                )));
            }
            let dims = dims(tensor);
            let name = self.name(id).to_owned();
            self.graph.input(&name, dtype, &dims);
        }
        Ok(())
    }

    /// The model's outputs.
    pub fn outputs(&mut self) -> Result<()> {
        let mut listed = BTreeSet::new();
        for &id in &self.subgraph.outputs {
            let tensor = self.tensor(id);
            let failed = |stop| match stop {
                Stop::Failed(e) => e,
                Stop::Gap(reason) | Stop::Invalid(reason) => Error::malformed(reason),
                Stop::Blocked => Error::malformed("an output is blocked"),
            };
            let name = self.plain(id).map_err(failed)?;
            let dtype = data_type(tensor.dtype).unwrap_or(DataType::F32);
            let dims = match self.ranks.get(&id) {
                Some(&rank) => vec![Dim::Unknown; rank],
                None => dims(tensor),
            };
            if listed.insert(id) {
                self.graph.output(&name, dtype, &dims);
            }
        }
        Ok(())
    }
}

/// Dimensions of an input or output.
pub(crate) fn dims(tensor: &Tensor) -> Vec<Dim> {
    let sizes = tensor.shape.iter().zip(&tensor.free).enumerate();
    sizes
        .map(|(i, (&size, &free))| match (free, i) {
            (false, _) => Dim::Fixed(size),
            (true, 0) => Dim::Named("batch".to_owned()),
            (true, _) => Dim::Unknown,
        })
        .collect()
}

/// The operator of a fused activation, its first input left out.
fn activation_node(activation: Activation) -> Done<Option<NodeProto>> {
    let named = |op: &str| Ok(Some(NodeProto::new(op, "", [], [])));
    match activation {
        Activation::None => Ok(None),
        Activation::Relu => named("Relu"),
        Activation::Relu6 | Activation::ReluN1To1 => named("Clip"),
        Activation::Tanh => named("Tanh"),
        Activation::SignBit => gap("the fused activation SIGN_BIT is not supported"),
    }
}

/// The ONNX type of elements, where there is one.
pub(crate) fn data_type(dtype: TensorType) -> Option<DataType> {
    Some(match dtype {
        TensorType::F32 => DataType::F32,
        TensorType::F16 => DataType::F16,
        TensorType::BF16 => DataType::BF16,
        TensorType::F64 => DataType::F64,
        TensorType::I32 => DataType::I32,
        TensorType::I64 => DataType::I64,
        TensorType::I16 => DataType::I16,
        TensorType::U16 => DataType::U16,
        TensorType::U32 => DataType::U32,
        TensorType::U64 => DataType::U64,
        // Two in a byte in the file; the translation unpacks them.
        TensorType::I8 | TensorType::I4 => DataType::I8,
        TensorType::U8 => DataType::U8,
        TensorType::Bool => DataType::Bool,
        TensorType::String | TensorType::Resource | TensorType::Other(_) => return None,
    })
}
