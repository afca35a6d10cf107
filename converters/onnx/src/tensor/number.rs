//! Elements of a tensor as numbers of one type.

use super::TensorData;
use crate::{DataType, Error, Result};
use half::{bf16, f16};

impl TensorData {
    /// All elements as f32. Exact for floats of 16 bits and fewer, integers up to 2²⁴ and bools; wider integers and f64 are rounded
    /// to nearest, ties to even.
    pub fn to_f32(&self) -> Vec<f32> {
        match self.data_type() {
            DataType::F32 => self.each(f32::from_le_bytes).collect(),
            DataType::F64 => self.each(f64::from_le_bytes).map(|v| v as f32).collect(),
            DataType::F16 => self.each(f16::from_le_bytes).map(f16::to_f32).collect(),
            DataType::BF16 => self.each(bf16::from_le_bytes).map(bf16::to_f32).collect(),
            DataType::U64 => self.each(u64::from_le_bytes).map(|v| v as f32).collect(),
            DataType::Small(float) if float.bits() == 4 => {
                self.parts(4).map(|bits| float.decode(bits)).collect()
            }
            DataType::Small(float) => self
                .each(u8::from_le_bytes)
                .map(|bits| float.decode(bits))
                .collect(),
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
                self.parts(4)
                    .map(|v| i64::from((v << 4).cast_signed() >> 4)),
            ),
            DataType::I2 => Box::new(
                self.parts(2)
                    .map(|v| i64::from((v << 6).cast_signed() >> 6)),
            ),
            DataType::U4 => Box::new(self.parts(4).map(i64::from)),
            DataType::U2 => Box::new(self.parts(2).map(i64::from)),
            DataType::U8 | DataType::Bool => Box::new(self.each(u8::from_le_bytes).map(i64::from)),
            DataType::F32
            | DataType::F64
            | DataType::F16
            | DataType::BF16
            | DataType::Small(_)
            | DataType::U64 => Box::new(std::iter::empty()),
        }
    }

    /// Parts of bytes of 4 or 2 bits, the lowest first, without those that only fill up.
    fn parts(&self, bits: usize) -> impl Iterator<Item = u8> + '_ {
        let mask = (1u8 << bits) - 1;
        self.bytes()
            .iter()
            .flat_map(move |&byte| (0..8).step_by(bits).map(move |at| byte >> at & mask))
            .take(self.count())
    }
}
