//! Deformable convolution: the elements that each tap meets, by sampling, then a matrix product.

use super::compose::{Compose, MAX_MADE};
use super::importer::Importer;
use super::node::{OnnxNode, Outputs, Stop, gap, invalid};
use super::sample::{Border, clamp, mix, taps};

/// DeformConv-19, -22 over two spatial axes: the elements that each tap meets, then a matrix product.
pub(crate) fn deform_conv(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let (x, w, offset) = (node.input(0)?, node.input(1)?, node.input(2)?);
    let (xs, ws, os) = (
        import.shape(x).to_vec(),
        import.shape(w).to_vec(),
        import.shape(offset).to_vec(),
    );
    let (&[n, channels, h, wd], &[m, per, kh, kw], &[_, offsets, oh, ow]) =
        (xs.as_slice(), ws.as_slice(), os.as_slice())
    else {
        return gap("only two spatial axes are supported");
    };
    let strides = node.sizes_or("strides", 2, 1, 1)?;
    let dilations = node.sizes_or("dilations", 2, 1, 1)?;
    let pads = node.sizes_or("pads", 4, 0, 0)?;
    let attribute = |name: &str| -> Result<usize, Stop> {
        match usize::try_from(node.int_or(name, 1)?) {
            Ok(v) if v > 0 => Ok(v),
            _ => invalid(format!("{name} must be at least 1")),
        }
    };
    let (groups, sets) = (attribute("group")?, attribute("offset_group")?);
    let taps_count = kh * kw;
    let fits = per.checked_mul(groups) == Some(channels)
        && m % groups == 0
        && channels % sets == 0
        && sets.checked_mul(2 * taps_count) == Some(offsets)
        && ![n, channels, h, wd, oh, ow, taps_count].contains(&0);
    let points = taps_count.checked_mul(oh * ow).filter(|&p| p <= MAX_MADE);
    let (true, Some(points)) = (fits, points) else {
        return invalid(format!("weights {ws:?} and offsets {os:?} for {xs:?}"));
    };
    let base = |axis: usize| {
        move |p: usize, strides: &[usize], dilations: &[usize], pads: &[usize]| {
            let (tap, place) = (p / (oh * ow), p % (oh * ow));
            let (k, o) = if axis == 0 {
                (tap / kw, place / ow)
            } else {
                (tap % kw, place % ow)
            };
            (o * strides[axis] + k * dilations[axis]) as f32 - pads[axis] as f32
        }
    };
    let c = &mut Compose::new(import, node);
    // Each set of offsets is a batch of its own.
    let each = channels / sets;
    let data = c.reshape(x, vec![n * sets, each, h, wd])?;
    let moves = c.reshape(offset, vec![n * sets, taps_count, 2, oh * ow])?;
    let mut lists = Vec::with_capacity(2);
    for (axis, size) in [h, wd].into_iter().enumerate() {
        let by = c.slice(moves, 2, axis, 1, 1)?;
        let by = c.reshape(by, vec![n * sets, points])?;
        let at = base(axis);
        let start = (0..points).map(|p| at(p, &strides, &dilations, &pads));
        let start = start.collect();
        let start = c.floats(vec![1, points], start)?;
        let place = c.add(by, start)?;
        let place = clamp(c, place, -2.0, size as f32 + 1.0)?;
        lists.push(taps(c, place, "linear")?);
    }
    let v = mix(c, data, &lists, Border::Zeros)?;
    let mut v = c.reshape(v, vec![n, sets, each, taps_count, oh * ow])?;
    if let Some(mask) = node.optional(4) {
        let mask = c.reshape(mask, vec![n, sets, 1, taps_count, oh * ow])?;
        v = c.mul(v, mask)?;
    }
    let v = c.reshape(v, vec![n, groups, per * taps_count, oh * ow])?;
    let weights = c.reshape(w, vec![groups, m / groups, per * taps_count])?;
    let y = c.matmul(weights, v)?;
    let mut y = c.reshape(y, vec![n, m, oh, ow])?;
    if let Some(bias) = node.optional(3) {
        let bias = c.reshape(bias, vec![m, 1, 1])?;
        y = c.add(y, bias)?;
    }
    Ok(vec![y])
}
