//! Resize in full: any axes, cubic, antialiased, cropped. Each axis by itself is a linear map of few weights, or for
//! nearest a look-up at constant places.

use redpoll_graph::op::{NearestRounding, SparseRows};
use redpoll_graph::{DType, Op};

use super::compose::{Compose, MAX_MADE};
use super::importer::Importer;
use super::node::{OnnxNode, Outputs, Stop, axis_of, gap, invalid};

/// How one axis is resized.
struct Axis<'a> {
    input: usize,
    output: usize,
    /// Result / source as given.
    scale: f64,
    /// The part of the source that is looked at, for cropping.
    roi: (f64, f64),
    coordinates: &'a str,
    cubic: Option<f64>,
    antialias: bool,
    exclude_outside: bool,
    /// The size before it was rounded.
    exact: f64,
}

impl Axis<'_> {
    /// The source coordinate of result `o`.
    fn coordinate(&self, o: usize) -> f64 {
        let (x, scale) = (o as f64, self.scale);
        let (input, output) = (self.input as f64, self.output as f64);
        match self.coordinates {
            "asymmetric" => x / scale,
            "align_corners" if self.exact == 1.0 => 0.0,
            // By the size before it was rounded.
            "align_corners" => x * (input - 1.0) / (self.exact - 1.0),
            "pytorch_half_pixel" if self.output == 1 => 0.0,
            "tf_half_pixel_for_nn" => (x + 0.5) / scale,
            "half_pixel_symmetric" => {
                let adjustment = output / self.exact;
                let centre = input / 2.0;
                centre * (1.0 - adjustment) + (x + 0.5) / scale - 0.5
            }
            "tf_crop_and_resize" => {
                let (start, end) = self.roi;
                if self.output == 1 {
                    0.5 * (start + end) * (input - 1.0)
                } else {
                    start * (input - 1.0) + x * (end - start) * (input - 1.0) / (output - 1.0)
                }
            }
            _ => (x + 0.5) / scale - 0.5,
        }
    }

    /// True where cropping leaves the source: the result is the extrapolation value.
    fn is_outside(&self, x: f64) -> bool {
        self.coordinates == "tf_crop_and_resize" && !(0.0..=self.input as f64 - 1.0).contains(&x)
    }

    /// Weights and places of the neighbours of a coordinate; places inside the source.
    fn taps(&self, x: f64) -> Vec<(usize, f64)> {
        // Shrinking with antialias widens the kernel.
        let squeeze = if self.antialias {
            self.scale.min(1.0)
        } else {
            1.0
        };
        let support = if self.cubic.is_some() { 2.0 } else { 1.0 } / squeeze;
        let first = libm::floor(x - support) as i64 + 1;
        let last = libm::floor(x + support) as i64;
        let kernel = |d: f64| match self.cubic {
            None => (1.0 - d.abs()).max(0.0),
            Some(a) => cubic(d.abs(), a),
        };
        let end = self.input as i64 - 1;
        let mut taps: Vec<(usize, f64)> = Vec::new();
        let mut total = 0.0;
        for k in first..=last {
            let inside = (0..=end).contains(&k);
            let weight = kernel((k as f64 - x) * squeeze);
            if !inside && self.exclude_outside {
                continue;
            }
            total += weight;
            let place = k.clamp(0, end) as usize;
            match taps.last_mut() {
                Some((at, w)) if *at == place => *w += weight,
                _ => taps.push((place, weight)),
            }
        }
        if (self.exclude_outside || self.antialias) && total != 0.0 {
            taps.iter_mut().for_each(|t| t.1 /= total);
        }
        taps
    }
}

/// Keys' kernel.
fn cubic(d: f64, a: f64) -> f64 {
    if d <= 1.0 {
        ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0
    } else if d < 2.0 {
        ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a
    } else {
        0.0
    }
}

fn nearest(x: f64, rounding: NearestRounding) -> f64 {
    match rounding {
        NearestRounding::Floor => libm::floor(x),
        NearestRounding::Ceil => libm::ceil(x),
        NearestRounding::PreferFloor => libm::ceil(x - 0.5),
        NearestRounding::PreferCeil => libm::floor(x + 0.5),
    }
}

/// Sizes and scales, an entry for each of `axes`.
fn target(
    import: &Importer<'_>,
    node: &OnnxNode<'_>,
    from: &[usize],
) -> Result<Vec<(usize, f64, f64)>, Stop> {
    let given = |i: usize| {
        node.optional(i)
            .filter(|&id| !import.graph.value(id).is_empty())
    };
    let policy = node.text_or("keep_aspect_ratio_policy", "stretch")?;
    if given(3).is_none() {
        let scales = match given(2) {
            Some(_) => import.constant_input(node, 2, "scales")?.as_f32(),
            None => return invalid("neither scales nor sizes are given"),
        };
        let Some(scales) = scales.filter(|s| s.len() == from.len()) else {
            return invalid("scales do not fit the axes");
        };
        let of = |(&scale, &n): (&f32, &usize)| {
            let exact = n as f64 * f64::from(scale);
            if scale > 0.0 && exact < 1e9 {
                Ok((libm::floor(exact) as usize, f64::from(scale), exact))
            } else {
                invalid(format!("scale {scale}"))
            }
        };
        return scales.iter().zip(from).map(of).collect();
    }
    let sizes = import.constant_ints(node, 3, "sizes")?;
    let sizes: Vec<f64> = sizes.iter().map(|&s| s as f64).collect();
    if sizes.len() != from.len() || sizes.iter().any(|&s| !(1.0..1e9).contains(&s)) {
        return invalid(format!("sizes {sizes:?}"));
    }
    let ratios = sizes.iter().zip(from).map(|(&s, &n)| s / n as f64);
    let chosen = match policy {
        "stretch" => None,
        "not_larger" => ratios.clone().reduce(f64::min),
        "not_smaller" => ratios.clone().reduce(f64::max),
        other => return invalid(format!("keep_aspect_ratio_policy is {other:?}")),
    };
    Ok(match chosen {
        None => sizes
            .iter()
            .zip(ratios)
            .map(|(&s, r)| (s as usize, r, s))
            .collect(),
        Some(r) => {
            let of = |&n: &usize| {
                let size = libm::floor(n as f64 * r + 0.5);
                (size as usize, r, size)
            };
            from.iter().map(of).collect()
        }
    })
}

/// Resize-11, -13, -18, -19 of any axes.
pub(crate) fn resize(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    rounding: NearestRounding,
) -> Outputs {
    let x = node.input(0)?;
    let shape = import.shape(x).to_vec();
    let rank = shape.len();
    let axes: Vec<usize> = match node.proto.attr_ints("axes")? {
        Some(axes) => axes
            .iter()
            .map(|&a| axis_of(a, rank))
            .collect::<Result<_, _>>()?,
        None => (0..rank).collect(),
    };
    let from: Vec<usize> = axes.iter().map(|&a| shape[a]).collect();
    if from.contains(&0) {
        return invalid("a resize of nothing");
    }
    let to = target(import, node, &from)?;
    let roi: Vec<f32> = match node.optional(1) {
        Some(_) => import
            .constant_input(node, 1, "roi")?
            .as_f32()
            .unwrap_or_default()
            .to_vec(),
        None => Vec::new(),
    };
    let coordinates = node.text_or("coordinate_transformation_mode", "half_pixel")?;
    if coordinates == "tf_crop_and_resize" && roi.len() != 2 * axes.len() {
        return invalid(format!("roi has {} entries", roi.len()));
    }
    let mode = node.text_or("mode", "nearest")?;
    let a = node.float_or("cubic_coeff_a", -0.75)?;
    let c = &mut Compose::new(import, node);
    let mut y = x;
    let mut outside: Vec<(usize, Vec<bool>)> = Vec::new();
    for (i, (&axis, &(output, scale, exact))) in axes.iter().zip(&to).enumerate() {
        let roi_of = |k: usize| roi.get(k).map_or(0.0, |&v| f64::from(v));
        let about = Axis {
            input: from[i],
            output,
            scale,
            roi: (roi_of(i), roi_of(i + axes.len())),
            coordinates,
            cubic: (mode == "cubic").then_some(f64::from(a)),
            antialias: node.flag("antialias")?,
            exclude_outside: node.flag("exclude_outside")?,
            exact,
        };
        let unchanged = output == from[i] && scale == 1.0;
        if unchanged && coordinates != "tf_crop_and_resize" {
            continue;
        }
        if output == 0 || output > MAX_MADE {
            return gap(format!("an axis of {output} elements"));
        }
        let places: Vec<f64> = (0..output).map(|o| about.coordinate(o)).collect();
        let beyond: Vec<bool> = places.iter().map(|&x| about.is_outside(x)).collect();
        if beyond.contains(&true) {
            outside.push((axis, beyond));
        }
        y = match mode {
            "nearest" => {
                let end = from[i] as f64 - 1.0;
                let at = places
                    .iter()
                    .map(|&x| nearest(x, rounding).clamp(0.0, end) as i64);
                c.gather(y, axis, at.collect())?
            }
            "linear" | "cubic" => {
                if c.import.dtype(y) != DType::F32 {
                    return gap("only floats are interpolated");
                }
                let (mut starts, mut index, mut weights) = (vec![0u32], Vec::new(), Vec::new());
                for &x in &places {
                    for (at, w) in about.taps(x) {
                        index.push(at as u32);
                        weights.push(w as f32);
                    }
                    starts.push(index.len() as u32);
                }
                let rows = SparseRows {
                    axis,
                    starts: starts.into(),
                    index: index.into(),
                    weights: weights.into(),
                };
                c.op(Op::SparseRows(rows), &[y])?
            }
            other => return invalid(format!("mode is {other:?}")),
        };
    }
    let value = node.float_or("extrapolation_value", 0.0)?;
    for (axis, beyond) in outside {
        let mut along = vec![1; rank];
        along[axis] = beyond.len();
        let mask = c.bools(along, beyond)?;
        let fill = c.number_like(y, value)?;
        y = c.select(mask, fill, y)?;
    }
    Ok(vec![y])
}
