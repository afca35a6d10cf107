//! Typed views of inputs and outputs.

use redpoll_plan::DType;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

mod sealed {
    pub trait Sealed {}
}

/// Types that the elements of inputs and outputs can be viewed as.
///
/// `f32`, `i8`, `u8` (also for booleans), `i32`, `i64`, and `u16` for the bits of half precision.
pub trait Element:
    sealed::Sealed + FromBytes + IntoBytes + Immutable + KnownLayout + Copy + 'static
{
    /// The type's name in messages.
    const NAME: &'static str;

    /// True when a tensor of `dtype` can be viewed as this type.
    fn views(dtype: DType) -> bool;
}

macro_rules! element {
    ($($type:ty: $($dtype:ident)|+;)*) => {$(
        impl sealed::Sealed for $type {}
        impl Element for $type {
            const NAME: &'static str = stringify!($type);
            fn views(dtype: DType) -> bool {
                matches!(dtype, $(DType::$dtype)|+)
            }
        }
    )*};
}

element! {
    f32: F32;
    u16: F16;
    i8: I8;
    u8: U8 | Bool;
    i32: I32;
    i64: I64;
}

/// The elements of an input or output, with the type known at run time.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// Single precision.
    F32(&'a [f32]),
    /// Bits of half precision.
    F16(&'a [u16]),
    /// Signed bytes.
    I8(&'a [i8]),
    /// Unsigned bytes.
    U8(&'a [u8]),
    /// 32-bit integers.
    I32(&'a [i32]),
    /// 64-bit integers.
    I64(&'a [i64]),
    /// One byte a boolean, 0 or 1.
    Bool(&'a [u8]),
}

impl<'a> Value<'a> {
    /// `bytes` as elements of `dtype`; `None` when they are misaligned or end within an element.
    pub fn from_bytes(dtype: DType, bytes: &'a [u8]) -> Option<Self> {
        fn cast<T: Element>(bytes: &[u8]) -> Option<&[T]> {
            <[T]>::ref_from_bytes(bytes).ok()
        }
        Some(match dtype {
            DType::F32 => Self::F32(cast(bytes)?),
            DType::F16 => Self::F16(cast(bytes)?),
            DType::I8 => Self::I8(cast(bytes)?),
            DType::U8 => Self::U8(bytes),
            DType::I32 => Self::I32(cast(bytes)?),
            DType::I64 => Self::I64(cast(bytes)?),
            DType::Bool => Self::Bool(bytes),
        })
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        match self {
            Self::F32(_) => DType::F32,
            Self::F16(_) => DType::F16,
            Self::I8(_) => DType::I8,
            Self::U8(_) => DType::U8,
            Self::I32(_) => DType::I32,
            Self::I64(_) => DType::I64,
            Self::Bool(_) => DType::Bool,
        }
    }

    /// The bytes of the elements, little-endian on every machine that Redpoll runs on.
    pub fn as_bytes(&self) -> &'a [u8] {
        match self {
            Self::F32(v) => v.as_bytes(),
            Self::F16(v) => v.as_bytes(),
            Self::I8(v) => v.as_bytes(),
            Self::U8(v) | Self::Bool(v) => v,
            Self::I32(v) => v.as_bytes(),
            Self::I64(v) => v.as_bytes(),
        }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.as_bytes().len() / self.dtype().size()
    }

    /// True when there are no elements.
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }
}

macro_rules! from_slice {
    ($($type:ty: $variant:ident;)*) => {$(
        impl<'a> From<&'a [$type]> for Value<'a> {
            fn from(v: &'a [$type]) -> Self {
                Self::$variant(v)
            }
        }
        impl<'a, const N: usize> From<&'a [$type; N]> for Value<'a> {
            fn from(v: &'a [$type; N]) -> Self {
                Self::$variant(v)
            }
        }
        impl<'a> From<&'a Vec<$type>> for Value<'a> {
            fn from(v: &'a Vec<$type>) -> Self {
                Self::$variant(v)
            }
        }
    )*};
}

from_slice! {
    f32: F32;
    i8: I8;
    u8: U8;
    i32: I32;
    i64: I64;
}
