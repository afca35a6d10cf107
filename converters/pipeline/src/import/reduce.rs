//! Reductions and softmax.

use redpoll_graph::op::{BinaryFn, ReduceKind, UnaryFn};
use redpoll_graph::{Op, ValueId};

use super::compose::Compose;
use super::elementwise::binary;
use super::importer::Importer;
use super::loss::log_softmax_of;
use super::node::{OnnxNode, Outputs, Stop, axes_of, axis_of, gap};

/// ReduceSum, ReduceMean, ReduceMax, ReduceMin, ReduceProd, and those made of them: ReduceL1, ReduceL2, ReduceSumSquare.
/// Axes are an attribute before opset 18 (ReduceSum: 13) and input 1 from then on.
pub(crate) fn reduce(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let kind = match node.proto.op_type.as_str() {
        "ReduceMean" => ReduceKind::Mean,
        "ReduceMax" => ReduceKind::Max,
        "ReduceMin" => ReduceKind::Min,
        "ReduceProd" => ReduceKind::Prod,
        "ReduceSum" | "ReduceL1" | "ReduceL2" | "ReduceSumSquare" | "ReduceLogSum"
        | "ReduceLogSumExp" => ReduceKind::Sum,
        other => return gap(format!("the reduction {other} is not known")),
    };
    let rank = import.rank(x);
    let axes = axes(import, node, rank)?;
    let op_type = node.proto.op_type.as_str();
    if axes.iter().any(|&a| import.shape(x)[a] == 0) {
        return of_nothing(import, node, x, &axes);
    }
    if op_type == "ReduceLogSumExp" {
        return log_sum_exp(import, node, x, &axes);
    }
    let x = match op_type {
        "ReduceL1" => import.emit_part(node, "abs", Op::Unary(UnaryFn::Abs), &[x])?,
        "ReduceL2" | "ReduceSumSquare" => {
            import.emit_part(node, "square", binary(BinaryFn::Mul), &[x, x])?
        }
        _ => x,
    };
    if axes.is_empty() {
        // Nothing is reduced: a scalar, or empty axes that mean none.
        return Ok(vec![finish(import, node, x)?]);
    }
    let op = Op::Reduce {
        kind,
        axes,
        keep_dims: node.int_or("keepdims", 1)? != 0,
    };
    if !matches!(op_type, "ReduceL2" | "ReduceLogSum") {
        return Ok(vec![import.emit(node, op, &[x])?]);
    }
    let sum = import.emit_part(node, "sum", op, &[x])?;
    Ok(vec![finish(import, node, sum)?])
}

/// The root or logarithm that some end with; the value itself for the others.
fn finish(import: &mut Importer<'_>, node: &OnnxNode<'_>, x: ValueId) -> Result<ValueId, Stop> {
    match node.proto.op_type.as_str() {
        "ReduceL2" => import.emit(node, Op::Unary(UnaryFn::Sqrt), &[x]),
        "ReduceLogSum" => import.emit(node, Op::Unary(UnaryFn::Log), &[x]),
        _ => Ok(x),
    }
}

/// `max x + log Σ exp(x − max x)`.
fn log_sum_exp(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    x: ValueId,
    axes: &[usize],
) -> Outputs {
    let keep = node.int_or("keepdims", 1)? != 0;
    let c = &mut Compose::new(import, node);
    let max = c.reduce(ReduceKind::Max, axes, true, x)?;
    let shifted = c.sub(x, max)?;
    let exp = c.unary(UnaryFn::Exp, shifted)?;
    let sum = c.reduce(ReduceKind::Sum, axes, true, exp)?;
    let log = c.unary(UnaryFn::Log, sum)?;
    let y = c.add(log, max)?;
    if keep {
        return Ok(vec![y]);
    }
    let shape = c.shape(y);
    let kept = (0..shape.len()).filter(|i| !axes.contains(i));
    let shape = kept.map(|i| shape[i]).collect();
    Ok(vec![c.reshape(y, shape)?])
}

/// A reduction over no elements: what adds nothing to more of them.
fn of_nothing(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    x: ValueId,
    axes: &[usize],
) -> Outputs {
    let value = match node.proto.op_type.as_str() {
        "ReduceProd" => 1.0,
        "ReduceMean" => f32::NAN,
        "ReduceMin" => f32::INFINITY,
        "ReduceMax" | "ReduceLogSum" | "ReduceLogSumExp" => f32::NEG_INFINITY,
        _ => 0.0,
    };
    let keep = node.int_or("keepdims", 1)? != 0;
    let c = &mut Compose::new(import, node);
    let from = c.shape(x);
    let shape = (0..from.len()).filter_map(|i| match axes.contains(&i) {
        true => keep.then_some(1),
        false => Some(from[i]),
    });
    let shape = shape.collect();
    // For whole numbers the infinities become the ends of their range.
    let value = c.number_like(x, value)?;
    Ok(vec![c.expand(value, shape)?])
}

/// The axes that a reduction names, all without any.
pub(crate) fn axes(
    import: &Importer<'_>,
    node: &OnnxNode<'_>,
    rank: usize,
) -> Result<Vec<usize>, Stop> {
    let as_input = node.opset
        >= if node.proto.op_type == "ReduceSum" {
            13
        } else {
            18
        };
    let axes = if as_input {
        import.optional_ints(node, 1, "axes")?
    } else {
        node.proto.attr_ints("axes")?.map(<[i64]>::to_vec)
    };
    match axes {
        Some(axes) if !axes.is_empty() => axes_of(&axes, rank),
        _ if node.flag("noop_with_empty_axes")? => Ok(Vec::new()),
        _ => Ok((0..rank).collect()),
    }
}

/// Softmax-1, -11, -13. Before opset 13 all axes from `axis` on are normalised together.
pub(crate) fn softmax(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let shape = import.shape(x).to_vec();
    let rank = shape.len();
    if node.opset >= 13 {
        let axis = axis_of(node.int_or("axis", -1)?, rank)?;
        return Ok(vec![import.emit(node, Op::Softmax { axis }, &[x])?]);
    }
    let axis = axis_of(node.int_or("axis", 1)?, rank)?;
    if shape[axis + 1..].iter().all(|&d| d == 1) {
        return Ok(vec![import.emit(node, Op::Softmax { axis }, &[x])?]);
    }
    let flat = vec![
        shape[..axis].iter().product(),
        shape[axis..].iter().product(),
    ];
    let x = import.emit_part(node, "flat", Op::Reshape { shape: flat }, &[x])?;
    let y = import.emit_part(node, "softmax", Op::Softmax { axis: 1 }, &[x])?;
    Ok(vec![import.emit(node, Op::Reshape { shape }, &[y])?])
}

/// LogSoftmax-1, -11, -13: `x − max x − log Σ exp(x − max x)`. Before opset 13 over all axes from `axis` on.
pub(crate) fn log_softmax(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let shape = import.shape(x).to_vec();
    let before_13 = node.opset < 13;
    let axis = axis_of(
        node.int_or("axis", if before_13 { 1 } else { -1 })?,
        shape.len(),
    )?;
    let c = &mut Compose::new(import, node);
    if !before_13 {
        return Ok(vec![log_softmax_of(c, x, axis)?]);
    }
    let flat = vec![
        shape[..axis].iter().product(),
        shape[axis..].iter().product(),
    ];
    let x = c.reshape(x, flat)?;
    let y = log_softmax_of(c, x, 1)?;
    Ok(vec![c.reshape(y, shape)?])
}
