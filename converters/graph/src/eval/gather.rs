//! Look-ups by index.

use super::Call;
use super::element::{Element, elements, for_type};
use super::movement::{constant, pick};
use crate::error::{Error, ErrorKind};
use crate::tensor::{Data, Tensor};

pub(super) fn gather(axis: usize, call: &Call<'_>) -> Result<Data, Error> {
    let shape = call.x().shape();
    let size = shape[axis];
    let outer: usize = shape[..axis].iter().product();
    let inner: usize = shape[axis + 1..].iter().product();
    let indices = whole_numbers(call.inputs[1])?
        .into_iter()
        .map(|i| index(i, size).ok_or((i, size)))
        .collect::<Result<Vec<usize>, _>>()
        .map_err(|(i, size)| {
            let message = format!("index {i} is outside an axis of {size}");
            Error::new(ErrorKind::Invalid, message)
        })?;
    let mut sources = Vec::with_capacity(call.output.len());
    for o in 0..outer {
        for &i in &indices {
            let at = (o * size + i) * inner;
            sources.extend(at..at + inner);
        }
    }
    pick(call, &sources)
}

pub(super) fn embedding(call: &Call<'_>) -> Result<Data, Error> {
    let table = call.inputs[1];
    let (rows, width) = (table.shape()[0], table.shape()[1]);
    let indices = whole_numbers(call.x())?;
    for_type!(table.dtype(), T => {
        let table = elements::<T>(table)?;
        let zero = constant::<T>(call.output, 0.0)?;
        let mut y = Vec::with_capacity(call.output.len());
        for i in indices {
            match usize::try_from(i) {
                Ok(i) if i < rows => y.extend_from_slice(&table[i * width..][..width]),
                _ => y.extend(std::iter::repeat_n(zero, width)),
            }
        }
        Ok(T::wrap(y))
    })
}

pub(super) fn whole_numbers(tensor: &Tensor) -> Result<Vec<i64>, Error> {
    tensor
        .to_i64()
        .ok_or_else(|| Error::new(ErrorKind::Type, "indices are whole numbers"))
}

/// A negative index counts from the end.
pub(super) fn index(i: i64, size: usize) -> Option<usize> {
    let size = i64::try_from(size).ok()?;
    let i = if i < 0 { i + size } else { i };
    usize::try_from(i).ok().filter(|_| i < size)
}
