//! Shapes of matrix products and batch normalisation.

use super::conv::weights_fit;
use super::{Inferred, broadcast, check_axis, float_only, shape_error};
use crate::error::Error;
use crate::graph::Value;

pub(super) fn dense(values: &[&Value]) -> Result<Inferred, Error> {
    let (x, w) = (values[0], values[1]);
    weights_fit("Dense", x, w, values.get(2).copied())?;
    match (x.shape.split_last(), w.shape.as_slice()) {
        (Some((k, lead)), [n, wk]) if k == wk => {
            let mut shape = lead.to_vec();
            shape.push(*n);
            Ok((x.dtype, shape))
        }
        _ => Err(shape_error(format!(
            "weights {:?} do not fit input {:?}: expected [N, K] and [.., K]",
            w.shape, x.shape
        ))),
    }
}

pub(super) fn matmul(a: &Value, b: &Value) -> Result<Inferred, Error> {
    float_only("MatMul", a)?;
    float_only("MatMul", b)?;
    match (a.shape.as_slice(), b.shape.as_slice()) {
        ([a_lead @ .., m, k], [b_lead @ .., bk, n]) if k == bk => {
            let mut shape = broadcast(a_lead, b_lead)?;
            shape.extend([*m, *n]);
            Ok((a.dtype, shape))
        }
        _ => Err(shape_error(format!(
            "{:?} · {:?} is not a matrix product [.., M, K] · [.., K, N]",
            a.shape, b.shape
        ))),
    }
}

pub(super) fn batch_norm(values: &[&Value]) -> Result<Inferred, Error> {
    let x = values[0];
    for value in values {
        float_only("BatchNorm", value)?;
    }
    check_axis(0, x)?;
    let channels = &x.shape[x.shape.len() - 1..];
    if let Some(v) = values[1..].iter().find(|v| v.shape != channels) {
        return Err(shape_error(format!(
            "\"{}\" of shape {:?} does not hold one number for each of the channels {channels:?}",
            v.name, v.shape
        )));
    }
    Ok((x.dtype, x.shape.clone()))
}
