//! Shapes of reductions and softmax.

use super::{Arithmetic, Inferred, arithmetic, check_axis, float_only, shape_error};
use crate::error::{Error, ErrorKind};
use crate::graph::Value;
use crate::op::ReduceKind;

pub(super) fn reduce(
    kind: ReduceKind,
    axes: &[usize],
    keep_dims: bool,
    x: &Value,
) -> Result<Inferred, Error> {
    if arithmetic(x)? == Arithmetic::Integer && kind == ReduceKind::Prod {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "{} has no integer formula: dequantise \"{}\" first",
                kind.name(),
                x.name
            ),
        ));
    }
    if axes.is_empty() || !axes.is_sorted_by(|a, b| a < b) {
        return Err(shape_error(format!(
            "axes {axes:?} are not sorted and distinct"
        )));
    }
    for &axis in axes {
        check_axis(axis, x)?;
        let needs_elements = !matches!(kind, ReduceKind::Sum | ReduceKind::Prod);
        if needs_elements && x.shape[axis] == 0 {
            return Err(shape_error(format!("{} over no elements", kind.name())));
        }
    }
    let shape =
        x.shape
            .iter()
            .enumerate()
            .filter_map(|(i, &d)| match (axes.contains(&i), keep_dims) {
                (false, _) => Some(d),
                (true, true) => Some(1),
                (true, false) => None,
            });
    Ok((x.dtype, shape.collect()))
}

pub(super) fn softmax(axis: usize, x: &Value) -> Result<Inferred, Error> {
    if arithmetic(x)? == Arithmetic::Whole {
        float_only("Softmax", x)?;
    }
    check_axis(axis, x)?;
    Ok((x.dtype, x.shape.clone()))
}
