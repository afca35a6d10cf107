//! Tensors of a plan: type, shape, quantisation, place.

use zerocopy::{FromBytes, Immutable, KnownLayout};

/// Index of a tensor in the plan's tensor table.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, FromBytes, KnownLayout, Immutable,
)]
#[repr(transparent)]
pub struct TensorId(pub u32);

/// Element types of a plan. uint8 values of a model are held as int8 (zero point less 128) except at
/// inputs and outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum DType {
    F32 = 0,
    F16 = 1,
    I8 = 2,
    U8 = 3,
    I32 = 4,
    I64 = 5,
    Bool = 6,
}

impl DType {
    /// Bytes of one element.
    #[inline]
    pub const fn size(self) -> usize {
        1 << self.log2_size()
    }

    /// The power of two that the size is: a look-up in a constant of four bits a type.
    #[inline]
    pub(crate) const fn log2_size(self) -> u32 {
        const TABLE: u32 = 2 << (4 * DType::F32 as u32)
            | 1 << (4 * DType::F16 as u32)
            | 2 << (4 * DType::I32 as u32)
            | 3 << (4 * DType::I64 as u32);
        TABLE >> (4 * self as u32) & 3
    }

    /// The type of this number in a file.
    #[inline]
    pub const fn from_u8(v: u8) -> Option<Self> {
        Some(match v {
            0 => Self::F32,
            1 => Self::F16,
            2 => Self::I8,
            3 => Self::U8,
            4 => Self::I32,
            5 => Self::I64,
            6 => Self::Bool,
            _ => return None,
        })
    }
}

/// Most dimensions of a tensor.
pub const MAX_RANK: usize = 6;

/// Dimensions, outermost first; unused ones are 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    rank: u8,
    dims: [u32; MAX_RANK],
}

impl Shape {
    /// A shape of at most [`MAX_RANK`] dimensions whose product fits 32 bits; `None` otherwise.
    pub fn new(dims: &[u32]) -> Option<Self> {
        if dims.len() > MAX_RANK {
            return None;
        }
        dims.iter().try_fold(1u32, |n, &d| n.checked_mul(d))?;
        let mut out = Self {
            rank: dims.len() as u8,
            dims: [1; MAX_RANK],
        };
        out.dims[..dims.len()].copy_from_slice(dims);
        Some(out)
    }

    /// The dimensions.
    pub fn dims(&self) -> &[u32] {
        &self.dims[..usize::from(self.rank)]
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.dims.iter().map(|&d| d as usize).product()
    }

    /// True when there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Where the bytes of a tensor are, as an offset in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the caller's working memory.
    Arena(u32),
    /// In the plan's weight section.
    Weights(u32),
    /// In the part of working memory that is kept from one run to the next: its last bytes. The offset counts from the
    /// start of working memory.
    State(u32),
}

/// One tensor of a plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tensor {
    /// Element type.
    pub dtype: DType,
    /// Where it is.
    pub place: Place,
    /// Dimensions.
    pub shape: Shape,
    /// Scale of a quantised tensor, 0 for others. Information for the user: steps carry what they need.
    pub scale: f32,
    /// Zero point of a quantised tensor.
    pub zero_point: i32,
}

impl Tensor {
    /// A tensor in working memory that is not quantised.
    pub fn arena(dtype: DType, shape: Shape, offset: u32) -> Self {
        Self {
            dtype,
            place: Place::Arena(offset),
            shape,
            scale: 0.0,
            zero_point: 0,
        }
    }

    /// Bytes of the elements.
    pub fn bytes(&self) -> usize {
        self.shape.len() * self.dtype.size()
    }
}
