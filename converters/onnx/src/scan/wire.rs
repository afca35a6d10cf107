//! Reads tags, lengths and numbers of the protobuf wire format, within bounds.

use crate::{Error, Result};

/// How a field's value is laid out on the wire. Groups (3 and 4) are refused: ONNX never has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WireType {
    Varint,
    Fixed64,
    Bytes,
    Fixed32,
}

/// A position in the bytes. Every call is told where the message at hand ends, which is at or before
/// the end of the bytes.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Reader { bytes, position: 0 }
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// Reads a number of at most 64 bits in at most 10 bytes.
    pub(super) fn varint(&mut self, end: usize) -> Result<u64> {
        let start = self.position;
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let byte = match self.bytes[..end].get(self.position) {
                Some(&byte) => byte,
                None => return Err(cut_short(start)),
            };
            self.position += 1;
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Error::malformed(format!(
            "the number at byte {start} has more than 64 bits"
        )))
    }

    /// Reads a field's number and wire type.
    pub(super) fn tag(&mut self, end: usize) -> Result<(u32, WireType)> {
        let start = self.position;
        let tag = self.varint(end)?;
        let tag = u32::try_from(tag)
            .map_err(|_| Error::malformed(format!("the field tag at byte {start} is too large")))?;
        let wire = match tag & 7 {
            0 => WireType::Varint,
            1 => WireType::Fixed64,
            2 => WireType::Bytes,
            5 => WireType::Fixed32,
            other => {
                return Err(Error::malformed(format!(
                    "wire type {other} at byte {start} is not used in ONNX files"
                )));
            }
        };
        match tag >> 3 {
            0 => Err(Error::malformed(format!("field number 0 at byte {start}"))),
            number => Ok((number, wire)),
        }
    }

    /// Reads a length and returns where the bytes that it announces end.
    pub(super) fn length(&mut self, end: usize) -> Result<usize> {
        let start = self.position;
        let len = self.varint(end)?;
        let left = (end - self.position) as u64;
        if len > left {
            return Err(Error::malformed(format!(
                "the length at byte {start} announces {len} bytes where {left} are left"
            )));
        }
        Ok(self.position + len as usize)
    }

    /// Skips a length and its bytes; returns the length.
    pub(super) fn skip_bytes(&mut self, end: usize) -> Result<usize> {
        let stop = self.length(end)?;
        let len = stop - self.position;
        self.position = stop;
        Ok(len)
    }

    /// Skips packed numbers and counts them.
    pub(super) fn packed_varints(&mut self, end: usize) -> Result<usize> {
        let stop = self.length(end)?;
        let packed = &self.bytes[self.position..stop];
        let count = packed.iter().filter(|&&byte| byte < 0x80).count();
        self.position = stop;
        Ok(count)
    }

    /// Skips one value.
    pub(super) fn skip_value(&mut self, wire: WireType, end: usize) -> Result<()> {
        let width = match wire {
            WireType::Varint => return self.varint(end).map(|_| ()),
            WireType::Bytes => return self.skip_bytes(end).map(|_| ()),
            WireType::Fixed32 => 4,
            WireType::Fixed64 => 8,
        };
        if end - self.position < width {
            return Err(cut_short(self.position));
        }
        self.position += width;
        Ok(())
    }
}

fn cut_short(start: usize) -> Error {
    Error::malformed(format!("the message ends inside the value at byte {start}"))
}
