//! Sums with a fixed tree of 16 lanes: the same bits at every vector width up to 16.

/// Lanes of the tree.
pub const LANES: usize = 16;

/// Folds 16 lanes to one: `lane[j] += lane[j + 8]`, then `+ 4`, `+ 2`, `+ 1`.
#[inline(always)]
pub fn fold(mut lanes: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for j in 0..width {
            lanes[j] += lanes[j + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// Sum of `x`: `lane[i % 16] += x[i]` in order, then [`fold`].
#[inline(always)]
pub fn sum(x: &[f32]) -> f32 {
    sum_by(x, |v| v)
}

/// Sum of `f(x[i])` over the same tree.
#[inline(always)]
pub fn sum_by<T: Copy>(x: &[T], f: impl Fn(T) -> f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let mut blocks = x.chunks_exact(LANES);
    for block in &mut blocks {
        for (lane, &v) in lanes.iter_mut().zip(block) {
            *lane += f(v);
        }
    }
    for (lane, &v) in lanes.iter_mut().zip(blocks.remainder()) {
        *lane += f(v);
    }
    fold(lanes)
}

/// The largest element, NaN passed over; −∞ of none. Over 16 lanes: the order only decides the sign of a zero.
#[inline(always)]
pub fn max(x: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let mut blocks = x.chunks_exact(LANES);
    for block in &mut blocks {
        for (lane, &v) in lanes.iter_mut().zip(block) {
            *lane = if v > *lane { v } else { *lane };
        }
    }
    let all = lanes.iter().chain(blocks.remainder());
    all.fold(f32::NEG_INFINITY, |m, &v| if v > m { v } else { m })
}
