//! Resizing by nearest element or linear interpolation (ONNX Resize 13).

use super::Call;
use super::element::elements;
use super::movement::pick;
use crate::error::Error;
use crate::op::{NearestRounding, Resize, ResizeCoordinates, ResizeMode};
use crate::tensor::Data;

pub(super) fn resize(resize: &Resize, call: &Call<'_>) -> Result<Data, Error> {
    let shape = call.x().shape();
    let spatial = &shape[1..shape.len() - 1];
    let (batch, channels) = (shape[0], shape[shape.len() - 1]);
    let coordinates: Vec<Vec<f32>> = (0..spatial.len())
        .map(|axis| {
            (0..resize.sizes[axis])
                .map(|o| coordinate(resize, axis, o, spatial[axis]))
                .collect()
        })
        .collect();
    // One spatial axis is the last of two.
    let (height, width) = match *spatial {
        [h, w] => (h, w),
        [w] => (1, w),
        _ => (1, 1),
    };
    let flat = [0.0];
    let (ys, xs): (&[f32], &[f32]) = match coordinates.as_slice() {
        [y, x] => (y, x),
        [x] => (&flat, x),
        _ => (&flat, &flat),
    };
    let at = |n: usize, y: usize, x: usize| ((n * height + y) * width + x) * channels;
    match resize.mode {
        ResizeMode::Nearest(rounding) => {
            let mut sources = Vec::with_capacity(call.output.len());
            for n in 0..batch {
                for &y in ys {
                    for &x in xs {
                        let pixel =
                            at(n, nearest(y, rounding, height), nearest(x, rounding, width));
                        sources.extend(pixel..pixel + channels);
                    }
                }
            }
            pick(call, &sources)
        }
        ResizeMode::Linear => {
            let data: &[f32] = elements(call.x())?;
            let mut out = Vec::with_capacity(call.output.len());
            for n in 0..batch {
                for &y in ys {
                    let (top, bottom, v) = between(y, height);
                    for &x in xs {
                        let (left, right, u) = between(x, width);
                        for c in 0..channels {
                            let mix = |y: usize| {
                                let (a, b) = (data[at(n, y, left) + c], data[at(n, y, right) + c]);
                                a * (1.0 - u) + b * u
                            };
                            out.push(mix(top) * (1.0 - v) + mix(bottom) * v);
                        }
                    }
                }
            }
            Ok(Data::F32(out))
        }
    }
}

/// The source coordinate of result index `o`.
fn coordinate(resize: &Resize, axis: usize, o: usize, input: usize) -> f32 {
    let (scale, output, o) = (resize.scales[axis], resize.sizes[axis], o as f32);
    match resize.coordinates {
        ResizeCoordinates::Asymmetric => o / scale,
        ResizeCoordinates::PytorchHalfPixel if output == 1 => 0.0,
        ResizeCoordinates::HalfPixel | ResizeCoordinates::PytorchHalfPixel => {
            (o + 0.5) / scale - 0.5
        }
        ResizeCoordinates::AlignCorners if output == 1 => 0.0,
        ResizeCoordinates::AlignCorners => o * (input - 1) as f32 / (output - 1) as f32,
    }
}

fn nearest(x: f32, rounding: NearestRounding, size: usize) -> usize {
    let rounded = match rounding {
        NearestRounding::Floor => x.floor(),
        NearestRounding::Ceil => x.ceil(),
        NearestRounding::PreferFloor => (x - 0.5).ceil(),
        NearestRounding::PreferCeil => (x + 0.5).floor(),
    };
    (rounded.max(0.0) as usize).min(size - 1)
}

/// The neighbours of a coordinate and how far it lies from the first to the second.
fn between(x: f32, size: usize) -> (usize, usize, f32) {
    let x = x.max(0.0).min((size - 1) as f32);
    let low = x as usize;
    (low, (low + 1).min(size - 1), x - low as f32)
}
