//! How weights are packed: one layout for all machines.
//!
//! | weights | layout | padding |
//! |---|---|---|
//! | int8 convolution, dense | `[groups][⌈N/16⌉][⌈K/4⌉][16][4]`: blocks of 16 output channels × 4 consecutive K | zeros |
//! | f32, f16 convolution, dense | `[groups][⌈N/16⌉][K][16]` | zeros |
//! | recurrent, f32, f16 | `[gates][⌈H/16⌉][H][16]` | zeros |
//! | depthwise, int8, f32, f16 | `[taps][⌈C/16⌉ · 16]` | zeros |
//! | bias (i32, f32), scales (f32) | `[groups][⌈N/16⌉ · 16]`, depthwise `[⌈C/16⌉ · 16]`, recurrent `[gates][⌈H/16⌉ · 16]` | zeros |
//!
//! `N` is the output channels of a group, `K = kernel_h · kernel_w · (C / groups)` in that order (taps outer,
//! channels inner). Per group everything starts anew at a block boundary.

/// Output channels of a block.
pub const BLOCK_N: usize = 16;
/// Consecutive K of an int8 block.
pub const BLOCK_K: usize = 4;

/// `n` rounded up to whole blocks of output channels.
pub const fn padded_n(n: usize) -> usize {
    n.div_ceil(BLOCK_N) * BLOCK_N
}

/// Elements of the packed int8 weights of one group.
pub const fn packed_i8_len(n: usize, k: usize) -> usize {
    padded_n(n) * k.div_ceil(BLOCK_K) * BLOCK_K
}

/// Elements of the packed f32 or f16 weights of one group.
pub const fn packed_f32_len(n: usize, k: usize) -> usize {
    padded_n(n) * k
}

/// Bytes between the rows of the patch scratch of a convolution: `k` elements rounded up to 64 bytes.
pub const fn patch_stride(k_bytes: usize) -> usize {
    k_bytes.div_ceil(64) * 64
}

/// Bytes of scratch of a recurrent step: the products of all gates, and a state scaled by its reset gate.
pub const fn recurrent_scratch(gates: usize, batch: usize, hidden: usize) -> Option<usize> {
    match batch.checked_mul(hidden) {
        Some(n) => match n.checked_mul(gates + 1) {
            Some(n) => n.checked_mul(4),
            None => None,
        },
        None => None,
    }
}
