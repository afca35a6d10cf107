//! What one pass over the samples keeps of every value.

use std::collections::BTreeMap;

use redpoll_graph::Tensor;

use super::{Histogram, Method, Range};

/// Weight of a new sample in the moving average of its smallest and largest element.
const MOMENTUM: f32 = 0.1;

/// Most elements of one tensor that the histogram takes; of larger ones it takes an even choice.
const MOST_COUNTED: usize = 1 << 15;

/// Statistics of each channel (last axis).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Channels {
    /// Smallest element.
    pub min: Vec<f32>,
    /// Largest element.
    pub max: Vec<f32>,
    sum: Vec<f64>,
    sum_squares: Vec<f64>,
    rows: u64,
}

impl Channels {
    fn add(&mut self, elements: &[f32], channels: usize) {
        if self.min.len() != channels {
            *self = Self {
                min: vec![f32::INFINITY; channels],
                max: vec![f32::NEG_INFINITY; channels],
                sum: vec![0.0; channels],
                sum_squares: vec![0.0; channels],
                rows: 0,
            };
        }
        let (mut sum, mut squares) = (vec![0f32; channels], vec![0f32; channels]);
        // Blocks keep the f32 partial sums short, and so exact enough.
        for block in elements.chunks(channels * 256) {
            sum.fill(0.0);
            squares.fill(0.0);
            for row in block.chunks_exact(channels) {
                for (c, &v) in row.iter().enumerate() {
                    self.min[c] = self.min[c].min(v);
                    self.max[c] = self.max[c].max(v);
                    sum[c] += v;
                    squares[c] += v * v;
                }
                self.rows += 1;
            }
            for c in 0..channels {
                self.sum[c] += f64::from(sum[c]);
                self.sum_squares[c] += f64::from(squares[c]);
            }
        }
    }

    /// As if channel `c` had been multiplied by `factors[c]`, which is above 0.
    pub(crate) fn scale(&mut self, factors: &[f32]) {
        for (c, &k) in factors.iter().enumerate().take(self.min.len()) {
            self.min[c] *= k;
            self.max[c] *= k;
            self.sum[c] *= f64::from(k);
            self.sum_squares[c] *= f64::from(k).powi(2);
        }
    }

    /// Takes the sums, and so the means, of `other`, which saw a part of the elements; the extremes stay.
    fn take_sums(&mut self, other: &Self) {
        if self.sum.len() == other.sum.len() {
            self.sum.clone_from(&other.sum);
            self.sum_squares.clone_from(&other.sum_squares);
            self.rows = other.rows;
        }
    }

    /// Mean of each channel.
    pub fn mean(&self) -> Vec<f64> {
        let n = self.rows.max(1) as f64;
        self.sum.iter().map(|s| s / n).collect()
    }

    /// Mean square of each channel.
    pub fn mean_square(&self) -> Vec<f64> {
        let n = self.rows.max(1) as f64;
        self.sum_squares.iter().map(|s| s / n).collect()
    }
}

/// Statistics of one value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ValueStatistics {
    /// Counts of all elements.
    pub histogram: Histogram,
    /// Each channel.
    pub channels: Channels,
    average: Option<Range>,
    sample: Option<Range>,
}

impl ValueStatistics {
    /// Adds one tensor.
    pub fn add(&mut self, elements: &[f32], channels: usize) {
        self.channels.add(elements, channels.max(1));
        let finite = || elements.iter().copied().filter(|v| v.is_finite());
        let min = finite().fold(f32::INFINITY, f32::min);
        let max = finite().fold(f32::NEG_INFINITY, f32::max);
        if min > max {
            return;
        }
        let s = self.sample.get_or_insert(Range { min, max });
        s.min = s.min.min(min);
        s.max = s.max.max(max);
        self.histogram.cover(min, max);
        if elements.len() <= MOST_COUNTED {
            self.histogram.add(elements);
        } else {
            self.histogram.add(&choice(elements));
        }
    }

    /// Folds the extremes of the sample that ended into the moving average.
    pub fn end_sample(&mut self) {
        let Some(s) = self.sample.take() else { return };
        self.average = Some(match self.average {
            None => s,
            Some(a) => Range {
                min: a.min + MOMENTUM * (s.min - a.min),
                max: a.max + MOMENTUM * (s.max - a.max),
            },
        });
    }

    /// Moving average over samples of the smallest and the largest element.
    pub fn average(&self) -> Range {
        self.average.or(self.sample).unwrap_or(Range {
            min: self.histogram.min(),
            max: self.histogram.max(),
        })
    }
}

/// [`MOST_COUNTED`] elements, one from each of as many equal stretches, at changing places within them.
fn choice(elements: &[f32]) -> Vec<f32> {
    let n = elements.len();
    let one = |i: usize| {
        let (from, to) = (i * n / MOST_COUNTED, (i + 1) * n / MOST_COUNTED);
        elements[from + i.wrapping_mul(0x9E37_79B1) % (to - from)]
    };
    (0..MOST_COUNTED).map(one).collect()
}

/// Statistics of all float values, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    /// By value name.
    pub values: BTreeMap<String, ValueStatistics>,
}

impl Statistics {
    /// Adds a tensor of the value `name`; tensors that are not f32 are passed over.
    pub fn observe(&mut self, name: &str, tensor: &Tensor) {
        let Some(elements) = tensor.as_f32() else {
            return;
        };
        if !elements.iter().any(|v| v.is_finite()) {
            return;
        }
        if !self.values.contains_key(name) {
            self.values
                .insert(name.to_owned(), ValueStatistics::default());
        }
        if let Some(value) = self.values.get_mut(name) {
            value.add(elements, tensor.shape().last().copied().unwrap_or(1));
        }
    }

    /// Call after the last value of each sample.
    pub fn end_sample(&mut self) {
        for value in self.values.values_mut() {
            value.end_sample();
        }
    }

    /// These statistics with the channel means of `part`, which saw only some of the samples: to correct biases on
    /// those few, with ranges and extremes of all.
    pub(crate) fn with_means_of(mut self, part: &Self) -> Self {
        for (name, value) in &mut self.values {
            if let Some(p) = part.values.get(name) {
                value.channels.take_sums(&p.channels);
            }
        }
        self
    }

    /// The range of every value by `method`.
    pub fn ranges(&self, method: Method) -> BTreeMap<String, Range> {
        let range =
            |(name, value): (&String, &ValueStatistics)| (name.clone(), method.range(value));
        self.values.iter().map(range).collect()
    }
}
