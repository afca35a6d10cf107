//! Tensors as little-endian bytes with a type and a shape.

mod decode;
mod number;

use crate::proto::TensorProto;
use crate::{DataType, Error, Result};
pub(crate) use decode::{decode, element_count, label};

/// A tensor with its elements as little-endian bytes, row-major; sizes are known to fit.
///
/// ```
/// use redpoll_onnx::{DataType, TensorData};
/// let scale = TensorData::from_f32(&[2], &[0.5, -1.0])?;
/// assert_eq!(scale.data_type(), DataType::F32);
/// assert_eq!(scale.bytes(), [0, 0, 0, 0x3f, 0, 0, 0x80, 0xbf]);
/// assert_eq!(scale.to_f32(), [0.5, -1.0]);
/// # Ok::<(), redpoll_onnx::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorData {
    data_type: DataType,
    dims: Vec<usize>,
    bytes: Vec<u8>,
}

impl TensorData {
    /// From little-endian bytes.
    ///
    /// # Errors
    /// [`Malformed`](crate::ErrorKind::Malformed) if the bytes are not as many as shape and type say, or a bool is neither 0 nor 1.
    pub fn new(data_type: DataType, dims: &[usize], bytes: Vec<u8>) -> Result<Self> {
        let count = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
        let want = count.and_then(|n| data_type.bytes_of(n));
        if want != Some(bytes.len()) {
            return Err(Error::malformed(format!(
                "{} bytes for a tensor of type {data_type} and shape {dims:?}",
                bytes.len()
            )));
        }
        if data_type == DataType::Bool
            && let Some(odd) = bytes.iter().find(|&&byte| byte > 1)
        {
            return Err(Error::malformed(format!("a bool has the value {odd}")));
        }
        Ok(TensorData {
            data_type,
            dims: dims.to_vec(),
            bytes,
        })
    }

    /// From f32 elements; shape `[]` is a scalar.
    ///
    /// # Errors
    /// [`Malformed`](crate::ErrorKind::Malformed) if the elements are not as many as the shape says. So for all `from_…`.
    pub fn from_f32(dims: &[usize], elements: &[f32]) -> Result<Self> {
        let bytes = elements.iter().flat_map(|v| v.to_le_bytes()).collect();
        Self::new(DataType::F32, dims, bytes)
    }

    /// From i8 elements. For errors see [`from_f32`](Self::from_f32).
    pub fn from_i8(dims: &[usize], elements: &[i8]) -> Result<Self> {
        let bytes = elements.iter().map(|&v| v.cast_unsigned()).collect();
        Self::new(DataType::I8, dims, bytes)
    }

    /// From u8 elements. For errors see [`from_f32`](Self::from_f32).
    pub fn from_u8(dims: &[usize], elements: &[u8]) -> Result<Self> {
        Self::new(DataType::U8, dims, elements.to_vec())
    }

    /// From i16 elements. For errors see [`from_f32`](Self::from_f32).
    pub fn from_i16(dims: &[usize], elements: &[i16]) -> Result<Self> {
        let bytes = elements.iter().flat_map(|v| v.to_le_bytes()).collect();
        Self::new(DataType::I16, dims, bytes)
    }

    /// From i32 elements. For errors see [`from_f32`](Self::from_f32).
    pub fn from_i32(dims: &[usize], elements: &[i32]) -> Result<Self> {
        let bytes = elements.iter().flat_map(|v| v.to_le_bytes()).collect();
        Self::new(DataType::I32, dims, bytes)
    }

    /// From i64 elements. For errors see [`from_f32`](Self::from_f32).
    pub fn from_i64(dims: &[usize], elements: &[i64]) -> Result<Self> {
        let bytes = elements.iter().flat_map(|v| v.to_le_bytes()).collect();
        Self::new(DataType::I64, dims, bytes)
    }

    /// Element type.
    pub fn data_type(&self) -> DataType {
        self.data_type
    }

    /// Shape; empty for a scalar.
    pub fn dims(&self) -> &[usize] {
        &self.dims
    }

    /// Number of elements: the product of the shape, 1 for a scalar.
    pub fn count(&self) -> usize {
        // Checked in `new`.
        self.dims.iter().product()
    }

    /// The elements as little-endian bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The elements as little-endian bytes, taken out.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// As a message that holds the bytes in `raw_data`.
    pub fn to_proto(&self, name: &str) -> TensorProto {
        TensorProto {
            name: name.to_owned(),
            // A dimension cannot pass i64: the bytes are in memory, or another dimension is 0.
            dims: self
                .dims
                .iter()
                .map(|&d| i64::try_from(d).unwrap_or(i64::MAX))
                .collect(),
            data_type: self.data_type.to_onnx(),
            raw_data: Some(self.bytes.clone()),
            ..TensorProto::default()
        }
    }
}
