//! Makes models: graph, nodes with attributes, initialisers, opset imports.

use crate::proto::{
    AttributeProto, AttributeType, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    StringStringEntryProto, ValueInfoProto,
};
use crate::{DataType, Dim, Model, Result, TensorData};

/// Builds a model from its main graph. The producer name is `redpoll`.
///
/// ```
/// use redpoll_onnx::proto::NodeProto;
/// use redpoll_onnx::{DataType, Dim, GraphBuilder, ModelBuilder, TensorData};
/// let mut graph = GraphBuilder::new("scaled");
/// graph.input("x", DataType::F32, &[Dim::Named("N".into()), 4.into()]);
/// graph.initializer("s", &TensorData::from_f32(&[], &[0.5])?);
/// graph.node(NodeProto::new("Mul", "scale", ["x", "s"], ["y"]));
/// graph.output("y", DataType::F32, &[Dim::Named("N".into()), 4.into()]);
/// let model = ModelBuilder::new(17).metadata("task", "none").build(graph)?;
/// assert_eq!((model.opset(), model.ir_version()), (17, 8));
/// # Ok::<(), redpoll_onnx::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ModelBuilder {
    proto: ModelProto,
}

impl ModelBuilder {
    /// Starts a model for a version of the standard operators. The version of the file format is the one that came out
    /// with it (at least 4, so that initialisers need not be listed as inputs), for the widest choice of readers.
    pub fn new(opset: i64) -> Self {
        let proto = ModelProto {
            ir_version: ir_version_for(opset),
            producer_name: "redpoll".to_owned(),
            producer_version: env!("CARGO_PKG_VERSION").to_owned(),
            opset_import: vec![OperatorSetIdProto {
                domain: String::new(),
                version: opset,
            }],
            ..ModelProto::default()
        };
        ModelBuilder { proto }
    }

    /// Imports another operator set.
    pub fn opset(mut self, domain: &str, version: i64) -> Self {
        self.proto.opset_import.push(OperatorSetIdProto {
            domain: domain.to_owned(),
            version,
        });
        self
    }

    /// Sets the version of the file format.
    pub fn ir_version(mut self, version: i64) -> Self {
        self.proto.ir_version = version;
        self
    }

    /// Adds a metadata key.
    pub fn metadata(mut self, key: &str, value: &str) -> Self {
        self.proto.metadata_props.push(entry(key, value));
        self
    }

    /// Finishes the model.
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for an opset or IR version that is not known.
    pub fn build(mut self, graph: GraphBuilder) -> Result<Model> {
        self.proto.graph = Some(graph.finish());
        Model::from_proto(self.proto)
    }
}

/// The IR version of the ONNX release that brought the opset.
fn ir_version_for(opset: i64) -> i64 {
    match opset {
        ..=9 => 4,
        10 => 5,
        11 => 6,
        12..=14 => 7,
        15..=18 => 8,
        19..=20 => 9,
        21..=22 => 10,
        23 => 11,
        24 => 12,
        25..=27 => 13,
        _ => 14,
    }
}

/// Builds a graph; nodes must come in topological order.
#[derive(Clone, Debug)]
pub struct GraphBuilder {
    proto: GraphProto,
}

impl GraphBuilder {
    /// Starts a graph.
    pub fn new(name: &str) -> Self {
        GraphBuilder {
            proto: GraphProto {
                name: name.to_owned(),
                ..GraphProto::default()
            },
        }
    }

    /// Adds an input.
    pub fn input(&mut self, name: &str, data_type: DataType, dims: &[Dim]) -> &mut Self {
        self.proto
            .input
            .push(ValueInfoProto::tensor(name, data_type, dims));
        self
    }

    /// Adds an output.
    pub fn output(&mut self, name: &str, data_type: DataType, dims: &[Dim]) -> &mut Self {
        self.proto
            .output
            .push(ValueInfoProto::tensor(name, data_type, dims));
        self
    }

    /// Says the type of a value in between.
    pub fn value_info(&mut self, name: &str, data_type: DataType, dims: &[Dim]) -> &mut Self {
        self.proto
            .value_info
            .push(ValueInfoProto::tensor(name, data_type, dims));
        self
    }

    /// Adds a constant, stored as raw bytes.
    pub fn initializer(&mut self, name: &str, data: &TensorData) -> &mut Self {
        self.proto.initializer.push(data.to_proto(name));
        self
    }

    /// Adds a node.
    pub fn node(&mut self, node: NodeProto) -> &mut Self {
        self.proto.node.push(node);
        self
    }

    /// The message, for a subgraph in an attribute.
    pub fn finish(self) -> GraphProto {
        self.proto
    }
}

/// Making nodes, attribute by attribute.
impl NodeProto {
    /// A node of the standard operators. Use `""` for an optional input that is left out.
    pub fn new<'a, 'b>(
        op_type: &str,
        name: &str,
        inputs: impl IntoIterator<Item = &'a str>,
        outputs: impl IntoIterator<Item = &'b str>,
    ) -> Self {
        NodeProto {
            op_type: op_type.to_owned(),
            name: name.to_owned(),
            input: inputs.into_iter().map(str::to_owned).collect(),
            output: outputs.into_iter().map(str::to_owned).collect(),
            ..NodeProto::default()
        }
    }

    /// Puts the operator into another domain.
    pub fn in_domain(mut self, domain: &str) -> Self {
        self.domain = domain.to_owned();
        self
    }

    /// Adds a metadata key.
    pub fn with_metadata(mut self, key: &str, value: &str) -> Self {
        self.metadata_props.push(entry(key, value));
        self
    }

    /// Adds an integer.
    pub fn with_int(self, name: &str, value: i64) -> Self {
        self.with(name, AttributeType::Int, |a| a.i = Some(value))
    }

    /// Adds integers.
    pub fn with_ints(self, name: &str, values: &[i64]) -> Self {
        self.with(name, AttributeType::Ints, |a| a.ints = values.to_vec())
    }

    /// Adds a float.
    pub fn with_float(self, name: &str, value: f32) -> Self {
        self.with(name, AttributeType::Float, |a| a.f = Some(value))
    }

    /// Adds floats.
    pub fn with_floats(self, name: &str, values: &[f32]) -> Self {
        self.with(name, AttributeType::Floats, |a| a.floats = values.to_vec())
    }

    /// Adds text.
    pub fn with_string(self, name: &str, value: &str) -> Self {
        self.with(name, AttributeType::String, |a| {
            a.s = Some(value.as_bytes().to_vec())
        })
    }

    /// Adds texts.
    pub fn with_strings(self, name: &str, values: &[&str]) -> Self {
        let strings = values.iter().map(|v| v.as_bytes().to_vec()).collect();
        self.with(name, AttributeType::Strings, |a| a.strings = strings)
    }

    /// Adds a tensor.
    pub fn with_tensor(self, name: &str, value: &TensorData) -> Self {
        self.with(name, AttributeType::Tensor, |a| {
            a.t = Some(Box::new(value.to_proto("")))
        })
    }

    /// Adds a subgraph.
    pub fn with_graph(self, name: &str, value: GraphProto) -> Self {
        self.with(name, AttributeType::Graph, |a| a.g = Some(Box::new(value)))
    }

    fn with(
        mut self,
        name: &str,
        kind: AttributeType,
        set: impl FnOnce(&mut AttributeProto),
    ) -> Self {
        let mut attribute = AttributeProto {
            name: name.to_owned(),
            r#type: kind as i32,
            ..AttributeProto::default()
        };
        set(&mut attribute);
        self.attribute.push(attribute);
        self
    }
}

fn entry(key: &str, value: &str) -> StringStringEntryProto {
    StringStringEntryProto {
        key: key.to_owned(),
        value: value.to_owned(),
    }
}
