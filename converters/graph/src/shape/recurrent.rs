//! Shapes of recurrent layers.

use super::{Inferred, float_only, product, shape_error, sum, type_error};
use crate::error::{Error, ErrorKind};
use crate::graph::Value;
use crate::op::{Cell, Recurrent};
use crate::types::DType;

/// Operands that the layer takes.
pub(super) fn operands(layer: &Recurrent) -> usize {
    let own = match layer.cell {
        Cell::Rnn | Cell::Gru { .. } => 0,
        Cell::Lstm { peepholes, .. } => 1 + usize::from(peepholes),
    };
    4 + own + usize::from(layer.lengths)
}

pub(super) fn recurrent(layer: &Recurrent, values: &[&Value]) -> Result<Inferred, Error> {
    let (floats, lengths) = values.split_at(values.len() - usize::from(layer.lengths));
    for value in floats {
        float_only("a recurrent layer", value)?;
    }
    let (&[steps, batch, width], &[rows, hidden]) =
        (values[0].shape.as_slice(), values[1].shape.as_slice())
    else {
        return Err(shape_error(format!(
            "expected x [T, B, G·H] and r [G·H, H], got {:?} and {:?}",
            values[0].shape, values[1].shape
        )));
    };
    let gates = layer.cell.gates();
    if hidden == 0 || product(gates, hidden)? != rows || width != rows {
        return Err(shape_error(format!(
            "x {:?} and r {:?} are not {gates} gates of one size",
            values[0].shape, values[1].shape
        )));
    }
    if layer.activations.len() != layer.cell.activations()
        || layer.clip.is_some_and(|c| c.is_nan() || c < 0.0)
    {
        return Err(Error::new(
            ErrorKind::Invalid,
            "a recurrent layer with a wrong number of activations or a clip that is none",
        ));
    }
    let state = vec![batch, hidden];
    let expected = [vec![rows], state.clone(), state, vec![3 * hidden]];
    for (value, expected) in floats[2..].iter().zip(expected) {
        if value.shape != expected {
            return Err(shape_error(format!(
                "\"{}\" is {:?}, {expected:?} fits",
                value.name, value.shape
            )));
        }
    }
    if let [lengths] = lengths {
        if lengths.dtype != DType::I32 {
            return Err(type_error(format!("\"{}\" must be i32", lengths.name)));
        }
        if lengths.shape != [batch] {
            return Err(shape_error(format!(
                "\"{}\" is {:?}, one number for each of {batch} rows is needed",
                lengths.name, lengths.shape
            )));
        }
    }
    let all = sum(steps, layer.cell.states())?;
    Ok((DType::F32, vec![all, batch, hidden]))
}
