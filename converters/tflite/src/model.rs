//! A model as plain structures: subgraphs, tensors, operators.

use std::ops::Range;

use crate::flatbuffer::{File, Table};
use crate::options::Options;
use crate::sparse::Sparsity;
use crate::tensor::{Tensor, TensorType};
use crate::{Error, Limits, Result, builtin};

/// A model over the bytes of its file, which hold the constants.
#[derive(Clone, Debug, PartialEq)]
pub struct Model<'a> {
    bytes: &'a [u8],
    /// What its author wrote about it.
    pub description: String,
    /// The main subgraph first.
    pub subgraphs: Vec<Subgraph>,
}

/// Tensors and the operators between them, in the order in which they run.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Subgraph {
    pub name: String,
    pub tensors: Vec<Tensor>,
    /// Indices of tensors.
    pub inputs: Vec<usize>,
    /// Indices of tensors.
    pub outputs: Vec<usize>,
    pub operators: Vec<Operator>,
}

/// An operator.
#[derive(Clone, Debug, PartialEq)]
pub struct Operator {
    /// The name that the format gives a built-in operator, or that of a custom one.
    pub op: String,
    /// True for an operator that is not of the format.
    pub custom: bool,
    /// Indices of tensors; `None` where an optional one is left out.
    pub inputs: Vec<Option<usize>>,
    /// Indices of tensors.
    pub outputs: Vec<usize>,
    /// Decoded options.
    pub options: Options,
    /// Where the options of a custom operator lie in the file.
    pub custom_options: Range<usize>,
    /// True when the options lie outside the flatbuffer.
    pub options_outside: bool,
}

impl<'a> Model<'a> {
    /// Reads a file that is in memory.
    ///
    /// # Errors
    /// [`Malformed`](crate::ErrorKind::Malformed) for bytes that are no TFLite model or contradict themselves,
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded), and [`Unsupported`](crate::ErrorKind::Unsupported) for another version
    /// of the format.
    pub fn from_bytes(bytes: &'a [u8], limits: &Limits) -> Result<Self> {
        let file = File::new(bytes, limits)?;
        let root = file.root()?;
        let version = root.u32(0)?;
        if version != 3 {
            return Err(Error::unsupported(format!(
                "version {version} of the format is not supported, only 3"
            )));
        }
        let codes = root
            .tables(1)?
            .iter()
            .map(operator_code)
            .collect::<Result<Vec<_>>>()?;
        let mut buffers = Vec::new();
        for table in root.tables(4)? {
            buffers.push((table.byte_range(0)?, table.u64(1)? > 1));
        }
        let mut subgraphs = Vec::new();
        for (i, table) in root.tables(2)?.iter().enumerate() {
            subgraphs.push(Subgraph::read(table, &codes, &buffers, i)?);
        }
        if subgraphs.is_empty() {
            return Err(Error::malformed("the model has no subgraph"));
        }
        Ok(Self {
            bytes,
            description: root.string(3)?,
            subgraphs,
        })
    }

    /// The elements of a constant, as they lie in the file.
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for a tensor that is refused or sparse,
    /// [`Malformed`](crate::ErrorKind::Malformed) when the bytes are not as many as shape and type ask for.
    pub fn data(&self, tensor: &Tensor) -> Result<&'a [u8]> {
        let data = self.stored(tensor)?;
        if tensor.sparsity.is_some() {
            return Err(Error::unsupported(format!(
                "tensor \"{}\": its elements are sparse, which is not supported here",
                tensor.name
            )));
        }
        let wanted = tensor.count().and_then(|n| tensor.dtype.bytes(n));
        if wanted != Some(data.len()) {
            return Err(Error::malformed(format!(
                "tensor \"{}\": {} bytes for {:?} {:?}",
                tensor.name,
                data.len(),
                tensor.dtype,
                tensor.shape
            )));
        }
        Ok(data)
    }

    /// The elements of a sparse constant, all of them. The caller bounds their number.
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for a tensor that is refused, or whose elements have no bytes of their own,
    /// [`Malformed`](crate::ErrorKind::Malformed) where it contradicts itself.
    pub fn dense(&self, tensor: &Tensor, sparsity: &Sparsity) -> Result<Vec<u8>> {
        let stored = self.stored(tensor)?;
        let size = match (tensor.dtype, tensor.dtype.bytes(1)) {
            (TensorType::I4, _) | (_, None) => {
                return Err(Error::unsupported(format!(
                    "tensor \"{}\": sparse elements of type {:?}",
                    tensor.name, tensor.dtype
                )));
            }
            (_, Some(size)) => size,
        };
        let dense = sparsity.dense(&tensor.shape, size, stored);
        dense.map_err(|e| Error::malformed(format!("tensor \"{}\": {e}", tensor.name)))
    }

    fn stored(&self, tensor: &Tensor) -> Result<&'a [u8]> {
        match tensor.refused {
            Some(reason) => Err(Error::unsupported(format!(
                "tensor \"{}\": {reason}",
                tensor.name
            ))),
            None => Ok(self.bytes.get(tensor.data.clone()).unwrap_or_default()),
        }
    }

    /// Bytes of the file.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The options of a custom operator, as they lie in the file.
    pub fn custom_options(&self, operator: &Operator) -> &'a [u8] {
        self.bytes
            .get(operator.custom_options.clone())
            .unwrap_or_default()
    }
}

/// Bytes of the name of a custom operator.
const MAX_NAME: usize = 256;

/// The name of an operator, and whether it is custom. Old files have the number in a byte, new ones in both places.
fn operator_code(table: &Table<'_, '_>) -> Result<(String, bool)> {
    let old = usize::from(table.u8(0)?);
    let code = table.u32(3)?.max(old);
    if code == builtin::CUSTOM {
        let name = table.string(1)?;
        // Each operator has a copy of it.
        if name.len() > MAX_NAME {
            return Err(Error::limit("the name of a custom operator is too long"));
        }
        return Ok((name, true));
    }
    let name = builtin::name(code).map_or_else(|| format!("operator {code}"), str::to_owned);
    Ok((name, false))
}

impl Subgraph {
    fn read(
        table: &Table<'_, '_>,
        codes: &[(String, bool)],
        buffers: &[(Range<usize>, bool)],
        index: usize,
    ) -> Result<Self> {
        let mut tensors = Vec::new();
        for (i, t) in table.tables(0)?.iter().enumerate() {
            let label = format!("tensor {i} of subgraph {index}");
            tensors.push(Tensor::read(t, buffers, &label)?);
        }
        let count = tensors.len();
        let known = |place: &str, id: i32| {
            usize::try_from(id)
                .ok()
                .filter(|&id| id < count)
                .ok_or_else(|| {
                    Error::malformed(format!(
                        "subgraph {index}: {place} is tensor {id} of {count}"
                    ))
                })
        };
        let ports = |slot: usize, place: &str| {
            let ids = table.i32s(slot)?.unwrap_or_default();
            ids.into_iter()
                .map(|id| known(place, id))
                .collect::<Result<Vec<_>>>()
        };
        let mut operators = Vec::new();
        for (i, t) in table.tables(3)?.iter().enumerate() {
            let place = format!("an operand of operator {i}");
            let code = t.u32(0)?;
            let Some((op, custom)) = codes.get(code).cloned() else {
                return Err(Error::malformed(format!(
                    "operator {i} has code {code} of {}",
                    codes.len()
                )));
            };
            let inputs = t.i32s(1)?.unwrap_or_default().into_iter().map(|id| {
                if id == -1 {
                    return Ok(None);
                }
                known(&place, id).map(Some)
            });
            let inputs = inputs.collect::<Result<Vec<_>>>()?;
            let outputs = t.i32s(2)?.unwrap_or_default().into_iter();
            let outputs = outputs
                .map(|id| known(&place, id))
                .collect::<Result<Vec<_>>>()?;
            operators.push(Operator {
                options: Options::read(t.u8(3)?, t.table(4)?)
                    .map_err(|e| Error::malformed(format!("operator {i} ({op}): {e}")))?,
                op,
                custom,
                inputs,
                outputs,
                custom_options: t.byte_range(5)?,
                options_outside: t.u64(9)? > 1,
            });
        }
        Ok(Self {
            name: table.string(4)?,
            inputs: ports(1, "an input")?,
            outputs: ports(2, "an output")?,
            tensors,
            operators,
        })
    }

    /// The type of a tensor, if there is one.
    pub fn dtype(&self, id: usize) -> Option<TensorType> {
        self.tensors.get(id).map(|t| t.dtype)
    }
}
