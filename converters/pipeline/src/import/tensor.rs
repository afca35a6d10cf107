//! ONNX tensors become graph tensors: floats of any width f32, narrow integers as they are.

use redpoll_graph::shape::{MAX_ELEMENTS, MAX_RANK};
use redpoll_graph::{DType, Data, Tensor};
use redpoll_onnx::{DataType, TensorData};

use super::node::{Stop, invalid};

/// The element type that values of an ONNX type get in the graph.
pub(crate) fn dtype_of(data_type: DataType) -> Result<DType, Stop> {
    Ok(match data_type {
        DataType::F32 | DataType::F64 | DataType::F16 | DataType::BF16 | DataType::Small(_) => {
            DType::F32
        }
        DataType::I8 => DType::I8,
        DataType::U8 => DType::U8,
        DataType::I32 => DType::I32,
        DataType::I64 => DType::I64,
        DataType::Bool => DType::Bool,
        // Held wider: see `narrow`.
        DataType::I2
        | DataType::U2
        | DataType::I4
        | DataType::U4
        | DataType::I16
        | DataType::U16 => DType::I32,
        DataType::U32 | DataType::U64 => DType::I64,
    })
}

/// Refuses shapes whose sizes cannot be multiplied, even where a 0 among them hides it.
pub(crate) fn check_shape(shape: &[usize]) -> Result<(), Stop> {
    let product = shape
        .iter()
        .try_fold(1usize, |n, &d| n.checked_mul(d.max(1)));
    match product {
        Some(n) if n <= MAX_ELEMENTS && shape.len() <= MAX_RANK => Ok(()),
        _ => invalid(format!(
            "shape {shape:?} passes the limit of {MAX_RANK} axes and {MAX_ELEMENTS} elements"
        )),
    }
}

/// Decoded ONNX elements as a tensor of the graph.
pub(crate) fn tensor_of(data: &TensorData) -> Result<Tensor, Stop> {
    let shape = data.dims().to_vec();
    check_shape(&shape)?;
    let elements = match dtype_of(data.data_type())? {
        DType::F32 => Data::F32(data.to_f32()),
        DType::I8 => Data::I8(data.bytes().iter().map(|b| b.cast_signed()).collect()),
        DType::U8 => Data::U8(data.bytes().to_vec()),
        DType::I32 => Data::I32(
            data.to_i64()?
                .into_iter()
                .map(|v| i32::try_from(v).unwrap_or(if v < 0 { i32::MIN } else { i32::MAX }))
                .collect(),
        ),
        DType::I64 if data.data_type() == DataType::U64 => {
            let (words, _) = data.bytes().as_chunks::<8>();
            Data::I64(words.iter().map(|w| i64::from_le_bytes(*w)).collect())
        }
        DType::I64 => Data::I64(data.to_i64()?),
        DType::Bool => Data::Bool(data.bytes().iter().map(|&b| b != 0).collect()),
    };
    Ok(Tensor::new(shape, elements)?)
}
