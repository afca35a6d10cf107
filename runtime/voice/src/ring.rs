//! A ring of the last samples of a stream: what was said before something happened.

use alloc::vec;
use alloc::vec::Vec;

/// Keeps the newest samples; older ones are overwritten.
///
/// ```
/// let mut ring = redpoll_voice::Ring::new(3);
/// ring.push(&[1.0, 2.0, 3.0, 4.0]);
/// let mut last = [0.0; 2];
/// assert_eq!(ring.latest(&mut last), 2);
/// assert_eq!(last, [3.0, 4.0]);
/// ```
#[derive(Clone, Debug)]
pub struct Ring {
    data: Vec<f32>,
    /// Where the next sample goes.
    next: usize,
    filled: usize,
}

impl Ring {
    /// A ring of at most `capacity` samples; allocated now.
    pub fn new(capacity: usize) -> Self {
        Self {
            data: vec![0.0; capacity],
            next: 0,
            filled: 0,
        }
    }

    /// Adds samples, oldest first.
    pub fn push(&mut self, samples: &[f32]) {
        let capacity = self.data.len();
        if capacity == 0 {
            return;
        }
        let kept = &samples[samples.len().saturating_sub(capacity)..];
        let first = kept.len().min(capacity - self.next);
        self.data[self.next..self.next + first].copy_from_slice(&kept[..first]);
        self.data[..kept.len() - first].copy_from_slice(&kept[first..]);
        self.next = (self.next + kept.len()) % capacity;
        self.filled = (self.filled + kept.len()).min(capacity);
    }

    /// Samples held.
    pub fn len(&self) -> usize {
        self.filled
    }

    /// True when nothing was pushed yet.
    pub fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// Copies the newest samples, oldest first, to the front of `out`; returns how many.
    pub fn latest(&self, out: &mut [f32]) -> usize {
        let n = out.len().min(self.filled);
        let (older, newer) = self.parts();
        let skip = self.filled - n;
        let samples = older.iter().chain(newer).skip(skip);
        out.iter_mut().zip(samples).for_each(|(y, x)| *y = *x);
        n
    }

    /// Everything held, oldest first, in two pieces.
    pub fn parts(&self) -> (&[f32], &[f32]) {
        if self.filled < self.data.len() {
            return (&self.data[..self.filled], &[]);
        }
        (&self.data[self.next..], &self.data[..self.next])
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.next = 0;
        self.filled = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_end_of_the_stream_for_every_size_of_pieces() {
        let stream: Vec<f32> = (0..97).map(|i| i as f32).collect();
        for capacity in [0, 1, 2, 7, 16, 97, 200] {
            for piece in [1, 2, 3, 5, 8, 40, 97] {
                let mut ring = Ring::new(capacity);
                for (done, part) in stream.chunks(piece).enumerate() {
                    ring.push(part);
                    let seen = &stream[..done * piece + part.len()];
                    let want = &seen[seen.len().saturating_sub(capacity)..];
                    let (a, b) = ring.parts();
                    assert_eq!([a, b].concat(), want);
                    let mut last = [0.0; 5];
                    let n = ring.latest(&mut last);
                    assert_eq!(last[..n], want[want.len() - n..]);
                    assert_eq!(ring.len(), want.len());
                }
                ring.clear();
                assert!(ring.is_empty());
            }
        }
    }
}
