//! Resizing of the spatial axes: channels-first.

use redpoll_graph::op::{NearestRounding, Resize, ResizeCoordinates, ResizeMode};
use redpoll_graph::{Node, Tensor};

use super::emitter::Emitter;
use super::layout::Layout;
use crate::Error;

impl Emitter<'_> {
    pub(super) fn resize(&mut self, node: &Node, resize: &Resize) -> Result<(), Error> {
        let x = self.real(node.inputs[0], Layout::ChannelsFirst)?;
        let name = self.output_name(node.output);
        let mut scales = vec![1.0, 1.0];
        scales.extend(&resize.scales);
        let scales = self.initializer(&format!("{name}_scales"), &Tensor::vector_f32(scales))?;
        let coordinates = match resize.coordinates {
            ResizeCoordinates::Asymmetric => "asymmetric",
            ResizeCoordinates::HalfPixel => "half_pixel",
            ResizeCoordinates::PytorchHalfPixel => "pytorch_half_pixel",
            ResizeCoordinates::AlignCorners => "align_corners",
        };
        let result = self.push("Resize", &[&x, "", &scales], &name, |n| {
            let n = n.with_string("coordinate_transformation_mode", coordinates);
            match resize.mode {
                ResizeMode::Linear => n.with_string("mode", "linear"),
                ResizeMode::Nearest(rounding) => n.with_string("mode", "nearest").with_string(
                    "nearest_mode",
                    match rounding {
                        NearestRounding::Floor => "floor",
                        NearestRounding::Ceil => "ceil",
                        NearestRounding::PreferFloor => "round_prefer_floor",
                        NearestRounding::PreferCeil => "round_prefer_ceil",
                    },
                ),
            }
        });
        self.define(node.output, Layout::ChannelsFirst, result)
    }
}
