//! Borders into the windows after them.

use redpoll_graph::op::{Conv, Pad, PadMode, Pool, PoolKind};
use redpoll_graph::{Graph, Op, shape};

use super::Rule;
use super::edit::each_node;
use crate::Error;

/// Fuses a border of zeros into a convolution or an average that counts it, and one of −∞ into a maximum.
pub(crate) struct FusePad;

impl Rule for FusePad {
    fn name(&self) -> &'static str {
        "fuse pad"
    }

    fn apply(&self, graph: &mut Graph) -> Result<usize, Error> {
        each_node(graph, |graph, links, index| {
            let Some((_, before)) = links.maker(graph, graph.nodes[index].inputs[0]) else {
                return Ok(false);
            };
            let Op::Pad(pad) = &before.op else {
                return Ok(false);
            };
            let x = before.inputs[0];
            let spatial = 1..pad.before.len().saturating_sub(1);
            let touches = |i: usize| pad.before[i] + pad.after[i] > 0;
            let outside = (0..pad.before.len()).any(|i| !spatial.contains(&i) && touches(i));
            if pad.mode != PadMode::Constant || outside || spatial.is_empty() {
                return Ok(false);
            }
            let op = match &graph.nodes[index].op {
                Op::Conv(conv) => into_conv(pad, conv),
                Op::Pool(pool) => into_pool(pad, pool),
                _ => None,
            };
            let Some(op) = op else {
                return Ok(false);
            };
            let mut inputs = graph.nodes[index].inputs.clone();
            inputs[0] = x;
            // A window of a pool may lie wholly in a border of numbers, not in one of nothing.
            if shape::infer(graph, &op, &inputs).is_err() {
                return Ok(false);
            }
            let node = &mut graph.nodes[index];
            node.op = op;
            node.inputs = inputs;
            Ok(true)
        })
    }
}

fn added(pads: &[usize], pad: &[usize]) -> Vec<usize> {
    pads.iter().zip(&pad[1..]).map(|(a, b)| a + b).collect()
}

fn into_conv(pad: &Pad, conv: &Conv) -> Option<Op> {
    (pad.value == 0.0).then(|| {
        Op::Conv(Conv {
            pads_before: added(&conv.pads_before, &pad.before),
            pads_after: added(&conv.pads_after, &pad.after),
            ..conv.clone()
        })
    })
}

fn into_pool(pad: &Pad, pool: &Pool) -> Option<Op> {
    let bare = pool
        .pads_before
        .iter()
        .chain(&pool.pads_after)
        .all(|&p| p == 0);
    let fits = match pool.kind {
        PoolKind::Max => pad.value == f32::NEG_INFINITY,
        PoolKind::Average => pad.value == 0.0 && bare,
    };
    fits.then(|| {
        Op::Pool(Pool {
            pads_before: added(&pool.pads_before, &pad.before),
            pads_after: added(&pool.pads_after, &pad.after),
            count_include_pad: pool.kind == PoolKind::Average,
            ..pool.clone()
        })
    })
}
