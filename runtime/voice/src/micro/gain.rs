//! Gain control: each channel is divided by its noise to the power 0.95, then compressed.
//!
//! The gain `2²¹ · (noise + 80)^−0.95` comes from a table: per octave of the noise a parabola through its ends and its
//! middle.

use super::noise::SMOOTHING_BITS;
use super::{CHANNELS, CORRECTION_BITS, bit_length};

const STRENGTH: f64 = 0.95;
const OFFSET: f64 = 80.0;
const GAIN_BITS: u32 = 21;
/// Fixed-point bits of the ratio of signal to noise.
const SNR_BITS: u32 = 12;
/// Fixed-point bits of the result.
const OUTPUT_BITS: u32 = 6;
const SNR_SHIFT: u32 = GAIN_BITS - CORRECTION_BITS - SNR_BITS;

#[derive(Clone, Debug)]
pub(super) struct Gain {
    /// The gain at 0 and 1.
    first: [i16; 2],
    /// For noise of 2 to 32 bits: value, slope and curvature.
    octaves: [[i16; 3]; 31],
}

/// The gain at a noise with its fixed-point bits.
fn gain(noise: u32) -> i16 {
    let noise = noise as f32 / (1u32 << (SMOOTHING_BITS - CORRECTION_BITS)) as f32;
    let power = libm::pow(
        f64::from(noise + OFFSET as f32),
        -f64::from(STRENGTH as f32),
    ) as f32;
    let gain = (1u32 << GAIN_BITS) as f32 * power;
    if gain > 32767.0 {
        i16::MAX
    } else {
        (gain + 0.5) as i16
    }
}

impl Gain {
    pub(super) fn new() -> Self {
        let octave = |i: usize| {
            let start = 1u32 << (i + 1);
            let end = start.saturating_mul(2);
            let (y0, y1, y2) = (gain(start), gain(start + start / 2), gain(end));
            let (to_middle, to_end) = (i32::from(y1 - y0), i32::from(y2 - y0));
            let slope = 4 * to_middle - to_end;
            [y0, slope as i16, (to_end - slope) as i16]
        };
        Self {
            first: [gain(0), gain(1)],
            octaves: core::array::from_fn(octave),
        }
    }

    fn of(&self, noise: u32) -> u32 {
        if let Some(gain) = self.first.get(noise as usize) {
            return *gain as u32;
        }
        let bits = bit_length(noise);
        let [value, slope, curve] = self.octaves[bits as usize - 2].map(i32::from);
        let fraction = if bits < 11 {
            noise << (11 - bits)
        } else {
            noise >> (bits - 11)
        };
        let fraction = (fraction & 0x3ff) as i32;
        let change = (((curve * fraction) >> 5) + (slope << 5)) * fraction;
        (((change + (1 << 14)) >> 15) + value) as i16 as u32
    }

    pub(super) fn apply(&self, noise: &[u32; CHANNELS], signal: &mut [u32; CHANNELS]) {
        for (x, noise) in signal.iter_mut().zip(noise) {
            let ratio = ((u64::from(*x) * u64::from(self.of(*noise))) >> SNR_SHIFT) as u32;
            *x = compressed(ratio);
        }
    }
}

/// A parabola up to a ratio of 2, a line above.
fn compressed(ratio: u32) -> u32 {
    if ratio < 2 << SNR_BITS {
        (ratio * ratio) >> (2 + 2 * SNR_BITS - OUTPUT_BITS)
    } else {
        (ratio >> (SNR_BITS - OUTPUT_BITS)) - (1 << OUTPUT_BITS)
    }
}
