//! Operators of ONNX Runtime's own domain, com.microsoft, that exported int8 and transformer models carry.
//!
//! Those that name scale and zero point are written with the border operators around the standard one, which fusion
//! makes integer again.

use redpoll_graph::op::{BinaryFn, Clamp, ReduceKind, UnaryFn};
use redpoll_graph::{DType, Data, Op, Tensor, ValueId};

use super::compose::{Compose, MAX_MADE};
use super::elementwise::binary;
use super::importer::Importer;
use super::node::{OnnxNode, Outputs, Stop, gap, invalid};
use super::quantized::{dynamic_quantize, quantized, real};
use super::table::ImportFn;
use super::{conv, convert, dense, pool, reduce};

/// The function of an operator of the domain. Sorted by name.
const TABLE: &[(&str, ImportFn)] = &[
    ("BiasGelu", bias_gelu),
    ("DequantizeLinear", convert::dequantize),
    ("DynamicQuantizeMatMul", dynamic_matmul),
    ("FastGelu", fast_gelu),
    ("FusedConv", fused_conv),
    ("FusedGemm", fused_gemm),
    ("FusedMatMul", fused_matmul),
    ("Gelu", bias_gelu),
    ("MatMulIntegerToFloat", matmul_to_float),
    ("MatMulNBits", matmul_nbits),
    ("QGemm", qgemm),
    ("QLinearAdd", qlinear_two),
    ("QLinearAveragePool", qlinear_pool),
    ("QLinearConcat", qlinear_concat),
    ("QLinearGlobalAveragePool", qlinear_pool),
    ("QLinearLeakyRelu", qlinear_unary),
    ("QLinearMul", qlinear_two),
    ("QLinearSigmoid", qlinear_unary),
    ("QLinearSoftmax", qlinear_softmax),
    ("QuantizeLinear", convert::quantize),
    ("QuickGelu", quick_gelu),
    ("SimplifiedLayerNormalization", simplified_norm),
    ("SkipLayerNormalization", skip_norm),
    ("SkipSimplifiedLayerNormalization", skip_norm),
];

/// The function for an operator, if it is one that is known.
pub(crate) fn find(op_type: &str) -> Option<ImportFn> {
    let index = TABLE.binary_search_by_key(&op_type, |entry| entry.0).ok()?;
    Some(TABLE[index].1)
}

/// The operators that are imported, by name.
pub fn microsoft_operators() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|entry| entry.0)
}

/// The same node on other inputs, under a name of its own.
fn inner<'p>(
    import: &mut Importer<'_>,
    node: &OnnxNode<'p>,
    part: &str,
    inputs: &[ValueId],
) -> OnnxNode<'p> {
    OnnxNode {
        proto: node.proto,
        name: import.unique_node_name(&format!("{}_{part}", node.name)),
        opset: node.opset,
        inputs: inputs.iter().map(|&id| Some(id)).collect(),
    }
}

fn part(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    op: Op,
    inputs: &[ValueId],
) -> Result<ValueId, Stop> {
    import.emit_part(node, "real", op, inputs)
}

/// QLinearAdd, QLinearMul: both operands, scale and zero point of the result.
fn qlinear_two(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let a = real(import, node, "a", [0, 1, 2], 1)?;
    let b = real(import, node, "b", [3, 4, 5], 1)?;
    let function = match node.proto.op_type.as_str() {
        "QLinearAdd" => BinaryFn::Add,
        _ => BinaryFn::Mul,
    };
    let y = part(import, node, binary(function), &[a, b])?;
    quantized(import, node, y, [6, 7])
}

/// QLinearSigmoid, QLinearLeakyRelu.
fn qlinear_unary(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = real(import, node, "x", [0, 1, 2], 1)?;
    let function = match node.proto.op_type.as_str() {
        "QLinearSigmoid" => UnaryFn::Sigmoid,
        _ => UnaryFn::LeakyRelu {
            alpha: node.float_or("alpha", 0.01)?,
        },
    };
    let y = part(import, node, Op::Unary(function), &[x])?;
    quantized(import, node, y, [3, 4])
}

/// QLinearSoftmax, whose `opset` says which of the standard softmaxes it is.
fn qlinear_softmax(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = real(import, node, "x", [0, 1, 2], 1)?;
    let mut about = inner(import, node, "softmax", &[x]);
    about.opset = node.int_or("opset", node.opset)?;
    let y = reduce::softmax(import, &about)?;
    quantized(import, node, y[0], [3, 4])
}

/// QLinearAveragePool, QLinearGlobalAveragePool.
fn qlinear_pool(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    if node.flag("channels_last")? {
        return gap("channels_last=1 is not supported");
    }
    let x = real(import, node, "x", [0, 1, 2], 1)?;
    let about = inner(import, node, "pool", &[x]);
    let y = match node.proto.op_type.as_str() {
        "QLinearAveragePool" => pool::average_pool(import, &about)?,
        _ => pool::global_average_pool(import, &about)?,
    };
    quantized(import, node, y[0], [3, 4])
}

/// QLinearConcat: scale and zero point of the result, then three inputs an operand.
fn qlinear_concat(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let operands = node.inputs.len().saturating_sub(2) / 3;
    let mut inputs = Vec::with_capacity(operands);
    for i in 0..operands {
        let at = 2 + 3 * i;
        inputs.push(real(
            import,
            node,
            &format!("x{i}"),
            [at, at + 1, at + 2],
            1,
        )?);
    }
    let (Some(&first), Some(axis)) = (inputs.first(), node.proto.attr_int("axis")?) else {
        return invalid("operands or the attribute \"axis\" are missing");
    };
    let axis = super::node::axis_of(axis, import.rank(first))?;
    let y = part(import, node, Op::Concat { axis }, &inputs)?;
    quantized(import, node, y, [0, 1])
}

/// QGemm: int8 in, int8 or floats out, bias of i32 by the product of both scales.
fn qgemm(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let a = real(import, node, "a", [0, 1, 2], 1)?;
    let columns = if node.flag("transB")? { 0 } else { 1 };
    let b = real(import, node, "b", [3, 4, 5], columns)?;
    let mut inputs = vec![a, b];
    if let Some(bias) = node.optional(6) {
        let c = &mut Compose::new(import, node);
        let scale = c.mul(node.input(1)?, node.input(4)?)?;
        let bias = c.cast(bias, DType::F32)?;
        inputs.push(c.mul(bias, scale)?);
    }
    let about = inner(import, node, "gemm", &inputs);
    let y = dense::gemm(import, &about)?;
    match node.optional(7) {
        Some(_) => quantized(import, node, y[0], [7, 8]),
        None => Ok(y),
    }
}

/// The activation that a fused operator ends with.
fn activated(import: &mut Importer<'_>, node: &OnnxNode<'_>, x: ValueId) -> Outputs {
    let parameters = match node.proto.attr_floats("activation_params")? {
        Some(p) => p.to_vec(),
        None => Vec::new(),
    };
    let parameter = |i: usize, name: &str, default: f32| -> Result<f32, Stop> {
        match parameters.get(i) {
            Some(&p) => Ok(p),
            None => node.float_or(name, default),
        }
    };
    let function = match node.text_or("activation", "")? {
        "" => return Ok(vec![x]),
        "Relu" => UnaryFn::Clamp(Clamp::RELU),
        "Sigmoid" => UnaryFn::Sigmoid,
        "Tanh" => UnaryFn::Tanh,
        "LeakyRelu" => UnaryFn::LeakyRelu {
            alpha: parameter(0, "activation_alpha", 0.01)?,
        },
        "Clip" => UnaryFn::Clamp(Clamp {
            lo: parameter(0, "activation_alpha", f32::NEG_INFINITY)?,
            hi: parameter(1, "activation_beta", f32::INFINITY)?,
        }),
        "HardSigmoid" => UnaryFn::HardSigmoid {
            alpha: parameter(0, "activation_alpha", 0.2)?,
            beta: parameter(1, "activation_beta", 0.5)?,
        },
        other => return gap(format!("the activation {other:?} is not supported")),
    };
    Ok(vec![import.emit_part(
        node,
        "activated",
        Op::Unary(function),
        &[x],
    )?])
}

/// FusedConv: a convolution, perhaps a sum with another value, an activation.
fn fused_conv(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let mut about = inner(import, node, "conv", &[]);
    about.inputs = node.inputs.iter().copied().take(3).collect();
    let mut y = conv::conv(import, &about)?[0];
    if let Some(other) = node.optional(3) {
        y = part(import, node, binary(BinaryFn::Add), &[y, other])?;
    }
    activated(import, node, y)
}

/// FusedGemm.
fn fused_gemm(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let mut about = inner(import, node, "gemm", &[]);
    about.inputs.clone_from(&node.inputs);
    let y = dense::gemm(import, &about)?[0];
    activated(import, node, y)
}

/// FusedMatMul: transposed operands and a factor.
fn fused_matmul(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    if node.flag("transBatchA")? || node.flag("transBatchB")? {
        return gap("transposed batches are not supported");
    }
    let alpha = node.float_or("alpha", 1.0)?;
    let mut operands = [node.input(0)?, node.input(1)?];
    let c = &mut Compose::new(import, node);
    for (operand, name) in operands.iter_mut().zip(["transA", "transB"]) {
        let rank = c.import.rank(*operand);
        if node.flag(name)? && rank >= 2 {
            let mut perm: Vec<usize> = (0..rank).collect();
            perm.swap(rank - 1, rank - 2);
            *operand = c.transpose(*operand, perm)?;
        }
    }
    let about = inner(import, node, "product", &operands);
    let y = dense::matmul(import, &about)?[0];
    Ok(vec![Compose::new(import, node).scale(y, alpha)?])
}

/// The optional bias (input 1) added to the first input.
fn with_bias(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Result<ValueId, Stop> {
    let x = node.input(0)?;
    match node.optional(1) {
        Some(bias) => import.emit_part(node, "biased", binary(BinaryFn::Add), &[x, bias]),
        None => Ok(x),
    }
}

/// Gelu, BiasGelu with the error function.
fn bias_gelu(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = with_bias(import, node)?;
    Ok(vec![import.emit(node, Op::Unary(UnaryFn::Gelu), &[x])?])
}

/// FastGelu with tanh.
fn fast_gelu(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = with_bias(import, node)?;
    Ok(vec![import.emit(
        node,
        Op::Unary(UnaryFn::GeluTanh),
        &[x],
    )?])
}

/// QuickGelu: `x · sigmoid(alpha · x)`.
fn quick_gelu(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let alpha = node.float_or("alpha", 1.702)?;
    let x = node.input(0)?;
    let c = &mut Compose::new(import, node);
    let scaled = c.scale(x, alpha)?;
    let gate = c.unary(UnaryFn::Sigmoid, scaled)?;
    Ok(vec![c.mul(x, gate)?])
}

/// `x / sqrt(mean x² + epsilon) · scale`, or with the mean taken off first; over the last axis.
fn normalised(
    c: &mut Compose<'_, '_, '_, '_>,
    x: ValueId,
    centre: bool,
    epsilon: f32,
    scale: ValueId,
) -> Result<[ValueId; 3], Stop> {
    let axis = match c.import.rank(x).checked_sub(1) {
        Some(axis) => axis,
        None => return invalid("a scalar is normalised"),
    };
    let mean = c.reduce(ReduceKind::Mean, &[axis], true, x)?;
    let centred = if centre { c.sub(x, mean)? } else { x };
    let square = c.mul(centred, centred)?;
    let variance = c.reduce(ReduceKind::Mean, &[axis], true, square)?;
    let epsilon = c.number(epsilon)?;
    let shifted = c.add(variance, epsilon)?;
    let root = c.unary(UnaryFn::Sqrt, shifted)?;
    let inverse = c.unary(UnaryFn::Reciprocal, root)?;
    let normal = c.mul(centred, inverse)?;
    Ok([c.mul(normal, scale)?, mean, inverse])
}

/// SimplifiedLayerNormalization: without the mean.
pub(crate) fn simplified_norm(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let (x, scale) = (node.input(0)?, node.input(1)?);
    let rank = i64::try_from(import.rank(x)).unwrap_or(i64::MAX);
    if ![-1, rank - 1].contains(&node.int_or("axis", -1)?) {
        return gap("only the last axis is supported");
    }
    let epsilon = node.float_or("epsilon", 1e-5)?;
    let c = &mut Compose::new(import, node);
    let [y, _, inverse] = normalised(c, x, false, epsilon, scale)?;
    Ok(vec![y, inverse])
}

/// SkipLayerNormalization (input, skip, gamma, beta, bias), SkipSimplifiedLayerNormalization (input, skip, gamma, bias).
fn skip_norm(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let simplified = node.proto.op_type == "SkipSimplifiedLayerNormalization";
    let (beta, bias) = if simplified {
        (None, 3)
    } else {
        (node.optional(3), 4)
    };
    let epsilon = node.float_or("epsilon", 1e-5)?;
    let c = &mut Compose::new(import, node);
    let mut sum = c.add(node.input(0)?, node.input(1)?)?;
    if let Some(bias) = node.optional(bias) {
        sum = c.add(sum, bias)?;
    }
    let [mut y, mean, inverse] = normalised(c, sum, !simplified, epsilon, node.input(2)?)?;
    if let Some(beta) = beta {
        y = c.add(y, beta)?;
    }
    Ok(vec![y, mean, inverse, sum])
}

/// MatMulIntegerToFloat: integers with scales and zero points multiplied, the result in floats.
fn matmul_to_float(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let a = real(import, node, "a", [0, 2, 4], -1)?;
    let b = real(import, node, "b", [1, 3, 5], -1)?;
    let about = inner(import, node, "product", &[a, b]);
    let y = dense::matmul(import, &about)?[0];
    match node.optional(6) {
        Some(bias) => Ok(vec![part(import, node, binary(BinaryFn::Add), &[y, bias])?]),
        None => Ok(vec![y]),
    }
}

/// DynamicQuantizeMatMul: the activation is quantised by its own range, then multiplied.
fn dynamic_matmul(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let about = inner(import, node, "quantize", &[node.input(0)?]);
    let parts = dynamic_quantize(import, &about)?;
    let c = &mut Compose::new(import, node);
    let stored = c.cast(parts[0], DType::F32)?;
    let zero = c.cast(parts[2], DType::F32)?;
    let centred = c.sub(stored, zero)?;
    let a = c.mul(centred, parts[1])?;
    let b = real(import, node, "b", [1, 2, 3], -1)?;
    let about = inner(import, node, "product", &[a, b]);
    let y = dense::matmul(import, &about)?[0];
    match node.optional(4) {
        Some(bias) => Ok(vec![part(import, node, binary(BinaryFn::Add), &[y, bias])?]),
        None => Ok(vec![y]),
    }
}

/// MatMulNBits: weights `[N, K]` in blocks of few bits, two of 4 bits a byte, read as floats.
fn matmul_nbits(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let size = |name: &str| -> Result<usize, Stop> {
        match usize::try_from(node.int_or(name, 0)?) {
            Ok(v) if (1..=MAX_MADE).contains(&v) => Ok(v),
            _ => invalid(format!("{name} is missing or out of range")),
        }
    };
    let (k, n, block) = (size("K")?, size("N")?, size("block_size")?);
    let bits = node.int_or("bits", 4)?;
    if !matches!(bits, 4 | 8) || node.optional(4).is_some() {
        return gap("only 4 and 8 bits without g_idx are supported");
    }
    if n.checked_mul(k).is_none_or(|e| e > MAX_MADE) {
        return gap(format!("weights of {n} × {k}"));
    }
    let per_byte = if bits == 4 { 2 } else { 1 };
    let blocks = k.div_ceil(block);
    let bytes = |import: &Importer<'_>, i: usize, what: &str| -> Result<Vec<u8>, Stop> {
        match import.constant_input(node, i, what)?.data() {
            Data::U8(v) => Ok(v.clone()),
            _ => gap(format!("{what} must be bytes")),
        }
    };
    let stored = bytes(import, 1, "the weights")?;
    let scales = match import.constant_input(node, 2, "the scales")?.as_f32() {
        Some(v) => v.to_vec(),
        None => return invalid("the scales are no floats"),
    };
    let zeros = match node.optional(3) {
        Some(_) => Some(bytes(import, 3, "the zero points")?),
        None => None,
    };
    let row = blocks * block.div_ceil(per_byte);
    let zero_row = blocks.div_ceil(per_byte);
    let fits = stored.len() == n * row
        && scales.len() == n * blocks
        && zeros.as_ref().is_none_or(|z| z.len() == n * zero_row);
    if !fits {
        return invalid(format!(
            "weights, scales or zero points do not fit {n} × {k}"
        ));
    }
    // The first of two is in the low half.
    let nibble = |v: &[u8], i: usize| match bits {
        8 => f32::from(v[i]),
        _ => f32::from((v[i / 2] >> (4 * (i % 2))) & 15),
    };
    let middle = if bits == 4 { 8.0 } else { 128.0 };
    let mut w = Vec::with_capacity(n * k);
    for o in 0..n {
        for i in 0..k {
            let b = i / block;
            let q = nibble(&stored[o * row + b * block.div_ceil(per_byte)..], i % block);
            let z = match &zeros {
                Some(z) => nibble(&z[o * zero_row..], b),
                None => middle,
            };
            w.push((q - z) * scales[o * blocks + b]);
        }
    }
    if !import.budget.take(w.len(), w.len()) {
        return gap("the constants of the model are too large together");
    }
    let w = import.constant(node, "weights", Tensor::new(vec![n, k], Data::F32(w))?);
    let mut inputs = vec![node.input(0)?, w];
    inputs.extend(node.optional(5));
    Ok(vec![import.emit(
        node,
        Op::Dense { clamp: None },
        &inputs,
    )?])
}

#[cfg(test)]
mod tests {
    use super::TABLE;

    #[test]
    fn table_is_sorted_and_on_the_page() {
        assert!(TABLE.is_sorted_by(|a, b| a.0 < b.0));
        let page = include_str!("../../../../docs/operators.md");
        for (name, _) in TABLE {
            assert!(page.contains(&format!("com.microsoft.{name}`")), "{name}");
        }
    }
}
