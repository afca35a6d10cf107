//! What is wrong with a plan file, and where.

use core::fmt;

/// A section of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Section {
    Tensors = 0,
    Steps = 1,
    Params = 2,
    Inputs = 3,
    Outputs = 4,
    Names = 5,
    Metadata = 6,
    Weights = 7,
}

/// What is wrong with one tensor, step, input or output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Fault {
    /// An unknown element type, or one that the step does not take.
    DType = 1,
    /// More than six dimensions, an empty one, or more elements than 32 bits count.
    Shape = 2,
    /// Bytes outside the working memory or the weights, or not at a multiple of the alignment.
    Place = 3,
    /// An operand that partly shares memory with the result.
    Overlap = 4,
    /// A parameter out of its range: a zero point, a bound, a scale that is not finite and positive.
    Value = 5,
    /// A tensor id that is not in the table.
    Operand = 6,
    /// A window, loop or group that does not fit its tensors.
    Geometry = 7,
    /// A tensor with another number of elements than the step needs.
    Length = 8,
    /// An operation code that this version does not know.
    Code = 9,
    /// Parameter words outside their section, or another number of them than the operation has.
    Params = 10,
    /// A name outside the names or cut within a character.
    Name = 11,
    /// Bytes that nobody has written yet, or that another step has overwritten since.
    Stale = 12,
}

/// Why a plan was refused. The numbers of [`code`](Self::code) are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanError {
    /// Fewer bytes than a header.
    TooShort,
    /// The slice does not start at a multiple of the plan's alignment (64 or 16 bytes).
    Misaligned,
    /// Not a plan file.
    Magic,
    /// Made by another major version of the format: convert the model again.
    Version {
        /// The file's major version.
        major: u16,
    },
    /// Needs features (bits) that this reader lacks.
    Features(u32),
    /// The header's sizes contradict the file's length, the steps, or each other.
    Header,
    /// A section lies outside the file, is misplaced, or is not a whole number of records.
    Section(Section),
    /// More records than the format allows.
    Limit(Section),
    /// The content hash differs: the file is damaged.
    Hash,
    /// Tensor `.0` is wrong.
    Tensor(u32, Fault),
    /// Step `.0` is wrong.
    Step(u32, Fault),
    /// Input `.0` is wrong.
    Input(u32, Fault),
    /// Output `.0` is wrong.
    Output(u32, Fault),
    /// Metadata is not a list of UTF-8 pairs.
    Metadata,
}

impl PlanError {
    /// Stable number: the kind in hundreds, the section or fault in units.
    pub fn code(self) -> u16 {
        match self {
            Self::TooShort => 100,
            Self::Misaligned => 200,
            Self::Magic => 300,
            Self::Version { .. } => 400,
            Self::Features(_) => 500,
            Self::Header => 600,
            Self::Section(s) => 700 + s as u16,
            Self::Limit(s) => 800 + s as u16,
            Self::Hash => 900,
            Self::Tensor(_, f) => 1000 + f as u16,
            Self::Step(_, f) => 1100 + f as u16,
            Self::Input(_, f) => 1200 + f as u16,
            Self::Output(_, f) => 1300 + f as u16,
            Self::Metadata => 1400,
        }
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TooShort => f.write_str("shorter than a plan's header"),
            Self::Misaligned => f.write_str("the plan's bytes are not aligned in memory"),
            Self::Magic => f.write_str("not a plan file"),
            Self::Version { major } => write!(
                f,
                "plan format {major} is not the reader's {}: convert the model again",
                crate::format::MAJOR
            ),
            Self::Features(bits) => write!(f, "needs features {bits:#x} that are not built in"),
            Self::Header => f.write_str("sizes in the header contradict the file"),
            Self::Section(s) => write!(f, "section {s:?} is misplaced"),
            Self::Limit(s) => write!(f, "too many records in section {s:?}"),
            Self::Hash => f.write_str("the content hash differs: the file is damaged"),
            Self::Tensor(i, fault) => write!(f, "tensor {i}: {fault}"),
            Self::Step(i, fault) => write!(f, "step {i}: {fault}"),
            Self::Input(i, fault) => write!(f, "input {i}: {fault}"),
            Self::Output(i, fault) => write!(f, "output {i}: {fault}"),
            Self::Metadata => f.write_str("metadata is not a list of UTF-8 pairs"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DType => "wrong element type",
            Self::Shape => "shape out of bounds",
            Self::Place => "bytes out of bounds or misaligned",
            Self::Overlap => "an operand overlaps the result",
            Self::Value => "a parameter is out of its range",
            Self::Operand => "no such tensor",
            Self::Geometry => "window or loop does not fit its tensors",
            Self::Length => "wrong number of elements",
            Self::Code => "unknown operation",
            Self::Params => "wrong number of parameters",
            Self::Name => "name out of bounds",
            Self::Stale => "reads what was not written or is overwritten",
        })
    }
}

impl core::error::Error for PlanError {}
