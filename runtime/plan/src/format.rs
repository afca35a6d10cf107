//! The records of the file as they lie in memory; drawn in `docs/plan-format.md`.

use zerocopy::little_endian::{F32, I32, U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// First bytes of every plan.
pub const MAGIC: [u8; 8] = *b"RedPoll\0";
/// Major version: files of another one are refused.
pub const MAJOR: u16 = 2;
/// Minor version: grows when old readers can still read new files.
#[cfg(feature = "write")]
pub const MINOR: u16 = 0;
/// Feature bit of plans with state.
pub const FEATURE_STATE: u32 = 1;
/// Bits of required features that this reader knows.
pub const KNOWN_FEATURES: u32 = FEATURE_STATE;
/// Number of sections.
pub const SECTIONS: usize = 8;
/// Bytes of the header, section table included.
pub const HEADER_BYTES: usize = size_of::<Header>();

/// [`TensorRecord::place`] of constants.
pub const PLACE_WEIGHTS: u8 = 1;

/// Most tensors of a plan.
pub const MAX_TENSORS: usize = 1 << 16;
/// Most steps of a plan.
pub const MAX_STEPS: usize = 1 << 16;
/// Most inputs, and most outputs.
pub const MAX_PORTS: usize = 1 << 12;
/// Most pairs of metadata.
pub const MAX_METADATA: usize = 1 << 12;

/// Offset and length of a section in bytes.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct SectionRecord {
    pub offset: U32,
    pub bytes: U32,
}

/// The file's first 128 bytes.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Header {
    pub magic: [u8; 8],
    pub major: U16,
    pub minor: U16,
    pub features: U32,
    pub file_bytes: U32,
    pub arena_bytes: U32,
    pub scratch_bytes: U32,
    pub alignment: U32,
    pub macs: U64,
    pub hash: U64,
    pub state_bytes: U32,
    pub reserved: [U32; 3],
    pub sections: [SectionRecord; SECTIONS],
}

/// Offset of [`Header::hash`]: the eight bytes that the hash leaves out.
pub const HASH_OFFSET: usize = core::mem::offset_of!(Header, hash);

/// Part of the names section.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct NameRecord {
    pub offset: U32,
    pub bytes: U32,
}

/// A tensor.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct TensorRecord {
    pub dtype: u8,
    pub rank: u8,
    /// 0 working memory, 1 weights, 2 state.
    pub place: u8,
    pub reserved: u8,
    pub offset: U32,
    pub dims: [U32; crate::tensor::MAX_RANK],
    pub scale: F32,
    pub zero_point: I32,
    pub name: NameRecord,
}

/// A step; its parameters are `words` words of the parameter section from word `first_word`.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct StepRecord {
    pub code: U32,
    pub first_word: U32,
    pub words: U32,
    pub scratch_bytes: U32,
    pub macs: U64,
    pub name: NameRecord,
}

/// An input or output of the model.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct PortRecord {
    pub tensor: U32,
    pub name: NameRecord,
}
