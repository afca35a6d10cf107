//! Strided copies: transposition by tiles of 16 × 16 bytes or 8 × 8 elements of four, and short runs without a call each.
//!
//! ```text
//! x: rows of n bytes, one an inner index     y: rows of inner bytes, one an n
//! r0: a0 a1 a2 …                              a0 b0 c0 …
//! r1: b0 b1 b2 …             →                a1 b1 c1 …
//! r2: c0 …                                    a2 …
//! ```
//! Four rounds of unpacking, each of which doubles how many rows' bytes lie side by side. A tile that would leave the matrix
//! starts earlier and writes some bytes once more.

use super::again;
use crate::geometry::each_run;
use crate::scalar::copy::merged;
use core::arch::x86_64::*;
use redpoll_plan::op::{self, MAX_LOOP};

/// Rows and columns of a tile of bytes.
const TILE: usize = 16;
/// Rows and columns of a tile of elements of four bytes.
const TILE_4: usize = 8;
const INNER: usize = MAX_LOOP - 1;

/// Transposes a tile.
///
/// # Safety
/// `x` is readable for 16 rows of 16 bytes, `y` writable for as many.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn tile(x: *const u8, x_stride: usize, y: *mut u8, y_stride: usize) {
    let mut v = [_mm_setzero_si128(); TILE];
    for (i, v) in v.iter_mut().enumerate() {
        // SAFETY: as the caller promises.
        *v = unsafe { _mm_loadu_si128(x.add(i * x_stride).cast()) };
    }
    // Pairs of rows 8 apart: after four rounds row i holds column i.
    for _ in 0..4 {
        let mut next = v;
        for i in 0..8 {
            next[2 * i] = _mm_unpacklo_epi8(v[i], v[i + 8]);
            next[2 * i + 1] = _mm_unpackhi_epi8(v[i], v[i + 8]);
        }
        v = next;
    }
    for (i, &v) in v.iter().enumerate() {
        // SAFETY: as the caller promises.
        unsafe { _mm_storeu_si128(y.add(i * y_stride).cast(), v) };
    }
}

/// As [`tile`], 8 rows of 8 elements of four bytes; strides in bytes.
///
/// # Safety
/// `x` is readable for 8 rows of 32 bytes, `y` writable for as many.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn tile_4(x: *const u8, x_stride: usize, y: *mut u8, y_stride: usize) {
    // Register i holds the first halves of rows i and i + 4 at first, then their second halves.
    for half in 0..2 {
        let v: [__m256; 4] = core::array::from_fn(|i| {
            // SAFETY: as the caller promises.
            unsafe {
                let from = x.add(half * 16);
                let low = _mm_loadu_ps(from.add(i * x_stride).cast());
                let high = _mm_loadu_ps(from.add((i + 4) * x_stride).cast());
                _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(low), high)
            }
        });
        let pairs = [
            _mm256_unpacklo_ps(v[0], v[1]),
            _mm256_unpacklo_ps(v[2], v[3]),
            _mm256_unpackhi_ps(v[0], v[1]),
            _mm256_unpackhi_ps(v[2], v[3]),
        ];
        let columns = [
            _mm256_shuffle_ps::<0x44>(pairs[0], pairs[1]),
            _mm256_shuffle_ps::<0xee>(pairs[0], pairs[1]),
            _mm256_shuffle_ps::<0x44>(pairs[2], pairs[3]),
            _mm256_shuffle_ps::<0xee>(pairs[2], pairs[3]),
        ];
        for (i, &column) in columns.iter().enumerate() {
            // SAFETY: as the caller promises.
            unsafe { _mm256_storeu_ps(y.add((half * 4 + i) * y_stride).cast(), column) };
        }
    }
}

/// Copies `count` runs of `N` bytes.
///
/// # Safety
/// All are readable and writable.
#[inline(always)]
unsafe fn runs<const N: usize>(x: *const u8, y: *mut u8, strides: [isize; 2], count: usize) {
    for i in 0..count as isize {
        // SAFETY: as the caller promises; they do not overlap, being of two slices.
        unsafe {
            let run = x.offset(i * strides[0]).cast::<[u8; N]>().read();
            y.offset(i * strides[1]).cast::<[u8; N]>().write(run);
        }
    }
}

/// True if all indices of the loop lie in `0..length`.
fn inside(p: &op::Copy, offset: u32, strides: &op::Strides, length: usize) -> bool {
    let (mut low, mut high) = (i64::from(offset), i64::from(offset));
    for (&dim, &stride) in p.dims.iter().zip(strides) {
        let reach = (i64::from(dim) - 1) * i64::from(stride);
        low += reach.min(0);
        high += reach.max(0);
    }
    low >= 0 && high < length as i64
}

/// See [`crate::scalar::copy::copy`].
///
/// # Panics
/// If an index leaves its slice.
#[target_feature(enable = "avx2,fma,f16c")]
pub(crate) fn copy(p: &op::Copy, x: &[u8], y: &mut [u8]) {
    let m = merged(p);
    let bytes = p.element_bytes as usize;
    if p.dims.contains(&0)
        || !inside(&m, m.x_offset, &m.x_strides, x.len() / bytes.max(1))
        || !inside(&m, m.y_offset, &m.y_strides, y.len() / bytes.max(1))
    {
        return again::copy(p, x, y);
    }
    let start = [m.x_offset as isize, m.y_offset as isize];
    let strides = [&m.x_strides, &m.y_strides];
    let length = m.dims[INNER] as usize;
    if (m.x_strides[INNER], m.y_strides[INNER]) == (1, 1) {
        // Runs, many of them short.
        let count = m.dims[INNER - 1] as usize;
        let mut outer = m.dims;
        (outer[INNER - 1], outer[INNER]) = (1, 1);
        let steps = strides.map(|s| s[INNER - 1] as isize * bytes as isize);
        each_run(&outer, strides, start, |[x_at, y_at]| {
            // SAFETY: `inside` has seen every index.
            unsafe {
                let from = x.as_ptr().offset(x_at * bytes as isize);
                let to = y.as_mut_ptr().offset(y_at * bytes as isize);
                match length * bytes {
                    8 => runs::<8>(from, to, steps, count),
                    16 => runs::<16>(from, to, steps, count),
                    24 => runs::<24>(from, to, steps, count),
                    32 => runs::<32>(from, to, steps, count),
                    48 => runs::<48>(from, to, steps, count),
                    64 => runs::<64>(from, to, steps, count),
                    96 => runs::<96>(from, to, steps, count),
                    128 => runs::<128>(from, to, steps, count),
                    run => {
                        for i in 0..count as isize {
                            let (from, to) = (from.offset(i * steps[0]), to.offset(i * steps[1]));
                            core::ptr::copy_nonoverlapping(from, to, run);
                        }
                    }
                }
            }
        });
        return;
    }
    // The dimension that x runs along, while y runs along the innermost.
    let size = match bytes {
        1 => TILE,
        4 => TILE_4,
        _ => return again::copy(p, x, y),
    };
    let other = (0..INNER)
        .find(|&d| m.x_strides[d] == 1 && m.dims[d] as usize >= size && m.y_strides[d] > 0);
    let (Some(d), 1, 1..) = (other, m.y_strides[INNER], m.x_strides[INNER]) else {
        return again::copy(p, x, y);
    };
    if length < size {
        return again::copy(p, x, y);
    }
    let columns = m.dims[d] as usize;
    let (x_stride, y_stride) = (m.x_strides[INNER] as usize, m.y_strides[d] as usize);
    let mut outer = m.dims;
    (outer[d], outer[INNER]) = (1, 1);
    each_run(&outer, strides, start, |[x_at, y_at]| {
        for column in (0..columns).step_by(size) {
            let column = column.min(columns - size);
            for row in (0..length).step_by(size) {
                let row = row.min(length - size);
                // SAFETY: `inside` has seen every index; the tile lies in the loop.
                unsafe {
                    let from = (x_at as usize + row * x_stride + column) * bytes;
                    let to = (y_at as usize + column * y_stride + row) * bytes;
                    let (from, to) = (x.as_ptr().add(from), y.as_mut_ptr().add(to));
                    match bytes {
                        1 => tile(from, x_stride, to, y_stride),
                        _ => tile_4(from, x_stride * bytes, to, y_stride * bytes),
                    }
                }
            }
        }
    });
}
