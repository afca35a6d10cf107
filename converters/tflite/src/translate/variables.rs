//! Variables: an input with the old value, and an output with the new one for the next run.

use redpoll_onnx::{DataType, Dim};

use super::State;
use super::translator::{Done, Made, Stop, Translator, data_type, gap, invalid};
use crate::{Error, Operator, Options, Result, Tensor, TensorType};

/// A variable.
pub(crate) struct Variable {
    /// Where the value came from that it begins with, if it was given one.
    initial: Option<(usize, usize)>,
    /// The input that holds the old value, once it was read.
    input: Option<String>,
    /// The present value: a tensor.
    value: Option<usize>,
}

/// Memory that an operator finds again in the next run.
pub(crate) struct Carried {
    /// The input with the old value.
    pub input: String,
    /// The new value.
    pub value: String,
    pub shape: Vec<usize>,
}

/// Variables above which a model is refused.
const MAX_VARIABLES: usize = 4096;

/// VAR_HANDLE: the result stands for the variable of that name.
pub(crate) fn handle(t: &mut Translator<'_>, op: &Operator) -> Done {
    let id = t.output(op, 0)?;
    let name = name_of(op)?;
    t.claim(id)?;
    t.handles.insert(id, name.clone());
    declare(t, name)
}

fn declare(t: &mut Translator<'_>, name: String) -> Done {
    if t.variables.len() >= MAX_VARIABLES {
        return gap(format!("more than {MAX_VARIABLES} variables"));
    }
    t.variables.entry(name).or_insert(Variable {
        initial: None,
        input: None,
        value: None,
    });
    Ok(())
}

fn name_of(op: &Operator) -> Done<String> {
    match &op.options {
        Options::VarHandle { container, name } if container.is_empty() => Ok(name.clone()),
        Options::VarHandle { container, name } => Ok(format!("{container}/{name}")),
        _ => invalid("its options are missing"),
    }
}

/// CALL_ONCE: the subgraph gives variables the values that they begin with.
pub(crate) fn call_once(t: &mut Translator<'_>, op: &Operator) -> Done {
    let Options::Call(index) = op.options else {
        return invalid("its options are missing");
    };
    let found = usize::try_from(index).ok().filter(|&i| i > 0);
    let Some((index, body)) = found.and_then(|i| Some((i, t.model.subgraphs.get(i)?))) else {
        return invalid(format!("subgraph {index} does not exist"));
    };
    let mut handles = std::collections::BTreeMap::new();
    t.work(body.operators.len());
    for step in &body.operators {
        match (
            step.op.as_str(),
            step.inputs.as_slice(),
            step.outputs.as_slice(),
        ) {
            ("VAR_HANDLE", [], &[id]) => {
                let name = name_of(step)?;
                handles.insert(id, name.clone());
                declare(t, name)?;
            }
            ("ASSIGN_VARIABLE", &[Some(handle), Some(value)], []) => {
                let Some(variable) = handles.get(&handle).and_then(|n| t.variables.get_mut(n))
                else {
                    return invalid("a value is assigned to what is no variable");
                };
                variable.initial = Some((index, value));
            }
            (other, ..) => {
                return gap(format!(
                    "the subgraph that runs first holds {other}; only values that are constants can be assigned there"
                ));
            }
        }
    }
    Ok(())
}

fn variable<'t>(t: &'t mut Translator<'_>, id: usize) -> Done<(String, &'t mut Variable)> {
    let Some(name) = t.handles.get(&id).cloned() else {
        return match t.made[id] {
            Made::Missing => Err(Stop::Blocked),
            _ => invalid("its operand is no variable"),
        };
    };
    match t.variables.get_mut(&name) {
        Some(variable) => Ok((name, variable)),
        None => invalid("its operand is no variable"),
    }
}

/// READ_VARIABLE: the value of this run, or the one that the last run left.
pub(crate) fn read(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (handle, y) = (t.input(op, 0)?, t.output(op, 0)?);
    let (name, present) = variable(t, handle)?;
    if let Some(value) = present.value {
        let x = t.plain(value)?;
        t.claim(y)?;
        let node = redpoll_onnx::proto::NodeProto::new("Identity", "", [x.as_str()], []);
        let name = t.name(y).to_owned();
        t.emit_as(&name, node);
        return Ok(());
    }
    let initial = present.initial;
    let tensor = t.tensor(y);
    let Some(dtype) = data_type(tensor.dtype) else {
        return gap(format!("a variable of type {:?}", tensor.dtype));
    };
    match initial {
        Some((subgraph, id)) => begins_as_zero(t, subgraph, id, tensor)?,
        None => {
            return gap(format!(
                "variable \"{name}\" is read and nothing gives it a value before the first run"
            ));
        }
    }
    t.claim(y)?;
    let input = t.rename(y, &name);
    state_input(t, &input, dtype, tensor);
    if let Some(variable) = t.variables.get_mut(&name) {
        variable.input = Some(input);
        variable.value = Some(y);
    }
    Ok(())
}

fn state_input(t: &mut Translator<'_>, name: &str, dtype: DataType, tensor: &Tensor) {
    let dims: Vec<Dim> = tensor.shape.iter().map(|&d| Dim::Fixed(d)).collect();
    t.graph.input(name, dtype, &dims);
}

/// Demands that a constant is zero everywhere, or the zero point of the tensor that reads it: how every state begins.
fn begins_as_zero(t: &Translator<'_>, subgraph: usize, id: usize, reader: &Tensor) -> Done {
    let Some(tensor) = t.model.subgraphs[subgraph].tensors.get(id) else {
        return invalid("the value that a variable begins with does not exist");
    };
    if tensor.dtype != reader.dtype || tensor.shape != reader.shape {
        return invalid(format!(
            "a variable begins as {:?} {:?} and is read as {:?} {:?}",
            tensor.dtype, tensor.shape, reader.dtype, reader.shape
        ));
    }
    if !tensor.is_constant() {
        return gap("the value that a variable begins with is no constant");
    }
    let bytes = t.data(tensor)?;
    let zero = match (&reader.quantization, reader.dtype) {
        (Some(q), TensorType::I8 | TensorType::U8) => {
            // The low byte is the integer in two's complement.
            q.zero_points[0].to_le_bytes()[0]
        }
        _ => 0,
    };
    if bytes.iter().any(|&b| b != zero) {
        return gap(format!(
            "variable \"{}\" begins with values other than zero, which a plan cannot hold",
            reader.name
        ));
    }
    Ok(())
}

/// The old value of tensor `id`, floats that an operator changes in place; [`keep`] says the new one.
pub(crate) fn carried(t: &mut Translator<'_>, id: usize) -> Done<String> {
    let tensor = t.tensor(id);
    if tensor.dtype != TensorType::F32 || !tensor.is_variable || tensor.is_constant() {
        return gap(format!(
            "its memory \"{}\" is {:?}; only floats that begin as zero are supported",
            tensor.name, tensor.dtype
        ));
    }
    t.claim(id)?;
    let name = t.name(id).to_owned();
    state_input(t, &name, DataType::F32, tensor);
    Ok(name)
}

/// Says the new value of what [`carried`] gave.
pub(crate) fn keep(t: &mut Translator<'_>, id: usize, value: String) {
    let input = t.name(id).to_owned();
    let shape = t.shape(id).to_vec();
    t.carried.push(Carried {
        input,
        value,
        shape,
    });
}

/// ASSIGN_VARIABLE: the value from here on, and what the next run reads.
pub(crate) fn assign(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (handle, x) = (t.input(op, 0)?, t.input(op, 1)?);
    t.plain(x)?;
    let (_, present) = variable(t, handle)?;
    present.value = Some(x);
    Ok(())
}

/// Every variable that a run reads and changes becomes a state: its last value is an output.
pub(crate) fn finish(t: &mut Translator<'_>) -> Result<Vec<State>> {
    let variables = std::mem::take(&mut t.variables);
    let mut states = Vec::new();
    for (name, variable) in variables {
        let (Some(input), Some(value)) = (variable.input, variable.value) else {
            continue;
        };
        let tensor = t.tensor(value);
        let output = t.unique(&format!("{name}_next"));
        let x = t.name(value).to_owned();
        let node = redpoll_onnx::proto::NodeProto::new("Identity", "", [x.as_str()], []);
        t.emit_as(&output, node);
        let Some(dtype) = data_type(tensor.dtype) else {
            return Err(Error::malformed(format!("variable \"{name}\" has no type")));
        };
        let dims: Vec<Dim> = tensor.shape.iter().map(|&d| Dim::Fixed(d)).collect();
        t.graph.output(&output, dtype, &dims);
        states.push(State { output, input });
    }
    for carried in std::mem::take(&mut t.carried) {
        let output = t.unique(&format!("{}_next", carried.input));
        let x = carried.value.as_str();
        let node = redpoll_onnx::proto::NodeProto::new("Identity", "", [x], []);
        t.emit_as(&output, node);
        let dims: Vec<Dim> = carried.shape.iter().map(|&d| Dim::Fixed(d)).collect();
        t.graph.output(&output, DataType::F32, &dims);
        let input = carried.input;
        states.push(State { output, input });
    }
    Ok(states)
}
