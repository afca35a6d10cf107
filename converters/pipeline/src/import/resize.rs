//! Resize and Upsample.

use redpoll_graph::op::{NearestRounding, Resize, ResizeCoordinates, ResizeMode};
use redpoll_graph::{Op, ValueId};

use super::importer::Importer;
use super::interpolate;
use super::layout::channels_last;
use super::node::{OnnxNode, Outputs, Stop, axis_of, gap, invalid};

/// Upsample-7 (attribute), -9 (input): asymmetric coordinates, nearest rounds down.
pub(crate) fn upsample(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let scales = if node.opset < 9 {
        match node.proto.attr_floats("scales")? {
            Some(scales) => scales.to_vec(),
            None => return invalid("attribute \"scales\" is missing"),
        }
    } else {
        floats(import, node, 1)?
    };
    let mode = mode(node, NearestRounding::Floor)?;
    let target = Target::Scales(scales);
    finish(import, node, mode, ResizeCoordinates::Asymmetric, target)
}

/// Resize-10 (input, scales), -11, -13, -18, -19 (input, roi, scales, sizes).
pub(crate) fn resize(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    if node.opset < 11 {
        let scales = floats(import, node, 1)?;
        // Before opset 11 nearest rounds down when enlarging and up when shrinking.
        let shrinks = scales.iter().any(|&s| s < 1.0);
        if shrinks && scales.iter().any(|&s| s > 1.0) {
            return gap("one axis grows and another shrinks; use opset 11 or later");
        }
        let rounding = if shrinks {
            NearestRounding::Ceil
        } else {
            NearestRounding::Floor
        };
        let mode = mode(node, rounding)?;
        let target = Target::Scales(scales);
        return finish(import, node, mode, ResizeCoordinates::Asymmetric, target);
    }
    let rounding = match node.text_or("nearest_mode", "round_prefer_floor")? {
        "round_prefer_floor" => NearestRounding::PreferFloor,
        "round_prefer_ceil" => NearestRounding::PreferCeil,
        "floor" => NearestRounding::Floor,
        "ceil" => NearestRounding::Ceil,
        other => return invalid(format!("nearest_mode is {other:?}")),
    };
    let coordinates = match node.text_or("coordinate_transformation_mode", "half_pixel")? {
        "half_pixel" => ResizeCoordinates::HalfPixel,
        "asymmetric" => ResizeCoordinates::Asymmetric,
        "pytorch_half_pixel" => ResizeCoordinates::PytorchHalfPixel,
        "align_corners" => ResizeCoordinates::AlignCorners,
        "half_pixel_symmetric" | "tf_crop_and_resize" | "tf_half_pixel_for_nn" => {
            return interpolate::resize(import, node, rounding);
        }
        other => return invalid(format!("coordinate_transformation_mode is {other:?}")),
    };
    let plain = node.text_or("keep_aspect_ratio_policy", "stretch")? == "stretch"
        && !node.flag("antialias")?
        && node.text_or("mode", "nearest")? != "cubic"
        && coordinates != ResizeCoordinates::AlignCorners;
    if !plain {
        return interpolate::resize(import, node, rounding);
    }
    let given = |import: &Importer<'_>, i: usize| {
        node.optional(i)
            .is_some_and(|id| !import.graph.value(id).is_empty())
    };
    let target = if given(import, 3) {
        Target::Sizes(import.constant_ints(node, 3, "sizes")?)
    } else if given(import, 2) {
        Target::Scales(floats(import, node, 2)?)
    } else {
        return invalid("neither scales nor sizes are given");
    };
    let mode = mode(node, rounding)?;
    finish(import, node, mode, coordinates, target)
}

/// What decides the new size, an entry for each axis (or each of `axes`).
enum Target {
    Scales(Vec<f32>),
    Sizes(Vec<i64>),
}

impl Target {
    fn len(&self) -> usize {
        match self {
            Self::Scales(v) => v.len(),
            Self::Sizes(v) => v.len(),
        }
    }

    /// New size and scale of an axis of length `from`, by entry `i`.
    fn axis(&self, i: usize, from: usize) -> Result<(usize, f32), Stop> {
        match self {
            Self::Scales(scales) => {
                let scale = scales[i];
                let size = (from as f32 * scale).floor();
                if scale.is_finite() && scale > 0.0 && size < 1e9 {
                    // Floor of a float in 0..1e9.
                    Ok((size as usize, scale))
                } else {
                    invalid(format!("scale {scale}"))
                }
            }
            Self::Sizes(sizes) => match usize::try_from(sizes[i]) {
                Ok(size) if from > 0 => Ok((size, size as f32 / from as f32)),
                _ => invalid(format!("size {}", sizes[i])),
            },
        }
    }
}

fn floats(import: &Importer<'_>, node: &OnnxNode<'_>, index: usize) -> Result<Vec<f32>, Stop> {
    match import.constant_input(node, index, "scales")?.as_f32() {
        Some(v) => Ok(v.to_vec()),
        None => invalid("scales are not floats"),
    }
}

fn mode(node: &OnnxNode<'_>, rounding: NearestRounding) -> Result<ResizeMode, Stop> {
    match node.text_or("mode", "nearest")? {
        "nearest" => Ok(ResizeMode::Nearest(rounding)),
        "linear" | "bilinear" => Ok(ResizeMode::Linear),
        other => gap(format!("mode {other:?} is not supported; use \"linear\"")),
    }
}

fn finish(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    mode: ResizeMode,
    coordinates: ResizeCoordinates,
    target: Target,
) -> Outputs {
    let x: ValueId = node.input(0)?;
    let shape = import.shape(x).to_vec();
    let rank = shape.len();
    let axes: Vec<usize> = match node.proto.attr_ints("axes")? {
        Some(axes) => axes
            .iter()
            .map(|&a| axis_of(a, rank))
            .collect::<Result<_, _>>()?,
        None => (0..rank).collect(),
    };
    if target.len() != axes.len() {
        return invalid(format!(
            "{} scales or sizes for {} axes",
            target.len(),
            axes.len()
        ));
    }
    let mut sizes = shape.clone();
    let mut scales = vec![1.0; rank];
    for (i, &axis) in axes.iter().enumerate() {
        (sizes[axis], scales[axis]) = target.axis(i, shape[axis])?;
    }
    if sizes == shape && scales.iter().all(|&s| s == 1.0) {
        return Ok(vec![x]);
    }
    if !(3..=4).contains(&rank) || sizes[..2] != shape[..2] {
        if node.opset < 11 {
            return gap(format!(
                "{shape:?} to {sizes:?}: only 1 or 2 spatial axes of [N, C, …] can be resized"
            ));
        }
        let rounding = match mode {
            ResizeMode::Nearest(rounding) => rounding,
            ResizeMode::Linear => NearestRounding::Floor,
        };
        return interpolate::resize(import, node, rounding);
    }
    let op = Op::Resize(Resize {
        mode,
        coordinates,
        sizes: sizes[2..].to_vec(),
        scales: scales[2..].to_vec(),
    });
    Ok(vec![channels_last(import, node, op, x, &[])?])
}
