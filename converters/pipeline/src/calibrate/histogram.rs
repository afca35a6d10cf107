//! A histogram whose interval grows with the data.

/// Number of bins.
pub const BINS: usize = 2048;

/// Counts of finite elements in equal bins. When an element lies outside, neighbouring bins are merged in pairs until
/// it fits, so no count is ever lost and at least half of the bins cover data. Exact zeros are counted apart: they
/// quantise without error, and after a ReLU they are often the greater part.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    counts: Vec<u64>,
    /// Lower end of bin 0.
    origin: f64,
    /// Width of a bin; 0 before the first element that is not zero.
    width: f64,
    zeros: u64,
    min: f32,
    max: f32,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: vec![0; BINS],
            origin: 0.0,
            width: 0.0,
            zeros: 0,
            min: f32::INFINITY,
            max: f32::NEG_INFINITY,
        }
    }
}

impl Histogram {
    /// Adds elements; those that are not finite are passed over.
    pub fn add(&mut self, elements: &[f32]) {
        let finite = || elements.iter().copied().filter(|v| v.is_finite());
        let lo = finite().fold(f32::INFINITY, f32::min);
        let hi = finite().fold(f32::NEG_INFINITY, f32::max);
        if lo > hi {
            return;
        }
        self.cover(lo, hi);
        let (scale, last) = (1.0 / self.width.max(f64::MIN_POSITIVE), BINS - 1);
        for v in finite() {
            if v == 0.0 {
                self.zeros += 1;
            } else {
                let bin = ((f64::from(v) - self.origin) * scale) as usize;
                self.counts[bin.min(last)] += 1;
            }
        }
    }

    /// Makes `[lo, hi]` lie within the bins and the extremes.
    pub(super) fn cover(&mut self, lo: f32, hi: f32) {
        self.min = self.min.min(lo);
        self.max = self.max.max(hi);
        let (lo, hi) = (f64::from(lo), f64::from(hi));
        if self.width == 0.0 {
            if lo == 0.0 && hi == 0.0 {
                return;
            }
            // A single value gets bins around it; the end is a little wider so that `hi` falls inside.
            let spread = (hi - lo).max(lo.abs().max(hi.abs()) * 1e-3);
            self.origin = lo;
            self.width = spread * (1.0 + 1e-9) / BINS as f64;
        }
        while lo < self.origin || hi >= self.origin + self.width * BINS as f64 {
            let downwards = lo < self.origin;
            self.merge(downwards);
        }
    }

    /// Doubles the width; the free half of the bins goes below or above.
    fn merge(&mut self, downwards: bool) {
        let half = BINS / 2;
        let merged: Vec<u64> = self.counts.chunks_exact(2).map(|p| p[0] + p[1]).collect();
        self.counts.fill(0);
        self.width *= 2.0;
        let start = if downwards {
            self.origin -= self.width * half as f64;
            half
        } else {
            0
        };
        self.counts[start..start + half].copy_from_slice(&merged);
    }

    /// The smallest element seen; +∞ when there was none.
    pub fn min(&self) -> f32 {
        self.min
    }

    /// The largest element seen; −∞ when there was none.
    pub fn max(&self) -> f32 {
        self.max
    }

    /// How many elements were exactly zero.
    pub fn zeros(&self) -> u64 {
        self.zeros
    }

    /// How many elements there are, zeros included.
    pub fn total(&self) -> u64 {
        self.zeros + self.counts.iter().sum::<u64>()
    }

    /// Width of a bin.
    pub fn width(&self) -> f64 {
        self.width
    }

    /// The bins that hold elements other than zero, in rising order: lower end and count.
    pub fn bins(&self) -> impl DoubleEndedIterator<Item = (f64, u64)> + '_ {
        let bins = self.counts.iter().enumerate().filter(|(_, n)| **n > 0);
        bins.map(|(i, &n)| (self.origin + i as f64 * self.width, n))
    }

    /// The value below which the share `p` (0 to 1) of the elements lies, linear within a bin.
    pub fn quantile(&self, p: f64) -> f32 {
        let mut left = p * self.total() as f64;
        let mut zeros = self.zeros as f64;
        for (start, count) in self.bins() {
            if start + self.width > 0.0 && zeros > 0.0 {
                if left <= zeros {
                    return 0.0;
                }
                left -= zeros;
                zeros = 0.0;
            }
            if left <= count as f64 {
                let v = start + self.width * left / count as f64;
                return (v as f32).clamp(self.min, self.max);
            }
            left -= count as f64;
        }
        self.max
    }
}
