//! What integer operators share: finishing a result, scale and zero point of an operand.

use crate::graph::Value;
use crate::op::Clamp;
use crate::types::DType;

/// Scale of a per-tensor value.
pub(super) fn scale(value: &Value) -> f32 {
    value.qparams.as_ref().map_or(1.0, |q| q.scale())
}

/// Zero point of a per-tensor value.
pub(super) fn zero(value: &Value) -> i32 {
    value.qparams.as_ref().map_or(0, |q| q.zero_point())
}

/// The last step of an integer operator: round, add the zero point, stay within the bounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finish {
    zero: i32,
    lo: i32,
    hi: i32,
}

impl Finish {
    /// The whole range of `dtype`.
    pub(super) fn whole(dtype: DType, zero: i32) -> Self {
        let (lo, hi) = dtype.quantized_range().unwrap_or((0, 0));
        Self { zero, lo, hi }
    }

    /// For results of `output`: the range of its type, cut by the quantised bounds of `clamp`.
    pub(super) fn new(output: &Value, clamp: Option<Clamp>) -> Self {
        let whole = Self::whole(output.dtype, zero(output));
        match clamp {
            None => whole,
            Some(c) => Self {
                lo: whole.apply(c.lo / scale(output)),
                hi: whole.apply(c.hi / scale(output)),
                ..whole
            },
        }
    }

    /// `rhe(clamp(v, f32(lo − z), f32(hi − z))) + z`; NaN gives `lo`.
    pub(super) fn apply(self, v: f32) -> i32 {
        let (lo, hi) = ((self.lo - self.zero) as f32, (self.hi - self.zero) as f32);
        let v = if v > lo { v } else { lo };
        let v = if v < hi { v } else { hi };
        v.round_ties_even() as i32 + self.zero
    }

    /// An integer that is a result as it stands, within the bounds.
    pub(super) fn bound(self, q: i32) -> i32 {
        q.max(self.lo).min(self.hi)
    }
}
