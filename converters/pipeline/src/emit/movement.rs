//! Operators that move elements. On quantised values they move the integers.

use redpoll_graph::op::{Pad, PadMode, SliceAxis};
use redpoll_graph::{Data, Node, Tensor, ValueId};

use super::emitter::Emitter;
use super::layout::{Layout, to_channels_first, to_channels_last};
use crate::Error;

impl Emitter<'_> {
    /// Appends Reshape to constant dimensions.
    pub(super) fn reshaped(&mut self, x: &str, shape: &[i64], name: &str) -> Result<String, Error> {
        let shape = self.initializer(
            &format!("{name}_shape"),
            &Tensor::vector_i64(shape.to_vec()),
        )?;
        Ok(self.push("Reshape", &[x, &shape], name, |n| n))
    }

    pub(super) fn reshape(&mut self, node: &Node, shape: &[usize]) -> Result<(), Error> {
        let input = node.inputs[0];
        let dims = &self.value(input).shape;
        // With at most one of channels and space above 1, both layouts hold the same order of elements.
        let space: usize = dims
            .get(1..dims.len().saturating_sub(1))
            .map_or(1, |s| s.iter().product());
        let same_order = dims.len() < 3 || space == 1 || dims.last() == Some(&1);
        let layout = if same_order {
            self.layout(input)
        } else {
            Layout::Same
        };
        let x = self.stored(input, layout)?;
        let shape: Vec<i64> = shape.iter().map(|&d| d as i64).collect();
        let name = self.movement_name(node.output);
        let result = self.reshaped(&x, &shape, &name)?;
        self.define_stored(node.output, Layout::Same, result);
        Ok(())
    }

    fn movement_name(&self, id: ValueId) -> String {
        let value = self.value(id);
        if value.is_quantized() {
            format!("{}_quantized", value.name)
        } else {
            value.name.clone()
        }
    }

    pub(super) fn transpose(&mut self, node: &Node, perm: &[usize]) -> Result<(), Error> {
        let input = node.inputs[0];
        let rank = perm.len();
        // Turning to channels-last is what the other layout is for: the same tensor, read differently.
        if rank >= 3 && perm == to_channels_last(rank) {
            let x = self.stored(input, Layout::Same)?;
            self.define_stored(node.output, Layout::ChannelsFirst, x);
            return Ok(());
        }
        if rank >= 3
            && perm == to_channels_first(rank)
            && self.layout(input) == Layout::ChannelsFirst
        {
            let x = self.stored(input, Layout::ChannelsFirst)?;
            self.define_stored(node.output, Layout::Same, x);
            return Ok(());
        }
        let x = self.stored(input, Layout::Same)?;
        let perm: Vec<i64> = perm.iter().map(|&p| p as i64).collect();
        let name = self.movement_name(node.output);
        let result = self.push("Transpose", &[&x], &name, |n| n.with_ints("perm", &perm));
        self.define_stored(node.output, Layout::Same, result);
        Ok(())
    }

    pub(super) fn concat(&mut self, node: &Node, axis: usize) -> Result<(), Error> {
        let first = node
            .inputs
            .iter()
            .all(|&id| self.layout(id) == Layout::ChannelsFirst);
        let layout = if first {
            Layout::ChannelsFirst
        } else {
            Layout::Same
        };
        let mut inputs = Vec::new();
        for &id in &node.inputs {
            inputs.push(self.real(id, layout)?);
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let axis = layout.axis(axis, self.rank(node.output)) as i64;
        let name = self.output_name(node.output);
        let result = self.push("Concat", &inputs, &name, |n| n.with_int("axis", axis));
        self.define(node.output, layout, result)
    }

    pub(super) fn slice(&mut self, node: &Node, axes: &[SliceAxis]) -> Result<(), Error> {
        let layout = self.layout(node.inputs[0]);
        let x = self.stored(node.inputs[0], layout)?;
        let axes = layout.permute(axes);
        let name = self.movement_name(node.output);
        let end = |a: &SliceAxis| {
            let last = a.start as i64 + (a.len as i64 - 1) * a.step as i64;
            // Walking down past the first element needs an end before it: ONNX clamps this one to −1.
            if a.step > 0 {
                last + 1
            } else if last == 0 {
                i64::MIN + 1
            } else {
                last - 1
            }
        };
        let mut list = |what: &str, v: Vec<i64>| {
            self.initializer(&format!("{name}_{what}"), &Tensor::vector_i64(v))
        };
        let starts = list("starts", axes.iter().map(|a| a.start as i64).collect())?;
        let ends = list("ends", axes.iter().map(end).collect())?;
        let which = list("axes", (0..axes.len() as i64).collect())?;
        let steps = list("steps", axes.iter().map(|a| a.step as i64).collect())?;
        let result = self.push("Slice", &[&x, &starts, &ends, &which, &steps], &name, |n| n);
        self.define_stored(node.output, layout, result);
        Ok(())
    }

    pub(super) fn pad(&mut self, node: &Node, pad: &Pad) -> Result<(), Error> {
        let layout = self.layout(node.inputs[0]);
        let x = self.real(node.inputs[0], layout)?;
        let name = self.output_name(node.output);
        let counts = layout
            .permute(&pad.before)
            .into_iter()
            .chain(layout.permute(&pad.after));
        let counts = Tensor::vector_i64(counts.map(|n| n as i64).collect());
        let counts = self.initializer(&format!("{name}_pads"), &counts)?;
        let value = self.initializer(
            &format!("{name}_value"),
            &Tensor::new(Vec::new(), Data::F32(vec![pad.value]))?,
        )?;
        let mode = match pad.mode {
            PadMode::Constant => "constant",
            PadMode::Edge => "edge",
            PadMode::Reflect => "reflect",
        };
        let result = self.push("Pad", &[&x, &counts, &value], &name, |n| {
            n.with_string("mode", mode)
        });
        self.define(node.output, layout, result)
    }

    pub(super) fn expand(&mut self, node: &Node, shape: &[usize]) -> Result<(), Error> {
        let x = self.stored(node.inputs[0], Layout::Same)?;
        let name = self.movement_name(node.output);
        let dims = Tensor::vector_i64(shape.iter().map(|&d| d as i64).collect());
        let dims = self.initializer(&format!("{name}_shape"), &dims)?;
        let result = self.push("Expand", &[&x, &dims], &name, |n| n);
        self.define_stored(node.output, Layout::Same, result);
        Ok(())
    }
}
