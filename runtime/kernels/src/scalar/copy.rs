//! Data movement: strided copies and fills.

use crate::geometry::each_run;
use redpoll_plan::op::{self, MAX_LOOP};

/// `y[y_offset + Σ i · y_strides] = x[x_offset + Σ i · x_strides]` over `dims`, in elements.
///
/// # Panics
/// If an index leaves its slice.
#[inline(always)]
pub fn copy(p: &op::Copy, x: &[u8], y: &mut [u8]) {
    let merged = merged(p);
    match p.element_bytes {
        1 => copy_elements::<1>(&merged, x, y),
        2 => copy_elements::<2>(&merged, x, y),
        4 => copy_elements::<4>(&merged, x, y),
        8 => copy_elements::<8>(&merged, x, y),
        _ => {}
    }
}

/// The same loop with as few dimensions as say it: lengths of 1 dropped, neighbours joined where both operands step
/// through them as through one.
pub(crate) fn merged(p: &op::Copy) -> op::Copy {
    let (mut dims, mut x_strides, mut y_strides) = ([1; MAX_LOOP], [0; MAX_LOOP], [0; MAX_LOOP]);
    // The dimension being filled, from the innermost outwards; it is empty at first.
    let mut at = MAX_LOOP - 1;
    (x_strides[at], y_strides[at]) = (p.x_strides[at], p.y_strides[at]);
    dims[at] = p.dims[at];
    for d in (0..MAX_LOOP - 1).rev() {
        if p.dims[d] == 1 {
            continue;
        }
        let (x, y) = (p.x_strides[d], p.y_strides[d]);
        let follows =
            |outer: i32, inner: i32| i64::from(outer) == i64::from(inner) * i64::from(dims[at]);
        if dims[at] == 1 {
            (dims[at], x_strides[at], y_strides[at]) = (p.dims[d], x, y);
            continue;
        }
        match dims[at].checked_mul(p.dims[d]) {
            Some(length) if follows(x, x_strides[at]) && follows(y, y_strides[at]) => {
                dims[at] = length
            }
            _ => {
                at -= 1;
                (dims[at], x_strides[at], y_strides[at]) = (p.dims[d], x, y);
            }
        }
    }
    op::Copy {
        dims,
        x_strides,
        y_strides,
        ..*p
    }
}

#[inline(always)]
fn copy_elements<const B: usize>(p: &op::Copy, x: &[u8], y: &mut [u8]) {
    let inner = MAX_LOOP - 1;
    let length = p.dims[inner] as usize;
    let (x_step, y_step) = (p.x_strides[inner] as isize, p.y_strides[inner] as isize);
    let start = [p.x_offset as isize, p.y_offset as isize];
    let strides = [&p.x_strides, &p.y_strides];
    // Planes become channels: neighbours in x along the second dimension from within, in y along the innermost.
    let planes = y_step == 1
        && p.x_strides[inner - 1] == 1
        && p.y_strides[inner - 1] == p.dims[inner] as i32;
    if planes && matches!(length, 2..=4) && x_step > 0 {
        let pixels = p.dims[inner - 1] as usize;
        let mut outer = p.dims;
        outer[inner - 1] = 1;
        each_run(&outer, strides, start, |[x_at, y_at]| {
            let plane = |c: usize| {
                let from = (x_at as usize + c * x_step as usize) * B;
                x[from..from + pixels * B].as_chunks::<B>().0
            };
            let to = y_at as usize * B;
            let y = y[to..to + pixels * length * B].as_chunks_mut::<B>().0;
            match length {
                2 => interleave([plane(0), plane(1)], y),
                3 => interleave([plane(0), plane(1), plane(2)], y),
                _ => interleave([plane(0), plane(1), plane(2), plane(3)], y),
            }
        });
        return;
    }
    each_run(&p.dims, strides, start, |[x_at, y_at]| {
        if x_step == 1 && y_step == 1 {
            let (from, to) = (x_at as usize * B, y_at as usize * B);
            y[to..to + length * B].copy_from_slice(&x[from..from + length * B]);
            return;
        }
        for i in 0..length as isize {
            let from = (x_at + i * x_step) as usize * B;
            let to = (y_at + i * y_step) as usize * B;
            y[to..to + B].copy_from_slice(&x[from..from + B]);
        }
    });
}

/// `y[i · C + c] = x[c][i]`; a loop of its own so that the compiler can use vector shuffles.
#[inline(always)]
fn interleave<const B: usize, const C: usize>(x: [&[[u8; B]]; C], y: &mut [[u8; B]]) {
    let pixels = x[0].len();
    if x.iter().any(|plane| plane.len() != pixels) {
        return;
    }
    for (i, pixel) in y.as_chunks_mut::<C>().0.iter_mut().enumerate().take(pixels) {
        for (to, plane) in pixel.iter_mut().zip(x) {
            *to = plane[i];
        }
    }
}

/// Sets every element of `y` to the low `element_bytes` of `bits` (8-byte elements: `bits` widened with zeros).
pub fn fill(p: &op::Fill, y: &mut [u8]) {
    let bytes = u64::from(p.bits).to_le_bytes();
    let width = (p.element_bytes as usize).clamp(1, bytes.len());
    if width == 1 {
        y.fill(bytes[0]);
    } else {
        y.chunks_exact_mut(width)
            .for_each(|e| e.copy_from_slice(&bytes[..width]));
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{copy, op};
    use redpoll_plan::TensorId;
    use std::vec;
    use std::vec::Vec;

    fn params(
        dims: [u32; 6],
        x_strides: [i32; 6],
        y_strides: [i32; 6],
        element_bytes: u32,
    ) -> op::Copy {
        let (x, y) = (TensorId(0), TensorId(1));
        op::Copy {
            x,
            y,
            element_bytes,
            dims,
            x_offset: 1,
            x_strides,
            y_offset: 0,
            y_strides,
        }
    }

    /// The loop as the definition writes it.
    fn plain(p: &op::Copy, x: &[u8], y: &mut [u8]) {
        let b = p.element_bytes as usize;
        let total: u32 = p.dims.iter().product();
        for n in 0..total {
            let (mut rest, mut from, mut to) = (n, i64::from(p.x_offset), i64::from(p.y_offset));
            for d in (0..6).rev() {
                let i = i64::from(rest % p.dims[d]);
                rest /= p.dims[d];
                from += i * i64::from(p.x_strides[d]);
                to += i * i64::from(p.y_strides[d]);
            }
            let (from, to) = (from as usize * b, to as usize * b);
            y[to..to + b].copy_from_slice(&x[from..from + b]);
        }
    }

    #[test]
    fn every_path_is_the_plain_loop() {
        let x: Vec<u8> = (0..40_000u32).map(|i| (i * 31 % 251) as u8).collect();
        let mut cases = vec![];
        for c in 1..6i32 {
            for b in [1, 2, 4, 8] {
                // Channels-first to channels-last and back, two images of 5 × 7; then repeated and reversed rows.
                let (h, w) = (5, 7);
                let dims = [1, 1, 2, h as u32, w as u32, c as u32];
                cases.push(params(
                    dims,
                    [0, 0, c * h * w, w, 1, h * w],
                    [0, 0, c * h * w, w * c, c, 1],
                    b,
                ));
                let dims = [1, 1, 2, c as u32, h as u32, w as u32];
                cases.push(params(
                    dims,
                    [0, 0, c * h * w, 1, w * c, c],
                    [0, 0, c * h * w, h * w, w, 1],
                    b,
                ));
                cases.push(params(
                    [1, 2, 3, 2, 1, 4],
                    [0, 4, 0, 0, 0, 1],
                    [0, 24, 8, 4, 0, 1],
                    b,
                ));
                cases.push(params(
                    [1, 1, 1, 6, 1, 3],
                    [0, 0, 0, 5, 7, 0],
                    [0, 0, 0, 3, 9, 1],
                    b,
                ));
            }
        }
        for p in cases {
            let (mut expected, mut got) = (vec![0u8; 8_000], vec![0u8; 8_000]);
            plain(&p, &x, &mut expected);
            copy(&p, &x, &mut got);
            assert!(expected == got, "{p:?}");
        }
    }
}
