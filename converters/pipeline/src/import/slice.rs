//! Slice: by constant bounds, and along one axis by bounds that a run computes.

use redpoll_graph::op::{BinaryFn, SliceAxis};
use redpoll_graph::{DType, Op, ValueId};

use super::compose::Compose;
use super::counted;
use super::importer::Importer;
use super::movement::whole;
use super::node::{OnnxNode, Outputs, Stop, axis_of, gap, invalid};

/// Slice-1 (attributes), -10, -11, -13 (inputs): bounds are cut to the axis, negative ones count from its end.
pub(crate) fn slice(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let from = import.shape(x).to_vec();
    let missing = |what: &str| Stop::Invalid(format!("{what} are missing"));
    let attribute = |name: &str| -> Result<Option<Vec<i64>>, Stop> {
        Ok(node.proto.attr_ints(name)?.map(<[i64]>::to_vec))
    };
    let computed = |index: usize| {
        let id = node.optional(index);
        node.opset >= 10 && id.is_some_and(|id| import.graph.constant(id).is_none())
    };
    if computed(1) || computed(2) {
        return by_data(import, node, x);
    }
    let (starts, ends, axes, steps) = if node.opset < 10 {
        let starts = attribute("starts")?.ok_or_else(|| missing("starts"))?;
        let ends = attribute("ends")?.ok_or_else(|| missing("ends"))?;
        (starts, ends, attribute("axes")?, None)
    } else {
        let starts = import.constant_ints(node, 1, "starts")?;
        let ends = import.constant_ints(node, 2, "ends")?;
        let axes = import.optional_ints(node, 3, "axes")?;
        (starts, ends, axes, import.optional_ints(node, 4, "steps")?)
    };
    let axes = axes.unwrap_or_else(|| (0i64..).take(starts.len()).collect());
    let steps = steps.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return invalid("starts, ends, axes and steps differ in length");
    }
    let mut slices = whole(&from);
    for (i, &axis) in axes.iter().enumerate() {
        let axis = axis_of(axis, from.len())?;
        slices[axis] = slice_axis(starts[i], ends[i], steps[i], from[axis])?;
    }
    Ok(vec![import.emit(node, Op::Slice { axes: slices }, &[x])?])
}

fn slice_axis(start: i64, end: i64, step: i64, size: usize) -> Result<SliceAxis, Stop> {
    let n = i64::try_from(size).unwrap_or(i64::MAX);
    let from_end = |v: i64| if v < 0 { v.saturating_add(n) } else { v };
    if step == 0 {
        return invalid("a step of 0");
    }
    let (start, end) = if step > 0 {
        (from_end(start).clamp(0, n), from_end(end).clamp(0, n))
    } else {
        (
            from_end(start).clamp(-1, n - 1),
            from_end(end).clamp(-1, n - 1),
        )
    };
    let distance = if step > 0 { end - start } else { start - end };
    let len = if distance <= 0 {
        0
    } else {
        distance.unsigned_abs().div_ceil(step.unsigned_abs())
    };
    Ok(SliceAxis {
        start: usize::try_from(start)
            .unwrap_or(0)
            .min(size.saturating_sub(1)),
        step: isize::try_from(step).unwrap_or(if step > 0 { isize::MAX } else { isize::MIN }),
        len: usize::try_from(len).unwrap_or(0),
    })
}

/// Bounds that a run computes, along one axis: the elements between them are chosen as `Compress` chooses, with room for
/// the whole axis.
fn by_data(import: &mut Importer<'_>, node: &OnnxNode<'_>, x: ValueId) -> Outputs {
    let axes = import.optional_ints(node, 3, "axes")?;
    let steps = import.optional_ints(node, 4, "steps")?;
    let (start, end) = (node.input(1)?, node.input(2)?);
    let one = import.graph.value(start).len() == 1 && import.graph.value(end).len() == 1;
    let (axis, step) = match (axes.as_deref(), steps.as_deref()) {
        (None, None) => (0, 1),
        (None, Some([step])) => (0, *step),
        (Some([axis]), None) => (*axis, 1),
        (Some([axis]), Some([step])) => (*axis, *step),
        _ => return gap("bounds along several axes must be constants"),
    };
    if !one {
        return gap("bounds along several axes must be constants");
    }
    if step <= 0 {
        return gap("bounds that are computed at run time need a step above 0");
    }
    if [x, start, end]
        .iter()
        .any(|id| import.bounds.contains_key(id))
    {
        return gap("computed bounds of a value whose size depends on data");
    }
    let axis = axis_of(axis, import.rank(x))?;
    let c = &mut Compose::new(import, node);
    let n = c.shape(x)[axis];
    let size = i64::try_from(n).unwrap_or(i64::MAX);
    c.room(&[n])?;
    let zero = c.ints(Vec::new(), vec![0])?;
    let mut bounds = [start, end];
    for bound in &mut bounds {
        // Negative ones count from the end of the axis.
        let given = c.cast(*bound, DType::I64)?;
        let given = c.reshape(given, Vec::new())?;
        let negative = c.binary(BinaryFn::Less, given, zero)?;
        let all = c.ints(Vec::new(), vec![size])?;
        let back = c.select(negative, all, zero)?;
        *bound = c.add(given, back)?;
    }
    let [start, end] = bounds;
    let start = c.binary(BinaryFn::Max, start, zero)?;
    let line = c.ints(vec![n], (0..size).collect())?;
    let behind = c.binary(BinaryFn::GreaterOrEqual, line, start)?;
    let before = c.binary(BinaryFn::Less, line, end)?;
    let mut chosen = c.binary(BinaryFn::And, behind, before)?;
    if step > 1 {
        let from = c.sub(line, start)?;
        let step = c.ints(Vec::new(), vec![step])?;
        let rest = c.binary(BinaryFn::Mod, from, step)?;
        let met = c.binary(BinaryFn::Equal, rest, zero)?;
        chosen = c.binary(BinaryFn::And, chosen, met)?;
    }
    Ok(vec![counted::chosen(c, x, axis, chosen)?])
}
