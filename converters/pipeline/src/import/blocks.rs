//! Quantisation written out as arithmetic: scales that are computed, that run along several axes or over blocks, and widths
//! other than 8 bits.

use redpoll_graph::op::{Clamp, UnaryFn};
use redpoll_graph::{DType, ValueId};
use redpoll_onnx::DataType;

use super::compose::Compose;
use super::importer::Importer;
use super::narrow::Width;
use super::node::{OnnxNode, Outputs, Stop, axis_of, invalid};
use super::round_float;

/// Scale or zero point shaped to go with `shape`: along the axis, or each repeated over its block.
fn spread(
    c: &mut Compose<'_, '_, '_, '_>,
    v: ValueId,
    shape: &[usize],
    axis: i64,
) -> Result<ValueId, Stop> {
    let own = c.shape(v);
    if c.import.graph.value(v).len() == 1 {
        return c.reshape(v, Vec::new());
    }
    let axis = axis_of(axis, shape.len())?;
    if own.len() == 1 && own[0] == shape[axis] {
        let mut along = vec![1; shape.len()];
        along[axis] = shape[axis];
        return c.reshape(v, along);
    }
    let block = usize::try_from(c.node.int_or("block_size", 0)?).unwrap_or(0);
    let blocks = own.len() == shape.len()
        && (0..shape.len()).all(|i| i == axis || own[i] == shape[i] || own[i] == 1);
    if !blocks || (block == 0 && own[axis] != shape[axis]) {
        return invalid(format!("scales {own:?} for {shape:?}"));
    }
    if own[axis] == shape[axis] {
        return Ok(v);
    }
    let places = (0..shape[axis]).map(|i| (i / block.max(1)) as i64);
    c.gather(v, axis, places.collect())
}

/// `(x − zero) · scale` in f32.
pub(crate) fn dequantize(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    axis: i64,
) -> Result<ValueId, Stop> {
    let x = node.input(0)?;
    let shape = import.shape(x).to_vec();
    let c = &mut Compose::new(import, node);
    let mut y = c.cast(x, DType::F32)?;
    if let Some(zero) = node.optional(2) {
        let zero = c.cast(zero, DType::F32)?;
        let zero = spread(c, zero, &shape, axis)?;
        y = c.sub(y, zero)?;
    }
    let scale = spread(c, node.input(1)?, &shape, axis)?;
    c.mul(y, scale)
}

/// `x / scale` rounded to a float of at most 8 bits, whose zero point is 0.
pub(crate) fn quantize_to_float(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    axis: i64,
    to: DataType,
) -> Outputs {
    let x = node.input(0)?;
    let shape = import.shape(x).to_vec();
    let c = &mut Compose::new(import, node);
    let scale = spread(c, node.input(1)?, &shape, axis)?;
    let y = c.div(x, scale)?;
    Ok(vec![round_float::cast(import, node, y, to)?])
}

/// `clamp(round(x / scale) + zero)` in f32, as `dtype` or a narrower `width`.
pub(crate) fn quantize(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    axis: i64,
    dtype: DType,
    width: Option<Width>,
) -> Outputs {
    let (lo, hi) = match (width, dtype.quantized_range()) {
        (Some((bits @ 1..=16, true)), _) => (-(1 << (bits - 1)), (1 << (bits - 1)) - 1),
        (Some((bits @ 1..=16, false)), _) => (0, (1 << bits) - 1),
        (None, Some(range)) => range,
        _ => return invalid(format!("a quantised result of type {dtype}")),
    };
    let x = node.input(0)?;
    let shape = import.shape(x).to_vec();
    let c = &mut Compose::new(import, node);
    let scale = spread(c, node.input(1)?, &shape, axis)?;
    let y = c.div(x, scale)?;
    let mut y = c.unary(UnaryFn::Round, y)?;
    if let Some(zero) = node.optional(2) {
        let zero = c.cast(zero, DType::F32)?;
        let zero = spread(c, zero, &shape, axis)?;
        y = c.add(y, zero)?;
    }
    let bounds = Clamp {
        lo: lo as f32,
        hi: hi as f32,
    };
    let y = c.unary(UnaryFn::Clamp(bounds), y)?;
    let y = c.cast(y, dtype)?;
    if let Some(width) = width {
        import.narrow.insert(y, width);
    }
    Ok(vec![y])
}
