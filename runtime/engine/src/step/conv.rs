//! Convolutions and dense products: by output rows, or by channels when there is one row.

use redpoll_kernels::Tier;
use redpoll_kernels::params::{ConvF32, ConvI8, Finish, FloatWeights, Part};
use redpoll_plan::{DType, Window, op};

use super::{Context, window_macs};
use crate::error::EngineError;
use crate::split::{self, Pace, Work};

/// Integer convolution.
pub(super) fn conv_i8<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::ConvI8,
) -> Result<(), EngineError> {
    let weights = cx.constant(p.weights)?;
    if p.window.rows() == 1 {
        cx.tier.expect_dense_i8(weights, p.window.in_c as usize);
    }
    let params = ConvI8 {
        window: p.window,
        groups: p.groups as usize,
        weights,
        bias: cx.constant(p.bias)?,
        bias_unsigned: cx.constant(p.bias_unsigned)?,
        scale: cx.constant(p.scale)?,
        x_zero: cx.small(p.x_zero)?,
        finish: Finish {
            y_zero: p.y_zero,
            lo: p.lo,
            hi: p.hi,
        },
    };
    let tier = cx.tier;
    let views = cx.sources(p.y, [p.x])?;
    let x = views.slice::<i8>(0)?;
    let cut = Cut::new(
        tier,
        Pace::Int8,
        &p.window,
        params.groups,
        views.workers.count(),
    );
    views.parts(cut.chunk, |index, y: &mut [i8], scratch| {
        tier.conv_i8(&params, x, y, cut.part(index), scratch);
    })
}

/// Float convolution.
pub(super) fn conv_f32<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::ConvF32,
) -> Result<(), EngineError> {
    let params = ConvF32 {
        window: p.window,
        groups: p.groups as usize,
        weights: float_weights(cx, p.weights)?,
        bias: cx.constant(p.bias)?,
        lo: p.lo,
        hi: p.hi,
    };
    let tier = cx.tier;
    let views = cx.sources(p.y, [p.x])?;
    let x = views.slice::<f32>(0)?;
    let cut = Cut::new(
        tier,
        Pace::Float,
        &p.window,
        params.groups,
        views.workers.count(),
    );
    views.parts(cut.chunk, |index, y: &mut [f32], scratch| {
        tier.conv_f32(&params, x, y, cut.part(index), scratch);
    })
}

/// Weights in single or half precision.
pub(super) fn float_weights<'p, T: Tier + ?Sized>(
    cx: &Context<'_, 'p, T>,
    id: redpoll_plan::TensorId,
) -> Result<FloatWeights<'p>, EngineError> {
    match cx.dtype(id)? {
        DType::F16 => cx.constant(id).map(FloatWeights::F16),
        _ => cx.constant(id).map(FloatWeights::F32),
    }
}

/// How a convolution's result is cut.
struct Cut {
    rows: usize,
    channels: usize,
    /// Elements of a part.
    chunk: usize,
    /// Rows of a part; all when it is cut by channels.
    size: usize,
    by_channels: bool,
}

impl Cut {
    fn new<T: Tier + ?Sized>(
        tier: &T,
        pace: Pace,
        w: &Window,
        groups: usize,
        workers: usize,
    ) -> Self {
        let (rows, channels) = (w.rows(), w.out_c as usize);
        if workers <= 1 {
            return Self {
                rows,
                channels,
                chunk: usize::MAX,
                size: rows,
                by_channels: false,
            };
        }
        let work = Work::new(tier, window_macs(w, w.in_c as usize / groups.max(1)), pace);
        if rows == 1 && groups == 1 {
            let size = split::channels(channels, &work, workers);
            return Self {
                rows,
                channels,
                chunk: size,
                size,
                by_channels: true,
            };
        }
        let size = split::rows(rows, 1, &work, workers);
        Self {
            rows,
            channels,
            chunk: size.saturating_mul(channels),
            size,
            by_channels: false,
        }
    }

    fn part(&self, index: usize) -> Part {
        if self.by_channels {
            Part {
                rows: 0..1,
                channels: split::part(index, self.size, self.channels),
            }
        } else {
            Part {
                rows: split::part(index, self.size, self.rows),
                channels: 0..self.channels,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use redpoll_kernels::SCALAR;

    #[test]
    fn one_row_is_cut_by_blocks_of_channels() {
        let cut = Cut::new(&SCALAR, Pace::Int8, &Window::dense(1, 1280, 1001), 1, 2);
        assert_eq!(
            cut.part(0),
            Part {
                rows: 0..1,
                channels: 0..256
            }
        );
        assert_eq!(
            cut.part(3),
            Part {
                rows: 0..1,
                channels: 768..1001
            }
        );
        assert_eq!(cut.chunk, 256);
    }

    #[test]
    fn more_rows_are_cut_by_rows() {
        let cut = Cut::new(&SCALAR, Pace::Int8, &Window::dense(49, 320, 1280), 1, 2);
        assert_eq!(
            cut.part(0),
            Part {
                rows: 0..28,
                channels: 0..1280
            }
        );
        assert_eq!(
            cut.part(1),
            Part {
                rows: 28..49,
                channels: 0..1280
            }
        );
        assert_eq!(cut.chunk, 28 * 1280);
    }

    #[test]
    fn groups_are_never_cut_by_channels() {
        let cut = Cut::new(&SCALAR, Pace::Int8, &Window::dense(1, 4096, 4096), 4, 2);
        assert_eq!(
            cut.part(0),
            Part {
                rows: 0..1,
                channels: 0..4096
            }
        );
        assert_eq!(cut.chunk, 4096);
    }
}
