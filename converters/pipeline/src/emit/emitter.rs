//! Walks the graph and writes ONNX nodes; keeps the names and layouts of what is already written.

use std::collections::{BTreeMap, HashSet};

use redpoll_graph::{DType, Graph, Node, Op, QParams, Tensor, Value, ValueId};
use redpoll_onnx::proto::NodeProto;
use redpoll_onnx::{Dim, GraphBuilder, Model, ModelBuilder};

use super::OPSET;
use super::layout::{Layout, to_channels_first, to_channels_last};
use super::tensor::{data_type, tensor_data, transposed};
use crate::{Error, ErrorKind};

/// Whether a name stands for the integers or for the real numbers of a quantised value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Form {
    /// As the graph's value is: integers for a quantised value.
    Stored,
    /// Dequantised.
    Real,
}

pub(super) struct Emitter<'g> {
    pub(super) graph: &'g Graph,
    builder: GraphBuilder,
    names: HashSet<String>,
    /// What is written of each value.
    written: BTreeMap<(ValueId, Layout, Form), String>,
}

impl<'g> Emitter<'g> {
    pub(super) fn new(graph: &'g Graph) -> Self {
        let mut emitter = Self {
            graph,
            builder: GraphBuilder::new(if graph.name.is_empty() {
                "graph"
            } else {
                &graph.name
            }),
            names: HashSet::new(),
            written: BTreeMap::new(),
        };
        // The names of inputs and outputs are the model's interface: nothing else may take them.
        for &id in graph.inputs.iter().chain(&graph.outputs) {
            emitter.names.insert(graph.value(id).name.clone());
        }
        for &id in &graph.inputs {
            let value = graph.value(id);
            emitter
                .builder
                .input(&value.name, data_type(value.dtype), &dims(value));
            emitter
                .written
                .insert((id, Layout::Same, Form::Stored), value.name.clone());
        }
        emitter
    }

    pub(super) fn value(&self, id: ValueId) -> &'g Value {
        self.graph.value(id)
    }

    pub(super) fn rank(&self, id: ValueId) -> usize {
        self.value(id).shape.len()
    }

    /// A name that nothing has yet.
    pub(super) fn fresh(&mut self, name: &str) -> String {
        let mut candidate = name.to_owned();
        let mut n = 1;
        while !self.names.insert(candidate.clone()) {
            candidate = format!("{name}_{n}");
            n += 1;
        }
        candidate
    }

    /// Appends a node with one output; gives the output's name.
    pub(super) fn push(
        &mut self,
        op: &str,
        inputs: &[&str],
        output: &str,
        attributes: impl FnOnce(NodeProto) -> NodeProto,
    ) -> String {
        let output = self.fresh(output);
        let node = NodeProto::new(op, &output, inputs.iter().copied(), [output.as_str()]);
        self.builder.node(attributes(node));
        output
    }

    /// Appends a node whose outputs have names that [`fresh`](Self::fresh) gave.
    pub(super) fn append(&mut self, node: NodeProto) {
        self.builder.node(node);
    }

    /// Writes a constant; gives its name.
    pub(super) fn initializer(&mut self, name: &str, tensor: &Tensor) -> Result<String, Error> {
        let name = self.fresh(name);
        self.builder
            .initializer(&name, &tensor_data(tensor, tensor.shape())?);
        Ok(name)
    }

    /// The layout in which `id` is already written; channels-last where it is not written yet.
    pub(super) fn layout(&self, id: ValueId) -> Layout {
        let has = |layout| {
            [Form::Stored, Form::Real]
                .iter()
                .any(|&f| self.written.contains_key(&(id, layout, f)))
        };
        if has(Layout::ChannelsFirst) {
            Layout::ChannelsFirst
        } else {
            Layout::Same
        }
    }

    /// The name of `id` as the graph holds it, in `layout`.
    pub(super) fn stored(&mut self, id: ValueId, layout: Layout) -> Result<String, Error> {
        if let Some(name) = self.written.get(&(id, layout, Form::Stored)) {
            return Ok(name.clone());
        }
        let value = self.value(id);
        let name = if let Some(tensor) = &value.constant {
            match layout {
                Layout::Same => self.initializer(&value.name, tensor)?,
                Layout::ChannelsFirst => {
                    let perm = to_channels_first(value.shape.len());
                    self.initializer(&value.name, &transposed(tensor, &perm)?)?
                }
            }
        } else {
            let (other, perm) = match layout {
                Layout::Same => (Layout::ChannelsFirst, to_channels_last(value.shape.len())),
                Layout::ChannelsFirst => (Layout::Same, to_channels_first(value.shape.len())),
            };
            let Some(from) = self.written.get(&(id, other, Form::Stored)).cloned() else {
                return Err(Error::new(
                    ErrorKind::Internal,
                    format!("value \"{}\" is read before it is made", value.name),
                ));
            };
            let perm: Vec<i64> = perm.into_iter().map(|p| p as i64).collect();
            let name = format!("{}_transposed", value.name);
            self.push("Transpose", &[&from], &name, |n| n.with_ints("perm", &perm))
        };
        self.written
            .insert((id, layout, Form::Stored), name.clone());
        Ok(name)
    }

    /// The name of `id` as real numbers, in `layout`: a DequantizeLinear in front of a quantised value.
    pub(super) fn real(&mut self, id: ValueId, layout: Layout) -> Result<String, Error> {
        let value = self.value(id);
        let Some(q) = &value.qparams else {
            return self.stored(id, layout);
        };
        if let Some(name) = self.written.get(&(id, layout, Form::Real)) {
            return Ok(name.clone());
        }
        let stored = self.stored(id, layout)?;
        let rank = value.shape.len();
        let axis = q.axis.map(|a| layout.axis(a, rank));
        let name = self.dequantize(&stored, value, q, axis, &format!("{}_real", value.name))?;
        self.written.insert((id, layout, Form::Real), name.clone());
        Ok(name)
    }

    /// Appends DequantizeLinear of the tensor `stored`.
    pub(super) fn dequantize(
        &mut self,
        stored: &str,
        value: &Value,
        q: &QParams,
        axis: Option<usize>,
        output: &str,
    ) -> Result<String, Error> {
        let (scale, zero) = self.parameters(value, q)?;
        Ok(self.push(
            "DequantizeLinear",
            &[stored, &scale, &zero],
            output,
            |n| match axis {
                Some(axis) => n.with_int("axis", axis as i64),
                None => n,
            },
        ))
    }

    /// Scale and zero point of `value` as initialisers.
    fn parameters(&mut self, value: &Value, q: &QParams) -> Result<(String, String), Error> {
        let shape = if q.axis.is_some() {
            vec![q.scales.len()]
        } else {
            Vec::new()
        };
        let zeros = q.zero_points.iter().copied();
        use redpoll_graph::Data;
        let zero = match value.dtype {
            DType::U8 => Data::U8(zeros.map(|z| z as u8).collect()),
            DType::I32 => Data::I32(zeros.collect()),
            _ => Data::I8(zeros.map(|z| z as i8).collect()),
        };
        let scale = Tensor::new(shape.clone(), Data::F32(q.scales.clone()))?;
        let scale = self.initializer(&format!("{}_scale", value.name), &scale)?;
        let zero = self.initializer(
            &format!("{}_zero_point", value.name),
            &Tensor::new(shape, zero)?,
        )?;
        Ok((scale, zero))
    }

    /// Says that `name` holds the stored form of `id` in `layout`.
    pub(super) fn define_stored(&mut self, id: ValueId, layout: Layout, name: String) {
        self.written.insert((id, layout, Form::Stored), name);
    }

    /// Says that the real numbers of the result `id` are in `real`: quantises them when the value is quantised.
    pub(super) fn define(
        &mut self,
        id: ValueId,
        layout: Layout,
        real: String,
    ) -> Result<(), Error> {
        let value = self.value(id);
        let name = match (&value.qparams, value.dtype) {
            (Some(q), DType::I8 | DType::U8) => {
                let (scale, zero) = self.parameters(value, q)?;
                let name = format!("{}_quantized", value.name);
                self.push("QuantizeLinear", &[&real, &scale, &zero], &name, |n| n)
            }
            _ => real,
        };
        self.define_stored(id, layout, name);
        Ok(())
    }

    /// The name that the operator's own result should have.
    pub(super) fn output_name(&self, id: ValueId) -> String {
        self.value(id).name.clone()
    }

    pub(super) fn unsupported(&self, node: &Node, why: &str) -> Error {
        let reason = format!("{why} cannot be written as ONNX opset {OPSET}");
        Error::unsupported(vec![crate::Gap {
            node: node.name.clone(),
            op: node.op.name().to_owned(),
            reason,
        }])
    }

    /// Writes one node of the graph.
    pub(super) fn node(&mut self, node: &Node) -> Result<(), Error> {
        match &node.op {
            Op::Conv(conv) => self.conv(node, conv),
            Op::Pool(pool) => self.pool(node, pool),
            Op::BatchNorm { epsilon } => self.batch_norm(node, *epsilon),
            Op::Dense { .. } if self.is_projection(node) => Ok(()),
            Op::Dense { clamp } => self.dense(node, *clamp),
            Op::MatMul => self.matmul(node),
            Op::Unary(function) => self.unary(node, *function),
            Op::Binary { function, clamp } => self.binary(node, *function, *clamp),
            Op::Reduce {
                kind,
                axes,
                keep_dims,
            } => self.reduce(node, *kind, axes, *keep_dims),
            Op::Softmax { axis } => self.softmax(node, *axis),
            Op::Reshape { shape } => self.reshape(node, shape),
            Op::Transpose { perm } => self.transpose(node, perm),
            Op::Concat { axis } => self.concat(node, *axis),
            Op::Slice { axes } => self.slice(node, axes),
            Op::Pad(pad) => self.pad(node, pad),
            Op::Expand { shape } => self.expand(node, shape),
            Op::Resize(resize) => self.resize(node, resize),
            Op::Gather { axis } => self.gather(node, *axis),
            Op::Embedding => self.embedding(node),
            Op::Recurrent(layer) => self.recurrent(node, layer),
            Op::Select => self.as_it_is(node, "Where", |n| n),
            Op::ArgReduce(a) => self.arg_reduce(node, a),
            Op::Cumulate(c) => self.cumulate(node, c),
            Op::TopK(t) => self.top_k(node, t),
            Op::GatherElements { axis } => {
                let axis = *axis as i64;
                self.as_it_is(node, "GatherElements", |n| n.with_int("axis", axis))
            }
            Op::GatherNd { batch } => {
                let batch = *batch as i64;
                self.as_it_is(node, "GatherND", |n| n.with_int("batch_dims", batch))
            }
            Op::ScatterElements { axis, mode } => self.scatter(node, Some(*axis), *mode),
            Op::ScatterNd { mode } => self.scatter(node, None, *mode),
            Op::NonMaxSuppression(n) => self.non_max_suppression(node, n),
            Op::SparseRows(_) => Err(self.unsupported(node, "a linear map of few weights")),
            Op::Cast { to } => self.cast(node, *to),
            Op::Quantize | Op::Requantize => {
                let layout = self.layout(node.inputs[0]);
                let real = self.real(node.inputs[0], layout)?;
                self.define(node.output, layout, real)
            }
            Op::Dequantize => {
                let layout = self.layout(node.inputs[0]);
                let real = self.real(node.inputs[0], layout)?;
                self.define_stored(node.output, layout, real);
                Ok(())
            }
        }
    }

    /// Gives every output its name and makes the model.
    pub(super) fn finish(mut self) -> Result<Model, Error> {
        for &id in &self.graph.outputs {
            let value = self.graph.value(id);
            let from = self.stored(id, Layout::Same)?;
            if from != value.name {
                let node = NodeProto::new(
                    "Identity",
                    &value.name,
                    [from.as_str()],
                    [value.name.as_str()],
                );
                self.builder.node(node);
            }
            self.builder
                .output(&value.name, data_type(value.dtype), &dims(value));
        }
        let mut model = ModelBuilder::new(OPSET);
        for (key, text) in &self.graph.metadata {
            model = model.metadata(key, text);
        }
        model
            .build(self.builder)
            .map_err(|e| Error::new(ErrorKind::Internal, e.to_string()))
    }
}

fn dims(value: &Value) -> Vec<Dim> {
    value.shape.iter().map(|&d| Dim::Fixed(d)).collect()
}
