//! IF and WHILE: their subgraphs become the branches of an `If` and the body of a `Loop`.

use redpoll_onnx::proto::{GraphProto, NodeProto};
use redpoll_onnx::{DataType, Dim, GraphBuilder};

use super::table;
use super::translator::{Done, Made, Stop, Translator, data_type, dims, gap, invalid};
use crate::{Operator, Options};

/// Subgraphs inside of each other.
const MAX_DEPTH: usize = 8;

/// What each tensor of a subgraph is counted as, in bytes, every time that it is taken.
const TENSOR_BYTES: usize = 64;

/// Values by name, with their types and sizes.
struct Result {
    name: String,
    dtype: DataType,
    dims: Vec<Dim>,
}

fn subgraphs(op: &Operator) -> Done<[usize; 2]> {
    let Options::Subgraphs(both) = op.options else {
        return invalid("its options are missing");
    };
    // The main subgraph cannot be inside of itself.
    match both.map(usize::try_from) {
        [Ok(a), Ok(b)] if a > 0 && b > 0 => Ok([a, b]),
        _ => invalid(format!("subgraphs {both:?}")),
    }
}

/// IF: a condition, and what both subgraphs read.
pub(crate) fn branch(t: &mut Translator<'_>, op: &Operator) -> Done {
    let both = subgraphs(op)?;
    let condition = t.input(op, 0)?;
    let condition = t.plain(condition)?;
    let arguments = (1..op.inputs.len())
        .map(|i| t.input(op, i).and_then(|id| t.plain(id)))
        .collect::<Done<Vec<_>>>()?;
    let condition = t.reshaped(&format!("{condition}_scalar"), &condition, &[])?;
    let branches = both.map(|index| {
        inside(t, |t| {
            let found = t.inline(index, &arguments)?;
            if found.len() < op.outputs.len() {
                return invalid("a branch with fewer results than the operator");
            }
            for result in found.iter().take(op.outputs.len()) {
                let name = t.unique("branch");
                t.emit_as(&name, same(&result.name));
                t.graph.output(&name, result.dtype, &result.dims);
            }
            Ok(())
        })
    });
    let [yes, no] = match branches {
        [Ok(yes), Ok(no)] => [yes, no],
        [Err(e), _] | [_, Err(e)] => return Err(e),
    };
    let mut node = NodeProto::new("If", "", [condition.as_str()], [])
        .with_graph("then_branch", yes)
        .with_graph("else_branch", no);
    results(t, op, &mut node)?;
    t.graph.node(node);
    Ok(())
}

/// WHILE: the first subgraph says whether to go on, the second makes the next values of all operands.
pub(crate) fn repeat(t: &mut Translator<'_>, op: &Operator) -> Done {
    let [condition, body] = subgraphs(op)?;
    let ids = (0..op.inputs.len())
        .map(|i| t.input(op, i))
        .collect::<Done<Vec<_>>>()?;
    if op.outputs.len() != ids.len() {
        return invalid("not a result for each operand");
    }
    let mut first = Vec::new();
    for &id in &ids {
        first.push(t.plain(id)?);
    }
    let go_on = t.inline(condition, &first)?;
    let go_on = scalar(t, &go_on)?;
    let body = inside(t, |t| {
        for (name, dtype) in [("trip", DataType::I64), ("alive", DataType::Bool)] {
            let name = t.unique(name);
            t.graph.input(&name, dtype, &[]);
        }
        let mut carried = Vec::new();
        for &id in &ids {
            let name = t.unique("carried");
            let tensor = t.tensor(id);
            let dtype = data_type(tensor.dtype).unwrap_or(DataType::F32);
            t.graph.input(&name, dtype, &dims(tensor));
            carried.push(name);
        }
        let next = t.inline(body, &carried)?;
        if next.len() != ids.len() {
            return invalid("a body without a result for each operand");
        }
        let names: Vec<String> = next.iter().map(|r| r.name.clone()).collect();
        let go_on = t.inline(condition, &names)?;
        let go_on = scalar(t, &go_on)?;
        t.graph.output(&go_on, DataType::Bool, &[]);
        for result in &next {
            let name = t.unique("next");
            t.emit_as(&name, same(&result.name));
            t.graph.output(&name, result.dtype, &result.dims);
        }
        Ok(())
    })?;
    let operands = ["", go_on.as_str()].into_iter();
    let operands = operands.chain(first.iter().map(String::as_str));
    let mut node = NodeProto::new("Loop", "", operands, []).with_graph("body", body);
    results(t, op, &mut node)?;
    t.graph.node(node);
    Ok(())
}

fn same(x: &str) -> NodeProto {
    NodeProto::new("Identity", "", [x], [])
}

/// The one truth value that a condition gives, without axes.
fn scalar(t: &mut Translator<'_>, found: &[Result]) -> Done<String> {
    match found {
        [one] if one.dtype == DataType::Bool => t.reshaped("goes_on", &one.name, &[]),
        _ => invalid("a condition that is not one truth value"),
    }
}

/// The operator's results as those of `node`.
fn results(t: &mut Translator<'_>, op: &Operator, node: &mut NodeProto) -> Done {
    t.work(1);
    for &id in &op.outputs {
        t.claim(id)?;
        node.output.push(t.name(id).to_owned());
    }
    node.name = t.unique("control");
    Ok(())
}

/// Makes a graph of its own of what `fill` adds.
fn inside(
    t: &mut Translator<'_>,
    fill: impl FnOnce(&mut Translator<'_>) -> Done,
) -> Done<GraphProto> {
    let name = t.unique("body");
    let outer = std::mem::replace(&mut t.graph, GraphBuilder::new(&name));
    let found = fill(t);
    let inner = std::mem::replace(&mut t.graph, outer);
    found.map(|()| inner.finish())
}

impl Translator<'_> {
    /// Translates a subgraph that reads the values called `arguments` into the present graph, and gives its results.
    fn inline(&mut self, index: usize, arguments: &[String]) -> Done<Vec<Result>> {
        let Some(subgraph) = self.model.subgraphs.get(index) else {
            return invalid(format!("subgraph {index} does not exist"));
        };
        if self.depth >= MAX_DEPTH {
            return gap(format!(
                "more than {MAX_DEPTH} subgraphs inside of each other"
            ));
        }
        if subgraph.inputs.len() != arguments.len() {
            return invalid(format!(
                "{} operands for a subgraph of {}",
                arguments.len(),
                subgraph.inputs.len()
            ));
        }
        self.take(subgraph.tensors.len().saturating_mul(TENSOR_BYTES))?;
        let prefix = self.unique(&format!("subgraph{index}"));
        let mut t = self.nested(subgraph, format!("{prefix}/"));
        for (&id, argument) in subgraph.inputs.iter().zip(arguments) {
            t.called(id, argument);
        }
        let found = t.operators().and_then(|()| {
            let mut found = Vec::new();
            for &id in &subgraph.outputs {
                let dtype = data_type(t.tensor(id).dtype);
                let Some(dtype) = dtype.filter(|_| t.made[id] != Made::Missing) else {
                    return Err(Stop::Blocked);
                };
                found.push(Result {
                    name: t.plain(id)?,
                    dtype,
                    dims: dims(t.tensor(id)),
                });
            }
            Ok(found)
        });
        let remembers = !t.carried.is_empty() || !t.variables.is_empty();
        let broken = !t.gaps.is_empty();
        self.back(t);
        match found {
            _ if broken => Err(Stop::Blocked),
            Ok(_) if remembers => {
                gap("variables and memory inside of IF and WHILE are not supported")
            }
            found => found,
        }
    }

    /// Translates the operators of the subgraph in order.
    fn operators(&mut self) -> Done {
        for (index, operator) in self.subgraph.operators.iter().enumerate() {
            let found = table::translate(self, operator);
            self.settle(index, operator, found)?;
        }
        Ok(())
    }
}
