//! UNIDIRECTIONAL_SEQUENCE_LSTM in floats.

use super::translator::{Done, Translator, gap};
use crate::Operator;

/// Not yet.
pub(crate) fn lstm(_: &mut Translator<'_>, _: &Operator) -> Done {
    gap("the operator is not supported")
}
