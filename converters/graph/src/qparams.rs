//! Quantisation parameters: real = (quantised − zero point) · scale.

/// Scale and zero point of a quantised value, for the whole tensor or for each slice along one axis.
///
/// The zero point lies in the range of the value's type; it is 0 for weights and biases.
#[derive(Clone, Debug, PartialEq)]
pub struct QParams {
    /// One scale, or one a slice along [`axis`](Self::axis). Finite and above zero.
    pub scales: Vec<f32>,
    /// As many zero points as scales.
    pub zero_points: Vec<i32>,
    /// The axis that the scales run along; `None` for one scale a tensor.
    pub axis: Option<usize>,
}

impl QParams {
    /// One scale and zero point for the whole tensor.
    pub fn per_tensor(scale: f32, zero_point: i32) -> Self {
        Self {
            scales: vec![scale],
            zero_points: vec![zero_point],
            axis: None,
        }
    }

    /// Symmetric: a scale for each slice along `axis`, zero points 0.
    pub fn per_channel(scales: Vec<f32>, axis: usize) -> Self {
        let zero_points = vec![0; scales.len()];
        Self {
            scales,
            zero_points,
            axis: Some(axis),
        }
    }

    /// True when one scale covers the tensor.
    pub fn is_per_tensor(&self) -> bool {
        self.axis.is_none()
    }

    /// Scale of a per-tensor value; of channel 0 otherwise. 1 when empty, which the verifier refuses.
    pub fn scale(&self) -> f32 {
        self.scales.first().copied().unwrap_or(1.0)
    }

    /// Zero point of a per-tensor value; of channel 0 otherwise.
    pub fn zero_point(&self) -> i32 {
        self.zero_points.first().copied().unwrap_or(0)
    }

    /// Scale of slice `c`, whether per tensor or per channel.
    pub fn scale_at(&self, c: usize) -> f32 {
        if self.scales.len() == 1 {
            self.scales[0]
        } else {
            self.scales[c]
        }
    }
}
