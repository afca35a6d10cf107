//! Tensors of ONNX Runtime and the values of a session.

use ort::memory::Allocator;
use ort::value::{DynTensor, DynValue, TensorElementType, ValueType};
use redpoll_session::{Aligned, DType, Error, ErrorKind, TensorInfo, Value};

/// The same type here, where there is one.
fn dtype(element: TensorElementType) -> Option<DType> {
    Some(match element {
        TensorElementType::Float32 => DType::F32,
        TensorElementType::Int8 => DType::I8,
        TensorElementType::Uint8 => DType::U8,
        TensorElementType::Int32 => DType::I32,
        TensorElementType::Int64 => DType::I64,
        TensorElementType::Bool => DType::Bool,
        _ => return None,
    })
}

fn element(dtype: DType) -> TensorElementType {
    match dtype {
        DType::F32 => TensorElementType::Float32,
        DType::F16 => TensorElementType::Float16,
        DType::I8 => TensorElementType::Int8,
        DType::U8 => TensorElementType::Uint8,
        DType::I32 => TensorElementType::Int32,
        DType::I64 => TensorElementType::Int64,
        DType::Bool => TensorElementType::Bool,
    }
}

/// What the model says about an input or output: open dimensions become 1. The second is true when there were any.
pub(crate) fn describe(name: &str, value: &ValueType) -> Result<(TensorInfo, bool), Error> {
    let unsupported = |what: String| {
        Error::new(
            ErrorKind::Model,
            format!("\"{name}\" is {what}, which this backend cannot pass on"),
        )
    };
    let ValueType::Tensor { ty, shape, .. } = value else {
        return Err(unsupported("no tensor".to_owned()));
    };
    let dtype = dtype(*ty).ok_or_else(|| unsupported(format!("of type {ty}")))?;
    let dims: Vec<usize> = shape
        .iter()
        .map(|&d| usize::try_from(d).unwrap_or(1))
        .collect();
    let open = shape.iter().any(|&d| d < 0);
    Ok((TensorInfo::named(name, dtype, &dims), open))
}

/// A tensor of zeros for an input.
pub(crate) fn zeros(info: &TensorInfo) -> ort::Result<DynTensor> {
    let shape: Vec<i64> = info.shape.iter().map(|&d| d as i64).collect();
    let mut tensor = DynTensor::new(&Allocator::default(), element(info.dtype), shape)?;
    match info.dtype {
        DType::F32 => tensor.try_extract_tensor_mut::<f32>()?.1.fill(0.0),
        DType::I8 => tensor.try_extract_tensor_mut::<i8>()?.1.fill(0),
        DType::U8 => tensor.try_extract_tensor_mut::<u8>()?.1.fill(0),
        DType::I32 => tensor.try_extract_tensor_mut::<i32>()?.1.fill(0),
        DType::I64 => tensor.try_extract_tensor_mut::<i64>()?.1.fill(0),
        DType::Bool => tensor.try_extract_tensor_mut::<bool>()?.1.fill(false),
        DType::F16 => return Err(ort::Error::new("half precision is not passed on")),
    }
    Ok(tensor)
}

/// Copies a value of the right type and length into the tensor of an input.
pub(crate) fn write(tensor: &mut DynTensor, value: Value<'_>) -> ort::Result<()> {
    match value {
        Value::F32(v) => tensor.try_extract_tensor_mut::<f32>()?.1.copy_from_slice(v),
        Value::I8(v) => tensor.try_extract_tensor_mut::<i8>()?.1.copy_from_slice(v),
        Value::U8(v) => tensor.try_extract_tensor_mut::<u8>()?.1.copy_from_slice(v),
        Value::I32(v) => tensor.try_extract_tensor_mut::<i32>()?.1.copy_from_slice(v),
        Value::I64(v) => tensor.try_extract_tensor_mut::<i64>()?.1.copy_from_slice(v),
        Value::Bool(v) => {
            let to = tensor.try_extract_tensor_mut::<bool>()?.1;
            for (to, &from) in to.iter_mut().zip(v) {
                *to = from != 0;
            }
        }
        _ => return Err(ort::Error::new("this element type is not passed on")),
    }
    Ok(())
}

/// Copies an output of a run to `bytes`, and its shape to `info`: the model may have left it open.
pub(crate) fn read(
    tensor: &DynValue,
    info: &mut TensorInfo,
    bytes: &mut Aligned,
) -> ort::Result<()> {
    let bools: Vec<u8>;
    let (shape, value) = match info.dtype {
        DType::F32 => view(tensor.try_extract_tensor::<f32>()?),
        DType::I8 => view(tensor.try_extract_tensor::<i8>()?),
        DType::U8 => view(tensor.try_extract_tensor::<u8>()?),
        DType::I32 => view(tensor.try_extract_tensor::<i32>()?),
        DType::I64 => view(tensor.try_extract_tensor::<i64>()?),
        DType::Bool => {
            let (shape, elements) = tensor.try_extract_tensor::<bool>()?;
            bools = elements.iter().map(|&b| b.into()).collect();
            (&**shape, Value::Bool(&bools))
        }
        DType::F16 => return Err(ort::Error::new("half precision is not passed on")),
    };
    let same = |(&a, &b): (&usize, &i64)| usize::try_from(b).is_ok_and(|b| a == b);
    if info.shape.len() != shape.len() || !info.shape.iter().zip(shape).all(same) {
        let dims: Vec<usize> = shape
            .iter()
            .map(|&d| usize::try_from(d).unwrap_or(0))
            .collect();
        *info = TensorInfo::named(info.name.as_str(), info.dtype, &dims);
    }
    if bytes.len() != info.bytes {
        *bytes = Aligned::zeroed(info.bytes);
    }
    bytes.copy_from_slice(value.as_bytes());
    Ok(())
}

fn view<'a, T>((shape, elements): (&'a ort::value::Shape, &'a [T])) -> (&'a [i64], Value<'a>)
where
    Value<'a>: From<&'a [T]>,
{
    (shape, Value::from(elements))
}
