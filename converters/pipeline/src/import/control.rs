//! Control flow: a graph has none, so branches are chosen or both computed, and loops are unrolled.
//!
//! The condition of an `If`, the trip count of a `Loop` and the length of a `Scan` are constants in most models once
//! shapes are (and inputs such as a sample rate, see [`set`](super::ImportOptions::set)). An `If` whose condition is not
//! computes both branches and selects. What is unrolled counts against one limit for the whole model.

use redpoll_graph::op::BinaryFn;
use redpoll_graph::{DType, Data, Op, Tensor, ValueId};
use redpoll_onnx::proto::{GraphProto, NodeProto};

use super::bounds::bounded;
use super::compose::Compose;
use super::importer::Importer;
use super::node::{OnnxNode, Outputs, Stop, gap, invalid};
use super::{subgraph, table};

pub(super) fn graph<'n>(node: &'n OnnxNode<'_>, name: &str) -> Result<&'n GraphProto, Stop> {
    match node.proto.attr_graph(name)? {
        Some(graph) => Ok(graph),
        None => invalid(format!("{name} is missing")),
    }
}

/// The truth value of a constant of one element; `None` when it is computed at run time.
fn constant_bool(import: &Importer<'_>, id: ValueId) -> Result<Option<bool>, Stop> {
    match import.graph.constant(id).map(Tensor::data) {
        None if import.dtype(id) == DType::Bool && import.graph.value(id).len() == 1 => Ok(None),
        Some(Data::Bool(v)) if v.len() == 1 => Ok(Some(v[0])),
        _ => invalid("a condition must be one BOOL"),
    }
}

/// If-1, -11, -13, -16 and later.
pub(crate) fn branch(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let condition = node.input(0)?;
    let (yes, no) = (graph(node, "then_branch")?, graph(node, "else_branch")?);
    let count = node.proto.output.len();
    let all = |outputs: Vec<ValueId>| match outputs.len() >= count {
        true => Ok(outputs),
        false => invalid(format!(
            "a branch with {} outputs of {count}",
            outputs.len()
        )),
    };
    if let Some(chosen) = constant_bool(import, condition)? {
        return all(subgraph::body(import, if chosen { yes } else { no }, &[])?);
    }
    let yes = all(subgraph::body(import, yes, &[])?)?;
    let no = all(subgraph::body(import, no, &[])?)?;
    let mut outputs = Vec::with_capacity(count);
    for (i, (&a, &b)) in yes.iter().zip(&no).take(count).enumerate() {
        if [a, b].iter().any(|id| import.bounds.contains_key(id)) {
            return gap(format!(
                "the condition is computed at run time and the size of output {i} depends on data"
            ));
        }
        if import.dtype(a) != import.dtype(b) || import.shape(a) != import.shape(b) {
            return gap(format!(
                "the condition is computed at run time and output {i} is {} {:?} or {} {:?}: give the input that \
                 decides it a value (--set NAME=VALUE)",
                import.dtype(a),
                import.shape(a),
                import.dtype(b),
                import.shape(b)
            ));
        }
        outputs.push(selected(import, node, i, [condition, a, b])?);
    }
    Ok(outputs)
}

/// `condition ? a : b` as ONNX's Where imports it.
fn selected(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    index: usize,
    operands: [ValueId; 3],
) -> Result<ValueId, Stop> {
    let name = import.unique_node_name(&format!("{}_select_{index}", node.name));
    let output = node.proto.output.get(index).map_or("", String::as_str);
    let proto = NodeProto::new("Where", &name, [], [output]);
    let select = OnnxNode {
        proto: &proto,
        name,
        opset: node.opset.max(9),
        inputs: operands.into_iter().map(Some).collect(),
    };
    let function = table::find("Where", select.opset).map_err(Stop::Gap)?;
    match function(import, &select)?.first() {
        Some(&id) => Ok(id),
        None => invalid("a selection without result"),
    }
}

/// Loop-1, -11, -13, -16 and later, with a trip count or a condition that is known while importing.
pub(crate) fn repeat(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let body = graph(node, "body")?;
    let trips = match node.optional(0) {
        None => i64::MAX,
        Some(_) => match import.constant_ints(node, 0, "the trip count")?[..] {
            [trips] => trips,
            _ => return invalid("the trip count is not one integer"),
        },
    };
    // Whether the present trip is made: known, or a truth value that a run computes.
    let mut go_on = match node.optional(1) {
        None => Going::Known(true),
        Some(id) => going(import, node, id, trips)?,
    };
    let mut made: Option<ValueId> = None;
    let inputs = node.inputs.get(2..).unwrap_or_default();
    let mut carried = inputs
        .iter()
        .map(|id| id.ok_or_else(|| Stop::Invalid("a carried value is missing".into())))
        .collect::<Result<Vec<_>, _>>()?;
    let Some(scans) = body.output.len().checked_sub(1 + carried.len()) else {
        return invalid("the body gives fewer values than the loop carries");
    };
    let mut stacked: Vec<Vec<ValueId>> = vec![Vec::new(); scans];
    let mut trip = 0;
    while go_on != Going::Known(false) && trip < trips {
        let number = Tensor::new(Vec::new(), Data::I64(vec![trip]))?;
        let number = import.constant(node, "trip", number);
        let condition = Tensor::new(Vec::new(), Data::Bool(vec![true]))?;
        let condition = import.constant(node, "condition", condition);
        let operands = [&[number, condition][..], &carried].concat();
        let outputs = subgraph::body(import, body, &operands)?;
        let next = going(import, node, outputs[0], trips)?;
        let results = &outputs[1..1 + inputs.len()];
        match go_on {
            Going::Computed(alive) => {
                made = Some(counted(import, node, made, trip, alive)?);
                for (i, (old, &new)) in carried.iter_mut().zip(results).enumerate() {
                    *old = kept(import, node, i, [alive, new, *old])?;
                }
            }
            Going::Known(_) => carried = results.to_vec(),
        }
        go_on = both(import, node, go_on, next)?;
        for (list, &id) in stacked.iter_mut().zip(&outputs[1 + inputs.len()..]) {
            list.push(id);
        }
        trip += 1;
    }
    let mut outputs = carried;
    for (i, list) in stacked.iter().enumerate() {
        let all = stack(import, node, &format!("scan_{i}"), list, 0)?;
        outputs.push(match made {
            Some(length) => bounded(&mut Compose::new(import, node), all, 0, length)?,
            None => all,
        });
    }
    Ok(outputs)
}

/// Whether a trip is made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Going {
    Known(bool),
    /// One BOOL without axes.
    Computed(ValueId),
}

/// Most trips of a loop whose end a run finds: all are computed, and those after the end left out.
const MAX_OPEN: i64 = 1024;

fn going(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    id: ValueId,
    trips: i64,
) -> Result<Going, Stop> {
    match constant_bool(import, id)? {
        Some(known) => Ok(Going::Known(known)),
        None if trips > MAX_OPEN => gap(format!(
            "when the loop ends is computed at run time; such a loop needs a constant trip count of at most {MAX_OPEN}"
        )),
        None => Ok(Going::Computed(
            Compose::new(import, node).reshape(id, Vec::new())?,
        )),
    }
}

/// Whether the next trip is made: only after one that was.
fn both(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    now: Going,
    next: Going,
) -> Result<Going, Stop> {
    Ok(match (now, next) {
        (Going::Computed(a), Going::Computed(b)) => {
            Going::Computed(Compose::new(import, node).binary(BinaryFn::And, a, b)?)
        }
        (Going::Computed(a), Going::Known(true)) => Going::Computed(a),
        (_, next) => next,
    })
}

/// The number of trips made: all before one whose making is computed, and that one.
fn counted(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    made: Option<ValueId>,
    trip: i64,
    alive: ValueId,
) -> Result<ValueId, Stop> {
    let c = &mut Compose::new(import, node);
    let one = c.cast(alive, DType::I64)?;
    let before = match made {
        Some(made) => made,
        None => c.ints(Vec::new(), vec![trip])?,
    };
    c.add(before, one)
}

/// What a loop carries on: the new value where the trip was made.
fn kept(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    index: usize,
    [alive, new, old]: [ValueId; 3],
) -> Result<ValueId, Stop> {
    let bounded = [new, old].iter().any(|id| import.bounds.contains_key(id));
    if bounded || import.dtype(new) != import.dtype(old) || import.shape(new) != import.shape(old) {
        return gap(format!(
            "when the loop ends is computed at run time, and carried value {index} changes from {} {:?} to {} {:?}",
            import.dtype(old),
            import.shape(old),
            import.dtype(new),
            import.shape(new)
        ));
    }
    selected(import, node, index, [alive, new, old])
}

/// Values side by side along a new axis.
pub(super) fn stack(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    part: &str,
    values: &[ValueId],
    axis: usize,
) -> Result<ValueId, Stop> {
    let Some(&first) = values.first() else {
        return gap("a loop without trips whose values are stacked is not supported");
    };
    let mut shape = import.shape(first).to_vec();
    if values.iter().any(|id| import.bounds.contains_key(id)) {
        return gap("a loop that stacks values whose size depends on data is not supported");
    }
    if values.iter().any(|&id| import.shape(id) != shape) {
        return invalid("the stacked values have different shapes");
    }
    shape.insert(axis, 1);
    let mut rows = Vec::with_capacity(values.len());
    for &id in values {
        let shape = shape.clone();
        rows.push(import.emit_part(node, &format!("{part}_row"), Op::Reshape { shape }, &[id])?);
    }
    import.emit_part(node, part, Op::Concat { axis }, &rows)
}
