//! Cuts a stream into overlapping frames.

use alloc::vec::Vec;

use crate::spec::Padding;

/// Frames of `frame` samples, a new one every `hop`.
#[derive(Clone, Debug)]
pub(crate) struct Framer {
    frame: usize,
    hop: usize,
    padding: Padding,
    /// Samples that the padding adds at either end.
    pad: usize,
    /// The stream, from somewhere before `start`.
    held: Vec<f32>,
    /// Where the next frame begins in `held`.
    start: usize,
    begun: bool,
}

impl Framer {
    pub(crate) fn new(frame: usize, hop: usize, padding: Padding) -> Self {
        let pad = if padding == Padding::None {
            0
        } else {
            frame / 2
        };
        Self {
            frame,
            hop,
            padding,
            pad,
            held: Vec::with_capacity(4 * frame + 2 * hop + 2),
            start: 0,
            begun: pad == 0,
        }
    }

    pub(crate) fn reset(&mut self) {
        self.held.clear();
        self.start = 0;
        self.begun = self.pad == 0;
    }

    /// Adds samples and hands out every frame that is complete.
    pub(crate) fn push(&mut self, mut samples: &[f32], mut each: impl FnMut(&[f32])) {
        while !samples.is_empty() {
            let kept_free = if self.begun { 0 } else { self.pad };
            let room = self.held.capacity() - self.held.len() - kept_free;
            let (now, later) = samples.split_at(room.min(samples.len()));
            samples = later;
            self.held.extend_from_slice(now);
            self.begin();
            self.hand_out(&mut each);
        }
    }

    /// Hands out the frames of the padded end, and is ready for a new stream.
    pub(crate) fn finish(&mut self, mut each: impl FnMut(&[f32])) {
        let n = self.held.len();
        if self.begun && n > self.pad {
            for i in 0..self.pad {
                self.held.push(match self.padding {
                    Padding::Reflect => self.held[n - 2 - i],
                    _ => 0.0,
                });
            }
            self.hand_out(&mut each);
        }
        self.reset();
    }

    /// Puts the padding before the stream as soon as enough of it is known.
    fn begin(&mut self) {
        if self.begun || self.held.len() <= self.pad {
            return;
        }
        let n = self.held.len();
        self.held.resize(n + self.pad, 0.0);
        self.held.copy_within(..n, self.pad);
        for i in 0..self.pad {
            self.held[i] = match self.padding {
                Padding::Reflect => self.held[2 * self.pad - i],
                _ => 0.0,
            };
        }
        self.begun = true;
    }

    fn hand_out(&mut self, each: &mut impl FnMut(&[f32])) {
        if !self.begun {
            return;
        }
        while let Some(frame) = self.held.get(self.start..self.start + self.frame) {
            each(frame);
            self.start += self.hop;
        }
        self.drop_old();
    }

    /// Forgets what neither a frame nor the padding of the end needs.
    fn drop_old(&mut self) {
        let kept = if self.pad == 0 { 0 } else { self.pad + 1 };
        let old = self.start.min(self.held.len().saturating_sub(kept));
        self.held.copy_within(old.., 0);
        self.held.truncate(self.held.len() - old);
        self.start -= old;
    }
}
