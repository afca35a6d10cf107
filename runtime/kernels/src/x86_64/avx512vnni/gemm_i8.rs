//! The tile of the integer product: `R` rows × `B` blocks of 16 channels in `R · B` registers.
//!
//! ```text
//!                    weights [N/16][K/4][16][4]: one register a block
//!                    ┌ c0: k k k k  c1: k k k k  …  c15: k k k k ┐
//! x, one row:  k k k k → broadcast to all 16 dwords: vpdpbusd adds the four products of each channel
//! ```
//! `acc = bias_unsigned + Σ (x + 128) · w`, where `bias_unsigned = bias − 128 · Σ w`: vpdpbusd multiplies unsigned by
//! signed bytes, and rows of x come with the top bit flipped. Accumulator: i32 wrapping (never the saturating
//! vpdpbusds), exact for `|bias| + K · 128 · 255 < 2³¹`.
//!
//! Largest tiles: 6 × 4, 8 × 3, 12 × 2, 16 × 1 and 1 × 8: at most 24 accumulators, a register a block and one for x.

use super::epilogue::{Last, low_bits};
use crate::params::Finish;
use crate::x86_64::strip::Lines;
use core::arch::x86_64::*;

/// Bytes of each block that are fetched ahead: the weights of a tile often exceed the first cache.
const AHEAD: usize = 1024;

/// Weights of the tiles to come, fetched to the second cache a share a group of four K: those of large layers come from afar.
#[derive(Clone, Copy)]
struct Later {
    at: *const i8,
    /// Bytes a group.
    share: usize,
}

impl Later {
    /// Nothing.
    const NONE: Self = Self {
        at: core::ptr::null(),
        share: 0,
    };

    /// The next share.
    #[inline(always)]
    fn fetch(&mut self) {
        // SAFETY: fetching reads nothing that a program could see, from any address.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(self.at) };
        self.at = self.at.wrapping_add(self.share);
    }
}

/// Operands of one tile.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    /// First row, top bits flipped; runs of rows are readable to whole groups of four.
    pub x: *const u8,
    /// Bytes between rows.
    pub x_stride: usize,
    /// Runs of a row: 1, or kernel rows of a strip.
    pub runs: usize,
    /// Bytes between the runs of a row.
    pub down: usize,
    /// Groups of four K of a run.
    pub quads: usize,
    /// First block: `[runs][quads][16][4]`.
    pub weights: *const i8,
    /// `bias_unsigned`, whole blocks.
    pub bias: *const i32,
    /// Whole blocks.
    pub scale: *const f32,
    /// First result.
    pub y: *mut i8,
    /// Elements between rows of results.
    pub y_stride: usize,
    /// Channels to store, of the last block perhaps not all.
    pub channels: usize,
    /// All scales are [`small`](super::epilogue::small).
    pub small: bool,
    pub finish: Finish,
}

/// Multiples of the distance between rows: with them each row of a tile is one address of base and scaled index. The load is
/// written out, or the compiler would spend an addition, and in large tiles a spilled register, a row.
#[derive(Clone, Copy)]
struct Stride([usize; 4]);

impl Stride {
    /// Once, three, five and seven times `bytes`.
    #[inline]
    fn new(bytes: usize) -> Self {
        Self([1, 3, 5, 7].map(|n| bytes.wrapping_mul(n)))
    }

    /// Four bytes of row `r` (up to 16) in every dword.
    ///
    /// # Safety
    /// They are readable.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn broadcast(self, x: *const u8, r: usize) -> __m512i {
        let Self([one, three, five, seven]) = self;
        let x = x.wrapping_add(r / 8 * 8 * one);
        let out: __m512i;
        macro_rules! load {
            ($address:literal $(, $stride:ident)?) => {
                // SAFETY: as the caller promises.
                unsafe {
                    core::arch::asm!(
                        concat!("vpbroadcastd {out}, dword ptr [{x}", $address, "]"),
                        x = in(reg) x, $($stride = in(reg) $stride,)? out = lateout(zmm_reg) out,
                        options(pure, readonly, nostack, preserves_flags),
                    )
                }
            };
        }
        match r % 8 {
            0 => load!(""),
            1 => load!(" + {one}", one),
            2 => load!(" + 2*{one}", one),
            3 => load!(" + {three}", three),
            4 => load!(" + 4*{one}", one),
            5 => load!(" + {five}", five),
            6 => load!(" + 2*{three}", three),
            _ => load!(" + {seven}", seven),
        }
        out
    }
}

/// Accumulators of a tile.
type Acc<const R: usize, const B: usize> = [[__m512i; B]; R];

impl Tile {
    /// Accumulators that hold the bias.
    ///
    /// # Safety
    /// `bias` is readable for `B` blocks.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn start<const R: usize, const B: usize>(&self) -> Acc<R, B> {
        let mut bias = [_mm512_setzero_si512(); B];
        for (b, bias) in bias.iter_mut().enumerate() {
            // SAFETY: as the caller promises.
            *bias = unsafe { _mm512_loadu_si512(self.bias.add(b * 16).cast()) };
        }
        [bias; R]
    }

    /// Adds the products of `quads` groups of four K, from row pointer `x` and block pointer `weights`.
    ///
    /// # Safety
    /// `x` is readable for `R` rows of `quads` groups, `weights` for as many of `B` blocks.
    #[inline]
    #[target_feature(enable = "avx512f,avx512vnni")]
    unsafe fn add<const R: usize, const B: usize>(
        &self,
        acc: &mut Acc<R, B>,
        mut x: *const u8,
        stride: Stride,
        mut weights: *const i8,
        quads: usize,
        later: &mut Later,
    ) {
        let mut soon = *later;
        // SAFETY: as the caller promises; both pointers move by one group at a time.
        unsafe {
            for _ in 0..quads {
                // One block is bound by loads, and its weights are few.
                if B > 1 && B < ROW_BLOCKS {
                    soon.fetch();
                }
                self.quad::<R, B>(acc, x, stride, weights);
                x = x.add(4);
                weights = weights.add(64);
            }
        }
        *later = soon;
    }

    /// Adds the products of a group of four K.
    ///
    /// # Safety
    /// As for [`Self::add`].
    #[inline]
    #[target_feature(enable = "avx512f,avx512vnni")]
    unsafe fn quad<const R: usize, const B: usize>(
        &self,
        acc: &mut Acc<R, B>,
        x: *const u8,
        stride: Stride,
        weights: *const i8,
    ) {
        let block_stride = self.runs * self.quads * 64;
        // SAFETY: as the caller promises.
        unsafe {
            let mut w = [_mm512_setzero_si512(); B];
            for (b, w) in w.iter_mut().enumerate() {
                let at = weights.wrapping_add(b * block_stride);
                if B > 1 {
                    _mm_prefetch::<_MM_HINT_T0>(at.wrapping_add(AHEAD));
                }
                *w = _mm512_loadu_si512(at.cast());
            }
            // Written out: a loop of 16 rows is not always unrolled, and then accumulators live in memory.
            macro_rules! rows {
                ($($r:literal)*) => {$(
                    if $r < R {
                        let x = stride.broadcast(x, $r);
                        for (acc, &w) in acc[$r % R].iter_mut().zip(&w) {
                            *acc = _mm512_dpbusd_epi32(*acc, x, w);
                        }
                    }
                )*};
            }
            rows!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
        }
    }

    /// Finishes and stores the results.
    ///
    /// # Safety
    /// `scale` is readable for `B` blocks, `y` writable for `R` rows of [`Self::channels`] elements.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    unsafe fn store<const R: usize, const B: usize>(&self, acc: &Acc<R, B>) {
        let last = Last::new(&self.finish);
        let mut acc = *acc;
        let mut scale = [_mm512_setzero_ps(); B];
        for (b, scale) in scale.iter_mut().enumerate() {
            // SAFETY: as the caller promises.
            *scale = unsafe { _mm512_loadu_ps(self.scale.add(b * 16)) };
        }
        if !self.small {
            let mut finished = acc;
            last.finish_first(finished.as_flattened_mut(), &scale);
            (acc, scale) = (finished, [_mm512_set1_ps(1.0); B]);
        }
        // Four accumulators make 64 bytes: of one row, of two (B = 2) or of four (B = 1).
        let row_blocks = if B > 2 { 4 } else { B };
        let rows = 4 / row_blocks;
        // Rows of results without a gap are one store.
        let dense = self.y_stride == row_blocks * 16 && self.channels == self.y_stride;
        for r in (0..R).step_by(rows) {
            for b in (0..B).step_by(row_blocks) {
                let mut q = [_mm512_setzero_si512(); 4];
                for (i, q) in q.iter_mut().enumerate() {
                    let (r, b) = (r + i / row_blocks, b + i % row_blocks);
                    if r < R && b < B {
                        *q = last.scaled_small(acc[r][b], scale[b]);
                    }
                }
                let bytes = last.pack_within(q);
                let mask = low_bits((self.channels - b * 16).min(row_blocks * 16));
                // SAFETY: as the caller promises; masked-off bytes are not written, rows from R on neither.
                unsafe {
                    let y = self.y.add(r * self.y_stride + b * 16);
                    match row_blocks {
                        1 | 2 if dense && r + rows <= R => _mm512_storeu_si512(y.cast(), bytes),
                        4 => _mm512_mask_storeu_epi8(y, mask, bytes),
                        2 => {
                            let mask = mask as u32;
                            _mm256_mask_storeu_epi8(y, mask, _mm512_castsi512_si256(bytes));
                            if r + 1 < R {
                                let high = _mm512_extracti64x4_epi64::<1>(bytes);
                                _mm256_mask_storeu_epi8(y.add(self.y_stride), mask, high);
                            }
                        }
                        _ => {
                            let mask = mask as u16;
                            let rows = [
                                _mm512_castsi512_si128(bytes),
                                _mm512_extracti32x4_epi32::<1>(bytes),
                                _mm512_extracti32x4_epi32::<2>(bytes),
                                _mm512_extracti32x4_epi32::<3>(bytes),
                            ];
                            for (i, &row) in rows.iter().enumerate() {
                                if r + i < R {
                                    _mm_mask_storeu_epi8(y.add(i * self.y_stride), mask, row);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// One tile of `R` rows × `B` blocks.
///
/// # Safety
/// The CPU has the instructions; the pointers of `t` are good for `R` rows and `B` blocks; `t.channels` is in
/// `16 · (B − 1) + 1 ..= 16 · B`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn tile<const R: usize, const B: usize>(t: &Tile, mut later: Later) {
    // SAFETY: as the caller promises.
    unsafe {
        let mut acc = t.start::<R, B>();
        let stride = Stride::new(t.x_stride);
        for run in 0..t.runs {
            let (x, weights) = (t.x.add(run * t.down), t.weights.add(run * t.quads * 64));
            t.add(&mut acc, x, stride, weights, t.quads, &mut later);
        }
        t.store(&acc);
    }
}

type Kernel = unsafe fn(&Tile, Later);

/// Most rows of a tile of 1, 2, 3, 4 blocks.
const MOST_ROWS: [usize; 4] = [16, 12, 8, 6];

/// Kernels of 1, 2, 3, 4 blocks by rows.
macro_rules! kernels {
    ($b:literal: $($r:literal)*) => { [$(tile::<$r, $b> as Kernel),*] };
}
static ONE: [Kernel; 16] = kernels!(1: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16);
static TWO: [Kernel; 12] = kernels!(2: 1 2 3 4 5 6 7 8 9 10 11 12);
static THREE: [Kernel; 8] = kernels!(3: 1 2 3 4 5 6 7 8);
static FOUR: [Kernel; 6] = kernels!(4: 1 2 3 4 5 6);

/// Blocks of the tile of one row.
const ROW_BLOCKS: usize = 8;

/// Groups of four K of each block that are fetched before a tile of one row.
const EXPECTED_QUADS: usize = 4;

/// Fetches what the first tile of one row of `k` reads first.
#[inline]
pub(super) fn expect_row(weights: &[i8], k: usize) {
    let block = k.div_ceil(4) * 64;
    for at in (0..ROW_BLOCKS).flat_map(|b| (0..EXPECTED_QUADS).map(move |q| b * block + q * 64)) {
        // SAFETY: fetching reads nothing that a program could see, from any address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(weights.as_ptr().wrapping_add(at)) };
    }
}

/// The size of the next of the equal parts, each at most `most`, that `left` is cut into.
fn next(left: usize, most: usize) -> usize {
    left.div_ceil(left.div_ceil(most))
}

/// Blocks of the next tile of `left`: equal tiles where products take the most time, tiles of 4, 2 and 1, whose
/// results fill registers, where finishing them does.
fn blocks(left: usize, quads: usize, rows: usize) -> usize {
    match (left, rows) {
        (4.., _) if quads <= EVEN_QUADS => 4,
        (3, _) if quads <= EVEN_QUADS => 2,
        // One pass over long weights rather than two.
        (_, 7 | 8) => next(left, 3),
        _ => next(left, 4),
    }
}

/// Groups of four K up to which tiles of 4, 2, 1 blocks beat equal ones.
const EVEN_QUADS: usize = 16;

/// `lines` of `rows` × [`Tile::channels`] of any size: equal tiles, channels outside and rows inside, so that the weights
/// of a tile stay in the first cache.
///
/// # Safety
/// As for a tile, with as many rows and blocks as asked for, of each line.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
pub(super) unsafe fn gemm(all: &Tile, rows: usize, lines: Lines) {
    let mut n = 0;
    while n < all.channels {
        let left = (all.channels - n).div_ceil(16);
        // SAFETY: n is the start of a block inside the channels, r a row inside the rows.
        unsafe {
            let mut t = Tile {
                weights: all.weights.add(n / 16 * all.runs * all.quads * 64),
                bias: all.bias.add(n),
                scale: all.scale.add(n),
                y: all.y.add(n),
                ..*all
            };
            if rows == 1 && lines.count == 1 && left >= ROW_BLOCKS {
                t.channels = (all.channels - n).min(ROW_BLOCKS * 16);
                tile::<1, ROW_BLOCKS>(&t, Later::NONE);
                n += ROW_BLOCKS * 16;
                continue;
            }
            let blocks = blocks(left, all.runs * all.quads, rows);
            t.channels = (all.channels - n).min(blocks * 16);
            // What follows these blocks, evenly over the tiles.
            let quads = all.runs * all.quads;
            let tiles = lines.count * rows.div_ceil(MOST_ROWS[blocks - 1]);
            let mut later = Later {
                at: t.weights.wrapping_add(blocks * quads * 64),
                share: ((blocks * 64) as u32).div_ceil(tiles.max(1) as u32).min(64) as usize,
            };
            for line in 0..lines.count {
                let (x, y) = (all.x.add(line * lines.x), all.y.add(line * lines.y + n));
                let mut r = 0;
                while r < rows {
                    let count = next(rows - r, MOST_ROWS[blocks - 1]);
                    t.x = x.add(r * all.x_stride);
                    t.y = y.add(r * all.y_stride);
                    match blocks {
                        4 => FOUR[count - 1](&t, later),
                        3 => THREE[count - 1](&t, later),
                        2 => TWO[count - 1](&t, later),
                        _ => ONE[count - 1](&t, later),
                    }
                    later.at = later.at.wrapping_add(quads * later.share);
                    r += count;
                }
            }
            n += blocks * 16;
        }
    }
}

/// Rows of K too long to be copied whole: flips `CHUNK` bytes of each row at a time beside the accumulators.
///
/// # Safety
/// As for a tile, except that rows of `x` are signed as they come, `k` bytes each.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn tile_long<const R: usize, const B: usize>(t: &Tile, k: usize) {
    const CHUNK: usize = 2048;
    #[repr(align(64))]
    struct Rows<const R: usize>([[u8; CHUNK]; R]);
    let mut rows = Rows([[0; CHUNK]; R]);
    // SAFETY: as the caller promises; a chunk of a row ends with the row.
    unsafe {
        let (mut acc, mut later) = (t.start::<R, B>(), Later::NONE);
        let mut done = 0;
        while done < k {
            let length = (k - done).min(CHUNK);
            for (r, row) in rows.0.iter_mut().enumerate() {
                let from = t.x.add(r * t.x_stride + done);
                for at in (0..length).step_by(64) {
                    let mask = low_bits(length - at);
                    let v = _mm512_maskz_loadu_epi8(mask, from.add(at).cast());
                    let v = _mm512_xor_si512(v, _mm512_set1_epi8(i8::MIN));
                    _mm512_storeu_si512(row.as_mut_ptr().add(at).cast(), v);
                }
            }
            let weights = t.weights.add(done * 16);
            let x = rows.0.as_ptr().cast();
            let (stride, quads) = (Stride::new(CHUNK), length.div_ceil(4));
            t.add(&mut acc, x, stride, weights, quads, &mut later);
            done += length;
        }
        t.store(&acc);
    }
}

/// `rows` of `k` bytes, signed as they come, for `k` beyond what [`gemm`]'s caller can hold.
///
/// # Safety
/// As for [`gemm`], except that rows of `x` are `k` signed bytes each.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
pub(super) unsafe fn gemm_long(all: &Tile, rows: usize, k: usize) {
    let mut n = 0;
    while n < all.channels {
        let blocks = if all.channels - n > 48 { 4 } else { 1 };
        let mut r = 0;
        while r < rows {
            // SAFETY: n is the start of a block inside the channels, r a row inside the rows.
            unsafe {
                let t = Tile {
                    x: all.x.add(r * all.x_stride),
                    weights: all.weights.add(n / 16 * all.quads * 64),
                    bias: all.bias.add(n),
                    scale: all.scale.add(n),
                    y: all.y.add(r * all.y_stride + n),
                    channels: (all.channels - n).min(blocks * 16),
                    ..*all
                };
                let four = rows - r >= 4;
                match (four, blocks) {
                    (true, 4) => tile_long::<4, 4>(&t, k),
                    (true, _) => tile_long::<4, 1>(&t, k),
                    (false, 4) => tile_long::<1, 4>(&t, k),
                    (false, _) => tile_long::<1, 1>(&t, k),
                }
                r += if four { 4 } else { 1 };
            }
        }
        n += blocks * 16;
    }
}
