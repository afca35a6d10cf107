//! Calibration methods: from the statistics of a value to its range.

mod entropy;
mod mse;

use std::fmt;
use std::str::FromStr;

pub use mse::mse_range;

use super::{Range, ValueStatistics};
use crate::{Error, ErrorKind};

/// How a histogram becomes a range. All keep the range within the extremes seen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Method {
    /// The extremes: nothing is clipped, outliers cost resolution.
    MinMax,
    /// Moving average over the samples of the smallest and the largest element.
    MovingAverage,
    /// Cuts so that this many percent of the elements stay; half of the rest goes at each end.
    Percentile(f64),
    /// Keeps the information: smallest Kullback–Leibler divergence between the distribution and its quantised form.
    Entropy,
    /// Smallest mean squared error of the quantised elements, over both ends at once. The default.
    #[default]
    MeanSquaredError,
    /// As [`MeanSquaredError`](Self::MeanSquaredError), the error of clipped elements counted four times: errors of
    /// rounding have either sign and cancel in the sums of the next layer, those of clipping all point inwards.
    Guarded,
}

/// How often [`Method::Guarded`] counts the squared error of a clipped element.
const CLIPPED: f64 = 4.0;

impl Method {
    /// Percentile at its usual 99.99.
    pub const PERCENTILE: Self = Self::Percentile(99.99);

    /// The range of a value with these statistics. Empty statistics give `[0, 0]`.
    pub fn range(self, value: &ValueStatistics) -> Range {
        let h = &value.histogram;
        if h.total() == 0 {
            return Range { min: 0.0, max: 0.0 };
        }
        let extremes = Range {
            min: h.min(),
            max: h.max(),
        };
        match self {
            Self::MinMax => extremes,
            Self::MovingAverage => value.average(),
            Self::Percentile(percent) => {
                let cut = ((100.0 - percent) / 200.0).clamp(0.0, 0.5);
                Range {
                    min: h.quantile(cut),
                    max: h.quantile(1.0 - cut),
                }
            }
            Self::Entropy => entropy::entropy_range(h),
            Self::MeanSquaredError => mse_range(h),
            Self::Guarded => mse::error_range(h, CLIPPED),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MinMax => f.write_str("min-max"),
            Self::MovingAverage => f.write_str("moving-average"),
            Self::Percentile(p) => write!(f, "percentile={p}"),
            Self::Entropy => f.write_str("entropy"),
            Self::MeanSquaredError => f.write_str("mse"),
            Self::Guarded => f.write_str("guarded"),
        }
    }
}

impl FromStr for Method {
    type Err = Error;

    /// What `Display` writes; `percentile` alone is 99.99.
    fn from_str(s: &str) -> Result<Self, Error> {
        match s {
            "min-max" | "minmax" => return Ok(Self::MinMax),
            "moving-average" => return Ok(Self::MovingAverage),
            "percentile" => return Ok(Self::PERCENTILE),
            "entropy" => return Ok(Self::Entropy),
            "mse" => return Ok(Self::MeanSquaredError),
            "guarded" => return Ok(Self::Guarded),
            _ => {}
        }
        let percent = s.strip_prefix("percentile=").and_then(|p| p.parse().ok());
        match percent {
            Some(p) if (50.0..=100.0).contains(&p) => Ok(Self::Percentile(p)),
            _ => Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "calibration method \"{s}\" is not known: min-max, moving-average, percentile[=99.99], entropy, mse or guarded"
                ),
            )),
        }
    }
}
