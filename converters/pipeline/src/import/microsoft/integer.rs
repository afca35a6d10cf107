//! Products with weights of integers on floats: dynamic quantisation, and weights of few bits.

use redpoll_graph::op::BinaryFn;
use redpoll_graph::{DType, Data, Op, Tensor, ValueId};

use super::super::compose::{Compose, MAX_MADE};
use super::super::elementwise::binary;
use super::super::importer::Importer;
use super::super::node::{OnnxNode, Outputs, Stop, gap, invalid};
use super::super::quantized::{dynamic_quantize, real};
use super::super::{dense, recurrent};
use super::{inner, part};

/// MatMulIntegerToFloat: integers with scales and zero points multiplied, the result in floats.
pub(super) fn matmul_to_float(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
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
pub(super) fn dynamic_matmul(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
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
pub(super) fn matmul_nbits(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
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

/// DynamicQuantizeLSTM of ONNX Runtime: an LSTM whose weights `[D, I, 4H]` and `[D, H, 4H]` are 8-bit integers with a
/// scale a direction or a column. They are read as floats: input and state are not rounded to 8 bits at each step.
pub(super) fn dynamic_lstm(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let mut inputs = node.inputs.clone();
    inputs.truncate(8);
    for (index, scale) in [(1, 8), (2, 10)] {
        let c = &mut Compose::new(import, node);
        let stored = node.input(index)?;
        let [directions, _, columns] = c.shape(stored)[..] else {
            return invalid(format!("weights {:?}", c.shape(stored)));
        };
        let along = |c: &mut Compose<'_, '_, '_, '_>, id: ValueId| {
            let id = c.cast(id, DType::F32)?;
            match c.shape(id)[..] {
                [d] if d == directions => c.reshape(id, vec![d, 1, 1]),
                [d, n] if d == directions && n == columns => c.reshape(id, vec![d, 1, n]),
                _ => invalid(format!("scales {:?} of weights", c.shape(id))),
            }
        };
        let mut w = c.cast(stored, DType::F32)?;
        if let Some(zero) = node.optional(scale + 1) {
            let zero = along(c, zero)?;
            w = c.sub(w, zero)?;
        }
        let scale = along(c, node.input(scale)?)?;
        w = c.mul(w, scale)?;
        inputs[index] = Some(c.transpose(w, vec![0, 2, 1])?);
    }
    let about = OnnxNode {
        proto: node.proto,
        name: import.unique_node_name(&format!("{}_float", node.name)),
        opset: node.opset,
        inputs,
    };
    recurrent::lstm(import, &about)
}
