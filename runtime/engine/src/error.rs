//! What can go wrong in a run.

use core::fmt;

/// Why a run failed. `step` is the index of the step in the plan.
///
/// A validated plan with enough memory only ever meets [`EngineError::Worker`], and [`EngineError::Index`] and
/// [`EngineError::Number`] where the data itself is at fault; the rest of the steps' errors guard against plans that were made by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EngineError {
    /// The arena is smaller than the plan needs.
    ArenaTooSmall {
        /// Bytes that the plan needs.
        needed: usize,
        /// Bytes that were lent.
        got: usize,
    },
    /// The arena does not start at a multiple of the plan's alignment.
    ArenaMisaligned,
    /// The scratch is smaller than the workers need.
    ScratchTooSmall {
        /// Bytes needed: see [`Engine::scratch_bytes`](crate::Engine::scratch_bytes).
        needed: usize,
        /// Bytes that were lent.
        got: usize,
    },
    /// The scratch does not start at a multiple of 64 bytes.
    ScratchMisaligned,
    /// The plan has no input, output or tensor of this number.
    NoSuchTensor {
        /// The number that was asked for.
        index: usize,
    },
    /// An operand of a step has a place, length or alignment that the step cannot use.
    Operand {
        /// Index of the step.
        step: usize,
    },
    /// The result of a step overlaps one of its operands.
    Overlap {
        /// Index of the step.
        step: usize,
    },
    /// A worker panicked; the outputs are not valid.
    Worker {
        /// Index of the step.
        step: usize,
    },
    /// An index that the model computed lies outside its axis; the outputs are not valid.
    Index {
        /// Index of the step.
        step: usize,
    },
    /// A division of whole numbers by zero, or a power below zero; the outputs are not valid.
    Number {
        /// Index of the step.
        step: usize,
    },
    /// A step of a kind that the engine was built without: see [`ops!`](crate::ops).
    Operation {
        /// Index of the step.
        step: usize,
    },
}

impl EngineError {
    /// A stable number for logs of devices without text.
    pub const fn code(self) -> u16 {
        match self {
            Self::ArenaTooSmall { .. } => 1,
            Self::ArenaMisaligned => 2,
            Self::ScratchTooSmall { .. } => 3,
            Self::ScratchMisaligned => 4,
            Self::NoSuchTensor { .. } => 5,
            Self::Operand { .. } => 6,
            Self::Overlap { .. } => 7,
            Self::Worker { .. } => 8,
            Self::Operation { .. } => 9,
            Self::Index { .. } => 10,
            Self::Number { .. } => 11,
        }
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ArenaTooSmall { needed, got } => {
                write!(f, "the arena has {got} bytes, the plan needs {needed}")
            }
            Self::ArenaMisaligned => {
                f.write_str("the arena does not start at a multiple of the plan's alignment")
            }
            Self::ScratchTooSmall { needed, got } => {
                write!(f, "the scratch has {got} bytes, the workers need {needed}")
            }
            Self::ScratchMisaligned => {
                f.write_str("the scratch does not start at a multiple of 64 bytes")
            }
            Self::NoSuchTensor { index } => write!(f, "the plan has no tensor number {index}"),
            Self::Operand { step } => write!(f, "step {step}: an operand does not fit the step"),
            Self::Overlap { step } => write!(f, "step {step}: the result overlaps an operand"),
            Self::Worker { step } => write!(f, "step {step}: a worker panicked"),
            Self::Index { step } => {
                write!(f, "step {step}: an index lies outside its axis")
            }
            Self::Number { step } => {
                write!(f, "step {step}: a division by zero or a power below zero")
            }
            Self::Operation { step } => {
                write!(
                    f,
                    "step {step}: the engine was built without this operation"
                )
            }
        }
    }
}

impl core::error::Error for EngineError {}
