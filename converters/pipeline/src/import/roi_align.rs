//! RoiAlign: regions sampled between elements, each bin the mean or the greatest of its samples.

use redpoll_graph::op::{BinaryFn, ReduceKind};
use redpoll_graph::{DType, ValueId};

use super::compose::{Compose, MAX_MADE};
use super::importer::Importer;
use super::node::{OnnxNode, Outputs, Stop, gap, invalid};
use super::sample::{Border, C, affine, clamp, combined, taps};

/// How regions are sampled.
struct Sampling {
    rois: ValueId,
    ratio: usize,
    half: bool,
}

impl Sampling {
    /// Places along one axis, `[count, bins · ratio]`, and 1 or 0 for whether each counts.
    fn along(
        &self,
        c: C<'_, '_, '_, '_, '_>,
        first: usize,
        bins: usize,
        size: usize,
    ) -> Result<(ValueId, ValueId), Stop> {
        let start = c.slice(self.rois, 1, first, 1, 1)?;
        let end = c.slice(self.rois, 1, first + 2, 1, 1)?;
        let mut length = c.sub(end, start)?;
        if !self.half {
            length = clamp(c, length, 1.0, f32::INFINITY)?;
        }
        let n = bins * self.ratio;
        let line = (0..n).map(|i| (i as f32 + 0.5) / n as f32).collect();
        let line = c.floats(vec![1, n], line)?;
        let steps = c.mul(length, line)?;
        let place = c.add(start, steps)?;
        let near = clamp(c, place, -1.0, size as f32)?;
        let inside = c.binary(BinaryFn::Equal, near, place)?;
        let inside = c.cast(inside, DType::F32)?;
        Ok((clamp(c, place, 0.0, size as f32 - 1.0)?, inside))
    }
}

/// A value a row or a column of `[count, rows, columns]`, for each of its elements: `[1, count · rows · columns]`.
fn spread(
    c: C<'_, '_, '_, '_, '_>,
    v: ValueId,
    vertical: bool,
    [count, rows, columns]: [usize; 3],
) -> Result<ValueId, Stop> {
    let shape = if vertical {
        vec![count, rows, 1]
    } else {
        vec![count, 1, columns]
    };
    let v = c.reshape(v, shape)?;
    let v = c.expand(v, vec![count, rows, columns])?;
    c.reshape(v, vec![1, count * rows * columns])
}

/// RoiAlign-10, -16, -22 with a fixed sampling ratio.
pub(crate) fn roi_align(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let (x, rois, batch) = (node.input(0)?, node.input(1)?, node.input(2)?);
    let (xs, rs) = (import.shape(x).to_vec(), import.shape(rois).to_vec());
    let (&[n, channels, h, w], &[count, 4]) = (xs.as_slice(), rs.as_slice()) else {
        return invalid(format!("regions {rs:?} of {xs:?}"));
    };
    let size = |name: &str, default: i64| -> Result<usize, Stop> {
        match usize::try_from(node.int_or(name, default)?) {
            Ok(v) if v <= 4096 => Ok(v),
            _ => invalid(format!("{name} is out of range")),
        }
    };
    let (oh, ow) = (size("output_height", 1)?, size("output_width", 1)?);
    let ratio = size("sampling_ratio", 0)?;
    if ratio == 0 {
        return gap("sampling_ratio=0: the number of samples would depend on the data");
    }
    if oh == 0 || ow == 0 || [n, h, w].contains(&0) {
        return invalid("an empty result");
    }
    let samples = [oh, ratio, ow, ratio, count]
        .iter()
        .try_fold(1usize, |n, &d| n.checked_mul(d));
    if samples.is_none_or(|n| n > MAX_MADE) {
        return gap("too many samples");
    }
    let half = match node.text_or(
        "coordinate_transformation_mode",
        if node.opset < 16 {
            "output_half_pixel"
        } else {
            "half_pixel"
        },
    )? {
        "half_pixel" => true,
        "output_half_pixel" => false,
        other => return invalid(format!("coordinate_transformation_mode is {other:?}")),
    };
    let scale = node.float_or("spatial_scale", 1.0)?;
    let greatest = match node.text_or("mode", "avg")? {
        "avg" => false,
        "max" => true,
        other => return invalid(format!("mode is {other:?}")),
    };
    let c = &mut Compose::new(import, node);
    let rois = affine(c, rois, scale, if half { -0.5 } else { 0.0 })?;
    let sampling = Sampling { rois, ratio, half };
    let (y, y_counts) = sampling.along(c, 1, oh, h)?;
    let (x_at, x_counts) = sampling.along(c, 0, ow, w)?;
    let (rows, columns) = (oh * ratio, ow * ratio);
    let counts = {
        let a = c.reshape(y_counts, vec![count, rows, 1])?;
        let b = c.reshape(x_counts, vec![count, 1, columns])?;
        c.mul(a, b)?
    };
    // One flat axis for all batches: [1, C, N · H · W].
    let data = c.transpose(x, vec![1, 0, 2, 3])?;
    let data = c.reshape(data, vec![1, channels, n * h, w])?;
    let base = c.cast(batch, DType::F32)?;
    let base = c.scale(base, h as f32)?;
    let base = c.reshape(base, vec![count, 1])?;
    let to = [count, rows, columns];
    let mut vertical = Vec::new();
    for (at, weight) in taps(c, y, "linear")? {
        let at = clamp(c, at, 0.0, h as f32 - 1.0)?;
        let at = c.add(at, base)?;
        let weight = match weight {
            Some(weight) => Some(spread(c, weight, true, to)?),
            None => None,
        };
        vertical.push((spread(c, at, true, to)?, weight));
    }
    let mut horizontal = Vec::new();
    for (at, weight) in taps(c, x_at, "linear")? {
        let weight = match weight {
            Some(weight) => Some(spread(c, weight, false, to)?),
            None => None,
        };
        horizontal.push((spread(c, at, false, to)?, weight));
    }
    // The greatest of the weighted neighbours, or their sum; then over the samples of a bin.
    let (function, kind) = if greatest {
        (BinaryFn::Max, ReduceKind::Max)
    } else {
        (BinaryFn::Add, ReduceKind::Mean)
    };
    let v = combined(c, function, data, &[vertical, horizontal], Border::Edge)?;
    let v = c.reshape(v, vec![channels, count, rows, columns])?;
    let v = c.mul(v, counts)?;
    let v = c.reshape(v, vec![channels, count, oh, ratio, ow, ratio])?;
    let v = c.reduce(kind, &[3, 5], false, v)?;
    Ok(vec![c.transpose(v, vec![1, 0, 2, 3])?])
}
