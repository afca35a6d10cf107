//! Scan: a body for each element along an axis, unrolled.

use redpoll_graph::op::SliceAxis;
use redpoll_graph::{Op, ValueId};
use redpoll_onnx::proto::GraphProto;

use super::control::{graph, stack};
use super::importer::Importer;
use super::node::{OnnxNode, Outputs, Stop, axis_of, gap, invalid};
use super::subgraph;

/// A value that is walked along an axis.
#[derive(Clone, Copy)]
struct Scanned {
    id: ValueId,
    axis: usize,
    backwards: bool,
}

/// An attribute of one integer an entry, zeros when it is absent.
fn list(node: &OnnxNode<'_>, name: &str, len: usize) -> Result<Vec<i64>, Stop> {
    match node.proto.attr_ints(name)? {
        None => Ok(vec![0; len]),
        Some(list) if list.len() == len => Ok(list.to_vec()),
        Some(list) => invalid(format!("{name} has {} entries, not {len}", list.len())),
    }
}

/// How many of `inputs` are states and how many the body gives to be stacked, with the number of those scanned.
fn counts(
    node: &OnnxNode<'_>,
    body: &GraphProto,
    inputs: usize,
) -> Result<(usize, usize, usize), Stop> {
    let scanned = usize::try_from(node.int_or("num_scan_inputs", 0)?).unwrap_or(0);
    let Some(states) = inputs.checked_sub(scanned).filter(|_| scanned > 0) else {
        return invalid(format!("{scanned} scanned of {inputs} inputs"));
    };
    match body.output.len().checked_sub(states) {
        Some(stacked) => Ok((states, stacked, scanned)),
        None => invalid("the body gives fewer values than the scan carries"),
    }
}

/// Scan-8 (with a batch), -9, -11, -16 and later.
pub(crate) fn scan(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    if node.opset < 9 {
        return batched(import, node);
    }
    let body = graph(node, "body")?;
    let inputs = node.all_inputs(1)?;
    let (states, stacks, count) = counts(node, body, inputs.len())?;
    let (axes, backwards) = (
        list(node, "scan_input_axes", count)?,
        list(node, "scan_input_directions", count)?,
    );
    let (output_axes, prepends) = (
        list(node, "scan_output_axes", stacks)?,
        list(node, "scan_output_directions", stacks)?,
    );
    let mut scanned = Vec::with_capacity(count);
    for (i, &id) in inputs[states..].iter().enumerate() {
        scanned.push(Scanned {
            id,
            axis: axis_of(axes[i], import.rank(id))?,
            backwards: backwards[i] != 0,
        });
    }
    let (mut outputs, mut stacked) = walk(
        import,
        node,
        body,
        inputs[..states].to_vec(),
        &scanned,
        stacks,
    )?;
    for (i, list) in stacked.iter_mut().enumerate() {
        if prepends[i] != 0 {
            list.reverse();
        }
        let rank = list.first().map_or(0, |&id| import.rank(id)) + 1;
        let axis = axis_of(output_axes[i], rank)?;
        outputs.push(stack(import, node, &format!("scan_{i}"), list, axis)?);
    }
    Ok(outputs)
}

/// Scan-8: everything has a leading batch, each of whose rows is a scan of its own.
fn batched(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let body = graph(node, "body")?;
    if node.optional(0).is_some() {
        return gap("sequence_lens is not supported");
    }
    let inputs = node
        .inputs
        .iter()
        .skip(1)
        .copied()
        .collect::<Option<Vec<_>>>();
    let Some(inputs) = inputs else {
        return invalid("an input is missing");
    };
    let (states, stacks, count) = counts(node, body, inputs.len())?;
    let backwards = list(node, "directions", count)?;
    let rows = import.shape(inputs[0]).first().copied().unwrap_or(0);
    if rows == 0
        || inputs
            .iter()
            .any(|&id| import.shape(id).first() != Some(&rows))
    {
        return invalid("the inputs have no batch in common");
    }
    let mut all: Vec<Vec<ValueId>> = vec![Vec::new(); states + stacks];
    for row in 0..rows {
        let mut own = Vec::with_capacity(inputs.len());
        for &id in &inputs {
            own.push(element(import, node, id, 0, row)?);
        }
        let scanned: Vec<Scanned> = own[states..]
            .iter()
            .zip(&backwards)
            .map(|(&id, &b)| Scanned {
                id,
                axis: 0,
                backwards: b != 0,
            })
            .collect();
        if scanned.iter().any(|s| import.rank(s.id) == 0) {
            return invalid("a scanned input without a sequence");
        }
        let (last, stacked) = walk(import, node, body, own[..states].to_vec(), &scanned, stacks)?;
        for (list, id) in all.iter_mut().zip(last) {
            list.push(id);
        }
        for (i, list) in stacked.iter().enumerate() {
            all[states + i].push(stack(import, node, &format!("row_{i}"), list, 0)?);
        }
    }
    let join =
        |(i, list): (usize, &Vec<ValueId>)| stack(import, node, &format!("rows_{i}"), list, 0);
    all.iter().enumerate().map(join).collect()
}

/// Runs the body along the scanned values: the last states, and what each step gives to be stacked.
fn walk(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    body: &GraphProto,
    mut carried: Vec<ValueId>,
    scanned: &[Scanned],
    stacks: usize,
) -> Result<(Vec<ValueId>, Vec<Vec<ValueId>>), Stop> {
    let steps = import.shape(scanned[0].id)[scanned[0].axis];
    if scanned.iter().any(|s| import.shape(s.id)[s.axis] != steps) {
        return invalid("the scanned inputs have different lengths");
    }
    let mut stacked: Vec<Vec<ValueId>> = vec![Vec::new(); stacks];
    for step in 0..steps {
        let mut operands = carried.clone();
        for s in scanned {
            let at = if s.backwards { steps - 1 - step } else { step };
            operands.push(element(import, node, s.id, s.axis, at)?);
        }
        let outputs = subgraph::body(import, body, &operands)?;
        let states = carried.len();
        carried = outputs[..states].to_vec();
        for (list, &id) in stacked.iter_mut().zip(&outputs[states..]) {
            list.push(id);
        }
    }
    Ok((carried, stacked))
}

/// Element `at` of an axis, without the axis.
fn element(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    id: ValueId,
    axis: usize,
    at: usize,
) -> Result<ValueId, Stop> {
    let mut shape = import.shape(id).to_vec();
    let axes = shape.iter().enumerate().map(|(i, &len)| SliceAxis {
        start: if i == axis { at } else { 0 },
        step: 1,
        len: if i == axis { 1 } else { len },
    });
    let axes = axes.collect();
    let one = import.emit_part(node, "step", Op::Slice { axes }, &[id])?;
    shape.remove(axis);
    import.emit_part(node, "element", Op::Reshape { shape }, &[one])
}
