//! Shape of resizing.

use super::{Inferred, float_only, shape_error, type_error};
use crate::error::Error;
use crate::graph::Value;
use crate::op::{Resize, ResizeMode};
use crate::types::DType;

pub(super) fn resize(resize: &Resize, x: &Value) -> Result<Inferred, Error> {
    match resize.mode {
        ResizeMode::Linear => float_only("linear Resize", x)?,
        ResizeMode::Nearest(_) if x.dtype == DType::Bool => {
            return Err(type_error("Resize of truth values"));
        }
        ResizeMode::Nearest(_) => {}
    }
    let spatial = x.shape.len().saturating_sub(2);
    if !(1..=2).contains(&spatial)
        || resize.sizes.len() != spatial
        || resize.scales.len() != spatial
    {
        return Err(shape_error(format!(
            "Resize of shape {:?} needs a size and a scale for each spatial axis",
            x.shape
        )));
    }
    if resize.sizes.contains(&0) || x.shape[1..=spatial].contains(&0) {
        return Err(shape_error("Resize from or to nothing"));
    }
    if resize.scales.iter().any(|&s| !(s.is_finite() && s > 0.0)) {
        return Err(shape_error("scales of Resize are finite and above zero"));
    }
    let mut shape = vec![x.shape[0]];
    shape.extend(&resize.sizes);
    shape.push(x.shape[spatial + 1]);
    Ok((x.dtype, shape))
}
