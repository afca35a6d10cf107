//! A reader of flatbuffers that trusts nothing: every offset and length is checked where it is used.
//!
//! A table begins with the distance back to its vtable; the vtable holds two sizes in bytes and then, for each field, the
//! distance from the table's start, or 0 where the field has its default:
//!
//! ```text
//! vtable: u16 bytes of the vtable | u16 bytes of the table | u16 field 0 | u16 field 1 | …
//! table:  i32 distance to the vtable | fields …          reference: u32 distance forward | vector: u32 count | elements …
//! ```
//! The crate `flatbuffers` was looked at and not taken: it reads through code generated from the schema, which would have to
//! be kept in this repository (nearly a megabyte), and what is needed of it is this file.

use std::cell::Cell;

use crate::{Error, Limits, Result};

/// A whole file.
#[derive(Debug)]
pub(crate) struct File<'a> {
    bytes: &'a [u8],
    /// Tables and elements that may still be taken out.
    left: Cell<usize>,
}

/// A table of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table<'f, 'a> {
    file: &'f File<'a>,
    at: usize,
    size: usize,
    vtable: usize,
    fields: usize,
}

fn broken(at: usize, what: &str) -> Error {
    Error::malformed(format!("byte {at}: {what}"))
}

impl<'a> File<'a> {
    /// Takes bytes that begin as a TFLite file does.
    pub fn new(bytes: &'a [u8], limits: &Limits) -> Result<Self> {
        if bytes.len() > limits.file_bytes {
            return Err(Error::limit(format!(
                "the model has {} bytes; the limit is {}",
                bytes.len(),
                limits.file_bytes
            )));
        }
        if !is_tflite(bytes) {
            return Err(Error::malformed(
                "not a TFLite model: bytes 4 to 7 are not \"TFL3\"",
            ));
        }
        Ok(Self {
            bytes,
            // Each takes at least a byte of its own in an honest file, though writers share some.
            left: Cell::new(limits.elements.min(bytes.len().saturating_mul(4))),
        })
    }

    /// The table that all begins with.
    pub fn root(&self) -> Result<Table<'_, 'a>> {
        self.table(self.target(0)?)
    }

    fn take(&self, n: usize) -> Result<()> {
        match self.left.get().checked_sub(n) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(Error::limit(
                "the file unfolds to more tables and elements than the limit",
            )),
        }
    }

    /// `N` bytes at `at`.
    fn array<const N: usize>(&self, at: usize) -> Result<[u8; N]> {
        at.checked_add(N)
            .and_then(|end| self.bytes.get(at..end))
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| broken(at, "beyond the end of the file"))
    }

    fn u16(&self, at: usize) -> Result<usize> {
        Ok(u16::from_le_bytes(self.array(at)?).into())
    }

    fn u32(&self, at: usize) -> Result<usize> {
        Ok(u32::from_le_bytes(self.array(at)?) as usize)
    }

    /// Where the reference at `at` leads: forward, never to itself.
    fn target(&self, at: usize) -> Result<usize> {
        match self.u32(at)? {
            0 => Err(broken(at, "a reference to itself")),
            distance => at
                .checked_add(distance)
                .filter(|&to| to < self.bytes.len())
                .ok_or_else(|| broken(at, "a reference beyond the end of the file")),
        }
    }

    fn table(&self, at: usize) -> Result<Table<'_, 'a>> {
        self.take(1)?;
        let back = i64::from(i32::from_le_bytes(self.array(at)?));
        let vtable = i64::try_from(at)
            .ok()
            .map(|at| at - back)
            .and_then(|v| usize::try_from(v).ok())
            .ok_or_else(|| broken(at, "a table whose vtable lies before the file"))?;
        let (bytes, size) = (self.u16(vtable)?, self.u16(vtable.saturating_add(2))?);
        let fits = |start: usize, len: usize| {
            start
                .checked_add(len)
                .is_some_and(|end| end <= self.bytes.len())
        };
        if bytes < 4 || bytes % 2 != 0 || !fits(vtable, bytes) {
            return Err(broken(vtable, "a vtable of an impossible size"));
        }
        if size < 4 || !fits(at, size) {
            return Err(broken(at, "a table of an impossible size"));
        }
        Ok(Table {
            file: self,
            at,
            size,
            vtable,
            fields: (bytes - 4) / 2,
        })
    }

    /// Start and count of the vector at `at`, whose elements have `size` bytes each.
    fn vector(&self, at: usize, size: usize) -> Result<(usize, usize)> {
        let count = self.u32(at)?;
        let start = at.saturating_add(4);
        count
            .checked_mul(size)
            .and_then(|len| start.checked_add(len))
            .filter(|&end| end <= self.bytes.len())
            .ok_or_else(|| broken(at, "a vector beyond the end of the file"))?;
        Ok((start, count))
    }
}

/// True for bytes that say that they are a TFLite model.
pub fn is_tflite(bytes: &[u8]) -> bool {
    bytes.get(4..8) == Some(b"TFL3")
}

impl<'f, 'a> Table<'f, 'a> {
    /// Where the field lies, if it has not its default. `size` bytes of it lie inside the table.
    fn field(&self, slot: usize, size: usize) -> Result<Option<usize>> {
        if slot >= self.fields {
            return Ok(None);
        }
        match self.file.u16(self.vtable + 4 + 2 * slot)? {
            0 => Ok(None),
            offset if offset < 4 || offset + size > self.size => {
                Err(broken(self.at, "a field outside its table"))
            }
            offset => Ok(Some(self.at + offset)),
        }
    }

    fn scalar<const N: usize>(&self, slot: usize) -> Result<Option<[u8; N]>> {
        self.field(slot, N)?
            .map(|at| self.file.array(at))
            .transpose()
    }

    /// An unsigned byte, 0 by default.
    pub fn u8(&self, slot: usize) -> Result<u8> {
        Ok(self.scalar::<1>(slot)?.map_or(0, |[b]| b))
    }

    /// A signed byte, 0 by default.
    pub fn i8(&self, slot: usize) -> Result<i8> {
        Ok(self.u8(slot)?.cast_signed())
    }

    /// A truth value.
    pub fn bool(&self, slot: usize, default: bool) -> Result<bool> {
        Ok(self.scalar::<1>(slot)?.map_or(default, |[b]| b != 0))
    }

    /// A 32-bit integer.
    pub fn i32(&self, slot: usize, default: i32) -> Result<i32> {
        Ok(self.scalar(slot)?.map_or(default, i32::from_le_bytes))
    }

    /// An unsigned 32-bit integer, 0 by default.
    pub fn u32(&self, slot: usize) -> Result<usize> {
        Ok(self.scalar(slot)?.map_or(0, u32::from_le_bytes) as usize)
    }

    /// An unsigned 64-bit integer, 0 by default.
    pub fn u64(&self, slot: usize) -> Result<u64> {
        Ok(self.scalar(slot)?.map_or(0, u64::from_le_bytes))
    }

    /// A float, 0 by default.
    pub fn f32(&self, slot: usize) -> Result<f32> {
        Ok(self.scalar(slot)?.map_or(0.0, f32::from_le_bytes))
    }

    fn reference(&self, slot: usize) -> Result<Option<usize>> {
        self.field(slot, 4)?
            .map(|at| self.file.target(at))
            .transpose()
    }

    /// A table in this one.
    pub fn table(&self, slot: usize) -> Result<Option<Table<'f, 'a>>> {
        self.reference(slot)?
            .map(|at| self.file.table(at))
            .transpose()
    }

    /// A vector of tables; empty where the field is not set.
    pub fn tables(&self, slot: usize) -> Result<Vec<Table<'f, 'a>>> {
        let Some(at) = self.reference(slot)? else {
            return Ok(Vec::new());
        };
        let (start, count) = self.file.vector(at, 4)?;
        self.file.take(count)?;
        (0..count)
            .map(|i| self.file.table(self.file.target(start + 4 * i)?))
            .collect()
    }

    /// Where the bytes of a vector lie in the file; empty where the field is not set.
    pub fn byte_range(&self, slot: usize) -> Result<std::ops::Range<usize>> {
        let Some(at) = self.reference(slot)? else {
            return Ok(0..0);
        };
        let (start, count) = self.file.vector(at, 1)?;
        Ok(start..start + count)
    }

    /// A vector of bytes, or the bytes of a string.
    pub fn bytes(&self, slot: usize) -> Result<&'a [u8]> {
        let range = self.byte_range(slot)?;
        Ok(self.file.bytes.get(range).unwrap_or_default())
    }

    /// A string; what is not UTF-8 is replaced. Long ones are counted.
    pub fn string(&self, slot: usize) -> Result<String> {
        let bytes = self.bytes(slot)?;
        self.file.take(bytes.len())?;
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    fn elements<const N: usize, T>(
        &self,
        slot: usize,
        read: fn([u8; N]) -> T,
    ) -> Result<Option<Vec<T>>> {
        let Some(at) = self.reference(slot)? else {
            return Ok(None);
        };
        let (start, count) = self.file.vector(at, N)?;
        self.file.take(count)?;
        (0..count)
            .map(|i| Ok(read(self.file.array(start + N * i)?)))
            .collect::<Result<_>>()
            .map(Some)
    }

    /// A vector of 32-bit integers, if the field is set.
    pub fn i32s(&self, slot: usize) -> Result<Option<Vec<i32>>> {
        self.elements(slot, i32::from_le_bytes)
    }

    /// A vector of 64-bit integers, if the field is set.
    pub fn i64s(&self, slot: usize) -> Result<Option<Vec<i64>>> {
        self.elements(slot, i64::from_le_bytes)
    }

    /// A vector of unsigned 16-bit integers; empty where the field is not set.
    pub fn u16s(&self, slot: usize) -> Result<Vec<usize>> {
        let found = self.elements(slot, |b| usize::from(u16::from_le_bytes(b)))?;
        Ok(found.unwrap_or_default())
    }

    /// A vector of bytes as numbers; empty where the field is not set.
    pub fn u8s(&self, slot: usize) -> Result<Vec<usize>> {
        let found = self.elements(slot, |[b]: [u8; 1]| usize::from(b))?;
        Ok(found.unwrap_or_default())
    }

    /// A vector of floats, if the field is set.
    pub fn f32s(&self, slot: usize) -> Result<Option<Vec<f32>>> {
        self.elements(slot, f32::from_le_bytes)
    }
}
