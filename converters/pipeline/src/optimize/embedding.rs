//! One-hot encoding followed by a matrix product is a table lookup.

use redpoll_graph::op::BinaryFn;
use redpoll_graph::{DType, Graph, Op, ValueId};

use super::Rule;
use super::edit::{Links, each_node, insert};
use crate::Error;

/// `cast(indices == 0..R) · table [R, W]` becomes an embedding.
pub(crate) struct Embedding;

impl Rule for Embedding {
    fn name(&self) -> &'static str {
        "embedding"
    }

    fn apply(&self, graph: &mut Graph) -> Result<usize, Error> {
        each_node(graph, rewrite)
    }
}

fn rewrite(graph: &mut Graph, links: &Links, index: usize) -> Result<bool, Error> {
    let node = &graph.nodes[index];
    let rows_are_outputs = match node.op {
        Op::MatMul => false,
        Op::Dense { clamp: None } => true,
        _ => return Ok(false),
    };
    let (one_hot, table) = (node.inputs[0], node.inputs[1]);
    let bias = node.inputs.get(2).copied();
    if graph.constant(table).is_none() || graph.value(table).shape.len() != 2 {
        return Ok(false);
    }
    let Some(indices) = encoded(graph, links, one_hot) else {
        return Ok(false);
    };
    let name = node.name.clone();
    let mut shape = graph.value(one_hot).shape.clone();
    shape.pop();
    let mut at = index;
    let mut put = |graph: &mut Graph, part: &str, op: Op, inputs: &[ValueId]| {
        let id = insert(graph, at, &format!("{name}_{part}"), op, inputs);
        at += 1;
        id
    };
    let indices = put(graph, "indices", Op::Reshape { shape }, &[indices])?;
    let table = if rows_are_outputs {
        put(graph, "table", Op::Transpose { perm: vec![1, 0] }, &[table])?
    } else {
        table
    };
    let (op, inputs) = match bias {
        None => (Op::Embedding, vec![indices, table]),
        Some(bias) => {
            let rows = put(graph, "rows", Op::Embedding, &[indices, table])?;
            let add = Op::Binary {
                function: BinaryFn::Add,
                clamp: None,
            };
            (add, vec![rows, bias])
        }
    };
    let node = &mut graph.nodes[at];
    node.op = op;
    node.inputs = inputs;
    Ok(true)
}

/// The indices `[.., 1]` when `id` is their one-hot encoding `[.., R]` in floats.
fn encoded(graph: &Graph, links: &Links, id: ValueId) -> Option<ValueId> {
    let (_, cast) = links.maker(graph, id)?;
    if cast.op != (Op::Cast { to: DType::F32 }) {
        return None;
    }
    let (_, equal) = links.maker(graph, cast.inputs[0])?;
    let Op::Binary {
        function: BinaryFn::Equal,
        ..
    } = equal.op
    else {
        return None;
    };
    let &rows = graph.value(id).shape.last()?;
    let column = |id: ValueId| {
        let value = graph.value(id);
        let integer = matches!(value.dtype, DType::I32 | DType::I64);
        integer
            && value.shape.last() == Some(&1)
            && value.len() * rows == graph.value(equal.output).len()
    };
    let counts = |id: ValueId| {
        let numbers = graph.constant(id).and_then(redpoll_graph::Tensor::to_i64);
        numbers.is_some_and(|v| v.len() == rows && v.iter().copied().eq(0i64..v.len() as i64))
            && graph.value(id).shape.last() == Some(&rows)
    };
    let (a, b) = (equal.inputs[0], equal.inputs[1]);
    if column(a) && counts(b) {
        Some(a)
    } else {
        (column(b) && counts(a)).then_some(b)
    }
}
