//! Written-out SiLU and hard swish.

use redpoll_graph::op::{BinaryFn, Clamp, UnaryFn};
use redpoll_graph::{Graph, Op, ValueId};

use super::Rule;
use super::edit::{Links, each_node};
use super::product::{Product, function_of, sum_with};
use crate::Error;

/// `x · sigmoid(x)` becomes SiLU; `x · clamp(x + 3, 0, 6) / 6` and `x · clamp(x / 6 + 0.5, 0, 1)` become hard swish.
pub(crate) struct Silu;

impl Rule for Silu {
    fn name(&self) -> &'static str {
        "silu"
    }

    fn apply(&self, graph: &mut Graph) -> Result<usize, Error> {
        each_node(graph, |graph, links, index| {
            let Some((function, x)) = find(graph, links, index) else {
                return Ok(false);
            };
            let node = &mut graph.nodes[index];
            node.op = Op::Unary(function);
            node.inputs = vec![x];
            Ok(true)
        })
    }
}

fn find(graph: &Graph, links: &Links, index: usize) -> Option<(UnaryFn, ValueId)> {
    let node = &graph.nodes[index];
    let Op::Binary {
        function: BinaryFn::Mul | BinaryFn::Div,
        clamp: None,
    } = node.op
    else {
        return None;
    };
    let whole = Product::of(graph, links, node.output, None);
    for &gate in &whole.factors {
        let Some((function, x, scale)) = gate_operand(graph, links, gate) else {
            continue;
        };
        let same_shape = graph.value(x).shape == graph.value(node.output).shape;
        let mut rest = Product::of(graph, links, node.output, Some(x));
        if same_shape
            && rest.take(x)
            && rest.take(gate)
            && rest.factors.is_empty()
            && rest.is(scale)
        {
            return Some((function, x));
        }
    }
    None
}

/// What `x · gate · scale` is, with x and scale.
fn gate_operand(graph: &Graph, links: &Links, gate: ValueId) -> Option<(UnaryFn, ValueId, f64)> {
    if let Some(x) = function_of(graph, links, gate, UnaryFn::Sigmoid) {
        return Some((UnaryFn::Silu, x, 1.0));
    }
    let (_, node) = links.maker(graph, gate)?;
    let x = *node.inputs.first()?;
    match node.op {
        Op::Unary(UnaryFn::HardSigmoid { alpha, beta }) => {
            let sixth = (alpha - 1.0 / 6.0).abs() < 1e-4 && beta == 0.5;
            sixth.then_some((UnaryFn::HardSwish, x, 1.0))
        }
        Op::Unary(UnaryFn::Clamp(Clamp { lo: 0.0, hi: 6.0 })) => Some((
            UnaryFn::HardSwish,
            sum_with(graph, links, x, 3.0)?,
            1.0 / 6.0,
        )),
        // The bounds may have been fused into the sum already.
        Op::Binary {
            function: BinaryFn::Add,
            clamp: Some(Clamp { lo: 0.0, hi: 6.0 }),
        } => {
            let [a, b] = node.inputs[..] else {
                return None;
            };
            let three = |id: ValueId| super::edit::scalar(graph, id) == Some(3.0);
            let x = if three(b) { a } else { three(a).then_some(b)? };
            Some((UnaryFn::HardSwish, x, 1.0 / 6.0))
        }
        _ => None,
    }
}
