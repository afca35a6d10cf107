//! Reductions and softmax.

use redpoll_graph::op::ReduceKind;
use redpoll_graph::{Node, Tensor};

use super::emitter::Emitter;
use super::layout::Layout;
use crate::Error;

impl Emitter<'_> {
    pub(super) fn reduce(
        &mut self,
        node: &Node,
        kind: ReduceKind,
        axes: &[usize],
        keep_dims: bool,
    ) -> Result<(), Error> {
        let rank = self.rank(node.inputs[0]);
        let spatial =
            axes.len() == rank.saturating_sub(2) && axes.iter().all(|&a| a > 0 && a + 1 < rank);
        let mut layout = self.layout(node.inputs[0]);
        // Dropping other axes than all the spatial ones would leave the rest in another order.
        if layout == Layout::ChannelsFirst && !keep_dims && !spatial {
            layout = Layout::Same;
        }
        let x = self.real(node.inputs[0], layout)?;
        let name = self.output_name(node.output);
        let mut mapped: Vec<i64> = axes.iter().map(|&a| layout.axis(a, rank) as i64).collect();
        mapped.sort_unstable();
        let global = layout == Layout::ChannelsFirst && spatial && keep_dims;
        let result = match kind {
            ReduceKind::Mean if global => self.push("GlobalAveragePool", &[&x], &name, |n| n),
            ReduceKind::Max if global => self.push("GlobalMaxPool", &[&x], &name, |n| n),
            // From opset 13 on the axes of a sum are an input.
            ReduceKind::Sum => {
                let axes =
                    self.initializer(&format!("{name}_axes"), &Tensor::vector_i64(mapped))?;
                self.push("ReduceSum", &[&x, &axes], &name, |n| {
                    n.with_int("keepdims", keep_dims.into())
                })
            }
            _ => self.push(kind.name(), &[&x], &name, |n| {
                n.with_ints("axes", &mapped)
                    .with_int("keepdims", keep_dims.into())
            }),
        };
        let out_layout = if keep_dims { layout } else { Layout::Same };
        self.define(node.output, out_layout, result)
    }

    pub(super) fn softmax(&mut self, node: &Node, axis: usize) -> Result<(), Error> {
        let layout = self.layout(node.inputs[0]);
        let x = self.real(node.inputs[0], layout)?;
        let axis = layout.axis(axis, self.rank(node.inputs[0])) as i64;
        let name = self.output_name(node.output);
        let result = self.push("Softmax", &[&x], &name, |n| n.with_int("axis", axis));
        self.define(node.output, layout, result)
    }
}
