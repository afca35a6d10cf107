//! What the inner loops are told: words in the order in which the assembly loads them.

/// Products of some pixels with the channels of one block of 16, and where their results go.
///
/// `x` is readable up to `end`: widened pixels in turn, or the bytes of one pixel; `w` for a word a channel every 16, a quad
/// each; `bias` and `scale` for `channels` rounded up to the tile. `y` is writable for a byte a channel and pixel,
/// `y_step` apart. `channels` is not 0.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Product {
    /// Up to here one quad at a time, so that what is left is fours.
    pub(super) head: *const u32,
    pub(super) end: *const u32,
    pub(super) x: *const u32,
    pub(super) w: *const u32,
    pub(super) bias: *const i32,
    pub(super) scale: *const f32,
    pub(super) y: *mut i8,
    pub(super) y_step: usize,
    pub(super) zero: i32,
    pub(super) channels: usize,
}

/// One line of one channel under a 3 × 3 window: see `depthwise_i8.rs`.
///
/// Three rows are readable from where the call says: for each result two pixels a stride, and four more. Results go to
/// `y`, `y + y_step`, …: two for each pair up to `end`, and one for `one_more`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Line {
    /// (w0, w1), (w1, w2) of the first row.
    pub(super) first: [u32; 2],
    pub(super) zero: i32,
    pub(super) second: [u32; 2],
    pub(super) third: [u32; 2],
    pub(super) scale: f32,
    pub(super) unused: u32,
    pub(super) y: *mut i8,
    pub(super) y_step: usize,
    /// The same twice.
    pub(super) bias: [i32; 2],
    /// Where the first row is after the last pair.
    pub(super) end: *const u32,
    pub(super) one_more: usize,
}

/// `y = saturate(rhe(f32(a − a_zero) · a_scale + f32(b − b_zero) · b_scale) + zero)` up to `end`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Sum {
    pub(super) a: *const i8,
    pub(super) b: *const i8,
    pub(super) y: *mut i8,
    pub(super) end: *const i8,
    pub(super) a_zero: i32,
    pub(super) b_zero: i32,
    pub(super) zero: i32,
    pub(super) a_scale: f32,
    pub(super) b_scale: f32,
}
