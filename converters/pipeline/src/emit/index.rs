//! Operators that choose, order, gather and scatter elements by index. They work on values in the graph's own layout.

use redpoll_graph::op::{ArgReduce, Cumulate, ReduceKind, Scatter, TopK};
use redpoll_graph::{Node, Tensor};
use redpoll_onnx::proto::NodeProto;

use super::emitter::Emitter;
use super::layout::Layout;
use crate::Error;

impl Emitter<'_> {
    /// Appends `op` on all operands of the node as they are.
    pub(super) fn as_it_is(
        &mut self,
        node: &Node,
        op: &str,
        attributes: impl FnOnce(NodeProto) -> NodeProto,
    ) -> Result<(), Error> {
        let inputs = node.inputs.iter().map(|&id| self.real(id, Layout::Same));
        let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let name = self.output_name(node.output);
        let result = self.push(op, &inputs, &name, attributes);
        self.define(node.output, Layout::Same, result)
    }

    pub(super) fn arg_reduce(&mut self, node: &Node, a: &ArgReduce) -> Result<(), Error> {
        let op = if a.least { "ArgMin" } else { "ArgMax" };
        self.as_it_is(node, op, |n| {
            n.with_int("axis", a.axis as i64)
                .with_int("select_last_index", a.last.into())
        })
    }

    pub(super) fn cumulate(&mut self, node: &Node, c: &Cumulate) -> Result<(), Error> {
        if c.kind != ReduceKind::Sum {
            return Err(self.unsupported(node, "a running product"));
        }
        let x = self.real(node.inputs[0], Layout::Same)?;
        let name = self.output_name(node.output);
        let axis = Tensor::vector_i64(vec![c.axis as i64]).reshaped(Vec::new())?;
        let axis = self.initializer(&format!("{name}_axis"), &axis)?;
        let result = self.push("CumSum", &[&x, &axis], &name, |n| {
            n.with_int("exclusive", c.exclusive.into())
                .with_int("reverse", c.reverse.into())
        });
        self.define(node.output, Layout::Same, result)
    }

    pub(super) fn top_k(&mut self, node: &Node, t: &TopK) -> Result<(), Error> {
        let x = self.real(node.inputs[0], Layout::Same)?;
        let name = self.output_name(node.output);
        let k = Tensor::vector_i64(vec![t.k as i64]);
        let k = self.initializer(&format!("{name}_k"), &k)?;
        let result = self.fresh(&name);
        // Both outputs are required: the one that nobody reads has a name too.
        let unread = self.fresh(&format!("{name}_unread"));
        let outputs = if t.indices {
            [&unread, &result]
        } else {
            [&result, &unread]
        };
        let node_proto = NodeProto::new(
            "TopK",
            &result,
            [x.as_str(), k.as_str()],
            outputs.map(String::as_str),
        );
        self.append(
            node_proto
                .with_int("axis", t.axis as i64)
                .with_int("largest", t.largest.into()),
        );
        self.define(node.output, Layout::Same, result)
    }

    pub(super) fn scatter(
        &mut self,
        node: &Node,
        axis: Option<usize>,
        mode: Scatter,
    ) -> Result<(), Error> {
        let reduction = match mode {
            Scatter::Replace => "none",
            Scatter::Add => "add",
            Scatter::Mul => "mul",
            Scatter::Max | Scatter::Min => {
                return Err(self.unsupported(node, "scattering maxima or minima"));
            }
        };
        let op = if axis.is_some() {
            "ScatterElements"
        } else {
            "ScatterND"
        };
        self.as_it_is(node, op, |n| {
            let n = n.with_string("reduction", reduction);
            match axis {
                Some(axis) => n.with_int("axis", axis as i64),
                None => n,
            }
        })
    }
}
