//! Batch and layer normalisation.

use redpoll_graph::op::{BinaryFn, ReduceKind, UnaryFn};
use redpoll_graph::{Op, Tensor, ValueId};

use super::elementwise::binary;
use super::importer::Importer;
use super::layout::channels_last;
use super::node::{OnnxNode, Outputs, axis_of, gap, invalid};

/// BatchNormalization-7, -9, -14, -15, inference form: inputs x `[N, C, …]`, scale, bias, mean, variance.
pub(crate) fn batch_norm(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    if node.flag("training_mode")? || (1..5).any(|i| node.wants_output(i)) {
        return gap("training mode is not supported; export the model for inference");
    }
    if node.opset < 9 && node.int_or("spatial", 1)? == 0 {
        return gap("spatial=0 (statistics for each element) is not supported");
    }
    let inputs = node.all_inputs(5)?;
    let epsilon = node.float_or("epsilon", 1e-5)?;
    let op = Op::BatchNorm { epsilon };
    match import.rank(inputs[0]) {
        0 | 1 => invalid(format!(
            "shape {:?} has no channel axis",
            import.shape(inputs[0])
        )),
        2 => Ok(vec![import.emit(node, op, &inputs)?]),
        _ => Ok(vec![channels_last(
            import,
            node,
            op,
            inputs[0],
            &inputs[1..],
        )?]),
    }
}

/// LayerNormalization-17: written out as mean, difference, variance, reciprocal root.
pub(crate) fn layer_norm(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    if (1..3).any(|i| node.wants_output(i)) {
        return gap("mean and deviation as outputs are not supported");
    }
    let (x, scale) = (node.input(0)?, node.input(1)?);
    let rank = import.rank(x);
    let axis = axis_of(node.int_or("axis", -1)?, rank)?;
    let mean_over = Op::Reduce {
        kind: ReduceKind::Mean,
        axes: (axis..rank).collect(),
        keep_dims: true,
    };
    let epsilon = import.constant(
        node,
        "epsilon",
        Tensor::scalar(node.float_or("epsilon", 1e-5)?),
    );
    let part = |import: &mut Importer<'_>, name: &str, op: Op, inputs: &[ValueId]| {
        import.emit_part(node, name, op, inputs)
    };
    let mean = part(import, "mean", mean_over.clone(), &[x])?;
    let centred = part(import, "centred", binary(BinaryFn::Sub), &[x, mean])?;
    let square = part(import, "square", binary(BinaryFn::Mul), &[centred, centred])?;
    let variance = part(import, "variance", mean_over, &[square])?;
    let shifted = part(
        import,
        "shifted",
        binary(BinaryFn::Add),
        &[variance, epsilon],
    )?;
    let deviation = part(import, "deviation", Op::Unary(UnaryFn::Sqrt), &[shifted])?;
    let inverse = part(
        import,
        "inverse",
        Op::Unary(UnaryFn::Reciprocal),
        &[deviation],
    )?;
    let normal = part(import, "normal", binary(BinaryFn::Mul), &[centred, inverse])?;
    let Some(bias) = node.optional(2) else {
        return Ok(vec![import.emit(
            node,
            binary(BinaryFn::Mul),
            &[normal, scale],
        )?]);
    };
    let scaled = part(import, "scaled", binary(BinaryFn::Mul), &[normal, scale])?;
    Ok(vec![import.emit(
        node,
        binary(BinaryFn::Add),
        &[scaled, bias],
    )?])
}
