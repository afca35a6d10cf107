//! Turns a tensor message into [`TensorData`]: raw bytes, typed fields or bytes from another file.

use super::TensorData;
use crate::proto::{DataLocation, TensorProto};
use crate::{DataType, Error, Result};

/// How messages about a tensor begin.
pub(crate) fn label(tensor: &TensorProto) -> String {
    format!("tensor {:?}", tensor.name)
}

/// Checks the shape; returns it and the number of elements.
pub(crate) fn element_count(tensor: &TensorProto) -> Result<(Vec<usize>, usize)> {
    let mut count = 1usize;
    let mut dims = Vec::with_capacity(tensor.dims.len());
    for &dim in &tensor.dims {
        let size = usize::try_from(dim)
            .map_err(|_| Error::malformed(format!("dimension {dim} in {:?}", tensor.dims)))?;
        count = count.checked_mul(size).ok_or_else(|| {
            Error::malformed(format!("shape {:?} has too many elements", tensor.dims))
        })?;
        dims.push(size);
    }
    Ok((dims, count))
}

/// Decodes `tensor`. `external` reads so many bytes from the file that the tensor names.
pub(crate) fn decode(
    tensor: &TensorProto,
    external: impl FnOnce(usize) -> Result<Vec<u8>>,
) -> Result<TensorData> {
    decode_here(tensor, external).map_err(|e| e.at(label(tensor)))
}

fn decode_here(
    tensor: &TensorProto,
    external: impl FnOnce(usize) -> Result<Vec<u8>>,
) -> Result<TensorData> {
    let data_type = DataType::from_onnx(tensor.data_type)?;
    if tensor.segment.is_some() {
        return Err(Error::unsupported("tensors in segments are not supported"));
    }
    let (dims, count) = element_count(tensor)?;
    let size = data_type
        .bytes_of(count)
        .ok_or_else(|| Error::malformed(format!("shape {:?} is too large", tensor.dims)))?;
    only_one_source(tensor)?;
    let bytes = if tensor.data_location == DataLocation::External as i32 {
        external(size)?
    } else if tensor.data_location != DataLocation::Default as i32 {
        return Err(Error::malformed(format!(
            "data location {}",
            tensor.data_location
        )));
    } else if let Some(raw) = &tensor.raw_data {
        expect_len("bytes of raw data", raw.len(), size, tensor)?;
        raw.clone()
    } else {
        from_typed_fields(tensor, data_type, count, size)?
    };
    TensorData::new(data_type, &dims, bytes)
}

/// Refuses a tensor whose elements stand in two places.
fn only_one_source(tensor: &TensorProto) -> Result<()> {
    let sources = [
        (
            "raw_data",
            tensor.raw_data.as_ref().is_some_and(|raw| !raw.is_empty()),
        ),
        ("float_data", !tensor.float_data.is_empty()),
        ("int32_data", !tensor.int32_data.is_empty()),
        ("int64_data", !tensor.int64_data.is_empty()),
        ("uint64_data", !tensor.uint64_data.is_empty()),
        ("double_data", !tensor.double_data.is_empty()),
        ("string_data", !tensor.string_data.is_empty()),
        (
            "external data",
            tensor.data_location == DataLocation::External as i32,
        ),
    ];
    let mut used = sources.iter().filter(|(_, used)| *used);
    match (used.next(), used.next()) {
        (Some((a, _)), Some((b, _))) => Err(Error::malformed(format!(
            "elements stand both in {a} and in {b}"
        ))),
        _ => Ok(()),
    }
}

fn expect_len(what: &str, found: usize, want: usize, tensor: &TensorProto) -> Result<()> {
    if found != want {
        return Err(Error::malformed(format!(
            "{found} {what}, but shape {:?} needs {want}",
            tensor.dims
        )));
    }
    Ok(())
}

/// Reads the field that ONNX prescribes for the type; `size` bytes come out.
fn from_typed_fields(
    tensor: &TensorProto,
    data_type: DataType,
    count: usize,
    size: usize,
) -> Result<Vec<u8>> {
    let (field, found) = match data_type {
        DataType::F32 => ("float_data", tensor.float_data.len()),
        DataType::F64 => ("double_data", tensor.double_data.len()),
        DataType::I64 => ("int64_data", tensor.int64_data.len()),
        DataType::U32 | DataType::U64 => ("uint64_data", tensor.uint64_data.len()),
        _ => ("int32_data", tensor.int32_data.len()),
    };
    // Types of less than 8 bits stand as bytes.
    let want = if data_type.bits() < 8 { size } else { count };
    expect_len(&format!("elements in {field}"), found, want, tensor)?;
    let mut out = Vec::with_capacity(size);
    match data_type {
        DataType::F32 => tensor
            .float_data
            .iter()
            .for_each(|v| out.extend(v.to_le_bytes())),
        DataType::F64 => tensor
            .double_data
            .iter()
            .for_each(|v| out.extend(v.to_le_bytes())),
        DataType::I64 => tensor
            .int64_data
            .iter()
            .for_each(|v| out.extend(v.to_le_bytes())),
        DataType::U64 => tensor
            .uint64_data
            .iter()
            .for_each(|v| out.extend(v.to_le_bytes())),
        DataType::U32 => {
            for &v in &tensor.uint64_data {
                let v = u32::try_from(v).map_err(|_| does_not_fit(v, data_type))?;
                out.extend(v.to_le_bytes());
            }
        }
        _ => {
            let (low, high) = int32_range(data_type);
            for &v in &tensor.int32_data {
                if v < low || v > high {
                    return Err(does_not_fit(v, data_type));
                }
                let width = data_type.bits().div_ceil(8);
                out.extend(&v.to_le_bytes()[..width]);
            }
        }
    }
    Ok(out)
}

/// Which numbers `int32_data` may hold for a type.
fn int32_range(data_type: DataType) -> (i32, i32) {
    match data_type {
        DataType::Bool => (0, 1),
        DataType::I8 => (-128, 127),
        DataType::U8 | DataType::U4 | DataType::U2 | DataType::Small(_) => (0, 255),
        // A byte of signed parts; writers disagree on whether it is signed as a whole.
        DataType::I4 | DataType::I2 => (-128, 255),
        DataType::I16 => (-32768, 32767),
        // Floats stand as their bits.
        DataType::U16 | DataType::F16 | DataType::BF16 => (0, 65535),
        _ => (i32::MIN, i32::MAX),
    }
}

fn does_not_fit(value: impl std::fmt::Display, data_type: DataType) -> Error {
    Error::malformed(format!(
        "the element {value} does not fit into type {data_type}"
    ))
}
