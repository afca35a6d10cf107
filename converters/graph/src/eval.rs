//! The reference evaluator: every operator exactly by the formulas of [`op`](crate::op), in float and in int8.
//!
//! It is the oracle that kernels and plans are held against, so it is written apart from them and shares only the
//! definitions of float functions ([`redpoll_kernels::math`]) and the fixed sum of 16 lanes. It is slow by design:
//! plain loops, no tiles, no threads.

mod binary;
mod conv;
mod conv_integer;
mod convert;
mod dense;
mod element;
mod function;
mod fused;
mod gather;
mod index;
mod movement;
mod pool;
mod quantized;
mod recurrent;
mod reduce;
mod resize;
mod scatter;
mod suppress;
mod unary;
mod window;

use crate::error::{Error, ErrorKind};
use crate::graph::{Graph, Node, Value, ValueId};
use crate::op::Op;
use crate::tensor::{Data, Tensor};
use crate::verify::{verify, verify_node};

/// One node with its operands, shapes and types checked.
pub(crate) struct Call<'a> {
    /// The operands' values: types, scales.
    values: Vec<&'a Value>,
    /// The operands' elements.
    inputs: &'a [&'a Tensor],
    /// The result's value.
    output: &'a Value,
}

impl<'a> Call<'a> {
    fn x(&self) -> &'a Tensor {
        self.inputs[0]
    }

    /// True when the operator computes in quantised integers.
    fn is_integer(&self) -> bool {
        self.values[0].is_quantized()
    }
}

/// Runs `graph` on `inputs`, in the order of [`Graph::inputs`]; gives its outputs in their order.
///
/// # Errors
/// Those of [`verify`](crate::verify()); [`ErrorKind::Shape`] and [`ErrorKind::Type`] when an input is not what the graph
/// says; [`ErrorKind::Invalid`] for an index out of range or a division of integers by zero.
///
/// # Examples
/// ```
/// use redpoll_graph::{DType, Graph, Op, Tensor, eval, op::{Clamp, UnaryFn}};
/// let mut g = Graph::new("tiny");
/// let x = g.add_input("x", DType::F32, vec![3]);
/// let y = g.add_node("y", Op::Unary(UnaryFn::Clamp(Clamp::RELU)), &[x])?;
/// g.outputs.push(y);
/// let out = eval::run(&g, &[Tensor::vector_f32(vec![-1.0, 0.5, 2.0])])?;
/// assert_eq!(out[0].as_f32(), Some(&[0.0, 0.5, 2.0][..]));
/// # Ok::<(), redpoll_graph::Error>(())
/// ```
pub fn run(graph: &Graph, inputs: &[Tensor]) -> Result<Vec<Tensor>, Error> {
    run_with(graph, inputs, &mut |_, _| {})
}

/// As [`run`], showing `observe` every input and every result as soon as it is there. A value is dropped after its
/// last use.
///
/// # Errors
/// Those of [`run`].
pub fn run_with(
    graph: &Graph,
    inputs: &[Tensor],
    observe: &mut dyn FnMut(ValueId, &Tensor),
) -> Result<Vec<Tensor>, Error> {
    verify(graph)?;
    if inputs.len() != graph.inputs.len() {
        let message = format!("{} inputs for {}", inputs.len(), graph.inputs.len());
        return Err(Error::new(ErrorKind::Shape, message));
    }
    let mut uses = count_uses(graph);
    let mut made: Vec<Option<Tensor>> = vec![None; graph.values.len()];
    for (&id, tensor) in graph.inputs.iter().zip(inputs) {
        check_operand(graph.value(id), tensor)?;
        observe(id, tensor);
        made[id.index()] = Some(tensor.clone());
    }
    for node in &graph.nodes {
        let operands = node
            .inputs
            .iter()
            .map(|&id| find(graph, &made, id))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| e.at(&node.name))?;
        let result = compute(graph, node, &operands).map_err(|e| e.at(&node.name))?;
        observe(node.output, &result);
        made[node.output.index()] = Some(result);
        for &id in node.inputs.iter().chain([&node.output]) {
            let left = &mut uses[id.index()];
            *left = left.saturating_sub(usize::from(id != node.output));
            if *left == 0 {
                made[id.index()] = None;
            }
        }
    }
    let outputs = graph.outputs.iter();
    outputs.map(|&id| find(graph, &made, id).cloned()).collect()
}

/// Computes one node, as constant folding does. `inputs` must be what the graph says of the operands.
///
/// # Errors
/// Those of [`run`], naming the node.
pub fn node(graph: &Graph, node: &Node, inputs: &[&Tensor]) -> Result<Tensor, Error> {
    verify_node(graph, node)?;
    let check = || {
        if inputs.len() != node.inputs.len() {
            return Err(Error::new(ErrorKind::Invalid, "wrong number of operands"));
        }
        for (&id, tensor) in node.inputs.iter().zip(inputs) {
            check_operand(graph.value(id), tensor)?;
        }
        compute(graph, node, inputs)
    };
    check().map_err(|e| e.at(&node.name))
}

fn count_uses(graph: &Graph) -> Vec<usize> {
    let mut uses = vec![0; graph.values.len()];
    let operands = graph.nodes.iter().flat_map(|n| &n.inputs);
    for id in operands.chain(&graph.outputs) {
        uses[id.index()] += 1;
    }
    uses
}

fn find<'a>(
    graph: &'a Graph,
    made: &'a [Option<Tensor>],
    id: ValueId,
) -> Result<&'a Tensor, Error> {
    let constant = || graph.constant(id);
    made[id.index()].as_ref().or_else(constant).ok_or_else(|| {
        let message = format!("\"{}\" is not there", graph.value(id).name);
        Error::new(ErrorKind::Invalid, message)
    })
}

fn check_operand(value: &Value, tensor: &Tensor) -> Result<(), Error> {
    if tensor.dtype() == value.dtype && tensor.shape() == value.shape {
        return Ok(());
    }
    let kind = if tensor.dtype() == value.dtype {
        ErrorKind::Shape
    } else {
        ErrorKind::Type
    };
    let message = format!(
        "\"{}\" is {} {:?}, given {} {:?}",
        value.name,
        value.dtype,
        value.shape,
        tensor.dtype(),
        tensor.shape()
    );
    Err(Error::new(kind, message))
}

fn compute(graph: &Graph, node: &Node, inputs: &[&Tensor]) -> Result<Tensor, Error> {
    let output = graph.value(node.output);
    let call = Call {
        values: node.inputs.iter().map(|&id| graph.value(id)).collect(),
        inputs,
        output,
    };
    let data = dispatch(&node.op, &call)?;
    Tensor::new(output.shape.clone(), data)
}

fn dispatch(op: &Op, call: &Call<'_>) -> Result<Data, Error> {
    match op {
        Op::Conv(conv) if call.is_integer() => conv_integer::conv(conv, call),
        Op::Conv(conv) => conv::conv(conv, call),
        Op::Dense { clamp } if call.is_integer() => conv_integer::dense(*clamp, call),
        Op::Dense { clamp } => dense::dense(*clamp, call),
        Op::MatMul => dense::matmul(call),
        Op::BatchNorm { epsilon } => dense::batch_norm(*epsilon, call),
        Op::Pool(pool) => pool::pool(pool, call),
        Op::Unary(function) => unary::unary(*function, call),
        Op::Binary { function, clamp } => binary::binary(*function, *clamp, call),
        Op::Reduce { kind, axes, .. } => reduce::reduce(*kind, axes, call),
        Op::Softmax { axis } => reduce::softmax(*axis, call),
        Op::Reshape { .. } => Ok(call.x().data().clone()),
        Op::Transpose { perm } => movement::transpose(perm, call),
        Op::Concat { axis } => movement::concat(*axis, call),
        Op::Slice { axes } => movement::slice(axes, call),
        Op::Pad(pad) => movement::pad(pad, call),
        Op::Expand { shape } => movement::expand(shape, call),
        Op::Resize(resize) => resize::resize(resize, call),
        Op::Gather { axis } => gather::gather(*axis, call),
        Op::Embedding => gather::embedding(call),
        Op::Recurrent(layer) => recurrent::recurrent(layer, call),
        Op::Select => index::select(call),
        Op::ArgReduce(a) => index::arg_reduce(a, call),
        Op::Cumulate(c) => index::cumulate(c, call),
        Op::TopK(t) => index::top_k(t, call),
        Op::GatherElements { axis } => scatter::gather_elements(*axis, call),
        Op::GatherNd { batch } => scatter::gather_nd(*batch, call),
        Op::ScatterElements { axis, mode } => scatter::scatter_elements(*axis, *mode, call),
        Op::ScatterNd { mode } => scatter::scatter_nd(*mode, call),
        Op::NonMaxSuppression(n) => suppress::non_max_suppression(n, call),
        Op::SparseRows(s) => index::sparse_rows(s, call),
        Op::Cast { to } => Ok(convert::cast(*to, call.x().data())),
        Op::Quantize => convert::quantize(call),
        Op::Dequantize => convert::dequantize(call),
        Op::Requantize => unary::table(call, |x| x),
    }
}
