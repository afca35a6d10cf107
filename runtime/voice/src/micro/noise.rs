//! Subtracts an estimate of the steady noise from every channel.

use super::CHANNELS;

/// Fixed-point bits of the coefficients.
const BITS: u32 = 14;
/// Fixed-point bits of the estimates.
pub(super) const SMOOTHING_BITS: u32 = 10;
/// How fast estimates follow: 0.025 in even channels, 0.06 in odd ones, cut off to 14 bits.
const FOLLOW: [u64; 2] = [409, 983];
/// At least so much of the signal stays: 0.05 in 14 bits.
const FLOOR: u64 = 819;

#[derive(Clone, Debug)]
pub(super) struct Noise {
    pub(super) estimate: [u32; CHANNELS],
}

impl Noise {
    pub(super) fn new() -> Self {
        Self {
            estimate: [0; CHANNELS],
        }
    }

    pub(super) fn reset(&mut self) {
        self.estimate = [0; CHANNELS];
    }

    pub(super) fn apply(&mut self, signal: &mut [u32; CHANNELS]) {
        for (i, (x, estimate)) in signal.iter_mut().zip(&mut self.estimate).enumerate() {
            let follow = FOLLOW[i % 2];
            let scaled = *x << SMOOTHING_BITS;
            let old = u64::from(*estimate) * ((1 << BITS) - follow);
            let noise = ((u64::from(scaled) * follow + old) >> BITS) as u32;
            *estimate = noise;
            let rest = (scaled - noise.min(scaled)) >> SMOOTHING_BITS;
            let floor = (u64::from(*x) * FLOOR) >> BITS;
            *x = rest.max(floor as u32);
        }
    }
}
