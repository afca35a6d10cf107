//! Losses, which models trained elsewhere may carry at their end.

use redpoll_graph::op::{BinaryFn, ReduceKind, UnaryFn};
use redpoll_graph::{DType, Op, ValueId};

use super::compose::Compose;
use super::importer::Importer;
use super::node::{OnnxNode, Outputs, Stop, invalid};

/// `x − max x − log Σ exp(x − max x)` along an axis.
pub(crate) fn log_softmax_of(
    c: &mut Compose<'_, '_, '_, '_>,
    x: ValueId,
    axis: usize,
) -> Result<ValueId, Stop> {
    let max = c.reduce(ReduceKind::Max, &[axis], true, x)?;
    let shifted = c.sub(x, max)?;
    let exp = c.unary(UnaryFn::Exp, shifted)?;
    let sum = c.reduce(ReduceKind::Sum, &[axis], true, exp)?;
    let log = c.unary(UnaryFn::Log, sum)?;
    c.sub(shifted, log)
}

/// SoftmaxCrossEntropyLoss-12, -13: the negative log likelihood of the log softmax.
pub(crate) fn softmax_cross_entropy(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let c = &mut Compose::new(import, node);
    let x = node.input(0)?;
    if c.import.rank(x) < 2 {
        return invalid(format!("scores {:?}", c.shape(x)));
    }
    let logs = log_softmax_of(c, x, 1)?;
    let loss = likelihood(c, logs)?;
    Ok(vec![loss, logs])
}

/// NegativeLogLikelihoodLoss-12, -13, -22.
pub(crate) fn negative_log_likelihood(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let c = &mut Compose::new(import, node);
    let x = node.input(0)?;
    Ok(vec![likelihood(c, x)?])
}

/// `−x[target] · weight[target]`, summed or averaged by the weights.
fn likelihood(c: &mut Compose<'_, '_, '_, '_>, x: ValueId) -> Result<ValueId, Stop> {
    let node = c.node;
    let (xs, ts) = (c.shape(x), c.shape(node.input(1)?));
    if xs.len() < 2 || ts.len() + 1 != xs.len() {
        return invalid(format!("scores {xs:?} and targets {ts:?}"));
    }
    let mut target = c.cast(node.input(1)?, DType::I64)?;
    let mut ignored = None;
    if let Some(index) = node.proto.attr_int("ignore_index")? {
        let index = c.ints(Vec::new(), vec![index])?;
        let is = c.binary(BinaryFn::Equal, target, index)?;
        let zero = c.ints(Vec::new(), vec![0])?;
        target = c.select(is, zero, target)?;
        ignored = Some(is);
    }
    let mut shape = ts.clone();
    shape.insert(1, 1);
    let places = c.reshape(target, shape)?;
    let chosen = c.op(Op::GatherElements { axis: 1 }, &[x, places])?;
    let chosen = c.reshape(chosen, ts)?;
    let mut loss = c.unary(UnaryFn::Neg, chosen)?;
    let mut weight = match node.optional(2) {
        Some(weight) => Some(c.op(Op::Gather { axis: 0 }, &[weight, target])?),
        None => None,
    };
    if let Some(ignored) = ignored {
        let zero = c.number(0.0)?;
        let other = match weight {
            Some(weight) => weight,
            None => c.number(1.0)?,
        };
        weight = Some(c.select(ignored, zero, other)?);
    }
    if let Some(weight) = weight {
        loss = c.mul(loss, weight)?;
    }
    let axes: Vec<usize> = (0..c.import.rank(loss)).collect();
    match node.text_or("reduction", "mean")? {
        "none" => Ok(loss),
        "sum" => c.reduce(ReduceKind::Sum, &axes, false, loss),
        "mean" => match weight {
            None => c.reduce(ReduceKind::Mean, &axes, false, loss),
            Some(weight) => {
                let sum = c.reduce(ReduceKind::Sum, &axes, false, loss)?;
                let total = c.reduce(ReduceKind::Sum, &axes, false, weight)?;
                c.div(sum, total)
            }
        },
        other => invalid(format!("reduction is {other:?}")),
    }
}
