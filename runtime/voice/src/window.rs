//! Window functions.

use core::f64::consts::PI;

/// Shape of the window that a frame is multiplied by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Window {
    /// All ones.
    Rectangle,
    /// Hann with period `n`: what librosa, Whisper and TensorFlow use.
    Hann,
    /// Hann whose first and last values are 0 (period `n − 1`).
    HannSymmetric,
    /// Hamming, `0.54 − 0.46 cos`, period `n − 1`: Kaldi's and HTK's.
    Hamming,
    /// Symmetric Hann to the power 0.85: Kaldi's default.
    Povey,
}

impl Window {
    /// Writes the window over `out`, whose length is the window's.
    pub fn fill(self, out: &mut [f32]) {
        let n = out.len();
        let period = match self {
            Self::Hann => n,
            _ => n.saturating_sub(1),
        };
        for (i, y) in out.iter_mut().enumerate() {
            let phase = if period == 0 {
                PI
            } else {
                2.0 * PI * i as f64 / period as f64
            };
            let cos = libm::cos(phase);
            *y = match self {
                Self::Rectangle => 1.0,
                Self::Hann | Self::HannSymmetric => 0.5 - 0.5 * cos,
                Self::Hamming => 0.54 - 0.46 * cos,
                Self::Povey => libm::pow(0.5 - 0.5 * cos, 0.85),
            } as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Window;

    #[test]
    fn values_by_hand() {
        let of = |window: Window| {
            let mut w = [0.0f32; 5];
            window.fill(&mut w);
            w
        };
        assert_eq!(of(Window::Rectangle), [1.0; 5]);
        assert_eq!(of(Window::HannSymmetric), [0.0, 0.5, 1.0, 0.5, 0.0]);
        let hann = of(Window::Hann);
        assert!((hann[1] - 0.345_491_5).abs() < 1e-7 && (hann[2] - 0.904_508_5).abs() < 1e-7);
        assert_eq!(hann[1], hann[4]);
        let hamming = of(Window::Hamming);
        assert!((hamming[0] - 0.08).abs() < 1e-7 && (hamming[2] - 1.0).abs() < 1e-7);
        // 0.5 to the power 0.85
        assert!((of(Window::Povey)[1] - 0.554_784_7).abs() < 1e-6);
    }
}
