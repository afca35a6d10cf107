//! Packs weights into the layouts of [`redpoll_plan::layout`].

use redpoll_plan::layout::{BLOCK_K, BLOCK_N, packed_f32_len, packed_i8_len, padded_n};

/// int8 rows `[groups · n][k]` → `[groups][⌈n/16⌉][⌈k/4⌉][16][4]`.
pub(super) fn rows_i8(groups: usize, n: usize, k: usize, rows: &[i8]) -> Vec<i8> {
    let len = packed_i8_len(n, k);
    let k_blocks = k.div_ceil(BLOCK_K);
    let mut out = vec![0; groups * len];
    for (row, values) in rows.chunks_exact(k.max(1)).enumerate() {
        let (group, channel) = (row / n, row % n);
        let block = group * len + (channel / BLOCK_N) * k_blocks * BLOCK_N * BLOCK_K;
        for (i, &v) in values.iter().enumerate() {
            let at = (i / BLOCK_K) * BLOCK_N * BLOCK_K + (channel % BLOCK_N) * BLOCK_K;
            out[block + at + i % BLOCK_K] = v;
        }
    }
    out
}

/// Float rows `[groups · n][k]` → `[groups][⌈n/16⌉][k][16]`.
pub(super) fn rows_f32(groups: usize, n: usize, k: usize, rows: &[f32]) -> Vec<f32> {
    let len = packed_f32_len(n, k);
    let mut out = vec![0.0; groups * len];
    for (row, values) in rows.chunks_exact(k.max(1)).enumerate() {
        let (group, channel) = (row / n, row % n);
        let block = group * len + (channel / BLOCK_N) * k * BLOCK_N;
        for (i, &v) in values.iter().enumerate() {
            out[block + i * BLOCK_N + channel % BLOCK_N] = v;
        }
    }
    out
}

/// Depthwise rows `[channels][taps]` → `[taps][⌈channels/16⌉ · 16]`.
pub(super) fn depthwise<T: Copy + Default>(channels: usize, taps: usize, rows: &[T]) -> Vec<T> {
    let padded = padded_n(channels);
    let mut out = vec![T::default(); taps * padded];
    for (channel, values) in rows.chunks_exact(taps.max(1)).enumerate() {
        for (tap, &v) in values.iter().enumerate() {
            out[tap * padded + channel] = v;
        }
    }
    out
}

/// One value a channel, `[groups · n]` → `[groups][⌈n/16⌉ · 16]`.
pub(super) fn channels<T: Copy + Default>(groups: usize, n: usize, values: &[T]) -> Vec<T> {
    let padded = padded_n(n);
    let mut out = vec![T::default(); groups * padded];
    for (i, &v) in values.iter().enumerate() {
        out[i / n * padded + i % n] = v;
    }
    out
}

/// Little-endian bytes of f32.
pub(super) fn f32_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// Little-endian bytes of i32.
pub(super) fn i32_bytes(values: &[i32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// Bytes of i8.
pub(super) fn i8_bytes(values: &[i8]) -> Vec<u8> {
    values.iter().map(|v| v.cast_unsigned()).collect()
}

/// Little-endian bytes of f32 rounded to half precision.
pub(super) fn f16_bytes(values: &[f32]) -> Vec<u8> {
    let halves = values.iter().map(|&v| half::f16::from_f32(v));
    halves.flat_map(half::f16::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn int8_blocks_hold_sixteen_channels_of_four_k() {
        // 2 groups of 17 channels, K = 5: value = row · 5 + k, small enough for i8 by wrapping.
        let rows: Vec<i8> = (0..2 * 17 * 5).map(|v| v as i8).collect();
        let packed = rows_i8(2, 17, 5, &rows);
        assert_eq!(packed.len(), 2 * 32 * 8);
        let at = |g: usize, n: usize, k: usize| {
            packed[g * 256 + (n / 16) * 128 + (k / 4) * 64 + (n % 16) * 4 + k % 4]
        };
        for g in 0..2 {
            for n in 0..32 {
                for k in 0..8 {
                    let real = n < 17 && k < 5;
                    let expected = if real {
                        ((g * 17 + n) * 5 + k) as i8
                    } else {
                        0
                    };
                    assert_eq!(at(g, n, k), expected, "{g} {n} {k}");
                }
            }
        }
    }

    #[test]
    fn float_blocks_hold_sixteen_channels_a_k() {
        let rows: Vec<f32> = (0..18 * 3).map(|v| v as f32).collect();
        let packed = rows_f32(1, 18, 3, &rows);
        assert_eq!(packed.len(), 32 * 3);
        assert_eq!(packed[16 + 2], 7.0, "channel 2, k 1");
        assert_eq!(packed[48 + 32 + 1], 53.0, "channel 17, k 2");
        assert_eq!(packed[48 + 2], 0.0, "padding");
    }

    #[test]
    fn depthwise_taps_are_rows_of_channels() {
        assert_eq!(depthwise(2, 3, &[1, 2, 3, 4, 5, 6])[16..18], [2, 5]);
        assert_eq!(channels(2, 3, &[1, 2, 3, 4, 5, 6])[16..20], [4, 5, 6, 0]);
    }
}
