//! Gives every tensor its place and writes the plan.

use redpoll_graph::Graph;
use redpoll_plan::{
    Fault, Op, OutputSize, Place, PlanBuilder, PlanError, SIZES, Tensor, TensorId, layout, op,
};

use super::draft::{Draft, Home};
use super::lifetime::{Lifetimes, lifetimes};
use super::memory::{live_bytes, place};
use super::{LowerOptions, MemoryEntry, MemoryMap};
use crate::error::{Error, ErrorKind, Gap};
use crate::quantize::EQUALIZED;
use crate::stage::Lowered;

pub(super) fn assemble(
    draft: &Draft,
    graph: &Graph,
    options: &LowerOptions,
) -> Result<Lowered, Error> {
    let lives = lifetimes(draft);
    let alignment = options.alignment.max(1);
    let placement = with_states(draft, &lives, alignment);
    if u32::try_from(placement.arena_bytes).is_err() {
        let message = "working memory passes 4 GiB: give a smaller input shape";
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    let mut builder = PlanBuilder::new();
    builder.set_alignment(options.alignment);
    builder.strip_names(options.strip_names);
    builder.set_arena_bytes(placement.arena_bytes);
    builder.set_state_bytes(placement.state_bytes);
    let mut entries = Vec::new();
    let spans = spans(draft);
    for (i, tensor) in draft.tensors.iter().enumerate() {
        match &tensor.home {
            Home::Weights(bytes) => {
                builder.add_weights(&tensor.name, bytes, tensor.dtype, tensor.shape.dims());
            }
            &Home::Memory(piece) => {
                let offset = placement.offsets[lives.block_of(piece)];
                builder.add_tensor(
                    &tensor.name,
                    Tensor {
                        dtype: tensor.dtype,
                        place: if draft.states.contains(&piece) {
                            Place::State(offset as u32)
                        } else {
                            Place::Arena(offset as u32)
                        },
                        shape: tensor.shape,
                        scale: tensor.scale,
                        zero_point: tensor.zero_point,
                    },
                );
                if let Some((first_step, last_step)) = spans[i] {
                    let (name, bytes) = (tensor.name.clone(), tensor.bytes());
                    entries.push(MemoryEntry {
                        name,
                        offset,
                        bytes,
                        first_step,
                        last_step,
                    });
                }
            }
        }
    }
    let live = live_bytes(&lives.blocks);
    for step in &draft.steps {
        let scratch = match &step.op {
            Op::ConvI8(p) if options.compact_scratch => compact_scratch(p, live),
            _ => step.scratch_bytes,
        };
        builder.add_step(&step.name, step.op, step.macs, scratch);
    }
    for (name, tensor) in &draft.inputs {
        builder.add_input(name, *tensor);
    }
    for (name, tensor) in &draft.outputs {
        builder.add_output(name, *tensor);
    }
    // Without names nothing tells which values the list of scaled ones means.
    let told = |key: &str| !options.strip_names || key != EQUALIZED;
    for (key, value) in graph.metadata.iter().filter(|(key, _)| told(key)) {
        if key == SIZES {
            builder.set_metadata(key, &sizes(draft, graph, value));
        } else {
            builder.set_metadata(key, value);
        }
    }
    let plan = builder.finish().map_err(|e| refused(draft, graph, e))?;
    let memory = MemoryMap {
        entries,
        arena_bytes: placement.arena_bytes,
        live_bytes: live,
        state_bytes: placement.state_bytes,
        weight_bytes: builder.weight_bytes(),
    };
    Ok(Lowered { plan, memory })
}

/// The outputs whose size the run finds, by their numbers in the plan: states are no outputs of it.
fn sizes(draft: &Draft, graph: &Graph, text: &str) -> String {
    let number = |i: usize| {
        let name = &graph.value(*graph.outputs.get(i)?).name;
        draft.outputs.iter().position(|(n, _)| n == name)
    };
    let line = |s: OutputSize| {
        let (output, length) = (number(s.output)?, number(s.length)?);
        Some(format!("{output} {} {length}\n", s.axis))
    };
    OutputSize::parse(text).filter_map(line).collect()
}

/// Scratch of a convolution for one small core. It packs pixels as 16-bit numbers, three at a time if that stays below a
/// twentieth of `live`, else fewer; what the format asks for at least.
fn compact_scratch(p: &op::ConvI8, live: usize) -> usize {
    let w = &p.window;
    let k = w.taps() * w.in_c as usize / (p.groups as usize).max(1);
    let least = if w.is_pointwise() {
        0
    } else {
        layout::patch_stride(k)
    };
    // The engine rounds scratch up to 64 bytes.
    let most = (live / 20 / 64 * 64).max(least);
    let pixel = 2 * k.next_multiple_of(layout::BLOCK_K);
    let pixels = w.rows().clamp(1, 3);
    (1..=pixels)
        .rev()
        .map(|n| n * pixel)
        .find(|&bytes| bytes <= most)
        .unwrap_or(least)
        .max(least)
}

/// Offsets of all blocks; those of states behind all others, which no other block shares.
struct Places {
    offsets: Vec<usize>,
    arena_bytes: usize,
    state_bytes: usize,
}

fn with_states(draft: &Draft, lives: &Lifetimes, alignment: usize) -> Places {
    let mut is_state = vec![false; lives.blocks.len()];
    for &piece in &draft.states {
        is_state[lives.block_of(piece)] = true;
    }
    let working: Vec<usize> = (0..is_state.len()).filter(|&i| !is_state[i]).collect();
    let blocks: Vec<_> = working.iter().map(|&i| lives.blocks[i]).collect();
    let placement = place(&blocks, alignment);
    let mut offsets = vec![0; is_state.len()];
    for (&i, &offset) in working.iter().zip(&placement.offsets) {
        offsets[i] = offset;
    }
    let mut end = placement.arena_bytes;
    if !draft.states.is_empty() {
        end = end.next_multiple_of(alignment);
    }
    let start = end;
    for i in (0..is_state.len()).filter(|&i| is_state[i]) {
        let at = end.next_multiple_of(alignment);
        offsets[i] = at;
        end = at + lives.blocks[i].bytes;
    }
    Places {
        offsets,
        arena_bytes: end,
        state_bytes: end - start,
    }
}

/// What the plan's reader does not take: a gap where a node's own numbers are out of bounds, else a bug.
fn refused(draft: &Draft, graph: &Graph, error: PlanError) -> Error {
    if let PlanError::Step(i, fault @ (Fault::Value | Fault::Geometry)) = error
        && let Some(step) = draft.steps.get(i as usize)
    {
        let reason = format!("{fault} of a plan's {}; keep it in float", step.op.name());
        let op = graph.nodes.iter().find(|n| n.name == step.name);
        let op = op.map_or(step.op.name(), |n| n.op.name()).to_owned();
        let node = step.name.clone();
        return Error::unsupported(vec![Gap { node, op, reason }]);
    }
    let message = format!("the plan of \"{}\" is refused: {error}", graph.name);
    Error::new(ErrorKind::Internal, message)
}

/// First and last step that touches each tensor itself, views of the same bytes apart.
fn spans(draft: &Draft) -> Vec<Option<(usize, usize)>> {
    let mut spans: Vec<Option<(usize, usize)>> = vec![None; draft.tensors.len()];
    let mut touch = |id: TensorId, step: usize| {
        let span = spans[id.0 as usize].get_or_insert((step, step));
        *span = (span.0.min(step), span.1.max(step));
    };
    let end = draft.steps.len().saturating_sub(1);
    draft.inputs.iter().for_each(|&(_, id)| touch(id, 0));
    for (i, step) in draft.steps.iter().enumerate() {
        step.op.inputs().iter().for_each(|&id| touch(id, i));
        touch(step.op.output(), i);
    }
    draft.outputs.iter().for_each(|&(_, id)| touch(id, end));
    spans
}
