//! What the families of operators share while lowering: values as tensors, constants, copies.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use redpoll_graph::op::Clamp;
use redpoll_graph::{self as graph, Data, Graph, Node, Tensor, Value, ValueId};
use redpoll_kernels::finish::finish;
use redpoll_kernels::params::Finish;
use redpoll_plan::{DType, Op, Shape, TensorId, op};

use super::LowerOptions;
use super::draft::{Draft, DraftStep, DraftTensor, Home};
use super::loops::plan_loop;
use super::pack;

/// Why a node has no steps; becomes the reason of a gap.
#[derive(Clone, Debug)]
pub(super) struct Refused(pub(super) String);

impl From<&str> for Refused {
    fn from(reason: &str) -> Self {
        Self(reason.to_owned())
    }
}

/// The result of lowering a node.
pub(super) type Done = Result<(), Refused>;

/// Scale and zero point of a quantised value as the plan holds it: int8, uint8 shifted by 128.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quant {
    pub(super) scale: f32,
    pub(super) zero: i32,
}

/// A graph being lowered.
pub(super) struct Lowering<'g> {
    pub(super) graph: &'g Graph,
    pub(super) options: &'g LowerOptions,
    pub(super) draft: Draft,
    tensors: Vec<Option<TensorId>>,
    /// Results of nodes that have only constant operands.
    folded: BTreeMap<ValueId, Arc<Tensor>>,
    /// Results of nodes that were refused: their readers are not reported again.
    pub(super) missing: BTreeSet<ValueId>,
}

impl<'g> Lowering<'g> {
    pub(super) fn new(graph: &'g Graph, options: &'g LowerOptions) -> Self {
        Self {
            graph,
            options,
            draft: Draft::default(),
            tensors: vec![None; graph.values.len()],
            folded: BTreeMap::new(),
            missing: BTreeSet::new(),
        }
    }

    pub(super) fn value(&self, id: ValueId) -> &'g Value {
        self.graph.value(id)
    }

    pub(super) fn shape(&self, id: ValueId) -> &'g [usize] {
        &self.graph.value(id).shape
    }

    /// The contents of a constant, folded ones included.
    pub(super) fn constant(&self, id: ValueId) -> Option<&Tensor> {
        self.graph
            .constant(id)
            .or_else(|| self.folded.get(&id).map(|t| &**t))
    }

    /// Makes the result of a node a constant.
    pub(super) fn fold(&mut self, id: ValueId, tensor: Tensor) {
        self.folded.insert(id, Arc::new(tensor));
    }

    pub(super) fn is_quantized(&self, id: ValueId) -> bool {
        self.value(id).is_quantized()
    }

    /// Scale and zero point of a quantised value.
    pub(super) fn quant(&self, id: ValueId) -> Result<Quant, Refused> {
        let value = self.value(id);
        match &value.qparams {
            Some(q) if q.is_per_tensor() => Ok(Quant {
                scale: q.scale(),
                zero: q.zero_point() - shift(value),
            }),
            _ => Err(Refused(format!(
                "\"{}\" has not one scale for the whole tensor",
                value.name
            ))),
        }
    }

    /// The plan's type of a value's elements.
    pub(super) fn dtype(&self, id: ValueId) -> DType {
        let value = self.value(id);
        match value.dtype {
            graph::DType::F32 => DType::F32,
            graph::DType::U8 if value.is_quantized() => DType::I8,
            graph::DType::I8 => DType::I8,
            graph::DType::U8 => DType::U8,
            graph::DType::I32 => DType::I32,
            graph::DType::I64 => DType::I64,
            graph::DType::Bool => DType::Bool,
        }
    }

    /// The tensor of an operand: made by an earlier step, or a constant in row-major order.
    pub(super) fn operand(&mut self, id: ValueId) -> Result<TensorId, Refused> {
        if let Some(tensor) = self.tensors[id.index()] {
            return Ok(tensor);
        }
        let Some(tensor) = self.constant(id) else {
            return Err(Refused(format!("\"{}\" is not there", self.value(id).name)));
        };
        let bytes = constant_bytes(tensor.data(), self.is_quantized(id));
        let tensor = self.describe(id, Home::Weights(bytes))?;
        let tensor = self.draft.add(tensor);
        self.tensors[id.index()] = Some(tensor);
        Ok(tensor)
    }

    /// A new tensor in working memory for the result of a node, or for an input.
    pub(super) fn result(&mut self, id: ValueId) -> Result<TensorId, Refused> {
        let mut tensor = self.describe(id, Home::Memory(0))?;
        tensor.home = Home::Memory(self.draft.add_memory(tensor.bytes()));
        let tensor = self.draft.add(tensor);
        self.tensors[id.index()] = Some(tensor);
        Ok(tensor)
    }

    /// A tensor in working memory that is no value of the graph, of `dtype`.
    pub(super) fn temporary(
        &mut self,
        like: ValueId,
        dtype: DType,
        shape: &[usize],
    ) -> Result<TensorId, Refused> {
        let mut tensor = self.describe(like, Home::Memory(0))?;
        tensor.dtype = dtype;
        tensor.shape = plan_shape(shape)?;
        tensor.home = Home::Memory(self.draft.add_memory(tensor.bytes()));
        Ok(self.draft.add(tensor))
    }

    /// Makes the result another view of the operand's bytes: no step.
    pub(super) fn alias(&mut self, from: ValueId, to: ValueId) -> Done {
        let source = self.operand(from)?;
        let tensor = self.describe(to, self.draft.tensor(source).home.clone())?;
        let tensor = self.draft.add(tensor);
        self.tensors[to.index()] = Some(tensor);
        Ok(())
    }

    /// The tensor that holds a value, if any does.
    pub(super) fn tensor_of(&self, id: ValueId) -> Option<TensorId> {
        self.tensors[id.index()]
    }

    fn describe(&self, id: ValueId, home: Home) -> Result<DraftTensor, Refused> {
        let value = self.value(id);
        let quant = value.is_quantized().then(|| self.quant(id)).transpose()?;
        // Inside a model only the order of elements counts: more axes than a plan holds are joined.
        let port = self.graph.inputs.contains(&id) || self.graph.outputs.contains(&id);
        let shape = if port {
            value.shape.clone()
        } else {
            joined(&value.shape)
        };
        Ok(DraftTensor {
            name: value.name.clone(),
            dtype: self.dtype(id),
            shape: plan_shape(&shape)?,
            scale: quant.map_or(0.0, |q| q.scale),
            zero_point: quant.map_or(0, |q| q.zero),
            home,
        })
    }

    /// Adds packed constants that are no value of the graph.
    pub(super) fn weights(
        &mut self,
        name: String,
        dtype: DType,
        bytes: Vec<u8>,
    ) -> Result<TensorId, Refused> {
        let shape = plan_shape(&[bytes.len() / dtype.size()])?;
        Ok(self.draft.add(DraftTensor {
            name,
            dtype,
            shape,
            scale: 0.0,
            zero_point: 0,
            home: Home::Weights(bytes),
        }))
    }

    /// Adds constant f32.
    pub(super) fn weights_f32(
        &mut self,
        name: String,
        values: &[f32],
    ) -> Result<TensorId, Refused> {
        self.weights(name, DType::F32, pack::f32_bytes(values))
    }

    /// Adds a step without products or scratch.
    pub(super) fn step(&mut self, node: &Node, op: Op) {
        self.product(node, op, 0, 0);
    }

    /// Adds a step with multiply-accumulates and scratch for one thread.
    pub(super) fn product(&mut self, node: &Node, op: Op, macs: u64, scratch_bytes: usize) {
        let name = node.name.clone();
        self.draft.steps.push(DraftStep {
            name,
            op,
            macs,
            scratch_bytes,
        });
    }

    /// Adds a copy of a strided loop; `x` and `y` are offset and strides of each side.
    pub(super) fn copy(
        &mut self,
        node: &Node,
        (x, x_offset, x_strides): (TensorId, usize, &[isize]),
        (y, y_offset, y_strides): (TensorId, usize, &[isize]),
        dims: &[usize],
    ) -> Done {
        let too_large = "more dimensions or elements than a plan holds";
        let own = plan_loop(dims, [x_strides, y_strides]).ok_or(too_large)?;
        let offset = |n: usize| u32::try_from(n).map_err(|_| Refused::from(too_large));
        let copy = op::Copy {
            x,
            y,
            element_bytes: self.draft.tensor(y).dtype.size() as u32,
            dims: own.dims,
            x_offset: offset(x_offset)?,
            x_strides: own.strides[0],
            y_offset: offset(y_offset)?,
            y_strides: own.strides[1],
        };
        self.step(node, Op::Copy(copy));
        Ok(())
    }
}

/// What is subtracted from the integers of a value to hold it as int8.
pub(super) fn shift(value: &Value) -> i32 {
    if value.dtype == graph::DType::U8 && value.is_quantized() {
        128
    } else {
        0
    }
}

/// Most axes of a plan's tensor.
const MOST_AXES: usize = 6;

/// The leading axes joined where there are more than a plan holds.
fn joined(shape: &[usize]) -> Vec<usize> {
    let (ahead, kept) = shape.split_at((shape.len() + 1).saturating_sub(MOST_AXES));
    if ahead.is_empty() {
        return kept.to_vec();
    }
    let mut all = vec![ahead.iter().product()];
    all.extend_from_slice(kept);
    all
}

/// A shape as the plan holds it.
pub(super) fn plan_shape(dims: &[usize]) -> Result<Shape, Refused> {
    let dims: Option<Vec<u32>> = dims
        .iter()
        .map(|&d| u32::try_from(d).ok().filter(|&d| d > 0))
        .collect();
    dims.and_then(|d| Shape::new(&d))
        .ok_or_else(|| "empty, more than 6 dimensions or more than 2^32 elements".into())
}

/// Bounds of an int8 result: the whole range cut by the quantised bounds of a clamp.
pub(super) fn integer_bounds(clamp: Option<Clamp>, y: Quant) -> (i32, i32) {
    let whole = Finish {
        y_zero: y.zero,
        lo: -128,
        hi: 127,
    };
    match clamp {
        None => (-128, 127),
        Some(c) => (
            finish(c.lo / y.scale, &whole),
            finish(c.hi / y.scale, &whole),
        ),
    }
}

/// Bounds of a float result.
pub(super) fn float_bounds(clamp: Option<Clamp>) -> (f32, f32) {
    clamp.map_or((f32::NEG_INFINITY, f32::INFINITY), |c| (c.lo, c.hi))
}

/// Elements as the plan holds them.
fn constant_bytes(data: &Data, quantized: bool) -> Vec<u8> {
    match data {
        Data::F32(v) => pack::f32_bytes(v),
        Data::I8(v) => pack::i8_bytes(v),
        Data::U8(v) if quantized => v.iter().map(|b| b ^ 0x80).collect(),
        Data::U8(v) => v.clone(),
        Data::I32(v) => pack::i32_bytes(v),
        Data::I64(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::Bool(v) => v.iter().map(|&b| b.into()).collect(),
    }
}
