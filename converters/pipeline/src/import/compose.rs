//! Writes one ONNX operator as several of ours: short names for what decompositions are made of.

use redpoll_graph::op::{BinaryFn, ReduceKind, SliceAxis, UnaryFn};
use redpoll_graph::{DType, Data, Op, Tensor, ValueId};

use super::elementwise::binary;
use super::importer::Importer;
use super::node::{OnnxNode, Stop, invalid};

/// Elements of a constant that a decomposition may make.
pub(crate) const MAX_MADE: usize = 1 << 24;

/// An operator while it is taken apart.
pub(crate) struct Compose<'c, 'i, 'n, 'p> {
    /// The import.
    pub import: &'c mut Importer<'i>,
    /// The ONNX node.
    pub node: &'n OnnxNode<'p>,
    parts: usize,
}

impl<'c, 'i, 'n, 'p> Compose<'c, 'i, 'n, 'p> {
    /// Nothing made yet.
    pub fn new(import: &'c mut Importer<'i>, node: &'n OnnxNode<'p>) -> Self {
        let parts = 0;
        Self {
            import,
            node,
            parts,
        }
    }

    /// Adds an operator.
    pub fn op(&mut self, op: Op, inputs: &[ValueId]) -> Result<ValueId, Stop> {
        self.parts += 1;
        let part = format!("part{}", self.parts);
        self.import.emit_part(self.node, &part, op, inputs)
    }

    /// Dimensions of a value.
    pub fn shape(&self, id: ValueId) -> Vec<usize> {
        self.import.shape(id).to_vec()
    }

    /// A constant; refused when the constants of the model get too large together.
    pub fn constant(&mut self, tensor: Tensor) -> Result<ValueId, Stop> {
        let n = tensor.len();
        if n > MAX_MADE || !self.import.budget.take(n, n) {
            return Err(Stop::Gap(
                "the constants of the model are too large together".into(),
            ));
        }
        self.parts += 1;
        let part = format!("part{}", self.parts);
        Ok(self.import.constant(self.node, &part, tensor))
    }

    /// The product of `sizes`, refused before anything is made where a constant of as many elements would be too large.
    pub fn room(&self, sizes: &[usize]) -> Result<usize, Stop> {
        let product = sizes.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
        match product.filter(|&n| n <= MAX_MADE) {
            Some(n) => Ok(n),
            None => Err(Stop::Gap(format!(
                "a constant of {sizes:?} elements would be too large"
            ))),
        }
    }

    /// A float constant of any shape.
    pub fn floats(&mut self, shape: Vec<usize>, v: Vec<f32>) -> Result<ValueId, Stop> {
        self.constant(Tensor::new(shape, Data::F32(v))?)
    }

    /// Whole numbers of any shape.
    pub fn ints(&mut self, shape: Vec<usize>, v: Vec<i64>) -> Result<ValueId, Stop> {
        self.constant(Tensor::new(shape, Data::I64(v))?)
    }

    /// Truth values of any shape.
    pub fn bools(&mut self, shape: Vec<usize>, v: Vec<bool>) -> Result<ValueId, Stop> {
        self.constant(Tensor::new(shape, Data::Bool(v))?)
    }

    /// One float.
    pub fn number(&mut self, v: f32) -> Result<ValueId, Stop> {
        self.constant(Tensor::scalar(v))
    }

    /// One number of the type of `x`.
    pub fn number_like(&mut self, x: ValueId, v: f32) -> Result<ValueId, Stop> {
        let data = match self.import.dtype(x) {
            DType::F32 => Data::F32(vec![v]),
            DType::I32 => Data::I32(vec![v as i32]),
            DType::I64 => Data::I64(vec![v as i64]),
            DType::I8 => Data::I8(vec![v as i8]),
            DType::U8 => Data::U8(vec![v as u8]),
            DType::Bool => Data::Bool(vec![v != 0.0]),
        };
        self.constant(Tensor::new(Vec::new(), data)?)
    }

    /// A function of two values.
    pub fn binary(&mut self, f: BinaryFn, a: ValueId, b: ValueId) -> Result<ValueId, Stop> {
        self.op(binary(f), &[a, b])
    }

    /// `a + b`.
    pub fn add(&mut self, a: ValueId, b: ValueId) -> Result<ValueId, Stop> {
        self.binary(BinaryFn::Add, a, b)
    }

    /// `a − b`.
    pub fn sub(&mut self, a: ValueId, b: ValueId) -> Result<ValueId, Stop> {
        self.binary(BinaryFn::Sub, a, b)
    }

    /// `a · b`.
    pub fn mul(&mut self, a: ValueId, b: ValueId) -> Result<ValueId, Stop> {
        self.binary(BinaryFn::Mul, a, b)
    }

    /// `a / b`.
    pub fn div(&mut self, a: ValueId, b: ValueId) -> Result<ValueId, Stop> {
        self.binary(BinaryFn::Div, a, b)
    }

    /// `a · v`.
    pub fn scale(&mut self, a: ValueId, v: f32) -> Result<ValueId, Stop> {
        if v == 1.0 {
            return Ok(a);
        }
        let v = self.number_like(a, v)?;
        self.mul(a, v)
    }

    /// A function of one value.
    pub fn unary(&mut self, f: UnaryFn, x: ValueId) -> Result<ValueId, Stop> {
        self.op(Op::Unary(f), &[x])
    }

    /// A reduction; nothing for no axes.
    pub fn reduce(
        &mut self,
        kind: ReduceKind,
        axes: &[usize],
        keep_dims: bool,
        x: ValueId,
    ) -> Result<ValueId, Stop> {
        if axes.is_empty() {
            return Ok(x);
        }
        let op = Op::Reduce {
            kind,
            axes: axes.to_vec(),
            keep_dims,
        };
        self.op(op, &[x])
    }

    /// The same elements under another shape.
    pub fn reshape(&mut self, x: ValueId, shape: Vec<usize>) -> Result<ValueId, Stop> {
        if self.import.shape(x) == shape {
            return Ok(x);
        }
        self.op(Op::Reshape { shape }, &[x])
    }

    /// Axes in another order.
    pub fn transpose(&mut self, x: ValueId, perm: Vec<usize>) -> Result<ValueId, Stop> {
        if perm.is_sorted() {
            return Ok(x);
        }
        self.op(Op::Transpose { perm }, &[x])
    }

    /// Broadcast to a shape.
    pub fn expand(&mut self, x: ValueId, shape: Vec<usize>) -> Result<ValueId, Stop> {
        if self.import.shape(x) == shape {
            return Ok(x);
        }
        self.op(Op::Expand { shape }, &[x])
    }

    /// Another element type.
    pub fn cast(&mut self, x: ValueId, to: DType) -> Result<ValueId, Stop> {
        if self.import.dtype(x) == to {
            return Ok(x);
        }
        self.op(Op::Cast { to }, &[x])
    }

    /// `len` elements from `start` by `step` along one axis.
    pub fn slice(
        &mut self,
        x: ValueId,
        axis: usize,
        start: usize,
        step: isize,
        len: usize,
    ) -> Result<ValueId, Stop> {
        let shape = self.shape(x);
        let mut axes: Vec<SliceAxis> = shape
            .iter()
            .map(|&len| SliceAxis {
                start: 0,
                step: 1,
                len,
            })
            .collect();
        match axes.get_mut(axis) {
            Some(a) => *a = SliceAxis { start, step, len },
            None => return invalid(format!("axis {axis} of {shape:?}")),
        }
        if start == 0 && step == 1 && shape[axis] == len {
            return Ok(x);
        }
        self.op(Op::Slice { axes }, &[x])
    }

    /// Values joined along an axis.
    pub fn concat(&mut self, axis: usize, inputs: &[ValueId]) -> Result<ValueId, Stop> {
        match inputs {
            [one] => Ok(*one),
            _ => self.op(Op::Concat { axis }, inputs),
        }
    }

    /// `condition ? a : b`.
    pub fn select(&mut self, c: ValueId, a: ValueId, b: ValueId) -> Result<ValueId, Stop> {
        self.op(Op::Select, &[c, a, b])
    }

    /// A matrix product.
    pub fn matmul(&mut self, a: ValueId, b: ValueId) -> Result<ValueId, Stop> {
        self.op(Op::MatMul, &[a, b])
    }

    /// Softmax along an axis.
    pub fn softmax(&mut self, x: ValueId, axis: usize) -> Result<ValueId, Stop> {
        self.op(Op::Softmax { axis }, &[x])
    }

    /// Slices of `x` along `axis` by constant places.
    pub fn gather(&mut self, x: ValueId, axis: usize, at: Vec<i64>) -> Result<ValueId, Stop> {
        let at = self.ints(vec![at.len()], at)?;
        self.op(Op::Gather { axis }, &[x, at])
    }

    /// `x` repeated `times` along `axis`.
    pub fn repeat(&mut self, x: ValueId, axis: usize, times: usize) -> Result<ValueId, Stop> {
        let shape = self.shape(x);
        if times == 1 {
            return Ok(x);
        }
        let outer: usize = shape[..axis].iter().product();
        let inner: usize = shape[axis..].iter().product();
        let mut to = shape.clone();
        to[axis] = match to[axis].checked_mul(times) {
            Some(n) => n,
            None => return invalid(format!("{times} times {shape:?}")),
        };
        let x = self.reshape(x, vec![outer, 1, inner])?;
        let x = self.expand(x, vec![outer, times, inner])?;
        self.reshape(x, to)
    }
}
