//! Shapes of look-ups by index.

use super::{Inferred, check_axis, shape_error, type_error};
use crate::error::Error;
use crate::graph::Value;
use crate::types::DType;

pub(super) fn gather(axis: usize, data: &Value, indices: &Value) -> Result<Inferred, Error> {
    check_indices(indices)?;
    check_axis(axis, data)?;
    if data.shape[axis] == 0 && !indices.is_empty() {
        return Err(shape_error("Gather from an axis of length 0"));
    }
    let mut shape = data.shape[..axis].to_vec();
    shape.extend(&indices.shape);
    shape.extend(&data.shape[axis + 1..]);
    Ok((data.dtype, shape))
}

pub(super) fn embedding(indices: &Value, table: &Value) -> Result<Inferred, Error> {
    check_indices(indices)?;
    if table.dtype == DType::Bool {
        return Err(type_error("an embedding of truth values"));
    }
    let &[_, width] = table.shape.as_slice() else {
        return Err(shape_error(format!(
            "table \"{}\" of shape {:?} is not [R, W]",
            table.name, table.shape
        )));
    };
    let mut shape = indices.shape.clone();
    shape.push(width);
    Ok((table.dtype, shape))
}

fn check_indices(indices: &Value) -> Result<(), Error> {
    if matches!(indices.dtype, DType::I32 | DType::I64) {
        Ok(())
    } else {
        Err(type_error(format!(
            "indices \"{}\" are {}, not i32 or i64",
            indices.name, indices.dtype
        )))
    }
}
