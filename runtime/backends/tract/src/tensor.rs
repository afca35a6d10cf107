//! Tensors of tract and the values of a session.

use redpoll_session::{Aligned, DType, TensorInfo, Value};
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::internal::bail;

/// The same type here, where there is one.
pub(crate) fn dtype(datum: DatumType) -> Option<DType> {
    Some(match datum.unquantized() {
        DatumType::F32 => DType::F32,
        DatumType::I8 => DType::I8,
        DatumType::U8 => DType::U8,
        DatumType::I32 => DType::I32,
        DatumType::I64 => DType::I64,
        DatumType::Bool => DType::Bool,
        _ => return None,
    })
}

/// A tensor of `shape` with the elements of a value that fits it.
pub(crate) fn from_value(shape: &[usize], value: Value<'_>) -> TractResult<Tensor> {
    match value {
        Value::F32(v) => Tensor::from_shape(shape, v),
        Value::I8(v) => Tensor::from_shape(shape, v),
        Value::U8(v) => Tensor::from_shape(shape, v),
        Value::I32(v) => Tensor::from_shape(shape, v),
        Value::I64(v) => Tensor::from_shape(shape, v),
        Value::Bool(v) => {
            let v: Vec<bool> = v.iter().map(|&b| b != 0).collect();
            Tensor::from_shape(shape, &v)
        }
        _ => bail!("this element type is not passed on"),
    }
}

/// Copies an output to `bytes`, which has its size.
pub(crate) fn read(tensor: &Tensor, info: &TensorInfo, bytes: &mut Aligned) -> TractResult<()> {
    if tensor.shape() != info.shape || dtype(tensor.datum_type()) != Some(info.dtype) {
        bail!("output \"{}\" came out as {tensor:?}", info.name);
    }
    bytes.copy_from_slice(tensor.as_bytes());
    Ok(())
}
