//! Tensors from text: `float [2,3] 1 2 3 4 5 6`.

use half::{bf16, f16};
use redpoll_onnx::{DataType, TensorData};

/// The tensor.
pub(super) fn tensor(text: &str) -> Result<TensorData, String> {
    let odd = || format!("no tensor: {text}");
    let (kind, rest) = text.split_once(" [").ok_or_else(odd)?;
    let (dims, rest) = rest.split_once(']').ok_or_else(odd)?;
    let dims = dims.split(',').filter(|d| !d.is_empty());
    let dims: Option<Vec<usize>> = dims.map(|d| d.parse().ok()).collect();
    let dims = dims.ok_or_else(odd)?;
    let kind = data_type(kind).ok_or_else(odd)?;
    let count = dims.iter().product();
    let words: Vec<&str> = rest.split_whitespace().collect();
    let bytes = match words.as_slice() {
        ["seq", start, step, modulus] => {
            let number = |word: &str| word.parse::<f64>().map_err(|_| odd());
            let (start, step) = (number(start)?, number(step)?);
            let modulus: usize = modulus.parse().map_err(|_| odd())?;
            let element = |i: usize| start + step * (7 * i % modulus) as f64;
            pack(kind, (0..count).map(|i| Some(Number::Real(element(i)))))
        }
        _ => pack(kind, words.iter().map(|word| parse(kind, word))),
    };
    TensorData::new(kind, &dims, bytes.ok_or_else(odd)?).map_err(|e| format!("{text}: {e}"))
}

fn data_type(name: &str) -> Option<DataType> {
    Some(match name {
        "float" => DataType::F32,
        "double" => DataType::F64,
        "float16" => DataType::F16,
        "bfloat16" => DataType::BF16,
        "int4" => DataType::I4,
        "uint4" => DataType::U4,
        "int8" => DataType::I8,
        "uint8" => DataType::U8,
        "int16" => DataType::I16,
        "uint16" => DataType::U16,
        "int32" => DataType::I32,
        "uint32" => DataType::U32,
        "int64" => DataType::I64,
        "bool" => DataType::Bool,
        _ => return None,
    })
}

/// A number as it was written: 64-bit integers do not fit a float.
enum Number {
    Real(f64),
    Whole(i64),
}

fn parse(kind: DataType, word: &str) -> Option<Number> {
    if kind.is_float() {
        return word.parse().ok().map(Number::Real);
    }
    word.parse().ok().map(Number::Whole)
}

/// Little-endian bytes; 4-bit integers two a byte.
fn pack(kind: DataType, numbers: impl Iterator<Item = Option<Number>>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut half = false;
    for number in numbers {
        let (real, whole) = match number? {
            Number::Real(v) => (v, v as i64),
            Number::Whole(v) => (v as f64, v),
        };
        let low = whole.to_le_bytes();
        match kind {
            DataType::F32 => bytes.extend((real as f32).to_le_bytes()),
            DataType::F64 => bytes.extend(real.to_le_bytes()),
            DataType::F16 => bytes.extend(f16::from_f64(real).to_le_bytes()),
            DataType::BF16 => bytes.extend(bf16::from_f64(real).to_le_bytes()),
            DataType::I4 | DataType::U4 if half => {
                *bytes.last_mut()? |= low[0] << 4;
                half = false;
            }
            DataType::I4 | DataType::U4 => {
                bytes.push(low[0] & 15);
                half = true;
            }
            other => bytes.extend(&low[..other.bits() / 8]),
        }
    }
    Some(bytes)
}
