//! Products with what follows them: FusedConv, FusedGemm, FusedMatMul.

use redpoll_graph::op::{BinaryFn, Clamp, UnaryFn};
use redpoll_graph::{Op, ValueId};

use super::super::compose::Compose;
use super::super::elementwise::binary;
use super::super::importer::Importer;
use super::super::node::{OnnxNode, Outputs, Stop, gap};
use super::super::{conv, dense};
use super::{inner, part};

/// The activation that a fused operator ends with.
pub(super) fn activated(import: &mut Importer<'_>, node: &OnnxNode<'_>, x: ValueId) -> Outputs {
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
pub(super) fn fused_conv(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let mut about = inner(import, node, "conv", &[]);
    about.inputs = node.inputs.iter().copied().take(3).collect();
    let mut y = conv::conv(import, &about)?[0];
    if let Some(other) = node.optional(3) {
        y = part(import, node, binary(BinaryFn::Add), &[y, other])?;
    }
    activated(import, node, y)
}

/// FusedGemm.
pub(super) fn fused_gemm(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let mut about = inner(import, node, "gemm", &[]);
    about.inputs.clone_from(&node.inputs);
    let y = dense::gemm(import, &about)?[0];
    activated(import, node, y)
}

/// FusedMatMul: transposed operands and a factor. A transposed batch has the first axis behind the batch axes.
pub(super) fn fused_matmul(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let alpha = node.float_or("alpha", 1.0)?;
    let mut operands = [node.input(0)?, node.input(1)?];
    let c = &mut Compose::new(import, node);
    let names = [("transA", "transBatchA"), ("transB", "transBatchB")];
    for (operand, (name, batch)) in operands.iter_mut().zip(names) {
        let rank = c.import.rank(*operand);
        if node.flag(batch)? && rank >= 3 {
            let perm = (1..rank - 1).chain([0, rank - 1]).collect();
            *operand = c.transpose(*operand, perm)?;
        }
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
