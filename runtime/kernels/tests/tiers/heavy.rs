//! Convolutions whose weights are too many for the nearer caches: other buffers, other orders, the same bits.

use crate::conv::{Float, Int8, whole};
use crate::random::Random;
use redpoll_kernels::params::Part;
use redpoll_plan::Window;

/// Weights of more than half a megabyte: rows are packed in a larger buffer, and weights fetched ahead.
#[test]
fn int8_products_with_heavy_weights() {
    let mut r = Random(31);
    for (m, k, n) in [(70, 1030, 520), (13, 4100, 133)] {
        let case = Int8::new(Window::dense(m, k, n), 1, None, &mut r);
        case.check(whole(&case.window), 0);
    }
    for w in heavy_windows() {
        let case = Int8::new(w, 1, None, &mut r);
        case.check(whole(&case.window), 8);
        case.check(
            Part {
                rows: 9..40,
                channels: 0..w.out_c as usize,
            },
            1,
        );
    }
}

/// A scratch of more than the buffer on the stack, for all lines under the window at once, and one that holds some.
#[test]
fn float_windows_with_heavy_weights() {
    let mut r = Random(32);
    for w in heavy_windows() {
        let case = Float::new(Window { out_c: 33, ..w }, 1, &mut r);
        for rows in [8, 18, 40] {
            case.check(whole(&case.window), rows);
        }
        case.check(
            Part {
                rows: 9..40,
                channels: 0..33,
            },
            40,
        );
    }
}

/// 3 × 3 of many channels on small images, over the border: stride 2 from 14 × 14, and stride 1.
fn heavy_windows() -> [Window; 2] {
    let seven = Window {
        out_h: 7,
        out_w: 7,
        kernel_h: 3,
        kernel_w: 3,
        pad_top: 1,
        pad_left: 1,
        in_c: 260,
        out_c: 230,
        in_h: 14,
        in_w: 14,
        stride_h: 2,
        stride_w: 2,
        ..Window::dense(1, 1, 1)
    };
    let same = Window {
        in_h: 7,
        in_w: 7,
        stride_h: 1,
        stride_w: 1,
        ..seven
    };
    [seven, same]
}
