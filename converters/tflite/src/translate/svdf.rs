//! SVDF: filters over features and over time, with the last results of the first in memory.

use redpoll_onnx::proto::NodeProto;

use super::translator::{Done, Translator, gap, invalid};
use super::variables::{carried, keep};
use crate::{Operator, Options};

/// SVDF: x `[B, I]`, weights of features `[F, I]`, weights of time `[F, M]`, bias `[F / rank]`, memory `[B, F · M]`.
///
/// The memory of each filter moves on by one and takes `x · features` at its end; a unit is the sum over its `rank` filters
/// of memory times weights of time.
pub(crate) fn svdf(t: &mut Translator<'_>, op: &Operator) -> Done {
    let Options::Svdf { rank, activation } = op.options else {
        return invalid("its options are missing");
    };
    let (x, features, time) = (t.input(op, 0)?, t.input(op, 1)?, t.input(op, 2)?);
    let (memory, y) = (t.input(op, 4)?, t.output(op, 0)?);
    if t.is_quantized(x) {
        return gap("SVDF of integers is not supported; export it in floats");
    }
    let (&[filters, steps], &[batch, _]) = (t.shape(time), t.shape(x)) else {
        return invalid("operands that are no matrices");
    };
    let rank = usize::try_from(rank).unwrap_or(0);
    if rank == 0 || filters % rank != 0 || steps == 0 {
        return invalid(format!(
            "{filters} filters of rank {rank} over {steps} steps"
        ));
    }
    let sizes = |dims: &[usize]| -> Vec<i64> { dims.iter().map(|&d| d as i64).collect() };
    let base = t.name(y).to_owned();
    let (x, features) = (t.real(x)?, t.weights(features, &[0, 1])?);
    let node = NodeProto::new("Gemm", "", [&*x, &*features], []).with_int("transB", 1);
    let now = t.emit(&format!("{base}_features"), node);
    let hint = format!("{base}_newest");
    let now = t.reshaped(&hint, &now, &sizes(&[batch, filters, 1]))?;
    let old = carried(t, memory)?;
    let hint = format!("{base}_memory");
    let old = t.reshaped(&hint, &old, &sizes(&[batch, filters, steps]))?;
    let mut ends = Vec::new();
    for (part, value) in [("from", 1), ("to", steps as i64), ("axis", 2)] {
        ends.push(t.ints(&format!("{base}_{part}"), &[value])?);
    }
    let node = NodeProto::new("Slice", "", [&*old, &*ends[0], &*ends[1], &*ends[2]], []);
    let old = t.emit(&format!("{base}_moved"), node);
    let node = NodeProto::new("Concat", "", [&*old, &*now], []).with_int("axis", 2);
    let all = t.emit(&format!("{base}_all"), node);
    let flat = t.reshaped(
        &format!("{base}_kept"),
        &all,
        &sizes(&[batch, filters * steps]),
    )?;
    keep(t, memory, flat);

    let time = t.weights(time, &[0, 1])?;
    let node = NodeProto::new("Mul", "", [&*all, &*time], []);
    let products = t.emit(&format!("{base}_products"), node);
    let units = sizes(&[batch, filters / rank, rank * steps]);
    let products = t.reshaped(&format!("{base}_units"), &products, &units)?;
    let node = NodeProto::new("ReduceSum", "", [&*products, &*ends[2]], []).with_int("keepdims", 0);
    let Some(bias) = t.optional(op, 3) else {
        return t.finish(y, node, activation);
    };
    let sums = t.emit(&format!("{base}_sums"), node);
    let bias = t.real(bias)?;
    t.finish(
        y,
        NodeProto::new("Add", "", [&*sums, &*bias], []),
        activation,
    )
}
