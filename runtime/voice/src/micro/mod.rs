//! The integer audio front end of TFLite Micro, bit for bit: what microWakeWord models were trained on.
//!
//! 16 kHz samples of 16 bits in, 40 values every 10 ms out, all in whole numbers and without a heap:
//!
//! ```text
//! 480 samples ─▶ Hann window (12 bits) ─▶ shifted left as far as fits ─▶ FFT of 512 in 16 bits
//!   ─▶ energies ─▶ 40 mel triangles (12 bits) ─▶ square root, shifted back
//!   ─▶ noise reduction ─▶ gain control per channel (PCAN) ─▶ logarithm · 64
//! ```
//!
//! Every stage is written from its public behaviour and compared with the original's results on real recordings (the test
//! `micro`). The tables are computed when a front end is made, in f64 by the crate `libm`.

mod bank;
mod fft;
mod gain;
mod log;
mod noise;
mod root;
mod window;

use bank::Bank;
use fft::Fft;
use gain::Gain;
use noise::Noise;
use window::{WINDOW, Window};

/// Values of a frame.
pub const CHANNELS: usize = 40;
/// Samples a second.
pub const SAMPLE_RATE: u32 = 16_000;
/// Multiplies a value to what microWakeWord models take as a real number.
pub const SCALE: f32 = 0.039_062_5;
/// Length of the transform.
const FFT: usize = 512;
/// Bits by which logarithm and gain control correct for the length of the transform: log2(512) − 6.
const CORRECTION_BITS: u32 = 3;

/// Bits up to the highest one that is set; 0 for 0.
fn bit_length(x: u32) -> u32 {
    32 - x.leading_zeros()
}

/// A stream of samples in, frames of [`CHANNELS`] values out.
///
/// ```
/// let mut front = redpoll_voice::MicroFrontEnd::new(160);
/// let mut frames = 0;
/// front.push(&[0; 16_000], |frame| {
///     assert_eq!(*frame, [0; 40]);
///     frames += 1;
/// });
/// assert_eq!(frames, 98);
/// ```
#[derive(Clone, Debug)]
pub struct MicroFrontEnd {
    window: Window,
    fft: Fft,
    bank: Bank,
    noise: Noise,
    gain: Gain,
}

impl MicroFrontEnd {
    /// A front end with a frame of 30 ms every `hop` samples, at most 480: 160 for microWakeWord, 320 for TFLite Micro's
    /// micro_speech.
    pub fn new(hop: usize) -> Self {
        Self {
            window: Window::new(hop),
            fft: Fft::new(),
            bank: Bank::new(125.0, 7500.0),
            noise: Noise::new(),
            gain: Gain::new(),
        }
    }

    /// Takes samples and hands each frame that is complete to `each`.
    pub fn push(&mut self, mut samples: &[i16], mut each: impl FnMut(&[u16; CHANNELS])) {
        while let (Some(frame), rest) = self.window.take(samples) {
            samples = rest;
            each(&self.features(&frame));
        }
    }

    /// Begins a new stream.
    pub fn reset(&mut self) {
        self.window.reset();
        self.noise.reset();
    }

    fn features(&mut self, frame: &[i16; WINDOW]) -> [u16; CHANNELS] {
        // The largest magnitude as the original sees it: −32768 stays negative in 16 bits.
        let largest = frame.iter().map(|x| x.wrapping_abs()).max().unwrap_or(0);
        let shift = 15 - bit_length(largest.max(0) as u32);
        let mut energies = [0u32; FFT / 2 + 1];
        self.fft.energies(frame, shift, &mut energies);
        let sums = self.bank.apply(&energies);
        let mut signal = [0u32; CHANNELS];
        for (y, x) in signal.iter_mut().zip(sums) {
            *y = root::root(x) >> shift;
        }
        self.noise.apply(&mut signal);
        self.gain.apply(&self.noise.estimate, &mut signal);
        signal.map(|x| log::scaled(x << CORRECTION_BITS))
    }
}

impl Default for MicroFrontEnd {
    /// microWakeWord's: a frame every 10 ms.
    fn default() -> Self {
        Self::new(160)
    }
}
