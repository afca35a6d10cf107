//! Reductions and softmax.

use redpoll_graph::op::{BinaryFn, ReduceKind, UnaryFn};
use redpoll_graph::{Op, ValueId};

use super::elementwise::binary;
use super::importer::Importer;
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
        "ReduceSum" | "ReduceL1" | "ReduceL2" | "ReduceSumSquare" => ReduceKind::Sum,
        other => return gap(format!("the reduction {other} is not known")),
    };
    let rank = import.rank(x);
    let axes = axes(import, node, rank)?;
    let op_type = node.proto.op_type.as_str();
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
    if op_type != "ReduceL2" {
        return Ok(vec![import.emit(node, op, &[x])?]);
    }
    let sum = import.emit_part(node, "sum", op, &[x])?;
    Ok(vec![finish(import, node, sum)?])
}

/// The root that ReduceL2 ends with; the value itself for the others.
fn finish(import: &mut Importer<'_>, node: &OnnxNode<'_>, x: ValueId) -> Result<ValueId, Stop> {
    if node.proto.op_type == "ReduceL2" {
        import.emit(node, Op::Unary(UnaryFn::Sqrt), &[x])
    } else {
        Ok(x)
    }
}

fn axes(import: &Importer<'_>, node: &OnnxNode<'_>, rank: usize) -> Result<Vec<usize>, Stop> {
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

/// LogSoftmax-13: `x − max x − log Σ exp(x − max x)`.
pub(crate) fn log_softmax(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let rank = import.rank(x);
    let before_13 = node.opset < 13;
    let axis = axis_of(node.int_or("axis", if before_13 { 1 } else { -1 })?, rank)?;
    if before_13 && axis + 1 != rank {
        return gap("before opset 13 only the last axis is supported; convert the model to 13");
    }
    let over = |kind| Op::Reduce {
        kind,
        axes: vec![axis],
        keep_dims: true,
    };
    let max = import.emit_part(node, "max", over(ReduceKind::Max), &[x])?;
    let shifted = import.emit_part(node, "shifted", binary(BinaryFn::Sub), &[x, max])?;
    let exp = import.emit_part(node, "exp", Op::Unary(UnaryFn::Exp), &[shifted])?;
    let sum = import.emit_part(node, "sum", over(ReduceKind::Sum), &[exp])?;
    let log = import.emit_part(node, "log", Op::Unary(UnaryFn::Log), &[sum])?;
    Ok(vec![import.emit(
        node,
        binary(BinaryFn::Sub),
        &[shifted, log],
    )?])
}
