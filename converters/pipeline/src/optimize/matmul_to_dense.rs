//! Matrix products with constant weights become dense layers.

use redpoll_graph::{Graph, Op};

use super::Rule;
use super::edit::{each_node, insert, is_constant};
use crate::Error;

/// `x [.., K] · w [K, N]` with a constant `w` becomes a dense layer with weights `[N, K]`.
pub(crate) struct MatMulToDense;

impl Rule for MatMulToDense {
    fn name(&self) -> &'static str {
        "matrix product to dense"
    }

    fn apply(&self, graph: &mut Graph) -> Result<usize, Error> {
        each_node(graph, |graph, links, index| {
            let node = &graph.nodes[index];
            let [x, w] = node.inputs[..] else {
                return Ok(false);
            };
            if node.op != Op::MatMul || !is_constant(graph, links, w) {
                return Ok(false);
            }
            let shape = graph.value(w).shape.clone();
            let (rank, leading) = (shape.len(), shape.len().saturating_sub(2));
            let flat = shape[..leading].iter().all(|&d| d == 1);
            if !flat || rank > graph.value(x).shape.len() {
                return Ok(false);
            }
            let name = graph.value(w).name.clone();
            let mut at = index;
            let mut w = w;
            if leading > 0 {
                let shape = shape[leading..].to_vec();
                w = insert(
                    graph,
                    at,
                    &format!("{name}_matrix"),
                    Op::Reshape { shape },
                    &[w],
                )?;
                at += 1;
            }
            let perm = vec![1, 0];
            let w = insert(
                graph,
                at,
                &format!("{name}_rows"),
                Op::Transpose { perm },
                &[w],
            )?;
            let node = &mut graph.nodes[at + 1];
            node.op = Op::Dense { clamp: None };
            node.inputs = vec![x, w];
            Ok(true)
        })
    }
}
