//! Data movement: strided copies and fills.

use crate::geometry::each_run;
use redpoll_plan::op::{self, MAX_LOOP};

/// `y[y_offset + Σ i · y_strides] = x[x_offset + Σ i · x_strides]` over `dims`, in elements.
///
/// # Panics
/// If an index leaves its slice.
pub fn copy(p: &op::Copy, x: &[u8], y: &mut [u8]) {
    match p.element_bytes {
        1 => copy_elements::<1>(p, x, y),
        2 => copy_elements::<2>(p, x, y),
        4 => copy_elements::<4>(p, x, y),
        8 => copy_elements::<8>(p, x, y),
        _ => {}
    }
}

fn copy_elements<const B: usize>(p: &op::Copy, x: &[u8], y: &mut [u8]) {
    let inner = MAX_LOOP - 1;
    let length = p.dims[inner] as usize;
    let (x_step, y_step) = (p.x_strides[inner] as isize, p.y_strides[inner] as isize);
    let start = [p.x_offset as isize, p.y_offset as isize];
    each_run(
        &p.dims,
        [&p.x_strides, &p.y_strides],
        start,
        |[x_at, y_at]| {
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
        },
    );
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
