//! Constants of the graph as ONNX tensors.

use redpoll_graph::{DType, Data, Tensor};
use redpoll_onnx::{DataType, TensorData};

use crate::{Error, ErrorKind};

pub(super) fn data_type(dtype: DType) -> DataType {
    match dtype {
        DType::F32 => DataType::F32,
        DType::I8 => DataType::I8,
        DType::U8 => DataType::U8,
        DType::I32 => DataType::I32,
        DType::I64 => DataType::I64,
        DType::Bool => DataType::Bool,
    }
}

/// `tensor` under `dims`.
pub(super) fn tensor_data(tensor: &Tensor, dims: &[usize]) -> Result<TensorData, Error> {
    let made = match tensor.data() {
        Data::F32(v) => TensorData::from_f32(dims, v),
        Data::I8(v) => TensorData::from_i8(dims, v),
        Data::U8(v) => TensorData::from_u8(dims, v),
        Data::I32(v) => TensorData::from_i32(dims, v),
        Data::I64(v) => TensorData::from_i64(dims, v),
        Data::Bool(v) => {
            TensorData::new(DataType::Bool, dims, v.iter().map(|&b| b.into()).collect())
        }
    };
    made.map_err(|e| Error::new(ErrorKind::Internal, e.to_string()))
}

/// The axes of `tensor` permuted: result axis `i` is input axis `perm[i]`.
pub(super) fn transposed(tensor: &Tensor, perm: &[usize]) -> Result<Tensor, Error> {
    let shape: Vec<usize> = perm.iter().map(|&p| tensor.shape()[p]).collect();
    let strides = redpoll_graph::types::strides(tensor.shape());
    let steps: Vec<usize> = perm.iter().map(|&p| strides[p]).collect();
    let mut order = vec![0usize];
    for (&n, &step) in shape.iter().zip(&steps) {
        order = order
            .iter()
            .flat_map(|&base| (0..n).map(move |i| base + i * step))
            .collect();
    }
    fn pick<T: Copy>(v: &[T], order: &[usize]) -> Vec<T> {
        order.iter().map(|&i| v[i]).collect()
    }
    let data = match tensor.data() {
        Data::F32(v) => Data::F32(pick(v, &order)),
        Data::I8(v) => Data::I8(pick(v, &order)),
        Data::U8(v) => Data::U8(pick(v, &order)),
        Data::I32(v) => Data::I32(pick(v, &order)),
        Data::I64(v) => Data::I64(pick(v, &order)),
        Data::Bool(v) => Data::Bool(pick(v, &order)),
    };
    Ok(Tensor::new(shape, data)?)
}
