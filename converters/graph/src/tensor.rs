//! Dense row-major tensors: constants of a graph, inputs and outputs of the evaluator.

use crate::error::{Error, ErrorKind};
use crate::types::{DType, element_count};

/// The elements of a tensor, by type.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Data {
    F32(Vec<f32>),
    I8(Vec<i8>),
    U8(Vec<u8>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    Bool(Vec<bool>),
}

impl Data {
    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(v) => v.len(),
            Self::I8(v) => v.len(),
            Self::U8(v) => v.len(),
            Self::I32(v) => v.len(),
            Self::I64(v) => v.len(),
            Self::Bool(v) => v.len(),
        }
    }

    /// True when there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        match self {
            Self::F32(_) => DType::F32,
            Self::I8(_) => DType::I8,
            Self::U8(_) => DType::U8,
            Self::I32(_) => DType::I32,
            Self::I64(_) => DType::I64,
            Self::Bool(_) => DType::Bool,
        }
    }
}

/// A dense tensor, row-major. A scalar has an empty shape and one element.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: Data,
}

impl Tensor {
    /// A tensor of `shape` over `data`.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] when the element count is not the product of `shape`.
    pub fn new(shape: Vec<usize>, data: Data) -> Result<Self, Error> {
        if element_count(&shape) != Some(data.len()) {
            return Err(Error::new(
                ErrorKind::Shape,
                format!("{} elements do not fill shape {shape:?}", data.len()),
            ));
        }
        Ok(Self { shape, data })
    }

    /// A scalar of type f32.
    pub fn scalar(value: f32) -> Self {
        Self {
            shape: Vec::new(),
            data: Data::F32(vec![value]),
        }
    }

    /// A one-dimensional i64 tensor, as shapes and axes are.
    pub fn vector_i64(values: Vec<i64>) -> Self {
        Self {
            shape: vec![values.len()],
            data: Data::I64(values),
        }
    }

    /// A one-dimensional f32 tensor.
    pub fn vector_f32(values: Vec<f32>) -> Self {
        Self {
            shape: vec![values.len()],
            data: Data::F32(values),
        }
    }

    /// Dimensions, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        self.data.dtype()
    }

    /// The elements.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// True when there are no elements.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// Takes the parts out.
    pub fn into_parts(self) -> (Vec<usize>, Data) {
        (self.shape, self.data)
    }

    /// The same elements under another shape.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] when the counts differ.
    pub fn reshaped(self, shape: Vec<usize>) -> Result<Self, Error> {
        Self::new(shape, self.data)
    }

    /// The elements as f32, `None` when of another type.
    pub fn as_f32(&self) -> Option<&[f32]> {
        if let Data::F32(v) = &self.data {
            Some(v)
        } else {
            None
        }
    }

    /// The elements as i8, `None` when of another type.
    pub fn as_i8(&self) -> Option<&[i8]> {
        if let Data::I8(v) = &self.data {
            Some(v)
        } else {
            None
        }
    }

    /// The elements as u8, `None` when of another type.
    pub fn as_u8(&self) -> Option<&[u8]> {
        if let Data::U8(v) = &self.data {
            Some(v)
        } else {
            None
        }
    }

    /// The elements as i32, `None` when of another type.
    pub fn as_i32(&self) -> Option<&[i32]> {
        if let Data::I32(v) = &self.data {
            Some(v)
        } else {
            None
        }
    }

    /// The elements as i64, `None` when of another type.
    pub fn as_i64(&self) -> Option<&[i64]> {
        if let Data::I64(v) = &self.data {
            Some(v)
        } else {
            None
        }
    }

    /// The one element of a one-element f32 tensor.
    pub fn scalar_f32(&self) -> Option<f32> {
        match self.as_f32() {
            Some([v]) => Some(*v),
            _ => None,
        }
    }

    /// Integers of any integer type as i64, `None` for floats and truth values.
    pub fn to_i64(&self) -> Option<Vec<i64>> {
        match &self.data {
            Data::I64(v) => Some(v.clone()),
            Data::I32(v) => Some(v.iter().map(|&x| x.into()).collect()),
            Data::I8(v) => Some(v.iter().map(|&x| x.into()).collect()),
            Data::U8(v) => Some(v.iter().map(|&x| x.into()).collect()),
            Data::F32(_) | Data::Bool(_) => None,
        }
    }
}
