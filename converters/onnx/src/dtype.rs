//! Element types of tensors.

use crate::{Error, Result, SmallFloat};
use std::fmt;

/// An element type that this crate can decode. ONNX knows more (strings, complex numbers, floats of 6 bits); those are
/// refused by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataType {
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64.
    F64,
    /// IEEE 754 binary16.
    F16,
    /// bfloat16.
    BF16,
    /// Signed 8 bits.
    I8,
    /// Unsigned 8 bits.
    U8,
    /// Signed 16 bits.
    I16,
    /// Unsigned 16 bits.
    U16,
    /// Signed 32 bits.
    I32,
    /// Unsigned 32 bits.
    U32,
    /// Signed 64 bits.
    I64,
    /// Unsigned 64 bits.
    U64,
    /// A byte that is 0 or 1.
    Bool,
    /// Signed 4 bits, two a byte, the first in the low half.
    I4,
    /// Unsigned 4 bits, two a byte, the first in the low half.
    U4,
    /// Signed 2 bits, four a byte, the first in the lowest.
    I2,
    /// Unsigned 2 bits, four a byte, the first in the lowest.
    U2,
    /// A float of 8 or 4 bits; two of 4 bits stand in a byte, the first in the low half.
    Small(SmallFloat),
}

/// Names of `TensorProto.DataType`, by number.
const ONNX_NAMES: [&str; 29] = [
    "UNDEFINED",
    "FLOAT",
    "UINT8",
    "INT8",
    "UINT16",
    "INT16",
    "INT32",
    "INT64",
    "STRING",
    "BOOL",
    "FLOAT16",
    "DOUBLE",
    "UINT32",
    "UINT64",
    "COMPLEX64",
    "COMPLEX128",
    "BFLOAT16",
    "FLOAT8E4M3FN",
    "FLOAT8E4M3FNUZ",
    "FLOAT8E5M2",
    "FLOAT8E5M2FNUZ",
    "UINT4",
    "INT4",
    "FLOAT4E2M1",
    "FLOAT8E8M0",
    "UINT2",
    "INT2",
    "FLOAT6E2M3",
    "FLOAT6E3M2",
];

impl DataType {
    /// From the number of `TensorProto.DataType`.
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported), with the ONNX name, for a type that is not in the list above.
    pub fn from_onnx(number: i32) -> Result<Self> {
        Ok(match number {
            1 => DataType::F32,
            2 => DataType::U8,
            3 => DataType::I8,
            4 => DataType::U16,
            5 => DataType::I16,
            6 => DataType::I32,
            7 => DataType::I64,
            9 => DataType::Bool,
            10 => DataType::F16,
            11 => DataType::F64,
            12 => DataType::U32,
            13 => DataType::U64,
            16 => DataType::BF16,
            17 => DataType::Small(SmallFloat::E4M3Fn),
            18 => DataType::Small(SmallFloat::E4M3FnUz),
            19 => DataType::Small(SmallFloat::E5M2),
            20 => DataType::Small(SmallFloat::E5M2FnUz),
            21 => DataType::U4,
            22 => DataType::I4,
            23 => DataType::Small(SmallFloat::E2M1),
            24 => DataType::Small(SmallFloat::E8M0),
            25 => DataType::U2,
            26 => DataType::I2,
            other => {
                let name = usize::try_from(other).ok().and_then(|i| ONNX_NAMES.get(i));
                return Err(Error::unsupported(match name {
                    Some(name) => format!("element type {name} is not supported"),
                    None => format!("element type number {other} is not known"),
                }));
            }
        })
    }

    /// The number of `TensorProto.DataType`.
    pub fn to_onnx(self) -> i32 {
        match self {
            DataType::F32 => 1,
            DataType::U8 => 2,
            DataType::I8 => 3,
            DataType::U16 => 4,
            DataType::I16 => 5,
            DataType::I32 => 6,
            DataType::I64 => 7,
            DataType::Bool => 9,
            DataType::F16 => 10,
            DataType::F64 => 11,
            DataType::U32 => 12,
            DataType::U64 => 13,
            DataType::BF16 => 16,
            DataType::U4 => 21,
            DataType::I4 => 22,
            DataType::U2 => 25,
            DataType::I2 => 26,
            DataType::Small(SmallFloat::E4M3Fn) => 17,
            DataType::Small(SmallFloat::E4M3FnUz) => 18,
            DataType::Small(SmallFloat::E5M2) => 19,
            DataType::Small(SmallFloat::E5M2FnUz) => 20,
            DataType::Small(SmallFloat::E2M1) => 23,
            DataType::Small(SmallFloat::E8M0) => 24,
        }
    }

    /// Bits of one element.
    pub fn bits(self) -> usize {
        match self {
            DataType::I2 | DataType::U2 => 2,
            DataType::I4 | DataType::U4 => 4,
            DataType::Small(float) => float.bits(),
            DataType::I8 | DataType::U8 | DataType::Bool => 8,
            DataType::F16 | DataType::BF16 | DataType::I16 | DataType::U16 => 16,
            DataType::F32 | DataType::I32 | DataType::U32 => 32,
            DataType::F64 | DataType::I64 | DataType::U64 => 64,
        }
    }

    /// Bytes of `count` elements; elements of 4 and 2 bits fill the last byte up. `None` on overflow.
    pub fn bytes_of(self, count: usize) -> Option<usize> {
        match self.bits() {
            2 => Some(count.div_ceil(4)),
            4 => Some(count.div_ceil(2)),
            bits => count.checked_mul(bits / 8),
        }
    }

    /// Whether it is one of the floating-point types.
    pub fn is_float(self) -> bool {
        matches!(
            self,
            DataType::F32 | DataType::F64 | DataType::F16 | DataType::BF16 | DataType::Small(_)
        )
    }
}

/// The name that ONNX gives to it, such as `FLOAT16`.
impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ONNX_NAMES[self.to_onnx() as usize])
    }
}
