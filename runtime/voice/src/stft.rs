//! Spectra of a stream, changed, and back to samples: short-time Fourier transform and overlap-add.

use alloc::vec;
use alloc::vec::Vec;

use crate::fft::{Complex, RealFft};

/// Cuts a stream into overlapping windows, hands each one's spectrum out to be changed, and adds what comes back.
///
/// Sample `n` of the result stands for sample `n` of the stream; it is given when the last window that holds it has come:
/// `window − hop` samples of the stream later at the earliest. The window is applied before and after the change. Where its
/// squares, moved by the hop, add up to one, an unchanged stream comes back, but for the first `window − hop` samples,
/// which fewer windows hold.
#[derive(Clone, Debug)]
pub struct Stft {
    window: Vec<f32>,
    hop: usize,
    fft: RealFft,
    /// The newest samples of the stream: up to a window.
    held: Vec<f32>,
    filled: usize,
    frame: Vec<f32>,
    spectrum: Vec<Complex>,
    /// Sums of the windows, from the next sample to be given.
    sums: Vec<f32>,
    taken: u64,
    given: u64,
}

impl Stft {
    /// With a window whose length is that of the transform, moved by `hop`; `None` for a length that [`RealFft`] does not
    /// take, or a hop that is 0 or longer than the window.
    pub fn new(window: &[f32], hop: usize) -> Option<Self> {
        let n = window.len();
        let fft = RealFft::new(n)?;
        if hop == 0 || hop > n {
            return None;
        }
        Some(Self {
            window: window.to_vec(),
            hop,
            held: vec![0.0; n],
            filled: 0,
            frame: vec![0.0; n],
            spectrum: vec![Complex::default(); fft.bins()],
            sums: vec![0.0; n],
            taken: 0,
            given: 0,
            fft,
        })
    }

    /// Values of a spectrum.
    pub fn bins(&self) -> usize {
        self.spectrum.len()
    }

    /// Samples of the stream that come before the first of the result.
    pub fn delay(&self) -> usize {
        self.window.len() - self.hop
    }

    /// Takes samples; hands every spectrum to `change`, and samples that are ready to `give`.
    ///
    /// # Errors
    ///
    /// Those of `change`; the stream must then begin anew.
    pub fn push<E>(
        &mut self,
        mut samples: &[f32],
        mut change: impl FnMut(&mut [Complex]) -> Result<(), E>,
        mut give: impl FnMut(&[f32]),
    ) -> Result<(), E> {
        let n = self.window.len();
        while !samples.is_empty() {
            let (now, later) = samples.split_at(samples.len().min(n - self.filled));
            samples = later;
            self.held[self.filled..self.filled + now.len()].copy_from_slice(now);
            self.filled += now.len();
            self.taken += now.len() as u64;
            if self.filled == n {
                self.turn(&mut change)?;
                give(&self.sums[..self.hop]);
                self.given += self.hop as u64;
                self.move_on();
            }
        }
        Ok(())
    }

    /// Gives the rest, as many samples as were taken in all, as if zeros followed, and begins anew.
    ///
    /// # Errors
    ///
    /// Those of `change`.
    pub fn finish<E>(
        &mut self,
        mut change: impl FnMut(&mut [Complex]) -> Result<(), E>,
        mut give: impl FnMut(&[f32]),
    ) -> Result<(), E> {
        while self.given < self.taken {
            self.held[self.filled..].fill(0.0);
            self.turn(&mut change)?;
            let left = (self.taken - self.given).min(self.hop as u64);
            give(&self.sums[..left as usize]);
            self.given += left;
            self.filled = self.held.len();
            self.move_on();
        }
        self.reset();
        Ok(())
    }

    /// Begins a new stream.
    pub fn reset(&mut self) {
        self.sums.fill(0.0);
        (self.filled, self.taken, self.given) = (0, 0, 0);
    }

    fn turn<E>(
        &mut self,
        change: &mut impl FnMut(&mut [Complex]) -> Result<(), E>,
    ) -> Result<(), E> {
        let windowed = self.frame.iter_mut().zip(&self.held).zip(&self.window);
        windowed.for_each(|((y, x), w)| *y = x * w);
        self.fft.forward(&self.frame, &mut self.spectrum);
        change(&mut self.spectrum)?;
        self.fft.inverse(&self.spectrum, &mut self.frame);
        let added = self.sums.iter_mut().zip(&self.frame).zip(&self.window);
        added.for_each(|((sum, y), w)| *sum += y * w);
        Ok(())
    }

    fn move_on(&mut self) {
        let kept = self.sums.len() - self.hop;
        self.sums.copy_within(self.hop.., 0);
        self.sums[kept..].fill(0.0);
        self.held.copy_within(self.hop.., 0);
        self.filled -= self.hop;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal(n: usize) -> Vec<f32> {
        (0..n)
            .map(|i| libm::sinf(i as f32 * 0.37) + 0.3 * libm::sinf(i as f32 * 1.9))
            .collect()
    }

    fn run(stft: &mut Stft, x: &[f32], piece: usize) -> Vec<f32> {
        let mut out = Vec::new();
        let same = |_: &mut [Complex]| Ok::<(), ()>(());
        for part in x.chunks(piece) {
            stft.push(part, same, |y| out.extend_from_slice(y)).unwrap();
        }
        stft.finish(same, |y| out.extend_from_slice(y)).unwrap();
        out
    }

    #[test]
    fn an_unchanged_stream_comes_back() {
        let mut window = vec![0.0; 320];
        crate::Window::Hann.fill(&mut window);
        window.iter_mut().for_each(|w| *w = libm::sqrtf(*w));
        let mut stft = Stft::new(&window, 160).unwrap();
        for n in [0, 1, 159, 160, 319, 320, 321, 5000] {
            let x = signal(n);
            let whole = run(&mut stft, &x, n.max(1));
            assert_eq!(whole.len(), n);
            for (i, (a, b)) in x.iter().zip(&whole).enumerate().skip(160) {
                assert!((a - b).abs() < 1e-5, "{n} {i}");
            }
            for piece in [1, 7, 160, 333] {
                assert_eq!(run(&mut stft, &x, piece), whole, "{n} {piece}");
            }
        }
    }

    #[test]
    fn each_window_is_changed_by_itself() {
        // Rectangles side by side: doubling every second spectrum doubles every second window.
        let mut stft = Stft::new(&[1.0; 8], 8).unwrap();
        let x = signal(24);
        let (mut out, mut number) = (Vec::new(), 0);
        let change = |z: &mut [Complex]| {
            number += 1;
            if number % 2 == 0 {
                z.iter_mut().for_each(|z| *z = *z + *z);
            }
            Ok::<(), ()>(())
        };
        stft.push(&x, change, |y| out.extend_from_slice(y)).unwrap();
        for (i, (a, b)) in x.iter().zip(&out).enumerate() {
            let gain = if i / 8 == 1 { 2.0 } else { 1.0 };
            assert!((a * gain - b).abs() < 1e-5, "{i}");
        }
        assert!(Stft::new(&[1.0; 8], 0).is_none() && Stft::new(&[1.0; 8], 9).is_none());
        assert!(Stft::new(&[1.0; 7], 1).is_none());
        assert_eq!(stft.push(&x, |_| Err(3), |_| {}), Err(3));
    }
}
