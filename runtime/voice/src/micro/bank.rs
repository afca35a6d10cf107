//! Mel triangles with weights of 12 bits.
//!
//! Band `c` rises where band `c − 1` falls, so each bin has one weight `w` for the falling side and `1 − w` for the rising
//! one; 41 stretches of bins make 40 triangles.

use super::{CHANNELS, FFT, SAMPLE_RATE};

const BINS: usize = FFT / 2 + 1;
const ONE: f32 = 4096.0;

#[derive(Clone, Debug)]
pub(super) struct Bank {
    /// First bin of each stretch; the last entry ends the last stretch.
    starts: [u16; CHANNELS + 2],
    falling: [i16; BINS],
    rising: [i16; BINS],
}

/// 1127 · ln(1 + f / 700), each step rounded to f32 as in the original.
fn mel(hz: f32) -> f32 {
    1127.0 * libm::log1pf(hz / 700.0)
}

impl Bank {
    pub(super) fn new(low_hz: f32, high_hz: f32) -> Self {
        let stretches = CHANNELS + 1;
        let (low, high) = (mel(low_hz), mel(high_hz));
        let spacing = (high - low) / stretches as f32;
        let end = |i: usize| low + spacing * (i as f32 + 1.0);
        let hz_per_bin = 0.5 * SAMPLE_RATE as f32 / (BINS as f32 - 1.0);
        let mel_of = |bin: usize| mel(bin as f32 * hz_per_bin);
        let mut bank = Self {
            starts: [0; CHANNELS + 2],
            falling: [0; BINS],
            rising: [0; BINS],
        };
        let mut bin = (1.5 + low_hz / hz_per_bin) as usize;
        bank.starts[0] = bin as u16;
        for i in 0..stretches {
            let (from, to) = (if i == 0 { low } else { end(i - 1) }, end(i));
            while bin < BINS && mel_of(bin) <= to {
                let weight = (to - mel_of(bin)) / (to - from);
                let fixed = |w: f32| libm::floorf(w * ONE + 0.5) as i16;
                bank.falling[bin] = fixed(weight);
                bank.rising[bin] = fixed(1.0 - weight);
                bin += 1;
            }
            bank.starts[i + 1] = bin as u16;
        }
        bank
    }

    pub(super) fn apply(&self, energies: &[u32; BINS]) -> [u64; CHANNELS] {
        let mut sums = [0u64; CHANNELS];
        let mut rising = 0u64;
        for (i, ends) in self.starts.windows(2).enumerate() {
            let mut falling = rising;
            rising = 0;
            let bins = usize::from(ends[0])..usize::from(ends[1]);
            let weights = self.falling[bins.clone()]
                .iter()
                .zip(&self.rising[bins.clone()]);
            for (energy, (fall, rise)) in energies[bins].iter().zip(weights) {
                let energy = u64::from(*energy);
                falling += *fall as u64 * energy;
                rising += *rise as u64 * energy;
            }
            // The first stretch only begins the first triangle.
            if let Some(channel) = i.checked_sub(1) {
                sums[channel] = falling;
            }
        }
        sums
    }
}
