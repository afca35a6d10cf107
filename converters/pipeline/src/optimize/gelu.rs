//! Written-out GELU, by the error function and by tanh.

use redpoll_graph::op::{BinaryFn, UnaryFn};
use redpoll_graph::{Graph, Op, ValueId};

use super::Rule;
use super::edit::{Links, each_node};
use super::product::{Product, function_of, parts, sum, sum_with};
use crate::Error;

const CUBE: f64 = 0.044715;
const SLOPE: f64 = 0.797_884_560_802_865_4;

/// `x · 0.5 · (1 + erf(x / √2))` and `x · 0.5 · (1 + tanh(√(2/π) · (x + 0.044715 · x³)))`, with the factors in any order.
pub(crate) struct Gelu;

impl Rule for Gelu {
    fn name(&self) -> &'static str {
        "gelu"
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
        function: BinaryFn::Mul,
        clamp: None,
    } = node.op
    else {
        return None;
    };
    let shape = &graph.value(node.output).shape;
    let whole = Product::of(graph, links, node.output, None);
    for &factor in &whole.factors {
        let Some(gate) = sum_with(graph, links, factor, 1.0) else {
            continue;
        };
        for function in [UnaryFn::Gelu, UnaryFn::GeluTanh] {
            let x = match function {
                UnaryFn::Gelu => erf_operand(graph, links, gate),
                _ => tanh_operand(graph, links, gate),
            };
            // Once more with x kept whole: it may be a product itself.
            let Some(x) = x.filter(|&x| graph.value(x).shape == *shape) else {
                continue;
            };
            let mut rest = Product::of(graph, links, node.output, Some(x));
            if rest.take(x) && rest.take(factor) && rest.factors.is_empty() && rest.is(0.5) {
                return Some((function, x));
            }
        }
    }
    None
}

/// `x` when `gate` is `erf(x / √2)`.
fn erf_operand(graph: &Graph, links: &Links, gate: ValueId) -> Option<ValueId> {
    let inner = function_of(graph, links, gate, UnaryFn::Erf)?;
    parts(graph, links, inner).into_iter().find(|&x| {
        let mut rest = Product::of(graph, links, inner, Some(x));
        rest.take(x) && rest.factors.is_empty() && rest.is(std::f64::consts::FRAC_1_SQRT_2)
    })
}

/// `x` when `gate` is `tanh(√(2/π) · (x + 0.044715 · x³))`.
fn tanh_operand(graph: &Graph, links: &Links, gate: ValueId) -> Option<ValueId> {
    let inner = function_of(graph, links, gate, UnaryFn::Tanh)?;
    let product = Product::of(graph, links, inner, None);
    if !product.is(SLOPE) {
        return None;
    }
    if let [polynomial] = product.factors[..] {
        let [a, b] = sum(graph, links, polynomial)?;
        return [(a, b), (b, a)]
            .into_iter()
            .find_map(|(x, cube)| is_power(graph, links, cube, x, 3).then_some(x));
    }
    // √(2/π) · x · (1 + 0.044715 · x²)
    product.factors.iter().find_map(|&factor| {
        let square = sum_with(graph, links, factor, 1.0)?;
        parts(graph, links, square).into_iter().find(|&x| {
            let mut rest = Product::of(graph, links, inner, Some(x));
            is_power(graph, links, square, x, 2)
                && rest.take(x)
                && rest.take(factor)
                && rest.factors.is_empty()
        })
    })
}

/// True when `id` is `0.044715 · x^power`.
fn is_power(graph: &Graph, links: &Links, id: ValueId, x: ValueId, power: usize) -> bool {
    let mut product = Product::of(graph, links, id, Some(x));
    (0..power).all(|_| product.take(x)) && product.factors.is_empty() && product.is(CUBE)
}
