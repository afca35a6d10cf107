//! Resizing by nearest element or linear interpolation (ONNX Resize 13).

use super::Call;
use super::element::elements;
use super::index::mapped;
use super::movement::pick;
use crate::error::Error;
use crate::op::{Resize, ResizeMode};
use crate::tensor::Data;

pub(super) fn resize(resize: &Resize, call: &Call<'_>) -> Result<Data, Error> {
    let mut shape = call.x().shape().to_vec();
    let spatial = shape.len() - 2;
    match resize.mode {
        ResizeMode::Nearest(rounding) => {
            let places = |axis: usize| resize.nearest_places(axis, shape[axis + 1], rounding);
            let (rows, columns) = match spatial {
                2 => (places(0), places(1)),
                _ => (vec![0], places(0)),
            };
            let (height, width) = match spatial {
                2 => (shape[1], shape[2]),
                _ => (1, shape[1]),
            };
            let channels = shape[spatial + 1];
            let mut sources = Vec::with_capacity(call.output.len());
            for n in 0..shape[0] {
                for &y in &rows {
                    for &x in &columns {
                        let pixel = ((n * height + y) * width + x) * channels;
                        sources.extend(pixel..pixel + channels);
                    }
                }
            }
            pick(call, &sources)
        }
        ResizeMode::Linear => {
            let mut data: Vec<f32> = elements::<f32>(call.x())?.to_vec();
            // The last axis first.
            for axis in (0..spatial).rev() {
                let rows = resize.linear_rows(axis, shape[axis + 1]);
                data = mapped(&rows, &data, &shape);
                shape[axis + 1] = resize.sizes[axis];
            }
            Ok(Data::F32(data))
        }
    }
}
