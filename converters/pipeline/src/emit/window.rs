//! Operators over windows, and batch normalisation: always channels-first.

use redpoll_graph::op::{Conv, Pool, PoolKind};
use redpoll_graph::{Data, Node, Tensor, ValueId};
use redpoll_onnx::proto::NodeProto;

use super::emitter::Emitter;
use super::layout::Layout;
use crate::Error;

fn ints(v: &[usize]) -> Vec<i64> {
    v.iter().map(|&x| x as i64).collect()
}

fn pads(before: &[usize], after: &[usize]) -> Vec<i64> {
    before.iter().chain(after).map(|&x| x as i64).collect()
}

impl Emitter<'_> {
    pub(super) fn conv(&mut self, node: &Node, conv: &Conv) -> Result<(), Error> {
        let x = self.real(node.inputs[0], Layout::ChannelsFirst)?;
        // [M, K…, C/groups] is channels-last like an activation, so the same map gives ONNX's [M, C/groups, K…].
        let w = self.real(node.inputs[1], Layout::ChannelsFirst)?;
        let kernel = ints(&self.value(node.inputs[1]).shape[1..self.rank(node.inputs[1]) - 1]);
        let mut inputs = vec![x, w];
        if let Some(&bias) = node.inputs.get(2) {
            inputs.push(self.real(bias, Layout::Same)?);
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let name = self.output_name(node.output);
        let result = self.push("Conv", &inputs, &name, |n| {
            n.with_ints("kernel_shape", &kernel)
                .with_ints("strides", &ints(&conv.strides))
                .with_ints("dilations", &ints(&conv.dilations))
                .with_ints("pads", &pads(&conv.pads_before, &conv.pads_after))
                .with_int("group", conv.groups as i64)
        });
        let result = self.clamped(node.output, result, conv.clamp)?;
        self.define(node.output, Layout::ChannelsFirst, result)
    }

    pub(super) fn pool(&mut self, node: &Node, pool: &Pool) -> Result<(), Error> {
        let x = self.real(node.inputs[0], Layout::ChannelsFirst)?;
        let name = self.output_name(node.output);
        let shape = |n: NodeProto| {
            n.with_ints("kernel_shape", &ints(&pool.kernel))
                .with_ints("strides", &ints(&pool.strides))
                .with_ints("pads", &pads(&pool.pads_before, &pool.pads_after))
        };
        let result = match pool.kind {
            PoolKind::Max => self.push("MaxPool", &[&x], &name, |n| {
                shape(n).with_ints("dilations", &ints(&pool.dilations))
            }),
            PoolKind::Average if pool.dilations.iter().any(|&d| d != 1) => {
                return Err(self.unsupported(node, "an average over dilated windows"));
            }
            PoolKind::Average => self.push("AveragePool", &[&x], &name, |n| {
                shape(n).with_int("count_include_pad", pool.count_include_pad.into())
            }),
        };
        self.define(node.output, Layout::ChannelsFirst, result)
    }

    pub(super) fn batch_norm(&mut self, node: &Node, epsilon: f32) -> Result<(), Error> {
        let layout = if self.rank(node.inputs[0]) > 2 {
            Layout::ChannelsFirst
        } else {
            Layout::Same
        };
        let mut inputs = vec![self.real(node.inputs[0], layout)?];
        for &id in &node.inputs[1..] {
            inputs.push(self.real(id, Layout::Same)?);
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let name = self.output_name(node.output);
        let result = self.push("BatchNormalization", &inputs, &name, |n| {
            n.with_float("epsilon", epsilon)
        });
        self.define(node.output, layout, result)
    }

    /// Appends the bounds of a fused clamp, unless the range of the quantised result holds them already.
    pub(super) fn clamped(
        &mut self,
        id: ValueId,
        result: String,
        clamp: Option<redpoll_graph::op::Clamp>,
    ) -> Result<String, Error> {
        let Some(clamp) = clamp else {
            return Ok(result);
        };
        let value = self.value(id);
        if let (Some(q), Some((lo, hi))) = (&value.qparams, value.dtype.quantized_range()) {
            let quantized = |bound: f32| {
                let steps = (bound / q.scale()).round_ties_even() as i32;
                steps.saturating_add(q.zero_point()).clamp(lo, hi)
            };
            if quantized(clamp.lo) == lo && quantized(clamp.hi) == hi {
                return Ok(result);
            }
        }
        self.clip(
            &result,
            clamp.lo,
            clamp.hi,
            &format!("{}_clamped", value.name),
        )
    }

    /// Appends Relu or Clip.
    pub(super) fn clip(&mut self, x: &str, lo: f32, hi: f32, name: &str) -> Result<String, Error> {
        if lo == 0.0 && hi == f32::INFINITY {
            return Ok(self.push("Relu", &[x], name, |n| n));
        }
        let mut bound = |v: f32, what: &str| {
            if v.is_infinite() {
                return Ok(String::new());
            }
            self.initializer(
                &format!("{name}_{what}"),
                &Tensor::new(Vec::new(), Data::F32(vec![v]))?,
            )
        };
        let (lo, hi) = (bound(lo, "min")?, bound(hi, "max")?);
        Ok(self.push("Clip", &[x, &lo, &hi], name, |n| n))
    }
}
