//! Dense and matrix products.

use redpoll_graph::op::Clamp;
use redpoll_graph::{Node, QParams, ValueId};

use super::emitter::Emitter;
use super::layout::Layout;
use super::tensor::transposed;
use crate::{Error, ErrorKind};

impl Emitter<'_> {
    /// Two-dimensional: Gemm with the weights as they are. Otherwise MatMul with transposed weights, and Add.
    pub(super) fn dense(&mut self, node: &Node, clamp: Option<Clamp>) -> Result<(), Error> {
        let x = self.real(node.inputs[0], Layout::Same)?;
        let name = self.output_name(node.output);
        let bias = node
            .inputs
            .get(2)
            .map(|&id| self.real(id, Layout::Same))
            .transpose()?;
        let result = if self.rank(node.inputs[0]) == 2 {
            let w = self.real(node.inputs[1], Layout::Same)?;
            let mut inputs = vec![x.as_str(), w.as_str()];
            inputs.extend(bias.as_deref());
            self.push("Gemm", &inputs, &name, |n| n.with_int("transB", 1))
        } else {
            let w = self.transposed_weights(node.inputs[1])?;
            let product = self.push("MatMul", &[&x, &w], &name, |n| n);
            match bias {
                Some(b) => self.push("Add", &[&product, &b], &format!("{name}_biased"), |n| n),
                None => product,
            }
        };
        let result = self.clamped(node.output, result, clamp)?;
        self.define(node.output, Layout::Same, result)
    }

    /// `[N, K]` constant as `[K, N]`, dequantised.
    fn transposed_weights(&mut self, id: ValueId) -> Result<String, Error> {
        let value = self.value(id);
        let Some(tensor) = &value.constant else {
            return Err(Error::new(
                ErrorKind::Internal,
                "dense weights are not constant",
            ));
        };
        let stored = self.initializer(
            &format!("{}_transposed", value.name),
            &transposed(tensor, &[1, 0])?,
        )?;
        match &value.qparams {
            None => Ok(stored),
            Some(q) => {
                let flipped = QParams {
                    axis: q.axis.map(|a| 1 - a),
                    ..q.clone()
                };
                self.dequantize(
                    &stored,
                    value,
                    &flipped,
                    flipped.axis,
                    &format!("{}_real", value.name),
                )
            }
        }
    }

    pub(super) fn matmul(&mut self, node: &Node) -> Result<(), Error> {
        let a = self.real(node.inputs[0], Layout::Same)?;
        let b = self.real(node.inputs[1], Layout::Same)?;
        let name = self.output_name(node.output);
        let result = self.push("MatMul", &[&a, &b], &name, |n| n);
        self.define(node.output, Layout::Same, result)
    }
}
