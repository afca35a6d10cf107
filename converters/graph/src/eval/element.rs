//! One code for all element types.

use crate::error::{Error, ErrorKind};
use crate::tensor::{Data, Tensor};
use crate::types::DType;

/// A type that tensors hold.
pub(super) trait Element: Copy + Sized {
    /// The elements of `data` when they are of this type.
    fn slice(data: &Data) -> Option<&[Self]>;
    /// Elements of this type as data.
    fn wrap(elements: Vec<Self>) -> Data;
}

macro_rules! elements {
    ($($type:ty => $variant:ident),*) => {$(
        impl Element for $type {
            fn slice(data: &Data) -> Option<&[Self]> {
                match data {
                    Data::$variant(v) => Some(v),
                    _ => None,
                }
            }
            fn wrap(elements: Vec<Self>) -> Data {
                Data::$variant(elements)
            }
        }
    )*};
}

elements!(f32 => F32, i8 => I8, u8 => U8, i32 => I32, i64 => I64, bool => Bool);

/// Evaluates `$body` with `$T` standing for the element type `$dtype`.
macro_rules! for_type {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            $crate::types::DType::F32 => {
                type $T = f32;
                $body
            }
            $crate::types::DType::I8 => {
                type $T = i8;
                $body
            }
            $crate::types::DType::U8 => {
                type $T = u8;
                $body
            }
            $crate::types::DType::I32 => {
                type $T = i32;
                $body
            }
            $crate::types::DType::I64 => {
                type $T = i64;
                $body
            }
            $crate::types::DType::Bool => {
                type $T = bool;
                $body
            }
        }
    };
}
pub(super) use for_type;

/// The elements of `tensor`, which shape inference found to be of type `T`.
pub(super) fn elements<T: Element>(tensor: &Tensor) -> Result<&[T], Error> {
    T::slice(tensor.data()).ok_or_else(|| {
        let message = format!("elements of type {} are not expected here", tensor.dtype());
        Error::new(ErrorKind::Type, message)
    })
}

/// The integers of `tensor`, 8-bit or i32, as i32.
pub(super) fn integers(tensor: &Tensor) -> Result<Vec<i32>, Error> {
    match tensor.data() {
        Data::I8(v) => Ok(v.iter().map(|&x| x.into()).collect()),
        Data::U8(v) => Ok(v.iter().map(|&x| x.into()).collect()),
        Data::I32(v) => Ok(v.clone()),
        _ => Err(Error::new(ErrorKind::Type, "integers are expected here")),
    }
}

/// Integers within the range of `dtype` as its elements.
pub(super) fn pack(dtype: DType, values: Vec<i32>) -> Result<Data, Error> {
    match dtype {
        DType::I8 => Ok(Data::I8(values.into_iter().map(|v| v as i8).collect())),
        DType::U8 => Ok(Data::U8(values.into_iter().map(|v| v as u8).collect())),
        _ => Err(Error::new(
            ErrorKind::Type,
            "an 8-bit result is expected here",
        )),
    }
}
