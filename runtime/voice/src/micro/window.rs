//! Overlapping frames under a Hann window of 12 bits.

use core::f32::consts::PI;

/// Samples of a frame: 30 ms.
pub(super) const WINDOW: usize = 480;
const BITS: u32 = 12;

#[derive(Clone, Debug)]
pub(super) struct Window {
    hop: usize,
    weights: [i16; WINDOW],
    held: [i16; WINDOW],
    filled: usize,
}

impl Window {
    pub(super) fn new(hop: usize) -> Self {
        let weight = |i: usize| {
            // The original computes in f32; so the steps are rounded to it one by one.
            let step = PI * 2.0 / WINDOW as f32;
            let cos = libm::cos(f64::from(step * (i as f32 + 0.5))) as f32;
            libm::floorf((0.5 - 0.5 * cos) * (1 << BITS) as f32 + 0.5) as i16
        };
        Self {
            hop: hop.clamp(1, WINDOW),
            weights: core::array::from_fn(weight),
            held: [0; WINDOW],
            filled: 0,
        }
    }

    pub(super) fn reset(&mut self) {
        self.filled = 0;
    }

    /// Takes samples until a frame is complete; returns it, weighted, and the samples that are left.
    pub(super) fn take<'a>(&mut self, samples: &'a [i16]) -> (Option<[i16; WINDOW]>, &'a [i16]) {
        let wanted = (WINDOW - self.filled).min(samples.len());
        let (now, later) = samples.split_at(wanted);
        self.held[self.filled..self.filled + wanted].copy_from_slice(now);
        self.filled += wanted;
        if self.filled < WINDOW {
            return (None, later);
        }
        let mut frame = self.held;
        for (x, w) in frame.iter_mut().zip(&self.weights) {
            *x = ((i32::from(*x) * i32::from(*w)) >> BITS) as i16;
        }
        self.held.copy_within(self.hop.., 0);
        self.filled = WINDOW - self.hop;
        (Some(frame), later)
    }
}
