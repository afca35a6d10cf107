//! Rules of quantised values and of the operators on them.

use crate::error::{Error, ErrorKind};
use crate::graph::{Graph, Node, Value};
use crate::op::{Op, PoolKind, ReduceKind};
use crate::shape::{keeps_qparams, qparams_operands};
use crate::tensor::Tensor;
use crate::types::DType;

fn type_error(message: String) -> Error {
    Error::new(ErrorKind::Type, message)
}

/// Scale and zero point of one value are sane for its type.
pub(super) fn check_value(value: &Value) -> Result<(), Error> {
    let Some(q) = &value.qparams else {
        return Ok(());
    };
    let wrong = |what: &str| Err(type_error(format!("\"{}\": {what}", value.name)));
    let (lo, hi) = match value.dtype {
        DType::I32 => (0, 0),
        other => match other.quantized_range() {
            Some(range) => range,
            None => return wrong("only 8-bit values and i32 biases carry a scale"),
        },
    };
    let slices = match q.axis {
        None => 1,
        Some(axis) => match value.shape.get(axis) {
            Some(&n) => n,
            None => return wrong("its scales run along an axis that it has not"),
        },
    };
    if q.scales.len() != slices || q.zero_points.len() != slices {
        return wrong("as many scales and zero points are needed as slices");
    }
    if !q.scales.iter().all(|s| s.is_finite() && *s > 0.0) {
        return wrong("scales must be finite and above zero");
    }
    if !q.zero_points.iter().all(|z| (lo..=hi).contains(z)) {
        return wrong("a zero point lies outside the range of its type");
    }
    Ok(())
}

/// The operands and the result of one node obey the integer operator's rules.
pub(super) fn check_node(graph: &Graph, node: &Node) -> Result<(), Error> {
    let output = graph.value(node.output);
    if keeps_qparams(&node.op) {
        return same_qparams(graph, node, output);
    }
    match node.op {
        // Any axis is fine at the border between float and integers.
        Op::Dequantize => return no_qparams(output),
        Op::Quantize => return needs_qparams(output),
        _ => {}
    }
    let x = graph.value(node.inputs[0]);
    if !x.is_quantized() {
        return no_qparams(output);
    }
    needs_qparams(output)?;
    per_tensor(output)?;
    per_tensor(x)?;
    match &node.op {
        Op::Conv(_) | Op::Dense { .. } => accumulator(graph, node, x),
        Op::Binary { .. } => per_tensor(graph.value(node.inputs[1])),
        Op::Pool(pool) if pool.kind == PoolKind::Average => {
            sum_fits(x, pool.kernel.iter().product())
        }
        Op::Reduce {
            kind: ReduceKind::Sum | ReduceKind::Mean,
            axes,
            ..
        } => sum_fits(x, axes.iter().map(|&a| x.shape[a]).product()),
        _ => Ok(()),
    }
}

fn needs_qparams(value: &Value) -> Result<(), Error> {
    if value.is_quantized() {
        Ok(())
    } else {
        Err(type_error(format!(
            "\"{}\" is {} without scale and zero point",
            value.name, value.dtype
        )))
    }
}

fn no_qparams(value: &Value) -> Result<(), Error> {
    if value.qparams.is_none() {
        Ok(())
    } else {
        Err(type_error(format!(
            "\"{}\" carries a scale, but its node does not compute in quantised integers",
            value.name
        )))
    }
}

fn per_tensor(value: &Value) -> Result<(), Error> {
    if value.qparams.as_ref().is_some_and(|q| q.is_per_tensor()) {
        Ok(())
    } else {
        Err(type_error(format!(
            "\"{}\" needs one scale for the whole tensor",
            value.name
        )))
    }
}

/// Where integers move as they are, operands and result are read with one scale and zero point. A reshape or
/// transposition must not tear slices with scales of their own apart.
fn same_qparams(graph: &Graph, node: &Node, output: &Value) -> Result<(), Error> {
    if output.qparams.is_some() {
        per_tensor(output)?;
    }
    for &id in qparams_operands(&node.op, &node.inputs) {
        let input = graph.value(id);
        if input.qparams != output.qparams {
            return Err(type_error(format!(
                "{} keeps scale and zero point, but those of \"{}\" and \"{}\" differ",
                node.op.name(),
                input.name,
                output.name
            )));
        }
    }
    Ok(())
}

/// The largest |x − z_x| of a quantised value.
fn reach(x: &Value) -> i64 {
    let z = x.qparams.as_ref().map_or(0, |q| q.zero_point());
    let (lo, hi) = x.dtype.quantized_range().unwrap_or((0, 0));
    i64::from((z - lo).max(hi - z))
}

fn sum_fits(x: &Value, count: usize) -> Result<(), Error> {
    match i64::try_from(count)
        .ok()
        .and_then(|n| n.checked_mul(reach(x)))
    {
        Some(sum) if sum <= i64::from(i32::MAX) => Ok(()),
        _ => Err(overflow(format!(
            "a sum of {count} elements of \"{}\"",
            x.name
        ))),
    }
}

fn overflow(what: String) -> Error {
    Error::new(
        ErrorKind::TooLarge,
        format!("{what} could pass 2^31: keep this node in float"),
    )
}

/// Proves for every output channel that the 32-bit accumulator holds any input, border included, and any order
/// of summation.
fn accumulator(graph: &Graph, node: &Node, x: &Value) -> Result<(), Error> {
    let weights = graph.value(node.inputs[1]);
    let q = weights.qparams.as_ref();
    let symmetric = q.is_some_and(|q| q.zero_points.iter().all(|&z| z == 0));
    if !symmetric || q.is_some_and(|q| !matches!(q.axis, None | Some(0))) {
        return Err(type_error(format!(
            "weights \"{}\" must be symmetric, with one scale or one for each output channel (axis 0)",
            weights.name
        )));
    }
    let Some(w) = weights.constant.as_deref().and_then(Tensor::as_i8) else {
        return Err(type_error(format!(
            "weights \"{}\" of an integer operator must be constant",
            weights.name
        )));
    };
    let bias = match node.inputs.get(2) {
        None => None,
        Some(&id) => Some(constant_bias(graph.value(id))?),
    };
    let channels = weights.shape[0].max(1);
    let per_channel = (w.len() / channels).max(1);
    for (c, row) in w.chunks_exact(per_channel).enumerate() {
        let weight_sum: i64 = row.iter().map(|&w| i64::from(w).abs()).sum();
        let bias = bias.map_or(0, |b| i64::from(b[c]).abs());
        if weight_sum * reach(x) + bias > i64::from(i32::MAX) {
            return Err(overflow(format!("the accumulator of output channel {c}")));
        }
    }
    Ok(())
}

fn constant_bias(bias: &Value) -> Result<&[i32], Error> {
    bias.constant
        .as_deref()
        .and_then(Tensor::as_i32)
        .ok_or_else(|| {
            type_error(format!(
                "bias \"{}\" of an integer operator must be constant",
                bias.name
            ))
        })
}
