//! Bounds of a result, fused into the operator that makes it.

/// `min(max(v, lo), hi)`; ReLU is `[0, ∞]`, ReLU6 `[0, 6]`. NaN passes through in float.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clamp {
    /// Lower bound; −∞ for none.
    pub lo: f32,
    /// Upper bound; +∞ for none.
    pub hi: f32,
}

impl Clamp {
    /// max(v, 0).
    pub const RELU: Self = Self {
        lo: 0.0,
        hi: f32::INFINITY,
    };

    /// Applies the bounds; the definition for all float kernels.
    pub fn apply(self, v: f32) -> f32 {
        let v = if v < self.lo { self.lo } else { v };
        if v > self.hi { self.hi } else { v }
    }

    /// The bounds of `self` applied first and `then` after, as one.
    pub fn followed_by(self, then: Self) -> Self {
        Self {
            lo: then.apply(self.lo),
            hi: then.apply(self.hi),
        }
    }
}
