//! Types and shapes of values, read from value infos.

use crate::proto::{
    Dimension, TensorShapeProto, TensorType, TypeProto, ValueInfoProto, dimension, type_proto,
};
use crate::{DataType, Error, Result};

/// One axis of a value whose shape may be only partly known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Dim {
    /// A size.
    Fixed(usize),
    /// A name; equal names mean equal sizes.
    Named(String),
    /// Nothing is known.
    Unknown,
}

/// Type of a tensor value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Element type.
    pub data_type: DataType,
    /// Shape; `None` if even the rank is unknown.
    pub dims: Option<Vec<Dim>>,
}

impl ValueInfoProto {
    /// Makes a value info for a tensor.
    pub fn tensor(name: &str, data_type: DataType, dims: &[Dim]) -> Self {
        let dim = dims.iter().map(Dim::to_proto).collect();
        let tensor = TensorType {
            elem_type: data_type.to_onnx(),
            shape: Some(TensorShapeProto { dim }),
        };
        let value = Some(type_proto::Value::TensorType(tensor));
        ValueInfoProto {
            name: name.to_owned(),
            r#type: Some(TypeProto {
                value,
                ..TypeProto::default()
            }),
            ..ValueInfoProto::default()
        }
    }

    /// Element type and shape, if the value has a type and it is a tensor.
    ///
    /// # Errors
    /// Names the value. [`Unsupported`](crate::ErrorKind::Unsupported) for sequences, maps, optional and sparse values
    /// and for element types that are not in [`DataType`]; [`Malformed`](crate::ErrorKind::Malformed) for a negative size.
    /// `Ok(None)` if the file says nothing about the type.
    pub fn tensor_info(&self) -> Result<Option<TensorInfo>> {
        self.info()
            .map_err(|e| e.at(format!("value {:?}", self.name)))
    }

    fn info(&self) -> Result<Option<TensorInfo>> {
        let Some(value) = self.r#type.as_ref().and_then(|t| t.value.as_ref()) else {
            return Ok(None);
        };
        let other = match value {
            type_proto::Value::TensorType(tensor) => return Self::info_of(tensor),
            type_proto::Value::SequenceType(_) => "a sequence",
            type_proto::Value::MapType(_) => "a map",
            type_proto::Value::OpaqueType(_) => "opaque",
            type_proto::Value::SparseTensorType(_) => "a sparse tensor",
            type_proto::Value::OptionalType(_) => "optional",
        };
        Err(Error::unsupported(format!(
            "the value is {other}; only tensors are supported"
        )))
    }

    fn info_of(tensor: &TensorType) -> Result<Option<TensorInfo>> {
        if tensor.elem_type == 0 {
            return Ok(None);
        }
        let data_type = DataType::from_onnx(tensor.elem_type)?;
        let dims = match &tensor.shape {
            Some(shape) => Some(
                shape
                    .dim
                    .iter()
                    .map(Dim::from_proto)
                    .collect::<Result<_>>()?,
            ),
            None => None,
        };
        Ok(Some(TensorInfo { data_type, dims }))
    }
}

impl Dim {
    fn from_proto(dim: &Dimension) -> Result<Self> {
        Ok(match &dim.value {
            // Old exporters write -1 for a size that is not known.
            None | Some(dimension::Value::DimValue(-1)) => Dim::Unknown,
            Some(dimension::Value::DimValue(size)) => Dim::Fixed(
                usize::try_from(*size)
                    .map_err(|_| Error::malformed(format!("an axis has size {size}")))?,
            ),
            Some(dimension::Value::DimParam(name)) if name.is_empty() => Dim::Unknown,
            Some(dimension::Value::DimParam(name)) => Dim::Named(name.clone()),
        })
    }

    fn to_proto(&self) -> Dimension {
        let value = match self {
            // Sizes in memory are below 2^63.
            Dim::Fixed(size) => Some(dimension::Value::DimValue(
                i64::try_from(*size).unwrap_or(i64::MAX),
            )),
            Dim::Named(name) => Some(dimension::Value::DimParam(name.clone())),
            Dim::Unknown => None,
        };
        Dimension {
            value,
            ..Dimension::default()
        }
    }
}

/// A size, for shapes written as `[1.into(), Dim::Unknown]`.
impl From<usize> for Dim {
    fn from(size: usize) -> Self {
        Dim::Fixed(size)
    }
}
