//! Changes the sample rate of a stream.

use alloc::vec;
use alloc::vec::Vec;
use core::f64::consts::PI;

/// Zero crossings of the filter on either side.
const CROSSINGS: f64 = 16.0;
/// Share of the lower of both half rates that passes.
const PASS: f64 = 0.94;
/// Shape of the Kaiser window: about 80 dB of attenuation.
const BETA: f64 = 8.0;
/// Largest table: 4 million values.
const LARGEST_TABLE: usize = 1 << 22;

/// From one sample rate to another: a windowed sinc, one set of weights for each phase of the ratio.
///
/// Output sample `n` stands for the time `n / to`: there is no delay in the numbering. The bits do not depend on how the
/// stream is cut, nor on the machine.
#[derive(Clone, Debug)]
pub struct Resampler {
    /// Phases: outputs for every `down` inputs.
    up: usize,
    down: usize,
    /// Half the weights of a phase.
    half: usize,
    weights: Vec<f32>,
    /// The stream from `half − 1` samples before the one that the next output lies after.
    held: Vec<f32>,
    phase: usize,
    /// Samples of `held` that the next output skips.
    skip: usize,
    taken: u64,
    given: u64,
}

impl Resampler {
    /// A resampler, or `None` for rates outside 1,000 to 768,000 Hz, or whose ratio needs a table of more than 16 MiB.
    pub fn new(from: u32, to: u32) -> Option<Self> {
        let allowed = 1_000..=768_000;
        if !allowed.contains(&from) || !allowed.contains(&to) {
            return None;
        }
        let divisor = gcd(from, to);
        let (up, down) = ((to / divisor) as usize, (from / divisor) as usize);
        // Cycles an input sample at which the filter cuts.
        let cut = 0.5 * PASS * (f64::from(to) / f64::from(from)).min(1.0);
        let half = libm::ceil(CROSSINGS / (2.0 * cut)) as usize;
        if up.checked_mul(2 * half)? > LARGEST_TABLE {
            return None;
        }
        let mut weights = Vec::with_capacity(up * 2 * half);
        for phase in 0..up {
            let start = weights.len();
            let mut sum = 0.0;
            for k in 0..2 * half {
                // Distance from the output to input k, in input samples.
                let t = k as f64 - (half - 1) as f64 - phase as f64 / up as f64;
                let weight = sinc(2.0 * cut * t) * kaiser(t / half as f64);
                sum += weight;
                weights.push(weight as f32);
            }
            // Each phase lets a constant pass as it is.
            for weight in &mut weights[start..] {
                *weight = (f64::from(*weight) / sum) as f32;
            }
        }
        Some(Self {
            up,
            down,
            half,
            weights,
            held: vec![0.0; half - 1],
            phase: 0,
            skip: 0,
            taken: 0,
            given: 0,
        })
    }

    /// Takes samples and adds those that are ready to `out`.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        if self.up == self.down {
            out.extend_from_slice(samples);
            return;
        }
        self.taken += samples.len() as u64;
        self.held.extend_from_slice(samples);
        self.give(out, u64::MAX);
    }

    /// Adds the rest to `out`, as if zeros followed, and is ready for a new stream.
    pub fn finish(&mut self, out: &mut Vec<f32>) {
        if self.up != self.down {
            let all = (self.taken * self.up as u64).div_ceil(self.down as u64);
            self.held.resize(self.held.len() + self.half + 1, 0.0);
            self.give(out, all);
        }
        self.held.clear();
        self.held.resize(self.half - 1, 0.0);
        (self.phase, self.skip, self.taken, self.given) = (0, 0, 0, 0);
    }

    fn give(&mut self, out: &mut Vec<f32>, most: u64) {
        let width = 2 * self.half;
        let mut at = self.skip;
        while let Some(inputs) = self.held.get(at..at + width) {
            if self.given == most {
                break;
            }
            let weights = &self.weights[self.phase * width..][..width];
            let pairs = weights.iter().zip(inputs);
            out.push(pairs.fold(0.0, |sum, (w, x)| sum + w * x));
            self.given += 1;
            self.phase += self.down;
            at += self.phase / self.up;
            self.phase %= self.up;
        }
        let old = at.min(self.held.len());
        self.held.drain(..old);
        self.skip = at - old;
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 {
        1.0
    } else {
        libm::sin(PI * x) / (PI * x)
    }
}

/// Kaiser window for −1..1, without its constant factor.
fn kaiser(x: f64) -> f64 {
    bessel(BETA * libm::sqrt((1.0 - x * x).max(0.0)))
}

/// Modified Bessel function of the first kind, order 0.
fn bessel(x: f64) -> f64 {
    let (mut sum, mut term, mut k) = (1.0, 1.0, 1.0);
    while term > 1e-12 * sum {
        term *= x * x / (4.0 * k * k);
        sum += term;
        k += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: f64, hz: f64, n: usize) -> Vec<f32> {
        let sample = |t: usize| libm::sin(2.0 * PI * hz * t as f64 / rate) as f32;
        (0..n).map(sample).collect()
    }

    fn all(from: u32, to: u32, samples: &[f32]) -> Vec<f32> {
        let (mut resampler, mut out) = (Resampler::new(from, to).unwrap(), Vec::new());
        resampler.push(samples, &mut out);
        resampler.finish(&mut out);
        out
    }

    #[test]
    fn tones_stay_where_they_are_and_what_does_not_fit_goes() {
        for (from, to) in [
            (44_100, 16_000),
            (48_000, 16_000),
            (8_000, 16_000),
            (22_050, 8_000),
            (16_000, 8_000),
        ] {
            let n = from as usize / 2;
            let got = all(from, to, &tone(from.into(), 1000.0, n));
            assert_eq!(got.len(), (n * to as usize).div_ceil(from as usize));
            let want = tone(to.into(), 1000.0, got.len());
            for t in 200..got.len() - 200 {
                assert!(
                    (got[t] - want[t]).abs() < 2e-4,
                    "{from} {to} {t}: {} {}",
                    got[t],
                    want[t]
                );
            }
            if to < from {
                let above = 0.56 * f64::from(to);
                let got = all(from, to, &tone(from.into(), above, n));
                let most = got[200..got.len() - 200]
                    .iter()
                    .fold(0.0f32, |a, x| a.max(x.abs()));
                assert!(most < 2e-3, "{from} {to}: {most}");
            }
        }
    }

    #[test]
    fn pieces_give_the_bits_of_the_whole() {
        let samples = tone(44_100.0, 333.0, 5000);
        for (from, to) in [
            (44_100, 16_000),
            (8_000, 16_000),
            (16_000, 16_000),
            (192_000, 8_000),
        ] {
            let whole = all(from, to, &samples);
            for piece in [1, 7, 441, 4999] {
                let (mut resampler, mut got) = (Resampler::new(from, to).unwrap(), Vec::new());
                for _ in 0..2 {
                    got.clear();
                    samples
                        .chunks(piece)
                        .for_each(|part| resampler.push(part, &mut got));
                    resampler.finish(&mut got);
                    assert!(got == whole, "{from} {to} {piece}");
                }
            }
        }
    }

    #[test]
    fn rates_that_make_no_sense_are_refused() {
        for (from, to) in [
            (0, 16_000),
            (999, 16_000),
            (16_000, 0),
            (u32::MAX, 16_000),
            (383_999, 767_999),
        ] {
            assert!(Resampler::new(from, to).is_none());
        }
    }
}
