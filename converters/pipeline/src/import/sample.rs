//! Reading between elements at places that are computed at run time: what sampling operators share, and GridSample.
//!
//! They are written out: places as arithmetic, elements by GatherElements, weights as products.

use redpoll_graph::op::{BinaryFn, Clamp, UnaryFn};
use redpoll_graph::{DType, Op, ValueId};

use super::compose::Compose;
use super::importer::Importer;
use super::node::{OnnxNode, Outputs, Stop, gap, invalid};

pub(crate) type C<'a, 'c, 'i, 'n, 'p> = &'a mut Compose<'c, 'i, 'n, 'p>;

/// `a · x + b`.
pub(crate) fn affine(
    c: C<'_, '_, '_, '_, '_>,
    x: ValueId,
    a: f32,
    b: f32,
) -> Result<ValueId, Stop> {
    let y = c.scale(x, a)?;
    if b == 0.0 {
        return Ok(y);
    }
    let b = c.number(b)?;
    c.add(y, b)
}

pub(crate) fn clamp(
    c: C<'_, '_, '_, '_, '_>,
    x: ValueId,
    lo: f32,
    hi: f32,
) -> Result<ValueId, Stop> {
    c.unary(UnaryFn::Clamp(Clamp { lo, hi }), x)
}

/// What lies beyond the border.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Border {
    Zeros,
    Edge,
    Reflection { aligned: bool },
}

impl Border {
    /// The place inside that stands for `x`, and 1 or 0 for whether it counts (`None`: always).
    fn place(
        self,
        c: C<'_, '_, '_, '_, '_>,
        x: ValueId,
        size: usize,
    ) -> Result<(ValueId, Option<ValueId>), Stop> {
        let last = size as f32 - 1.0;
        match self {
            Self::Edge => Ok((clamp(c, x, 0.0, last)?, None)),
            Self::Zeros => {
                let inside = clamp(c, x, 0.0, last)?;
                let same = c.binary(BinaryFn::Equal, x, inside)?;
                Ok((inside, Some(c.cast(same, DType::F32)?)))
            }
            Self::Reflection { aligned } => {
                let (low, span) = if aligned {
                    (0.0, last)
                } else {
                    (-0.5, size as f32)
                };
                if span == 0.0 {
                    return Ok((clamp(c, x, 0.0, 0.0)?, None));
                }
                // A triangle wave of period 2 · span.
                let t = affine(c, x, 1.0, -low)?;
                let period = c.number(2.0 * span)?;
                let t = c.binary(BinaryFn::Mod, t, period)?;
                let t = affine(c, t, 1.0, -span)?;
                let t = c.unary(UnaryFn::Abs, t)?;
                let t = affine(c, t, -1.0, span + low)?;
                Ok((clamp(c, t, 0.0, last)?, None))
            }
        }
    }
}

/// The neighbours along one axis that a result is mixed of, each with its weight (`None`: 1).
pub(crate) type Taps = Vec<(ValueId, Option<ValueId>)>;

/// Neighbours of `x` along an axis, before the border is looked at.
pub(crate) fn taps(c: C<'_, '_, '_, '_, '_>, x: ValueId, mode: &str) -> Result<Taps, Stop> {
    match mode {
        "nearest" => Ok(vec![(c.unary(UnaryFn::Round, x)?, None)]),
        "linear" | "bilinear" => {
            let low = c.unary(UnaryFn::Floor, x)?;
            let high = affine(c, low, 1.0, 1.0)?;
            let share = c.sub(x, low)?;
            let rest = affine(c, share, -1.0, 1.0)?;
            Ok(vec![(low, Some(rest)), (high, Some(share))])
        }
        "cubic" | "bicubic" => {
            let low = c.unary(UnaryFn::Floor, x)?;
            let t = c.sub(x, low)?;
            let mut list = Vec::new();
            for k in [-1.0f32, 0.0, 1.0, 2.0] {
                let at = affine(c, low, 1.0, k)?;
                let d = affine(c, t, 1.0, -k)?;
                let d = c.unary(UnaryFn::Abs, d)?;
                // Keys' kernel with a = −0.75, by Horner.
                let a = -0.75f32;
                let w = if (0.0..=1.0).contains(&k) {
                    let w = affine(c, d, a + 2.0, -(a + 3.0))?;
                    let w = c.mul(w, d)?;
                    let w = c.mul(w, d)?;
                    affine(c, w, 1.0, 1.0)?
                } else {
                    let w = affine(c, d, a, -5.0 * a)?;
                    let w = c.mul(w, d)?;
                    let w = affine(c, w, 1.0, 8.0 * a)?;
                    let w = c.mul(w, d)?;
                    affine(c, w, 1.0, -4.0 * a)?
                };
                list.push((at, Some(w)));
            }
            Ok(list)
        }
        other => invalid(format!("mode is {other:?}")),
    }
}

fn times(
    c: C<'_, '_, '_, '_, '_>,
    a: Option<ValueId>,
    b: Option<ValueId>,
) -> Result<Option<ValueId>, Stop> {
    Ok(match (a, b) {
        (Some(a), Some(b)) => Some(c.mul(a, b)?),
        (a, b) => a.or(b),
    })
}

/// Mixes elements of `data [N, C, S…]` for places `[N, P]` along each spatial axis: `[N, C, P]`.
pub(crate) fn mix(
    c: C<'_, '_, '_, '_, '_>,
    data: ValueId,
    axes: &[Taps],
    border: Border,
) -> Result<ValueId, Stop> {
    combined(c, BinaryFn::Add, data, axes, border)
}

/// As [`mix`] with another function than the sum of the weighted neighbours.
pub(crate) fn combined(
    c: C<'_, '_, '_, '_, '_>,
    function: BinaryFn,
    data: ValueId,
    axes: &[Taps],
    border: Border,
) -> Result<ValueId, Stop> {
    let shape = c.shape(data);
    let (n, channels) = (shape[0], shape[1]);
    let area: usize = shape[2..].iter().product();
    if area >= 1 << 24 {
        return gap(format!("planes of {area} elements"));
    }
    let flat = c.reshape(data, vec![n, channels, area])?;
    // All combinations of neighbours, with flat place and weight.
    let mut all: Vec<(Option<ValueId>, Option<ValueId>)> = vec![(None, None)];
    for (axis, list) in axes.iter().enumerate() {
        let size = shape[2 + axis];
        let mut inside = Vec::new();
        for &(at, weight) in list {
            let (at, counts) = border.place(c, at, size)?;
            inside.push((at, times(c, weight, counts)?));
        }
        let mut next = Vec::new();
        for &(flat, weight) in &all {
            for &(at, own) in &inside {
                let place = match flat {
                    None => at,
                    Some(flat) => {
                        let moved = c.scale(flat, size as f32)?;
                        c.add(moved, at)?
                    }
                };
                next.push((Some(place), times(c, weight, own)?));
            }
        }
        all = next;
    }
    let mut sum = None;
    for (place, weight) in all {
        let Some(place) = place else {
            return invalid("no spatial axis");
        };
        let points = c.shape(place)[1];
        let place = c.cast(place, DType::I64)?;
        let place = c.reshape(place, vec![n, 1, points])?;
        let place = c.expand(place, vec![n, channels, points])?;
        let mut v = c.op(Op::GatherElements { axis: 2 }, &[flat, place])?;
        if let Some(weight) = weight {
            let weight = c.reshape(weight, vec![n, 1, points])?;
            v = c.mul(v, weight)?;
        }
        sum = Some(match sum {
            Some(sum) => c.binary(function, sum, v)?,
            None => v,
        });
    }
    match sum {
        Some(sum) => Ok(sum),
        None => invalid("no neighbours"),
    }
}

/// GridSample-16, -20, -22.
pub(crate) fn grid_sample(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let (x, grid) = (node.input(0)?, node.input(1)?);
    let (xs, gs) = (import.shape(x).to_vec(), import.shape(grid).to_vec());
    let axes = xs.len().saturating_sub(2);
    let fits = (1..=3).contains(&axes)
        && gs.len() == xs.len()
        && gs[0] == xs[0]
        && gs.last() == Some(&axes)
        && !xs.contains(&0);
    if !fits {
        return invalid(format!("a grid {gs:?} for {xs:?}"));
    }
    let aligned = node.flag("align_corners")?;
    let border = match node.text_or("padding_mode", "zeros")? {
        "zeros" => Border::Zeros,
        "border" => Border::Edge,
        "reflection" => Border::Reflection { aligned },
        other => return invalid(format!("padding_mode is {other:?}")),
    };
    let mode = node.text_or(
        "mode",
        if node.opset < 20 {
            "bilinear"
        } else {
            "linear"
        },
    )?;
    let points: usize = gs[1..=axes].iter().product();
    let c = &mut Compose::new(import, node);
    let flat = c.reshape(grid, vec![xs[0], points, axes])?;
    let mut lists = Vec::with_capacity(axes);
    for axis in 0..axes {
        // The grid names the last axis first.
        let along = c.slice(flat, 2, axes - 1 - axis, 1, 1)?;
        let along = c.reshape(along, vec![xs[0], points])?;
        let size = xs[2 + axis] as f32;
        let place = if aligned {
            affine(c, along, (size - 1.0) / 2.0, (size - 1.0) / 2.0)?
        } else {
            affine(c, along, size / 2.0, size / 2.0 - 0.5)?
        };
        // Far away is as good as just outside, and never NaN: whole numbers hold it.
        let place = clamp(c, place, -1e6, 1e6)?;
        // With other borders the place itself moves in first.
        let place = match (border, mode) {
            (Border::Zeros, _) | (_, "cubic" | "bicubic") => place,
            (border, _) => border.place(c, place, xs[2 + axis])?.0,
        };
        lists.push(taps(c, place, mode)?);
    }
    let y = mix(c, x, &lists, border)?;
    let mut to = vec![xs[0], xs[1]];
    to.extend(&gs[1..=axes]);
    Ok(vec![c.reshape(y, to)?])
}
