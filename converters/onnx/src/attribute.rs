//! Attributes of nodes by name, with their type checked.

use crate::proto::{AttributeProto, AttributeType, GraphProto, NodeProto, TensorProto};
use crate::{Error, Result};

/// Accessors give `Ok(None)` if the node has no such attribute.
///
/// # Errors
/// All give [`Malformed`](crate::ErrorKind::Malformed), with node and attribute named, if the attribute has another
/// type, and [`Unsupported`](crate::ErrorKind::Unsupported) if it refers to an attribute of an enclosing function.
impl NodeProto {
    /// How messages about this node begin: its name if it has one, otherwise its first output.
    pub fn label(&self) -> String {
        if self.name.is_empty() {
            let output = self.output.first().map_or("", String::as_str);
            format!("node ({}) that makes {output:?}", self.op_type)
        } else {
            format!("node {:?} ({})", self.name, self.op_type)
        }
    }

    /// Bytes of the node in a file: what a copy of it costs, its attributes' tensors included.
    pub fn encoded_bytes(&self) -> usize {
        prost::Message::encoded_len(self)
    }

    /// The attribute as it is.
    pub fn attr(&self, name: &str) -> Option<&AttributeProto> {
        self.attribute
            .iter()
            .find(|attribute| attribute.name == name)
    }

    /// An integer.
    pub fn attr_int(&self, name: &str) -> Result<Option<i64>> {
        self.typed(name, AttributeType::Int, |a| Some(a.i.unwrap_or(0)))
    }

    /// A float.
    pub fn attr_float(&self, name: &str) -> Result<Option<f32>> {
        self.typed(name, AttributeType::Float, |a| Some(a.f.unwrap_or(0.0)))
    }

    /// Integers.
    pub fn attr_ints(&self, name: &str) -> Result<Option<&[i64]>> {
        self.typed(name, AttributeType::Ints, |a| Some(a.ints.as_slice()))
    }

    /// Floats.
    pub fn attr_floats(&self, name: &str) -> Result<Option<&[f32]>> {
        self.typed(name, AttributeType::Floats, |a| Some(a.floats.as_slice()))
    }

    /// Text; bytes that are no UTF-8 are an error too.
    pub fn attr_string(&self, name: &str) -> Result<Option<&str>> {
        let bytes = self.typed(name, AttributeType::String, |a| {
            Some(a.s.as_deref().unwrap_or(&[]))
        })?;
        bytes.map(|bytes| self.text(name, bytes)).transpose()
    }

    /// Texts; bytes that are no UTF-8 are an error too.
    pub fn attr_strings(&self, name: &str) -> Result<Option<Vec<&str>>> {
        let all = self.typed(name, AttributeType::Strings, |a| Some(&a.strings))?;
        all.map(|all| all.iter().map(|bytes| self.text(name, bytes)).collect())
            .transpose()
    }

    /// A tensor; decode it with [`Model::tensor`](crate::Model::tensor).
    pub fn attr_tensor(&self, name: &str) -> Result<Option<&TensorProto>> {
        self.typed(name, AttributeType::Tensor, |a| a.t.as_deref())
    }

    /// A subgraph.
    pub fn attr_graph(&self, name: &str) -> Result<Option<&GraphProto>> {
        self.typed(name, AttributeType::Graph, |a| a.g.as_deref())
    }

    /// An error that says which attribute is missing, for `attr_int("axis")?.ok_or_else(|| node.missing("axis"))`.
    pub fn missing(&self, name: &str) -> Error {
        Error::malformed(format!("{}: attribute {name:?} is missing", self.label()))
    }

    fn typed<'a, T>(
        &'a self,
        name: &str,
        want: AttributeType,
        get: impl FnOnce(&'a AttributeProto) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(attribute) = self.attr(name) else {
            return Ok(None);
        };
        let at = || format!("{}: attribute {name:?}", self.label());
        if !attribute.ref_attr_name.is_empty() {
            return Err(Error::unsupported(format!(
                "{} refers to {:?} of a function; inline functions first",
                at(),
                attribute.ref_attr_name
            )));
        }
        let found = attribute.r#type;
        if found != want as i32 {
            return Err(match AttributeType::try_from(found) {
                Ok(found) => Error::malformed(format!(
                    "{} has type {}, not {}",
                    at(),
                    type_name(found),
                    type_name(want)
                )),
                Err(_) => Error::malformed(format!("{} has the unknown type {found}", at())),
            });
        }
        match get(attribute) {
            Some(value) => Ok(Some(value)),
            None => Err(Error::malformed(format!("{} has no value", at()))),
        }
    }

    fn text<'a>(&self, name: &str, bytes: &'a [u8]) -> Result<&'a str> {
        std::str::from_utf8(bytes).map_err(|_| {
            Error::malformed(format!("{}: attribute {name:?} is not UTF-8", self.label()))
        })
    }
}

/// The ONNX name of an attribute type.
fn type_name(kind: AttributeType) -> &'static str {
    match kind {
        AttributeType::Undefined => "UNDEFINED",
        AttributeType::Float => "FLOAT",
        AttributeType::Int => "INT",
        AttributeType::String => "STRING",
        AttributeType::Tensor => "TENSOR",
        AttributeType::Graph => "GRAPH",
        AttributeType::Floats => "FLOATS",
        AttributeType::Ints => "INTS",
        AttributeType::Strings => "STRINGS",
        AttributeType::Tensors => "TENSORS",
        AttributeType::Graphs => "GRAPHS",
        AttributeType::SparseTensor => "SPARSE_TENSOR",
        AttributeType::SparseTensors => "SPARSE_TENSORS",
        AttributeType::TypeProto => "TYPE_PROTO",
        AttributeType::TypeProtos => "TYPE_PROTOS",
    }
}
