//! Operators that name scale and zero point of each operand, and integer products: written with the border operators.

use redpoll_graph::op::{BinaryFn, Clamp, ReduceKind, UnaryFn};
use redpoll_graph::{DType, Op, QParams, ValueId};

use super::compose::Compose;
use super::importer::Importer;
use super::node::{OnnxNode, Outputs, Stop, gap, invalid};
use super::{conv, convert, dense};

/// `x` as real numbers, by scale and zero point of two further inputs.
pub(crate) fn real(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    part: &str,
    [x, scale, zero]: [usize; 3],
    axis: i64,
) -> Result<ValueId, Stop> {
    let about = OnnxNode {
        proto: node.proto,
        name: import.unique_node_name(&format!("{}_{part}", node.name)),
        opset: node.opset,
        inputs: vec![
            Some(node.input(x)?),
            node.optional(scale),
            node.optional(zero),
        ],
    };
    convert::dequantize_along(import, &about, axis)
}

/// `y` quantised by scale and zero point of two inputs of the node.
pub(crate) fn quantized(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    y: ValueId,
    [scale, zero]: [usize; 2],
) -> Outputs {
    let about = OnnxNode {
        proto: node.proto,
        name: import.unique_node_name(&format!("{}_quantized", node.name)),
        opset: node.opset,
        inputs: vec![Some(y), node.optional(scale), node.optional(zero)],
    };
    convert::quantize_along(import, &about, 1)
}

/// QLinearMatMul-10, -21.
pub(crate) fn qlinear_matmul(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let a = real(import, node, "a", [0, 1, 2], -2)?;
    let b = real(import, node, "b", [3, 4, 5], -1)?;
    let product = OnnxNode {
        proto: node.proto,
        name: import.unique_node_name(&format!("{}_product", node.name)),
        opset: node.opset,
        inputs: vec![Some(a), Some(b)],
    };
    let y = dense::matmul(import, &product)?;
    quantized(import, node, y[0], [6, 7])
}

/// QLinearConv-10.
pub(crate) fn qlinear_conv(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = real(import, node, "x", [0, 1, 2], 1)?;
    let w = real(import, node, "w", [3, 4, 5], 0)?;
    let mut inputs = vec![Some(x), Some(w)];
    if let Some(bias) = node.optional(8) {
        let (Some(s_x), Some(s_w)) = (
            import.scalar(node.input(1)?),
            import
                .constant_input(node, 4, "the weights' scale")?
                .as_f32()
                .map(<[f32]>::to_vec),
        ) else {
            return invalid("scales that are no floats");
        };
        let Some(tensor) = import.graph.constant(bias).cloned() else {
            return gap("a bias that is computed at run time");
        };
        let scales: Vec<f32> = s_w.iter().map(|w| s_x * w).collect();
        let qparams = match scales.as_slice() {
            [one] => QParams::per_tensor(*one, 0),
            _ => QParams::per_channel(scales, 0),
        };
        let stored = import.constant(node, "bias", tensor);
        import.graph.value_mut(stored).qparams = Some(qparams);
        inputs.push(Some(import.emit_part(
            node,
            "bias_real",
            Op::Dequantize,
            &[stored],
        )?));
    }
    let product = OnnxNode {
        proto: node.proto,
        name: import.unique_node_name(&format!("{}_product", node.name)),
        opset: node.opset,
        inputs,
    };
    let y = conv::conv(import, &product)?;
    quantized(import, node, y[0], [6, 7])
}

/// `x` less its zero point, as f32: exact for 8 bits.
fn centred(
    c: &mut Compose<'_, '_, '_, '_>,
    x: ValueId,
    zero: Option<ValueId>,
    shape: Option<Vec<usize>>,
) -> Result<ValueId, Stop> {
    let x = c.cast(x, DType::F32)?;
    let Some(zero) = zero else {
        return Ok(x);
    };
    let mut zero = c.cast(zero, DType::F32)?;
    if let Some(shape) = shape.filter(|_| c.import.graph.value(zero).len() > 1) {
        zero = c.reshape(zero, shape)?;
    }
    c.sub(x, zero)
}

/// Products of 8 bits whose sums an f32 holds exactly: 2²⁴ / 255².
const MOST_EXACT: usize = 258;

/// Pieces that a sum may be taken in, each of which becomes a product.
const MOST_PIECES: usize = 256;

/// A sum over more products than f32 holds exactly is taken in pieces, each exact, added as i32.
fn pieces(k: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..k)
        .step_by(MOST_EXACT)
        .map(move |at| (at, MOST_EXACT.min(k - at)))
}

/// MatMulInteger-10: products in exact pieces, added as i32.
pub(crate) fn matmul_integer(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let c = &mut Compose::new(import, node);
    let (a, b) = (node.input(0)?, node.input(1)?);
    let (ra, rb) = (c.import.rank(a), c.import.rank(b));
    if ra < 2 || rb < 2 {
        return gap("vectors are not supported; use matrices");
    }
    // A zero point for each row of a, each column of b.
    let rows = c.shape(a)[ra - 2];
    let a = centred(c, a, node.optional(2), Some(vec![rows, 1]))?;
    let b = centred(c, b, node.optional(3), None)?;
    let k = c.shape(a)[ra - 1];
    if c.shape(b)[rb - 2] != k {
        return invalid(format!("{:?} · {:?}", c.shape(a), c.shape(b)));
    }
    if k > MOST_PIECES * MOST_EXACT {
        return gap(format!("a sum of {k} products"));
    }
    let mut sum = None;
    for (at, len) in pieces(k) {
        let left = c.slice(a, ra - 1, at, 1, len)?;
        let right = c.slice(b, rb - 2, at, 1, len)?;
        let y = c.matmul(left, right)?;
        let y = c.cast(y, DType::I32)?;
        sum = Some(match sum {
            Some(sum) => c.add(sum, y)?,
            None => y,
        });
    }
    match sum {
        Some(sum) => Ok(vec![sum]),
        None => invalid("a product over nothing"),
    }
}

/// ConvInteger-10, where every sum is exact in f32.
pub(crate) fn conv_integer(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let (x, w) = (node.input(0)?, node.input(1)?);
    let shape = import.shape(w).to_vec();
    let products: usize = shape.get(1..).unwrap_or_default().iter().product();
    if products > MOST_EXACT {
        return gap(format!(
            "a sum of {products} products; up to {MOST_EXACT} are computed exactly"
        ));
    }
    let c = &mut Compose::new(import, node);
    let x = centred(c, x, node.optional(2), None)?;
    let mut along = vec![1; shape.len()];
    along[0] = shape[0];
    let w = centred(c, w, node.optional(3), Some(along))?;
    let product = OnnxNode {
        proto: node.proto,
        name: c.import.unique_node_name(&format!("{}_product", node.name)),
        opset: node.opset,
        inputs: vec![Some(x), Some(w)],
    };
    let y = conv::conv(import, &product)?;
    let op = Op::Cast { to: DType::I32 };
    Ok(vec![import.emit_part(node, "whole", op, &[y[0]])?])
}

/// DynamicQuantizeLinear-11: uint8 by the range of the values themselves, which takes in 0.
pub(crate) fn dynamic_quantize(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let c = &mut Compose::new(import, node);
    let axes: Vec<usize> = (0..c.import.rank(x)).collect();
    let zero = c.number(0.0)?;
    let max = c.reduce(ReduceKind::Max, &axes, false, x)?;
    let max = c.binary(BinaryFn::Max, max, zero)?;
    let min = c.reduce(ReduceKind::Min, &axes, false, x)?;
    let min = c.binary(BinaryFn::Min, min, zero)?;
    let range = c.sub(max, min)?;
    let steps = c.number(255.0)?;
    let scale = c.div(range, steps)?;
    // All zeros: any scale will do.
    let flat = c.binary(BinaryFn::Equal, range, zero)?;
    let least = c.number(1.0 / 255.0)?;
    let scale = c.select(flat, least, scale)?;
    let lowest = c.div(min, scale)?;
    let offset = c.sub(zero, lowest)?;
    let bounds = UnaryFn::Clamp(Clamp { lo: 0.0, hi: 255.0 });
    let offset = c.unary(bounds, offset)?;
    let offset = c.unary(UnaryFn::Round, offset)?;
    let y = c.div(x, scale)?;
    let y = c.unary(UnaryFn::Round, y)?;
    let y = c.add(y, offset)?;
    let y = c.unary(bounds, y)?;
    Ok(vec![
        c.cast(y, DType::U8)?,
        scale,
        c.cast(offset, DType::U8)?,
    ])
}
