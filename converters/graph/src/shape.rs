//! Shape and type inference, one file a family of operators.
//!
//! All sizes may come from hostile models: arithmetic is checked, and no value passes [`MAX_ELEMENTS`] elements
//! or [`MAX_RANK`] axes.

mod conv;
mod convert;
mod dense;
mod elementwise;
mod gather;
mod index;
mod movement;
mod recurrent;
mod reduce;
mod resize;

use crate::error::{Error, ErrorKind};
use crate::graph::{Graph, Value, ValueId};
use crate::op::{BinaryFn, Op, PoolKind, ReduceKind, ResizeMode, UnaryFn};
use crate::types::{DType, element_count};

pub(crate) use conv::{Axis, conv_axes, pool_axes};
pub(crate) use elementwise::broadcast;

/// Most elements of a value.
pub const MAX_ELEMENTS: usize = 1 << 31;
/// Most axes of a value.
pub const MAX_RANK: usize = 8;

/// Type and shape of a result.
pub(crate) type Inferred = (DType, Vec<usize>);

pub(crate) fn shape_error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Shape, message)
}

pub(crate) fn type_error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Type, message)
}

/// Type and shape of what `op` makes of `inputs`. [`Op::Quantize`] and [`Op::Requantize`] are taken to give i8;
/// [`Graph::add_node_as`] chooses.
///
/// # Errors
/// [`ErrorKind::Invalid`] for an unknown id or a wrong number of operands, [`ErrorKind::Shape`] and
/// [`ErrorKind::Type`] where operands and attributes do not fit, [`ErrorKind::TooLarge`] beyond the limits,
/// [`ErrorKind::Unsupported`] for quantised operands of an operator without an integer formula.
pub fn infer(graph: &Graph, op: &Op, inputs: &[ValueId]) -> Result<Inferred, Error> {
    let (least, most) = arity(op);
    if !(least..=most).contains(&inputs.len()) {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!("{} does not take {} operands", op.name(), inputs.len()),
        ));
    }
    let mut values = Vec::with_capacity(inputs.len());
    for id in inputs {
        let value = graph
            .values
            .get(id.index())
            .ok_or_else(|| Error::new(ErrorKind::Invalid, format!("there is no value {}", id.0)))?;
        check_size(&value.shape)?;
        values.push(value);
    }
    check_clamp(op)?;
    let (dtype, shape) = dispatch(op, &values)?;
    check_size(&shape)?;
    Ok((dtype, shape))
}

/// Bounds are numbers in order.
fn check_clamp(op: &Op) -> Result<(), Error> {
    let clamp = match op {
        Op::Conv(conv) => conv.clamp,
        Op::Dense { clamp } | Op::Binary { clamp, .. } => *clamp,
        Op::Unary(UnaryFn::Clamp(clamp)) => Some(*clamp),
        _ => None,
    };
    match clamp {
        Some(c) if c.lo.is_nan() || c.hi.is_nan() || c.lo > c.hi => Err(Error::new(
            ErrorKind::Invalid,
            format!("bounds {:?} and {:?} are not in order", c.lo, c.hi),
        )),
        _ => Ok(()),
    }
}

fn dispatch(op: &Op, values: &[&Value]) -> Result<Inferred, Error> {
    match op {
        Op::Conv(conv) => conv::conv(conv, values),
        Op::Pool(pool) => conv::pool(pool, values[0]),
        Op::Dense { .. } => dense::dense(values),
        Op::MatMul => dense::matmul(values[0], values[1]),
        Op::BatchNorm { .. } => dense::batch_norm(values),
        Op::Unary(function) => elementwise::unary(*function, values[0]),
        Op::Binary { function, clamp } => {
            elementwise::binary(*function, clamp.is_some(), values[0], values[1])
        }
        Op::Reduce {
            kind,
            axes,
            keep_dims,
        } => reduce::reduce(*kind, axes, *keep_dims, values[0]),
        Op::Softmax { axis } => reduce::softmax(*axis, values[0]),
        Op::Reshape { shape } => movement::reshape(shape, values[0]),
        Op::Transpose { perm } => movement::transpose(perm, values[0]),
        Op::Concat { axis } => movement::concat(*axis, values),
        Op::Slice { axes } => movement::slice(axes, values[0]),
        Op::Pad(pad) => movement::pad(pad, values[0]),
        Op::Expand { shape } => movement::expand(shape, values[0]),
        Op::Resize(resize) => resize::resize(resize, values[0]),
        Op::Gather { axis } => gather::gather(*axis, values[0], values[1]),
        Op::Embedding => gather::embedding(values[0], values[1]),
        Op::Recurrent(layer) => recurrent::recurrent(layer, values),
        Op::Select => index::select(values),
        Op::ArgReduce(a) => index::arg_reduce(a, values[0]),
        Op::Cumulate(c) => index::cumulate(c, values[0]),
        Op::TopK(t) => index::top_k(t, values[0]),
        Op::GatherElements { axis } => index::gather_elements(*axis, values[0], values[1]),
        Op::GatherNd { batch } => index::gather_nd(*batch, values[0], values[1]),
        Op::ScatterElements { axis, mode } => index::scatter_elements(*axis, *mode, values),
        Op::ScatterNd { mode } => index::scatter_nd(*mode, values),
        Op::NonMaxSuppression(n) => index::non_max_suppression(n, values[0], values[1]),
        Op::SparseRows(s) => index::sparse_rows(s, values[0]),
        Op::Cast { to } => convert::cast(*to, values[0]),
        Op::Quantize => convert::quantize(values[0]),
        Op::Dequantize => convert::dequantize(values[0]),
        Op::Requantize => convert::requantize(values[0]),
    }
}

/// Least and most operands.
fn arity(op: &Op) -> (usize, usize) {
    match op {
        Op::Conv(_) | Op::Dense { .. } => (2, 3),
        Op::MatMul
        | Op::Binary { .. }
        | Op::Gather { .. }
        | Op::Embedding
        | Op::NonMaxSuppression(_)
        | Op::GatherElements { .. }
        | Op::GatherNd { .. } => (2, 2),
        Op::Select | Op::ScatterElements { .. } | Op::ScatterNd { .. } => (3, 3),
        Op::BatchNorm { .. } => (5, 5),
        Op::Concat { .. } => (1, usize::MAX),
        Op::Recurrent(layer) => {
            let operands = recurrent::operands(layer);
            (operands, operands)
        }
        Op::Pool(_)
        | Op::Unary(_)
        | Op::Reduce { .. }
        | Op::Softmax { .. }
        | Op::Reshape { .. }
        | Op::Transpose { .. }
        | Op::Slice { .. }
        | Op::Pad(_)
        | Op::Expand { .. }
        | Op::Resize(_)
        | Op::ArgReduce(_)
        | Op::Cumulate(_)
        | Op::TopK(_)
        | Op::SparseRows(_)
        | Op::Cast { .. }
        | Op::Quantize
        | Op::Dequantize
        | Op::Requantize => (1, 1),
    }
}

/// True when a quantised result has the scale and zero point of its data operands: the integers move as they are.
pub fn keeps_qparams(op: &Op) -> bool {
    match op {
        Op::Pool(pool) => pool.kind == PoolKind::Max,
        Op::Binary { function, .. } => matches!(function, BinaryFn::Max | BinaryFn::Min),
        Op::Reduce { kind, .. } => matches!(kind, ReduceKind::Max | ReduceKind::Min),
        Op::Resize(resize) => matches!(resize.mode, ResizeMode::Nearest(_)),
        Op::Reshape { .. }
        | Op::Transpose { .. }
        | Op::Concat { .. }
        | Op::Slice { .. }
        | Op::Pad(_)
        | Op::Expand { .. }
        | Op::Gather { .. }
        | Op::Embedding => true,
        Op::Conv(_)
        | Op::Dense { .. }
        | Op::MatMul
        | Op::BatchNorm { .. }
        | Op::Unary(_)
        | Op::Softmax { .. }
        | Op::Recurrent(_)
        | Op::Select
        | Op::ArgReduce(_)
        | Op::Cumulate(_)
        | Op::TopK(_)
        | Op::GatherElements { .. }
        | Op::GatherNd { .. }
        | Op::ScatterElements { .. }
        | Op::ScatterNd { .. }
        | Op::NonMaxSuppression(_)
        | Op::SparseRows(_)
        | Op::Cast { .. }
        | Op::Quantize
        | Op::Dequantize
        | Op::Requantize => false,
    }
}

/// The operands of a node that [`keeps_qparams`] whose scale and zero point are the result's: not its indices.
pub fn qparams_operands<'a>(op: &Op, inputs: &'a [ValueId]) -> &'a [ValueId] {
    match op {
        Op::Gather { .. } => inputs.get(..1).unwrap_or_default(),
        Op::Embedding => inputs.get(1..2).unwrap_or_default(),
        _ => inputs,
    }
}

/// True when the result of `op`, inferred as `inferred`, may be of type `dtype`: operators that requantise choose
/// the signedness of an 8-bit result freely.
pub(crate) fn may_be(op: &Op, inferred: DType, dtype: DType) -> bool {
    let free = !keeps_qparams(op) && !matches!(op, Op::Cast { .. });
    let is_8_bit = |t: DType| t.quantized_range().is_some();
    inferred == dtype || (free && is_8_bit(inferred) && is_8_bit(dtype))
}

/// Refuses shapes beyond the limits.
pub(crate) fn check_size(shape: &[usize]) -> Result<(), Error> {
    let fits = shape.len() <= MAX_RANK && element_count(shape).is_some_and(|n| n <= MAX_ELEMENTS);
    // A zero must not hide sizes whose strides would overflow.
    let strides = shape
        .iter()
        .try_fold(1usize, |n, &d| n.checked_mul(d.max(1)));
    if fits && strides.is_some_and(|n| n <= MAX_ELEMENTS) {
        Ok(())
    } else {
        Err(Error::new(
            ErrorKind::TooLarge,
            format!(
                "shape {shape:?} passes the limit of {MAX_RANK} axes and {MAX_ELEMENTS} elements"
            ),
        ))
    }
}

/// `a · b`, or [`ErrorKind::TooLarge`].
pub(crate) fn product(a: usize, b: usize) -> Result<usize, Error> {
    a.checked_mul(b).ok_or_else(too_large)
}

/// `a + b`, or [`ErrorKind::TooLarge`].
pub(crate) fn sum(a: usize, b: usize) -> Result<usize, Error> {
    a.checked_add(b).ok_or_else(too_large)
}

fn too_large() -> Error {
    Error::new(ErrorKind::TooLarge, "a size overflows")
}

/// Refuses an axis outside the rank.
pub(crate) fn check_axis(axis: usize, value: &Value) -> Result<(), Error> {
    if axis < value.shape.len() {
        Ok(())
    } else {
        Err(shape_error(format!(
            "axis {axis} is outside shape {:?} of \"{}\"",
            value.shape, value.name
        )))
    }
}

/// What an arithmetic operator computes in, by the type of its data operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    /// f32.
    Float,
    /// Quantised 8-bit integers.
    Integer,
    /// i32 or i64 as they are: shapes and indices.
    Whole,
}

/// What `op` on `value` computes in; refuses truth values and 8-bit integers without scale.
pub(crate) fn arithmetic(value: &Value) -> Result<Arithmetic, Error> {
    match value.dtype {
        DType::F32 => Ok(Arithmetic::Float),
        DType::I32 | DType::I64 => Ok(Arithmetic::Whole),
        DType::I8 | DType::U8 if value.is_quantized() => Ok(Arithmetic::Integer),
        DType::I8 | DType::U8 => Err(type_error(format!(
            "\"{}\" is {} without scale and zero point",
            value.name, value.dtype
        ))),
        DType::Bool => Err(type_error(format!(
            "\"{}\" holds truth values, not numbers",
            value.name
        ))),
    }
}

/// Refuses quantised data for an operator that has no integer formula.
pub(crate) fn float_only(op: &str, value: &Value) -> Result<(), Error> {
    if value.dtype == DType::F32 {
        return Ok(());
    }
    let message = format!(
        "{op} is computed in f32 only, and \"{}\" is {}: dequantise it first",
        value.name, value.dtype
    );
    Err(Error::new(ErrorKind::Unsupported, message))
}
