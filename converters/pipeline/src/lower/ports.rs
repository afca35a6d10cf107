//! Inputs and outputs of the model: the only places where uint8 is uint8.

use std::collections::BTreeSet;

use redpoll_graph::{DType as GraphType, ValueId};
use redpoll_plan::{DType, Op, TensorId, op};

use super::Keep;
use super::draft::{DraftStep, Home};
use super::loops::{plan_loop, row_major};
use super::lowering::{Lowering, Refused};
use super::state::{self, State};
use crate::error::Gap;

pub(super) fn gap(cx: &Lowering<'_>, id: ValueId, op: &str, refused: Refused) -> Gap {
    Gap {
        node: cx.value(id).name.clone(),
        op: op.to_owned(),
        reason: refused.0,
    }
}

/// True for quantised uint8, which steps hold as int8.
fn is_shifted(cx: &Lowering<'_>, id: ValueId) -> bool {
    cx.value(id).dtype == GraphType::U8 && cx.is_quantized(id)
}

pub(super) fn inputs(cx: &mut Lowering<'_>, states: &[State], gaps: &mut Vec<Gap>) {
    let graph = cx.graph;
    for &id in &graph.inputs {
        let made = if states.iter().any(|s| s.input == id) {
            state::kept(cx, id)
        } else {
            input(cx, id)
        };
        if let Err(refused) = made {
            cx.missing.insert(id);
            gaps.push(gap(cx, id, "input", refused));
        }
    }
}

fn input(cx: &mut Lowering<'_>, id: ValueId) -> Result<(), Refused> {
    let name = cx.value(id).name.clone();
    if !is_shifted(cx, id) {
        let tensor = cx.result(id)?;
        cx.draft.inputs.push((name, tensor));
        return Ok(());
    }
    let outside = outside(cx, id)?;
    let inside = cx.result(id)?;
    cx.draft.inputs.push((name.clone(), outside));
    let op = Op::FlipSign(op::FlipSign {
        x: outside,
        y: inside,
    });
    step(cx, name, op);
    Ok(())
}

/// A uint8 tensor of its own for a value that steps hold as int8.
fn outside(cx: &mut Lowering<'_>, id: ValueId) -> Result<TensorId, Refused> {
    let tensor = cx.temporary(id, DType::U8, cx.shape(id))?;
    cx.draft.tensors[tensor.0 as usize].zero_point += 128;
    Ok(tensor)
}

fn step(cx: &mut Lowering<'_>, name: String, op: Op) {
    cx.draft.steps.push(DraftStep {
        name,
        op,
        macs: 0,
        scratch_bytes: 0,
    });
}

pub(super) fn outputs(cx: &mut Lowering<'_>, states: &[State], gaps: &mut Vec<Gap>) {
    let graph = cx.graph;
    for &id in graph
        .outputs
        .iter()
        .filter(|id| !cx.missing.contains(id) && !states.iter().any(|s| s.output == **id))
        .collect::<Vec<_>>()
    {
        if let Err(refused) = output(cx, id) {
            gaps.push(gap(cx, id, "output", refused));
        }
    }
    if cx.options.keep == Keep::All {
        let known: BTreeSet<ValueId> = graph.outputs.iter().copied().collect();
        let made = graph.nodes.iter().map(|n| n.output);
        for id in graph
            .inputs
            .iter()
            .copied()
            .chain(made)
            .filter(|id| !known.contains(id))
        {
            let in_memory = cx
                .tensor_of(id)
                .filter(|&t| cx.draft.memory_of(t).is_some());
            if let Some(tensor) = in_memory {
                cx.draft.outputs.push((cx.value(id).name.clone(), tensor));
            }
        }
    }
}

fn output(cx: &mut Lowering<'_>, id: ValueId) -> Result<(), Refused> {
    let name = cx.value(id).name.clone();
    let mut tensor = cx.operand(id)?;
    if let Home::Weights(_) = cx.draft.tensor(tensor).home {
        tensor = copied(cx, id, tensor)?;
    }
    if is_shifted(cx, id) {
        let outside = outside(cx, id)?;
        step(
            cx,
            name.clone(),
            Op::FlipSign(op::FlipSign {
                x: tensor,
                y: outside,
            }),
        );
        tensor = outside;
    }
    cx.draft.outputs.push((name, tensor));
    Ok(())
}

/// A constant output is copied to where outputs lie.
fn copied(cx: &mut Lowering<'_>, id: ValueId, x: TensorId) -> Result<TensorId, Refused> {
    let y = cx.result(id)?;
    copy(cx, id, x, y)?;
    Ok(y)
}

/// Adds a step that copies all of a value.
pub(super) fn copy(
    cx: &mut Lowering<'_>,
    id: ValueId,
    x: TensorId,
    y: TensorId,
) -> Result<(), Refused> {
    let shape = cx.shape(id);
    let strides = row_major(shape);
    let own = plan_loop(shape, [&strides, &strides]).ok_or("more than 6 dimensions")?;
    let copy = op::Copy {
        x,
        y,
        element_bytes: cx.dtype(id).size() as u32,
        dims: own.dims,
        x_offset: 0,
        x_strides: own.strides[0],
        y_offset: 0,
        y_strides: own.strides[1],
    };
    step(cx, cx.value(id).name.clone(), Op::Copy(copy));
    Ok(())
}
