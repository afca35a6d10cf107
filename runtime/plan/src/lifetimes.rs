//! Proves that every value is still there when it is read: no step overwrites what a later one needs.
//!
//! The arena is followed through the steps as a map from bytes to the tensor that owns them. It needs memory for one
//! entry a live tensor, so it is behind `alloc`: hosts prove it for the plans that they load, and the converter proved it
//! for the plan in a microcontroller's flash.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use crate::error::{Fault, PlanError};
use crate::plan::Plan;
use crate::tensor::{Place, TensorId};

/// Bytes of the arena by their first: where they end and who wrote them last.
struct Owners {
    spans: BTreeMap<usize, (usize, TensorId)>,
}

/// A tensor as this proof sees it.
#[derive(Clone, Copy, Default)]
struct Known {
    /// Bytes in the arena, `None` for constants.
    range: Option<(usize, usize)>,
    /// Some step writes it or it is an input; otherwise it is another view of a written tensor's bytes.
    is_written: bool,
    /// Its first write has been passed.
    is_begun: bool,
}

impl Owners {
    /// Gives `start..end` to `id`; others keep what is left of theirs.
    fn take(&mut self, (start, end): (usize, usize), id: TensorId) {
        let before = self.spans.range(..start).next_back().map(|(&s, &o)| (s, o));
        if let Some((s, (e, owner))) = before
            && e > start
        {
            self.spans.insert(s, (start, owner));
            if e > end {
                self.spans.insert(end, (e, owner));
            }
        }
        while let Some((s, (e, owner))) = self.spans.range(start..end).next().map(|(&s, &o)| (s, o))
        {
            self.spans.remove(&s);
            if e > end {
                self.spans.insert(end, (e, owner));
            }
        }
        self.spans.insert(start, (end, id));
    }

    /// The tensor that owns exactly `start..end`.
    fn of(&self, (start, end): (usize, usize)) -> Option<TensorId> {
        let &(e, id) = self.spans.get(&start)?;
        (e == end).then_some(id)
    }
}

/// The proof. Time: steps times the logarithm of the live tensors.
pub(crate) fn check(plan: &Plan<'_>) -> Result<(), PlanError> {
    let mut known = tensors(plan);
    let mut owners = Owners {
        spans: BTreeMap::new(),
    };
    // The state that a step writes owns the bytes; other views of them only read.
    for written in [false, true] {
        for id in plan.states() {
            if known
                .get(id.0 as usize)
                .is_some_and(|t| t.is_written == written)
            {
                begin(&mut owners, &mut known, id);
            }
        }
    }
    for port in plan.inputs() {
        begin(&mut owners, &mut known, port.tensor);
    }
    for step in plan.steps() {
        let at = |fault| PlanError::Step(step.index as u32, fault);
        for &id in step.op.inputs().iter() {
            is_there(&owners, &known, id).map_err(at)?;
        }
        let y = step.op.output();
        if known.get(y.0 as usize).is_some_and(|t| t.is_begun) {
            is_there(&owners, &known, y).map_err(at)?;
        }
        begin(&mut owners, &mut known, y);
    }
    for (i, port) in plan.outputs().enumerate() {
        is_there(&owners, &known, port.tensor).map_err(|f| PlanError::Output(i as u32, f))?;
    }
    Ok(())
}

fn tensors(plan: &Plan<'_>) -> Vec<Known> {
    let mut known = vec![Known::default(); plan.tensor_count()];
    for (i, entry) in known.iter_mut().enumerate() {
        entry.range = plan.tensor(TensorId(i as u32)).and_then(|t| match t.place {
            Place::Arena(offset) | Place::State(offset) => {
                Some((offset as usize, offset as usize + t.bytes()))
            }
            Place::Weights(_) => None,
        });
    }
    let written = plan.steps().map(|s| s.op.output());
    for id in written.chain(plan.inputs().map(|p| p.tensor)) {
        if let Some(entry) = known.get_mut(id.0 as usize) {
            entry.is_written = true;
        }
    }
    known
}

/// The bytes of `id` hold what was written to it.
fn is_there(owners: &Owners, known: &[Known], id: TensorId) -> Result<(), Fault> {
    let tensor = known.get(id.0 as usize).ok_or(Fault::Operand)?;
    let Some(range) = tensor.range else {
        return Ok(());
    };
    match owners.of(range) {
        Some(owner) if owner == id || !tensor.is_written => Ok(()),
        _ => Err(Fault::Stale),
    }
}

fn begin(owners: &mut Owners, known: &mut [Known], id: TensorId) {
    if let Some(entry) = known.get_mut(id.0 as usize)
        && let Some(range) = entry.range
    {
        entry.is_begun = true;
        owners.take(range, id);
    }
}
