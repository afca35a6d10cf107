//! Bounds move above operators that keep the order of numbers, to where they can be fused.

use redpoll_graph::op::{Clamp, PoolKind, UnaryFn};
use redpoll_graph::{Graph, Op};

use super::Rule;
use super::edit::{each_node, swap_names};
use crate::Error;

/// `clamp(f(x))` becomes `f(clamp'(x))` for leaky ReLU and maximum pooling of a result that takes bounds in; only where that
/// is exact.
pub(crate) struct HoistClamp;

impl Rule for HoistClamp {
    fn name(&self) -> &'static str {
        "hoist clamp"
    }

    fn apply(&self, graph: &mut Graph) -> Result<usize, Error> {
        each_node(graph, |graph, links, index| {
            let node = &graph.nodes[index];
            let Op::Unary(UnaryFn::Clamp(clamp)) = node.op else {
                return Ok(false);
            };
            let (middle, y) = (node.inputs[0], node.output);
            let Some((before, function)) = links.only_for_reader(graph, middle) else {
                return Ok(false);
            };
            let x = function.inputs[0];
            let fuses = match links.only_for_reader(graph, x) {
                Some((_, layer)) => {
                    matches!(layer.op, Op::Conv(_) | Op::Dense { .. } | Op::Binary { .. })
                }
                None => false,
            };
            let same = |v: redpoll_graph::ValueId| graph.value(v).qparams == graph.value(x).qparams;
            if !fuses || !same(middle) || !same(y) {
                return Ok(false);
            }
            let Some(clamp) = hoisted(&function.op, clamp) else {
                return Ok(false);
            };
            // The two nodes change places: the clamp makes `middle` in the shape of x, the function makes y.
            let shape = graph.value(x).shape.clone();
            let function = graph.nodes[before].op.clone();
            graph.value_mut(middle).shape = shape;
            let names = (
                graph.nodes[index].name.clone(),
                graph.nodes[before].name.clone(),
            );
            let first = &mut graph.nodes[before];
            first.op = Op::Unary(UnaryFn::Clamp(clamp));
            first.name = names.0;
            let second = &mut graph.nodes[index];
            second.op = function;
            second.name = names.1;
            if !graph.outputs.contains(&y) {
                swap_names(graph, middle, y);
            }
            Ok(true)
        })
    }
}

/// The bounds before `op` that give `clamp` after it.
fn hoisted(op: &Op, clamp: Clamp) -> Option<Clamp> {
    match op {
        Op::Pool(pool) if pool.kind == PoolKind::Max => Some(clamp),
        Op::Unary(UnaryFn::LeakyRelu { alpha }) if *alpha > 0.0 => {
            let before = |bound: f32| {
                if bound >= 0.0 || bound == f32::NEG_INFINITY {
                    return Some(bound);
                }
                let before = bound / alpha;
                (before * alpha == bound).then_some(before)
            };
            Some(Clamp {
                lo: before(clamp.lo)?,
                hi: before(clamp.hi)?,
            })
        }
        _ => None,
    }
}
