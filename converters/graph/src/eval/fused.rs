//! Chains of fused multiply-adds, `acc = fma(x, w, acc)` over K in order, one rounding each.
//!
//! Where the machine code may not assume FMA instructions, `f32::mul_add` is a call to a slow function. The same
//! bits come from f64: the product of two f32 is exact there, so `s = x · w + acc` is rounded once to 53 bits, and
//! rounding `s` to f32 gives what one rounding of the exact sum gives, unless `s` lies exactly halfway between two
//! f32 (the first rounding may have put it there) or is too small for a normal f32 (where halves lie elsewhere).
//! Both are seen in the bits of `s`; a chain in which either happens is computed again by `mul_add`.

/// Chains computed side by side.
const LANES: usize = 8;

/// Weights `[K][N]` in blocks `[N/8][K][8]`, widened.
pub(super) struct Weights {
    blocks: Vec<f64>,
    k: usize,
    n: usize,
    finest: i32,
}

/// What the first operand and the start of the chains allow to leave out.
#[derive(Clone, Copy)]
pub(super) struct Grain {
    x: i32,
    start: i32,
}

impl Grain {
    /// For chains that start from `start` and read `x`.
    pub(super) fn new(x: &[f32], start: &[f32]) -> Self {
        Self {
            x: finest(x.iter().copied()),
            start: finest(start.iter().copied()),
        }
    }
}

impl Weights {
    /// Takes the weight of step `k` and chain `n` from `at(k, n)`.
    pub(super) fn new(k: usize, n: usize, at: impl Fn(usize, usize) -> f32) -> Self {
        let mut blocks = Vec::with_capacity(n.div_ceil(LANES) * k * LANES);
        for start in (0..n).step_by(LANES) {
            for k in 0..k {
                let lane = |i: usize| if i < n { at(k, i).into() } else { 0.0 };
                blocks.extend((start..start + LANES).map(lane));
            }
        }
        let finest = finest(blocks.iter().map(|&w| w as f32));
        Self {
            blocks,
            k,
            n,
            finest,
        }
    }

    /// `acc[n] = fma(x[k], w[k][n], acc[n])` over all `k` in order.
    pub(super) fn accumulate(&self, acc: &mut [f32], x: &[f64], grain: Grain) {
        let normal = self.stays_normal(grain);
        let each = (self.k * LANES).max(1);
        let chains = acc.chunks_mut(LANES);
        for (acc, w) in chains.zip(self.blocks.chunks_exact(each)) {
            let w = w.as_chunks::<LANES>().0;
            chain(acc, normal, x.iter().zip(w).map(|(&x, w)| ([x; LANES], w)));
        }
    }

    /// `acc[n] = fma(x[k · N + n], w[k][n], acc[n])` over all `k` in order: each chain has its own `x`.
    pub(super) fn accumulate_each(&self, acc: &mut [f32], x: &[f64], grain: Grain) {
        let normal = self.stays_normal(grain);
        let each = (self.k * LANES).max(1);
        let chains = acc.chunks_mut(LANES).enumerate();
        for ((block, acc), w) in chains.zip(self.blocks.chunks_exact(each)) {
            let rows = x.chunks_exact(self.n.max(1));
            let lanes = rows.map(|row| lanes_at(row, block * LANES));
            chain(acc, normal, lanes.zip(w.as_chunks::<LANES>().0));
        }
    }

    /// True when no result but zero can be below 2⁻¹²⁶: every number is a multiple of its last bit, so every product,
    /// sum and rounding is a multiple of the finest of those.
    fn stays_normal(&self, grain: Grain) -> bool {
        let least = f32::MIN_EXP - 1;
        grain.x + self.finest - 46 >= least && grain.start - 23 >= least
    }
}

/// Exponent of the smallest of `values` that is not zero; −127 where that is subnormal, 0 where all are zero.
fn finest(values: impl Iterator<Item = f32>) -> i32 {
    values
        .filter(|v| *v != 0.0)
        .map(|v| ((v.to_bits() >> 23) & 0xff) as i32 - 127)
        .min()
        .unwrap_or(0)
}

/// Eight elements of `row`, zeros beyond its end.
#[inline(always)]
fn lanes_at(row: &[f64], at: usize) -> [f64; LANES] {
    let rest = &row[at..];
    match rest.first_chunk() {
        Some(lanes) => *lanes,
        None => std::array::from_fn(|i| rest.get(i).copied().unwrap_or(0.0)),
    }
}

/// One block of chains over its steps.
#[inline(always)]
fn chain<'a>(
    acc: &mut [f32],
    normal: bool,
    steps: impl Iterator<Item = ([f64; LANES], &'a [f64; LANES])> + Clone,
) {
    let mut start = [0.0f64; LANES];
    for (start, &acc) in start.iter_mut().zip(acc.iter()) {
        *start = acc.into();
    }
    let sums = if normal {
        widened(start, steps.clone(), is_half)
    } else {
        widened(start, steps.clone(), |bits| is_half(bits) | is_small(bits))
    };
    if let Some(sums) = sums {
        for (acc, sum) in acc.iter_mut().zip(sums) {
            *acc = sum as f32;
        }
        return;
    }
    for (x, w) in steps {
        for (i, acc) in acc.iter_mut().enumerate() {
            *acc = (x[i] as f32).mul_add(w[i] as f32, *acc);
        }
    }
}

/// The chains by way of f64; `None` when `doubt` set bit 63 for a sum.
#[inline(always)]
fn widened<'a>(
    mut sums: [f64; LANES],
    steps: impl Iterator<Item = ([f64; LANES], &'a [f64; LANES])>,
    doubt: impl Fn(u64) -> u64,
) -> Option<[f64; LANES]> {
    let mut doubtful = [0u64; LANES];
    for (x, w) in steps {
        for i in 0..LANES {
            let s = x[i] * w[i] + sums[i];
            doubtful[i] |= doubt(s.to_bits());
            sums[i] = f64::from(s as f32);
        }
    }
    let any = doubtful.iter().fold(0, |all, d| all | d);
    (any >> 63 == 0).then_some(sums)
}

/// Sets bit 63 where the low 29 bits are exactly half of what rounding to f32 cuts off.
#[inline(always)]
fn is_half(bits: u64) -> u64 {
    ((bits & 0x1fff_ffff) ^ 0x1000_0000).wrapping_sub(1)
}

/// Sets bit 63 where the magnitude is below 2⁻¹²⁶ and not zero.
#[inline(always)]
fn is_small(bits: u64) -> u64 {
    let magnitude = bits & (u64::MAX >> 1);
    magnitude.wrapping_sub((1023 - 126) << 52) & !magnitude.wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::{Grain, Weights, is_half, is_small};

    /// A fixed stream of numbers with few or many bits, large, small and subnormal.
    fn numbers(count: usize, seed: u64) -> Vec<f32> {
        // Every other stream has no small numbers, so that their check is left out.
        let kinds = if seed.is_multiple_of(2) { 8 } else { 4 };
        let mut state = seed;
        let mut next = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as u32
        };
        let number = |_| match next() % kinds {
            0 => 0.0,
            1 => (next() % 17) as f32 - 8.0,
            2 => -f32::from_bits(((next() % 8 + 124) << 23) | (next() % 0x80_0000)),
            3 => 1.0 + f32::EPSILON * (next() % 3) as f32,
            4 => f32::from_bits(next() % 0x0080_0000),
            5 => f32::from_bits(((next() % 40 + 44) << 23) | (next() % 2)),
            _ => f32::from_bits(((next() % 8 + 124) << 23) | (next() % 0x80_0000)),
        };
        (0..count).map(number).collect()
    }

    #[test]
    fn equals_mul_add() {
        for seed in 0..2000 {
            let (k, n) = (1 + seed as usize % 13, 1 + seed as usize % 19);
            let (w, x) = (numbers(k * n, seed), numbers(k * n, seed ^ 76));
            let start = numbers(n, seed ^ 154);
            let weights = Weights::new(k, n, |k, i| w[k * n + i]);
            let wide: Vec<f64> = x.iter().map(|&x| x.into()).collect();
            let (mut shared, mut own) = (start.clone(), start.clone());
            let grain = Grain::new(&x, &start);
            weights.accumulate(&mut shared, &wide[..k], grain);
            weights.accumulate_each(&mut own, &wide, grain);
            for i in 0..n {
                let chain = |x: &dyn Fn(usize) -> f32| {
                    (0..k).fold(start[i], |acc, k| x(k).mul_add(w[k * n + i], acc))
                };
                assert_eq!(
                    shared[i].to_bits(),
                    chain(&|k| x[k]).to_bits(),
                    "seed {seed}"
                );
                assert_eq!(
                    own[i].to_bits(),
                    chain(&|k| x[k * n + i]).to_bits(),
                    "seed {seed}"
                );
            }
        }
    }

    #[test]
    fn doubt_sees_halves_and_small_numbers() {
        let doubtful = |s: f64| (is_half(s.to_bits()) | is_small(s.to_bits())) >> 63 == 1;
        assert!(doubtful(1.0 + f64::from(f32::EPSILON) / 2.0));
        assert!(!doubtful(1.0 + f64::from(f32::EPSILON) / 4.0));
        assert!(doubtful(-f64::from(f32::MIN_POSITIVE) / 2.0));
        assert!(!doubtful(f64::from(f32::MIN_POSITIVE)));
        for fine in [0.0, -0.0, 1.0, 1e30, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(!doubtful(fine), "{fine}");
        }
    }
}
