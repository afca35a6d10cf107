//! From a range to scale and zero point.

use redpoll_graph::op::Clamp;
use redpoll_graph::{DType, QParams};

use crate::calibrate::Range;

/// The smallest scale: below it products of two scales would leave the normal numbers of f32.
const LEAST_SCALE: f64 = 1e-12;

/// Scale and zero point that cover `range` and zero with the 256 integers of `dtype`; zero is exact.
/// The scale is never 0: an empty range gets the scale 1.
pub fn activation_params(range: Range, dtype: DType) -> QParams {
    let (least, most) = dtype.quantized_range().unwrap_or((-128, 127));
    let (lo, hi) = (f64::from(range.min.min(0.0)), f64::from(range.max.max(0.0)));
    if hi - lo <= 0.0 {
        return QParams::per_tensor(1.0, least);
    }
    let scale = ((hi - lo) / f64::from(most - least)).max(LEAST_SCALE) as f32;
    let zero = f64::from(least) - lo / f64::from(scale);
    let zero = (zero.round_ties_even() as i32).clamp(least, most);
    QParams::per_tensor(scale, zero)
}

/// The smallest range that holds both.
pub(super) fn union(a: Range, b: Range) -> Range {
    Range {
        min: a.min.min(b.min),
        max: a.max.max(b.max),
    }
}

/// The part of `range` that the bounds of a fused activation leave.
pub(super) fn within(range: Range, clamp: Option<Clamp>) -> Range {
    match clamp {
        None => range,
        Some(c) => Range {
            min: c.apply(range.min),
            max: c.apply(range.max),
        },
    }
}

/// `clamp`, unless saturating to the integers of `dtype` does the same.
pub(super) fn needed_clamp(clamp: Option<Clamp>, q: &QParams, dtype: DType) -> Option<Clamp> {
    let (least, most) = dtype.quantized_range().unwrap_or((-128, 127));
    let (scale, zero) = (q.scale(), q.zero_point());
    // As the integer operators quantise a bound.
    let quantized = |b: f32| (b / scale).round_ties_even() + zero as f32;
    clamp.filter(|c| quantized(c.lo) > least as f32 || quantized(c.hi) < most as f32)
}
