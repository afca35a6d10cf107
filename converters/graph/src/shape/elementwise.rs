//! Shapes of element-wise operators; NumPy broadcasting.

use super::{Arithmetic, Inferred, arithmetic, shape_error, type_error};
use crate::error::{Error, ErrorKind};
use crate::graph::Value;
use crate::op::{BinaryFn, UnaryFn};
use crate::types::DType;

/// The shape that `a` and `b` broadcast to: axes are aligned at the end, a length of 1 repeats.
pub(crate) fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>, Error> {
    let rank = a.len().max(b.len());
    let at = |s: &[usize], i: usize| (i + s.len()).checked_sub(rank).map_or(1, |j| s[j]);
    (0..rank)
        .map(|i| match (at(a, i), at(b, i)) {
            (x, y) if x == y => Ok(x),
            (1, y) => Ok(y),
            (x, 1) => Ok(x),
            _ => Err(shape_error(format!("{a:?} and {b:?} do not broadcast"))),
        })
        .collect()
}

pub(super) fn unary(function: UnaryFn, x: &Value) -> Result<Inferred, Error> {
    if let UnaryFn::Wrap { bits, .. } = function
        && !(1..=32).contains(&bits)
    {
        return Err(type_error(format!("Wrap to {bits} bits")));
    }
    if function.is_test() && function != UnaryFn::Not {
        super::float_only(function.name(), x)?;
        return Ok((DType::Bool, x.shape.clone()));
    }
    let fits = match function {
        UnaryFn::Not => x.dtype == DType::Bool,
        UnaryFn::Neg | UnaryFn::Abs | UnaryFn::Sign => arithmetic(x).map(|_| true)?,
        _ if function.is_whole() => arithmetic(x)? == Arithmetic::Whole,
        _ => arithmetic(x)? != Arithmetic::Whole,
    };
    if fits {
        Ok((x.dtype, x.shape.clone()))
    } else {
        Err(type_error(format!(
            "{} of {} \"{}\"",
            function.name(),
            x.dtype,
            x.name
        )))
    }
}

pub(super) fn binary(
    function: BinaryFn,
    clamped: bool,
    a: &Value,
    b: &Value,
) -> Result<Inferred, Error> {
    let shape = broadcast(&a.shape, &b.shape)?;
    let name = function.name();
    let of_truths = matches!(
        function,
        BinaryFn::Equal | BinaryFn::And | BinaryFn::Or | BinaryFn::Xor
    );
    if of_truths && a.dtype == DType::Bool && b.dtype == DType::Bool && !clamped {
        return Ok((DType::Bool, shape));
    }
    let kind = arithmetic(a)?;
    if function.is_bitwise() && kind != Arithmetic::Whole {
        return Err(type_error(format!("{name} of {} \"{}\"", a.dtype, a.name)));
    }
    if kind != arithmetic(b)? || (kind != Arithmetic::Integer && a.dtype != b.dtype) {
        return Err(type_error(format!(
            "{name} of {} \"{}\" and {} \"{}\"",
            a.dtype, a.name, b.dtype, b.name
        )));
    }
    if clamped && (function.is_comparison() || kind == Arithmetic::Whole) {
        return Err(type_error(format!("{name} of {} has no bounds", a.dtype)));
    }
    let has_integer_formula = matches!(
        function,
        BinaryFn::Add | BinaryFn::Sub | BinaryFn::Mul | BinaryFn::Max | BinaryFn::Min
    );
    if kind == Arithmetic::Integer && !has_integer_formula {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "{name} has no integer formula: dequantise \"{}\" first",
                a.name
            ),
        ));
    }
    let dtype = if function.is_comparison() {
        DType::Bool
    } else {
        a.dtype
    };
    Ok((dtype, shape))
}
