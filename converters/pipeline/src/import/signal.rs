//! Fourier transforms as matrix products, windows, the mel filter bank: constants once sizes are known.

use std::f64::consts::PI;

use redpoll_graph::ValueId;

use super::compose::{Compose, MAX_MADE};
use super::convert::output_type;
use super::importer::Importer;
use super::node::{OnnxNode, Outputs, Stop, axis_of, gap, invalid};

/// One integer of an input that must be constant.
fn one(import: &Importer<'_>, node: &OnnxNode<'_>, index: usize, what: &str) -> Result<i64, Stop> {
    match import.constant_ints(node, index, what)?[..] {
        [v] => Ok(v),
        _ => invalid(format!("{what} is not one integer")),
    }
}

fn size(v: i64, what: &str) -> Result<usize, Stop> {
    match usize::try_from(v) {
        Ok(n) if n <= MAX_MADE => Ok(n),
        _ => invalid(format!("{what} is {v}")),
    }
}

/// HannWindow-17, HammingWindow-17, BlackmanWindow-17.
pub(crate) fn window(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let n = size(one(import, node, 0, "the size")?, "the size")?;
    let periodic = node.int_or("periodic", 1)? != 0;
    let round = if periodic { n } else { n.saturating_sub(1) } as f64;
    let terms: &[f64] = match node.proto.op_type.as_str() {
        "HannWindow" => &[0.5, -0.5],
        "HammingWindow" => &[25.0 / 46.0, -21.0 / 46.0],
        _ => &[0.42, -0.5, 0.08],
    };
    let at = |i: usize| {
        let angle = 2.0 * PI * i as f64 / round;
        let term = |(k, &a): (usize, &f64)| a * libm::cos(k as f64 * angle);
        terms.iter().enumerate().map(term).sum::<f64>() as f32
    };
    let c = &mut Compose::new(import, node);
    let window = c.floats(vec![n], (0..n).map(at).collect())?;
    output_type(c, window, "output_datatype").map(|y| vec![y])
}

/// MelWeightMatrix-17.
pub(crate) fn mel_weight_matrix(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let bins = size(one(import, node, 0, "num_mel_bins")?, "num_mel_bins")?;
    let length = size(one(import, node, 1, "dft_length")?, "dft_length")?;
    let rate = one(import, node, 2, "sample_rate")?;
    let edge = |i: usize, what: &str| -> Result<f64, Stop> {
        match import.constant_input(node, i, what)?.scalar_f32() {
            Some(v) if v.is_finite() => Ok(v.into()),
            _ => invalid(format!("{what} is not one finite float")),
        }
    };
    let (low, high) = (edge(3, "lower_edge_hertz")?, edge(4, "upper_edge_hertz")?);
    let spectrum = length / 2 + 1;
    if rate <= 0 || bins.checked_mul(spectrum).is_none_or(|n| n > MAX_MADE) {
        return invalid(format!("{bins} bins of {length} at a rate of {rate}"));
    }
    let mel = |hertz: f64| 2595.0 * libm::log10(1.0 + hertz / 700.0);
    let step = (mel(high) - mel(low)) / (bins + 2) as f64;
    let place = |i: usize| {
        let hertz = 700.0 * (libm::pow(10.0, (i as f64 * step + mel(low)) / 2595.0) - 1.0);
        libm::floor((length + 1) as f64 * hertz / rate as f64).max(0.0) as usize
    };
    let mut v = vec![0.0f32; spectrum * bins];
    for bin in 0..bins {
        let (left, centre, right) = (place(bin), place(bin + 1), place(bin + 2));
        if right > spectrum {
            return invalid("the upper edge is above half the sample rate");
        }
        let mut set = |at: usize, value: f64| {
            if let Some(e) = v.get_mut(at * bins + bin) {
                *e = value as f32;
            }
        };
        if left == centre {
            set(centre, 1.0);
        } else {
            (left..=centre).for_each(|j| set(j, (j - left) as f64 / (centre - left) as f64));
        }
        if right > centre {
            (centre..right).for_each(|j| set(j, (right - j) as f64 / (right - centre) as f64));
        }
    }
    let c = &mut Compose::new(import, node);
    let matrix = c.floats(vec![spectrum, bins], v)?;
    output_type(c, matrix, "output_datatype").map(|y| vec![y])
}

/// A transform of complex or real numbers, `[.., n, 1 or 2]`.
struct Transform {
    /// Numbers transformed; more are cut off, missing ones are 0.
    length: usize,
    inverse: bool,
    onesided: bool,
}

impl Transform {
    /// The matrix `[inputs · parts, outputs · kinds]` for `given` numbers of `parts` parts each.
    fn matrix(&self, given: usize, parts: usize) -> Result<(Vec<f32>, usize, usize), Stop> {
        let n = self.length;
        // From one side of a spectrum back to real numbers, or to one side of a spectrum, or all.
        let real = self.inverse && self.onesided;
        let outputs = if self.onesided && !self.inverse {
            n / 2 + 1
        } else {
            n
        };
        let kinds = if real { 1 } else { 2 };
        let elements = given
            .checked_mul(parts)
            .and_then(|e| e.checked_mul(outputs * kinds));
        if n == 0 || elements.is_none_or(|e| e > MAX_MADE) {
            return gap(format!("a transform of {n} numbers"));
        }
        let mut m = vec![0.0f32; given * parts * outputs * kinds];
        let scale = if self.inverse { 1.0 / n as f64 } else { 1.0 };
        let sign = if self.inverse { 1.0 } else { -1.0 };
        for i in 0..given.min(n) {
            // The other side of a spectrum is the first one mirrored.
            let twice = real && i > 0 && 2 * i < n;
            if real && 2 * i > n {
                continue;
            }
            let weight = if twice { 2.0 * scale } else { scale };
            for o in 0..outputs {
                let turn = (i as u128 * o as u128 % n as u128) as f64 / n as f64;
                let angle = sign * 2.0 * PI * turn;
                let (cos, sin) = (libm::cos(angle) * weight, libm::sin(angle) * weight);
                let mut set = |part: usize, kind: usize, v: f64| {
                    m[((i * parts + part) * outputs + o) * kinds + kind] = v as f32;
                };
                set(0, 0, cos);
                if kinds == 2 {
                    set(0, 1, sin);
                }
                if parts == 2 {
                    set(1, 0, -sin);
                    if kinds == 2 {
                        set(1, 1, cos);
                    }
                }
            }
        }
        Ok((m, outputs, kinds))
    }

    /// Applies it to `x [.., n, parts]`, the last two axes.
    fn apply(&self, c: &mut Compose<'_, '_, '_, '_>, x: ValueId) -> Result<ValueId, Stop> {
        let shape = c.shape(x);
        let &[.., given, parts] = shape.as_slice() else {
            return invalid(format!("shape {shape:?}"));
        };
        if !(1..=2).contains(&parts) {
            return invalid(format!("{parts} parts of a number"));
        }
        let (m, outputs, kinds) = self.matrix(given, parts)?;
        let m = c.floats(vec![given * parts, outputs * kinds], m)?;
        let rows: usize = shape[..shape.len() - 2].iter().product();
        let flat = c.reshape(x, vec![rows, given * parts])?;
        let y = c.matmul(flat, m)?;
        let mut to = shape[..shape.len() - 2].to_vec();
        to.extend([outputs, kinds]);
        c.reshape(y, to)
    }
}

/// DFT-17 (axis as attribute), -20 (axis as input), as a product with the matrix of the transform.
pub(crate) fn dft(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let rank = import.rank(x);
    let axis = if node.opset < 20 {
        node.int_or("axis", 1)?
    } else if node.optional(2).is_some() {
        one(import, node, 2, "the axis")?
    } else {
        -2
    };
    let axis = axis_of(axis, rank)?;
    if axis + 1 == rank {
        return invalid("the last axis holds the parts of a number");
    }
    let (inverse, onesided) = (node.flag("inverse")?, node.flag("onesided")?);
    let length = match node.optional(1) {
        Some(_) => size(one(import, node, 1, "the length")?, "the length")?,
        None if inverse && onesided => 2 * import.shape(x)[axis].saturating_sub(1),
        None => import.shape(x)[axis],
    };
    let transform = Transform {
        length,
        inverse,
        onesided,
    };
    let c = &mut Compose::new(import, node);
    // The axis beside the parts.
    let mut perm: Vec<usize> = (0..rank - 1).filter(|&i| i != axis).collect();
    perm.extend([axis, rank - 1]);
    let x = c.transpose(x, perm.clone())?;
    let y = transform.apply(c, x)?;
    let mut back = vec![0; rank];
    for (i, &p) in perm.iter().enumerate() {
        back[p] = i;
    }
    Ok(vec![c.transpose(y, back)?])
}

/// STFT-17: frames by constant places, the window, the transform.
pub(crate) fn stft(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let signal = node.input(0)?;
    let step = size(one(import, node, 1, "frame_step")?, "frame_step")?;
    let window = node.optional(2);
    let length = match node.optional(3) {
        Some(_) => size(one(import, node, 3, "frame_length")?, "frame_length")?,
        None => match window {
            Some(w) => import.graph.value(w).len(),
            None => return invalid("neither window nor frame_length is given"),
        },
    };
    let c = &mut Compose::new(import, node);
    let shape = c.shape(signal);
    let (b, samples, parts) = match *shape.as_slice() {
        [b, n] => (b, n, 1),
        [b, n, parts] => (b, n, parts),
        _ => return invalid(format!("a signal of shape {shape:?}")),
    };
    if step == 0 || length == 0 || samples < length {
        return invalid(format!("frames of {length} by {step} of {samples} samples"));
    }
    let frames = (samples - length) / step + 1;
    if frames.checked_mul(length).is_none_or(|n| n > MAX_MADE) {
        return gap(format!("{frames} frames of {length} samples"));
    }
    let places = (0..frames).flat_map(|f| (0..length).map(move |i| (f * step + i) as i64));
    let flat = c.reshape(signal, vec![b, samples, parts])?;
    let x = c.gather(flat, 1, places.collect())?;
    let mut x = c.reshape(x, vec![b, frames, length, parts])?;
    if let Some(window) = window {
        let w = c.reshape(window, vec![1, 1, length, 1])?;
        x = c.mul(x, w)?;
    }
    let transform = Transform {
        length,
        inverse: false,
        onesided: node.int_or("onesided", 1)? != 0,
    };
    Ok(vec![transform.apply(c, x)?])
}
