//! What a plan file holds, for people and scripts: read back from the file itself, so that it is what the device gets.

use redpoll_plan::{Place, Plan, TensorId};
use serde::Serialize;

use super::MemoryBlock;
use crate::{Error, ErrorKind};

/// An input or output.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct PortSummary {
    pub name: String,
    pub dtype: String,
    pub shape: Vec<usize>,
    pub scale: f32,
    pub zero_point: i32,
}

/// A step.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct StepSummary {
    pub name: String,
    pub op: String,
    pub macs: u64,
    /// Type and shape of the result.
    pub result: String,
    /// Bytes of tensors that are alive during the step.
    pub live_bytes: usize,
}

/// What a plan file holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct PlanSummary {
    pub version: String,
    pub hash: String,
    pub plan_bytes: usize,
    pub weight_bytes: usize,
    pub arena_bytes: usize,
    /// The largest sum of live bytes at any step.
    pub live_bytes: usize,
    pub scratch_bytes: usize,
    /// Bytes of working memory that are kept from one run to the next.
    pub state_bytes: usize,
    pub macs: u64,
    pub inputs: Vec<PortSummary>,
    pub outputs: Vec<PortSummary>,
    pub metadata: Vec<(String, String)>,
    pub steps: Vec<StepSummary>,
    /// Every stretch of working memory with the steps that it is needed for.
    pub memory: Vec<MemoryBlock>,
}

impl PlanSummary {
    /// Reads a plan's bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when they are no valid plan.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let aligned = redpoll_session::Aligned::copy_of(bytes);
        let plan =
            Plan::from_bytes(&aligned).map_err(|e| Error::new(ErrorKind::Io, e.to_string()))?;
        let memory = memory(&plan);
        let steps = plan.steps().enumerate().map(|(i, s)| StepSummary {
            name: s.name.to_owned(),
            op: s.op.name().to_owned(),
            macs: s.macs,
            result: tensor_text(&plan, s.op.output()),
            live_bytes: live_at(&memory, i),
        });
        let steps: Vec<_> = steps.collect();
        Ok(Self {
            version: format!("{}.{}", plan.version().0, plan.version().1),
            hash: format!("{:016x}", plan.hash()),
            plan_bytes: bytes.len(),
            weight_bytes: plan.weight_bytes(),
            arena_bytes: plan.arena_bytes(),
            live_bytes: steps.iter().map(|s| s.live_bytes).max().unwrap_or(0),
            scratch_bytes: plan.scratch_bytes(),
            state_bytes: plan.state_bytes(),
            macs: plan.macs(),
            inputs: ports(&plan, plan.inputs().map(|p| (p.name, p.tensor))),
            outputs: ports(&plan, plan.outputs().map(|p| (p.name, p.tensor))),
            metadata: plan
                .metadata()
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .collect(),
            steps,
            memory,
        })
    }
}

fn ports<'p>(
    plan: &Plan<'p>,
    ports: impl Iterator<Item = (&'p str, TensorId)>,
) -> Vec<PortSummary> {
    let summary = |(name, id): (&str, TensorId)| {
        let t = plan.tensor(id)?;
        Some(PortSummary {
            name: name.to_owned(),
            dtype: format!("{:?}", t.dtype).to_lowercase(),
            shape: t.shape.dims().iter().map(|&d| d as usize).collect(),
            scale: t.scale,
            zero_point: t.zero_point,
        })
    };
    ports.filter_map(summary).collect()
}

fn tensor_text(plan: &Plan<'_>, id: TensorId) -> String {
    plan.tensor(id).map_or(String::new(), |t| {
        format!(
            "{}{:?}",
            format!("{:?}", t.dtype).to_lowercase(),
            t.shape.dims()
        )
    })
}

/// The first and last step that touch each tensor in working memory.
fn memory(plan: &Plan<'_>) -> Vec<MemoryBlock> {
    let last = plan.steps().len().saturating_sub(1);
    let mut lives: Vec<Option<(usize, usize)>> = vec![None; plan.tensor_count()];
    let mut touch = |id: TensorId, step: usize| {
        if let Some(life) = lives.get_mut(id.0 as usize) {
            let (first, end) = life.unwrap_or((step, step));
            *life = Some((first.min(step), end.max(step)));
        }
    };
    for port in plan.inputs() {
        touch(port.tensor, 0);
    }
    for (i, step) in plan.steps().enumerate() {
        touch(step.op.output(), i);
        for &id in step.op.inputs().iter() {
            touch(id, i);
        }
    }
    for port in plan.outputs() {
        touch(port.tensor, last);
    }
    let block = |(i, life): (usize, Option<(usize, usize)>)| {
        let (first_step, last_step) = life?;
        let id = TensorId(i as u32);
        let tensor = plan.tensor(id)?;
        let (offset, first_step, last_step) = match tensor.place {
            Place::Arena(offset) => (offset, first_step, last_step),
            Place::State(offset) => (offset, 0, last),
            Place::Weights(_) => return None,
        };
        let name = plan.tensor_name(id).to_owned();
        Some(MemoryBlock {
            name,
            offset: offset as usize,
            bytes: tensor.bytes(),
            first_step,
            last_step,
        })
    };
    lives.into_iter().enumerate().filter_map(block).collect()
}

/// Bytes covered by blocks that live at `step`; blocks that share memory (in place, reshaped) count once.
fn live_at(blocks: &[MemoryBlock], step: usize) -> usize {
    let mut ranges: Vec<(usize, usize)> = blocks
        .iter()
        .filter(|b| b.first_step <= step && step <= b.last_step)
        .map(|b| (b.offset, b.offset + b.bytes))
        .collect();
    ranges.sort_unstable();
    let (mut total, mut end) = (0, 0);
    for (from, to) in ranges {
        total += to.saturating_sub(from.max(end));
        end = end.max(to);
    }
    total
}
