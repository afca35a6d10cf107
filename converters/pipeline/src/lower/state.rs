//! State: outputs that become inputs of the next run, kept at the end of working memory.

use redpoll_graph::{Graph, ValueId};

use super::lowering::{Done, Lowering};
use super::ports;
use super::{Keep, LowerOptions, StatePair};
use crate::error::{Error, ErrorKind, Gap};

/// An output and the input that it is handed to.
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    pub(super) output: ValueId,
    pub(super) input: ValueId,
}

/// Key of the metadata that names the states of a model, a line `OUTPUT=INPUT` each.
const KEY: &str = "redpoll.states";

/// The states that the caller names, and those that the model names itself.
///
/// # Errors
/// [`ErrorKind::Invalid`] for metadata that is not of this form.
pub(super) fn all(graph: &Graph, options: &LowerOptions) -> Result<Vec<StatePair>, Error> {
    let mut states = options.states.clone();
    let own = graph.metadata.get(KEY);
    let Some(text) = own.filter(|_| options.own_states && options.keep == Keep::Outputs) else {
        return Ok(states);
    };
    for line in text.lines() {
        let Some((output, input)) = line.split_once('=') else {
            let message =
                format!("the model's metadata {KEY} has a line {line:?}, not OUTPUT=INPUT");
            return Err(Error::new(ErrorKind::Invalid, message));
        };
        if states.iter().all(|s| s.input != input) {
            states.push(StatePair {
                output: output.to_owned(),
                input: input.to_owned(),
            });
        }
    }
    Ok(states)
}

/// Finds the values of `named` pairs.
///
/// # Errors
/// [`ErrorKind::Invalid`] for a name that is no output or input, one that is named twice, and shapes that differ.
pub(super) fn pairs(graph: &Graph, named: &[StatePair]) -> Result<Vec<State>, Error> {
    let mut states: Vec<State> = Vec::with_capacity(named.len());
    for pair in named {
        let find = |ids: &[ValueId], name: &str, what: &str| {
            let found = ids.iter().find(|&&id| graph.value(id).name == name);
            found.copied().ok_or_else(|| {
                let names: Vec<&str> = ids.iter().map(|&id| &*graph.value(id).name).collect();
                let names = names.join(", ");
                let message = format!("there is no {what} \"{name}\"; there are: {names}");
                Error::new(ErrorKind::Invalid, message)
            })
        };
        let output = find(&graph.outputs, &pair.output, "output")?;
        let input = find(&graph.inputs, &pair.input, "input")?;
        let (from, to) = (graph.value(output), graph.value(input));
        if from.dtype != to.dtype || from.shape != to.shape || from.qparams != to.qparams {
            let message = format!(
                "state \"{}\" is {} {:?}, input \"{}\" is {} {:?} or has another scale",
                from.name, from.dtype, from.shape, to.name, to.dtype, to.shape
            );
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        if states.iter().any(|s| s.input == input) {
            let message = format!("input \"{}\" is given two states", to.name);
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        states.push(State { output, input });
    }
    Ok(states)
}

/// The tensor of an input that is state.
pub(super) fn kept(cx: &mut Lowering<'_>, id: ValueId) -> Done {
    let tensor = cx.result(id)?;
    if let Some(piece) = cx.draft.memory_of(tensor) {
        cx.draft.states.insert(piece);
    }
    Ok(())
}

/// Copies the new states over the old ones, after everything else.
pub(super) fn feed_back(cx: &mut Lowering<'_>, states: &[State], gaps: &mut Vec<Gap>) {
    let mut copies = Vec::with_capacity(states.len());
    for state in states {
        match source(cx, state) {
            Ok(copy) => copies.extend(copy),
            Err(refused) => gaps.push(ports::gap(cx, state.output, "state", refused)),
        }
    }
    for (id, x, y) in copies {
        if let Err(refused) = ports::copy(cx, id, x, y) {
            gaps.push(ports::gap(cx, id, "state", refused));
        }
    }
}

type Copy = (ValueId, redpoll_plan::TensorId, redpoll_plan::TensorId);

/// Where the new state is, and where it goes; nothing for one that stays as it is.
fn source(cx: &mut Lowering<'_>, state: &State) -> Result<Option<Copy>, super::lowering::Refused> {
    let (x, y) = (cx.operand(state.output)?, cx.operand(state.input)?);
    let (from, to) = (cx.draft.memory_of(x), cx.draft.memory_of(y));
    if from == to {
        return Ok(None);
    }
    // The old value of another state must be read before that one is written.
    if from.is_some_and(|piece| cx.draft.states.contains(&piece)) {
        let dtype = cx.draft.tensor(x).dtype;
        let between = cx.temporary(state.output, dtype, cx.shape(state.output))?;
        ports::copy(cx, state.output, x, between)?;
        return Ok(Some((state.output, between, y)));
    }
    Ok(Some((state.output, x, y)))
}
