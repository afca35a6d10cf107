//! Elements of a tensor as numbers of one type.

use super::TensorData;
use crate::{DataType, Error, Result};
use half::{bf16, f16};

impl TensorData {
    /// All elements as f32. Exact for f16, bf16, integers up to 2²⁴ and bools; wider integers and f64 are rounded
    /// to nearest, ties to even.
    pub fn to_f32(&self) -> Vec<f32> {
        match self.data_type() {
            DataType::F32 => self.each(f32::from_le_bytes).collect(),
            DataType::F64 => self.each(f64::from_le_bytes).map(|v| v as f32).collect(),
            DataType::F16 => self.each(f16::from_le_bytes).map(f16::to_f32).collect(),
            DataType::BF16 => self.each(bf16::from_le_bytes).map(bf16::to_f32).collect(),
            DataType::U64 => self.each(u64::from_le_bytes).map(|v| v as f32).collect(),
            _ => self.integers().map(|v| v as f32).collect(),
        }
    }

    /// All elements as i64.
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for a floating-point type, and for a u64 above the range of i64.
    pub fn to_i64(&self) -> Result<Vec<i64>> {
        match self.data_type() {
            DataType::U64 => self
                .each(u64::from_le_bytes)
                .map(|v| {
                    i64::try_from(v)
                        .map_err(|_| Error::unsupported(format!("{v} is above the range of INT64")))
                })
                .collect(),
            float if float.is_float() => Err(Error::unsupported(format!(
                "integers wanted, but the type is {float}"
            ))),
            _ => Ok(self.integers().collect()),
        }
    }

    /// Elements of `N` bytes each.
    fn each<const N: usize, T>(&self, from: fn([u8; N]) -> T) -> impl Iterator<Item = T> {
        let (chunks, _) = self.bytes().as_chunks::<N>();
        chunks.iter().map(move |chunk| from(*chunk))
    }

    /// Elements of any integer type but u64.
    fn integers(&self) -> Box<dyn Iterator<Item = i64> + '_> {
        match self.data_type() {
            DataType::I8 => Box::new(self.each(i8::from_le_bytes).map(i64::from)),
            DataType::I16 => Box::new(self.each(i16::from_le_bytes).map(i64::from)),
            DataType::U16 => Box::new(self.each(u16::from_le_bytes).map(i64::from)),
            DataType::I32 => Box::new(self.each(i32::from_le_bytes).map(i64::from)),
            DataType::U32 => Box::new(self.each(u32::from_le_bytes).map(i64::from)),
            DataType::I64 => Box::new(self.each(i64::from_le_bytes)),
            DataType::I4 => Box::new(
                self.nibbles()
                    .map(|v| i64::from((v << 4).cast_signed() >> 4)),
            ),
            DataType::U4 => Box::new(self.nibbles().map(i64::from)),
            DataType::U8 | DataType::Bool => Box::new(self.each(u8::from_le_bytes).map(i64::from)),
            DataType::F32 | DataType::F64 | DataType::F16 | DataType::BF16 | DataType::U64 => {
                Box::new(std::iter::empty())
            }
        }
    }

    /// Halves of bytes, low half first, without the half that only fills up.
    fn nibbles(&self) -> impl Iterator<Item = u8> + '_ {
        self.bytes()
            .iter()
            .flat_map(|&byte| [byte & 15, byte >> 4])
            .take(self.count())
    }
}
