//! Cosine transform of log-mel energies: cepstral coefficients.

use alloc::vec::Vec;
use core::f64::consts::PI;

use crate::spec::Mfcc;

/// The first rows of an orthonormal DCT-II, each multiplied by its lifter.
#[derive(Clone, Debug)]
pub(crate) struct Dct {
    bands: usize,
    rows: Vec<f32>,
}

impl Dct {
    pub(crate) fn new(mfcc: &Mfcc, bands: usize) -> Self {
        let mut rows = Vec::with_capacity(mfcc.coefficients * bands);
        for k in 0..mfcc.coefficients {
            let norm = libm::sqrt(if k == 0 { 1.0 } else { 2.0 } / bands as f64);
            let lift = if mfcc.lifter == 0.0 {
                1.0
            } else {
                1.0 + 0.5 * mfcc.lifter * libm::sin(PI * k as f64 / mfcc.lifter)
            };
            for n in 0..bands {
                let cos = libm::cos(PI / bands as f64 * (n as f64 + 0.5) * k as f64);
                rows.push((norm * lift * cos) as f32);
            }
        }
        Self { bands, rows }
    }

    pub(crate) fn apply(&self, x: &[f32], out: &mut [f32]) {
        for (y, row) in out.iter_mut().zip(self.rows.chunks_exact(self.bands)) {
            *y = row.iter().zip(x).fold(0.0, |sum, (w, x)| sum + w * x);
        }
    }
}
