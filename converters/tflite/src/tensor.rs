//! Tensors of a model: type, shape, quantisation, and the bytes of constants.

use std::ops::Range;

use crate::flatbuffer::Table;
use crate::sparse::Sparsity;
use crate::{Error, Result};

/// Element types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TensorType {
    F32,
    F16,
    I32,
    U8,
    I64,
    String,
    Bool,
    I16,
    I8,
    F64,
    U64,
    /// A handle of a variable.
    Resource,
    U32,
    U16,
    I4,
    BF16,
    /// A type of the format that has no meaning here, by its number.
    Other(i8),
}

impl TensorType {
    fn of(code: i8) -> Self {
        match code {
            0 => Self::F32,
            1 => Self::F16,
            2 => Self::I32,
            3 => Self::U8,
            4 => Self::I64,
            5 => Self::String,
            6 => Self::Bool,
            7 => Self::I16,
            9 => Self::I8,
            10 => Self::F64,
            12 => Self::U64,
            13 => Self::Resource,
            15 => Self::U32,
            16 => Self::U16,
            17 => Self::I4,
            18 => Self::BF16,
            other => Self::Other(other),
        }
    }

    /// Bytes of `count` elements; `None` where they have no fixed size, or more than can be counted.
    pub fn bytes(self, count: usize) -> Option<usize> {
        let size = match self {
            Self::I4 => return Some(count.div_ceil(2)),
            Self::U8 | Self::I8 | Self::Bool => 1,
            Self::F16 | Self::BF16 | Self::I16 | Self::U16 => 2,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::I64 | Self::F64 | Self::U64 => 8,
            Self::String | Self::Resource | Self::Other(_) => return None,
        };
        count.checked_mul(size)
    }
}

/// Scales and zero points: one each, or one for each index along `axis`.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantization {
    /// Real value of one step, above 0 and finite.
    pub scales: Vec<f32>,
    /// The integers that stand for 0.0; as many as scales.
    pub zero_points: Vec<i64>,
    /// The dimension that scales belong to, where there are several.
    pub axis: usize,
}

/// A tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its name, which need not be unique.
    pub name: String,
    /// Element type.
    pub dtype: TensorType,
    /// Dimensions, as the file was written for.
    pub shape: Vec<usize>,
    /// Dimensions that may have any size.
    pub free: Vec<bool>,
    /// How integers stand for reals.
    pub quantization: Option<Quantization>,
    /// Where its elements lie in the file; empty for what is computed.
    pub data: Range<usize>,
    /// True for memory that operators change in place and find again in the next run.
    pub is_variable: bool,
    /// Which elements a sparse constant stores.
    pub sparsity: Option<Sparsity>,
    /// Why the tensor cannot be used, if it cannot: it matters only where an operator takes it.
    pub refused: Option<&'static str>,
}

/// Dimensions above which a tensor is refused.
const MAX_RANK: usize = 8;

impl Tensor {
    /// Reads a tensor. `buffers` holds the places of constants.
    pub(crate) fn read(
        table: &Table<'_, '_>,
        buffers: &[(Range<usize>, bool)],
        label: &str,
    ) -> Result<Self> {
        let invalid =
            |what: &str| Error::malformed(format!("{label} \"{}\": {what}", name_of(table)));
        let mut shape = Vec::new();
        for size in table.i32s(0)?.unwrap_or_default() {
            shape.push(usize::try_from(size).map_err(|_| invalid("a negative dimension"))?);
        }
        if shape.len() > MAX_RANK {
            return Err(invalid("too many dimensions"));
        }
        let signature = table.i32s(7)?.unwrap_or_default();
        let free = match signature.len() == shape.len() {
            true => signature.iter().map(|&size| size < 0).collect(),
            false => vec![false; shape.len()],
        };
        let buffer = table.u32(2)?;
        let (data, outside) = buffers
            .get(buffer)
            .cloned()
            .ok_or_else(|| invalid("its buffer does not exist"))?;
        let refused = if outside || table.u32(10)? != 0 {
            Some("its elements lie outside the flatbuffer")
        } else {
            None
        };
        let sparsity = match table.table(6)? {
            Some(sparse) if !data.is_empty() => Some(Sparsity::read(&sparse)?),
            _ => None,
        };
        let quantization = match table.table(4)? {
            Some(q) => Quantization::read(&q, &shape).map_err(|what| invalid(&what))?,
            None => None,
        };
        Ok(Self {
            name: table.string(3)?,
            dtype: TensorType::of(table.i8(1)?),
            shape,
            free,
            quantization,
            data,
            is_variable: table.bool(5, false)?,
            sparsity,
            refused,
        })
    }

    /// True when the elements are in the file.
    pub fn is_constant(&self) -> bool {
        !self.data.is_empty()
    }

    /// Number of elements, if it can be counted.
    pub fn count(&self) -> Option<usize> {
        self.shape
            .iter()
            .try_fold(1usize, |n, &d| n.checked_mul(d))
            .filter(|&n| n <= i32::MAX as usize)
    }
}

fn name_of(table: &Table<'_, '_>) -> String {
    table.string(3).unwrap_or_default()
}

impl Quantization {
    /// `None` for a tensor without scales; the error says what is wrong with them.
    fn read(table: &Table<'_, '_>, shape: &[usize]) -> std::result::Result<Option<Self>, String> {
        let text = |e: Error| e.to_string();
        let scales = table.f32s(2).map_err(text)?.unwrap_or_default();
        let mut zero_points = table.i64s(3).map_err(text)?.unwrap_or_default();
        if table.u8(4).map_err(text)? != 0 {
            return Err(
                "its quantisation is of a custom, blocked or several-axes kind, which is not supported"
                    .to_owned(),
            );
        }
        // Floats carry the range that was seen, with no scale or with 0.
        if scales.is_empty() || scales == [0.0] {
            return Ok(None);
        }
        if zero_points.is_empty() {
            zero_points = vec![0; scales.len()];
        }
        if zero_points.len() == 1 && scales.len() > 1 {
            zero_points = vec![zero_points[0]; scales.len()];
        }
        if zero_points.len() != scales.len() {
            return Err(format!(
                "{} scales and {} zero points",
                scales.len(),
                zero_points.len()
            ));
        }
        if !scales.iter().all(|s| s.is_finite() && *s > 0.0) {
            return Err("a scale that is not above 0".to_owned());
        }
        let axis = table.i32(6, 0).map_err(text)?;
        let axis = usize::try_from(axis).map_err(|_| "a negative axis of scales".to_owned())?;
        if scales.len() > 1 && shape.get(axis) != Some(&scales.len()) {
            return Err(format!(
                "{} scales along axis {axis} of {shape:?}",
                scales.len()
            ));
        }
        Ok(Some(Self {
            scales,
            zero_points,
            axis,
        }))
    }
}
