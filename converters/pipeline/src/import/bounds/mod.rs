//! Values whose size along one axis depends on data.
//!
//! A graph has concrete shapes only. Such a value is held at its largest size, and a whole number beside it, computed in
//! the graph, says how much of the axis is meant; what lies behind means nothing. Operators on such values are imported
//! where that stays true: those that work on each element or keep the axis as it is carry the size over, reductions over
//! the axis leave out what is behind, and everything else is a gap. At the model's outputs the meant elements are moved
//! together and the size becomes an output of its own, which sessions apply (see [`redpoll_plan::SIZES`]).

mod rules;
mod sizes;

use redpoll_graph::op::BinaryFn;
use redpoll_graph::{Op, ValueId};
use redpoll_onnx::proto::NodeProto;

use super::compose::Compose;
use super::importer::Importer;
use super::narrow;
use super::node::{OnnxNode, Outputs, Stop, gap};
use super::table::ImportFn;
use crate::Error;
pub(crate) use sizes::{Size, constant_size};

/// The axis of a value whose size depends on data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    /// The axis.
    pub axis: usize,
    /// Its size in a run: an i64 without axes, from 0 to the size that the value's shape has.
    pub length: ValueId,
}

/// Imports a node, some of whose operands may have such sizes.
pub(crate) fn import(
    import: &mut Importer<'_>,
    node: &mut OnnxNode<'_>,
    function: ImportFn,
) -> Outputs {
    let given = |id: &ValueId| import.bounds.contains_key(id) || import.sizes.contains_key(id);
    if !node.inputs.iter().flatten().any(given) {
        return narrow::import(import, node, function);
    }
    if let Some(outputs) = sizes::import(import, node, function)? {
        return Ok(outputs);
    }
    let bounded = |id: &ValueId| import.bounds.contains_key(id);
    if !node.inputs.iter().flatten().any(bounded) {
        return narrow::import(import, node, function);
    }
    rules::import(import, node, function)
}

/// The gap of an operator that has no rule.
fn refused<T>(import: &Importer<'_>, node: &OnnxNode<'_>) -> Result<T, Stop> {
    let bounded = node.inputs.iter().flatten();
    let name = bounded
        .filter(|id| import.bounds.contains_key(id))
        .map(|&id| import.graph.value(id).name.as_str())
        .next();
    gap(format!(
        "the size of \"{}\" depends on data, and {} on such an axis is not supported; end the model before, or run it \
         in another backend",
        name.unwrap_or_default(),
        node.proto.op_type
    ))
}

/// Says that the size of `y` along `axis` is `length`; where that is known already, `y` is cut to it.
pub(crate) fn bounded(
    c: &mut Compose<'_, '_, '_, '_>,
    y: ValueId,
    axis: usize,
    length: ValueId,
) -> Result<ValueId, Stop> {
    if let Some(known) = constant_size(c.import, length) {
        let most = c.shape(y)[axis];
        return c.slice(y, axis, 0, 1, known.min(most));
    }
    c.import.bounds.insert(y, Bound { axis, length });
    Ok(y)
}

/// Along `axis` of `rank` axes: whether each place is one that is meant.
pub(crate) fn mask(
    c: &mut Compose<'_, '_, '_, '_>,
    rank: usize,
    (axis, size): (usize, usize),
    length: ValueId,
) -> Result<ValueId, Stop> {
    c.room(&[size])?;
    let mut along = vec![1; rank];
    along[axis] = size;
    let line = c.ints(along, (0..size as i64).collect())?;
    c.binary(BinaryFn::Less, line, length)
}

/// The value with the meant elements at its beginning, one after the other.
pub(super) fn compacted(
    import: &mut Importer<'_>,
    value: ValueId,
    bound: Bound,
) -> Result<ValueId, Error> {
    let shape = import.shape(value).to_vec();
    if shape[..bound.axis].iter().all(|&d| d == 1) {
        return Ok(value);
    }
    let name = import.unique_node_name("compact");
    let proto = NodeProto::new("Gather", &name, [], [name.as_str()]);
    let node = OnnxNode {
        proto: &proto,
        name: name.clone(),
        opset: 13,
        inputs: Vec::new(),
    };
    moved(&mut Compose::new(import, &node), value, bound).map_err(|stop| match stop {
        Stop::Gap(reason) | Stop::Invalid(reason) => Error::unsupported(vec![crate::Gap {
            node: name.clone(),
            op: "output".to_owned(),
            reason,
        }]),
        Stop::Blocked => Error::new(crate::ErrorKind::Internal, "an output is blocked"),
    })
}

/// Place `j` of the result is in block `j / run` of the meant elements, `run = length · inner`, and at `j % run` there.
fn moved(c: &mut Compose<'_, '_, '_, '_>, value: ValueId, bound: Bound) -> Result<ValueId, Stop> {
    let shape = c.shape(value);
    let n = c.room(&shape)?;
    let block: usize = shape[bound.axis..].iter().product();
    let inner: usize = shape[bound.axis + 1..].iter().product();
    let one = c.ints(Vec::new(), vec![1])?;
    let inner = c.ints(Vec::new(), vec![inner as i64])?;
    let block = c.ints(Vec::new(), vec![block as i64])?;
    let last = c.ints(Vec::new(), vec![n as i64 - 1])?;
    let length = c.binary(BinaryFn::Max, bound.length, one)?;
    let run = c.mul(length, inner)?;
    let line = c.ints(vec![n], (0..n as i64).collect())?;
    let (at, within) = (
        c.binary(BinaryFn::Div, line, run)?,
        c.binary(BinaryFn::Mod, line, run)?,
    );
    let start = c.mul(at, block)?;
    let at = c.add(start, within)?;
    let at = c.binary(BinaryFn::Min, at, last)?;
    let flat = c.reshape(value, vec![n])?;
    let flat = c.op(Op::Gather { axis: 0 }, &[flat, at])?;
    c.reshape(flat, shape)
}
