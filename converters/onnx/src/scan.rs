//! Walks the wire format before anything is decoded, and enforces [`Limits`].
//!
//! The walk keeps its own stack of at most [`MESSAGE_DEPTH`] entries, visits each byte at most once and
//! allocates nothing that grows with the file. What it lets pass, `prost` decodes in bounded memory.

mod schema;
mod wire;

use crate::{Error, Limits, Result};
use schema::{Field, Kind};
use wire::{Reader, WireType};

/// Deepest nesting of messages. `prost` itself stops at 100.
pub(crate) const MESSAGE_DEPTH: usize = 90;

/// How many times its size an element may cost: the first of a vector reserves room for four, and a vector
/// that doubles holds old and new room, up to three times its elements, while it moves.
const GROWTH: u64 = 4;

/// What a file holds, counted without decoding it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub nodes: usize,
    pub tensors: usize,
    pub fields: usize,
    pub decoded_bytes: u64,
    pub subgraph_depth: usize,
}

/// A message that is being walked.
struct Open {
    kind: Kind,
    end: usize,
}

/// Checks a whole `ModelProto`.
pub(crate) fn check(bytes: &[u8], limits: &Limits) -> Result<Totals> {
    if bytes.len() as u64 > limits.file_bytes {
        return Err(Error::limit(format!(
            "the model has {} bytes; the limit is {}",
            bytes.len(),
            limits.file_bytes
        )));
    }
    let mut scan = Scan {
        limits,
        budget: limits.decoded_bytes.saturating_add(8 * bytes.len() as u64),
        totals: Totals::default(),
        largest_copy: 0,
        graphs: 0,
    };
    let mut reader = Reader::new(bytes);
    let mut stack: Vec<Open> = Vec::with_capacity(MESSAGE_DEPTH);
    scan.open(&mut stack, Kind::Model, bytes.len(), 0)?;
    while let Some(top) = stack.last() {
        let (kind, end) = (top.kind, top.end);
        if reader.position() == end {
            if kind == Kind::Graph {
                scan.graphs -= 1;
            }
            stack.pop();
            continue;
        }
        let start = reader.position();
        let (number, wire) = reader.tag(end)?;
        scan.count_field(start)?;
        let field = schema::field(kind, number);
        match (field, wire) {
            (Field::Message(child), WireType::Bytes) => {
                let child_end = reader.length(end)?;
                scan.open(&mut stack, child, child_end, start)?;
            }
            (Field::Bytes, WireType::Bytes) => {
                let len = reader.skip_bytes(end)?;
                scan.spend(
                    GROWTH * size_of::<Vec<u8>>() as u64 + len.max(8) as u64,
                    start,
                )?;
                scan.copy(len as u64, start)?;
            }
            // Unpacked elements may stand where packed ones are usual, and the other way round.
            (Field::Varints(width), WireType::Bytes) => {
                let count = reader.packed_varints(end)? as u64;
                scan.spend(GROWTH * width * count, start)?;
            }
            (Field::Varints(width), WireType::Varint) => {
                reader.varint(end)?;
                scan.spend(GROWTH * width, start)?;
            }
            (Field::Fixed32s, WireType::Bytes) | (Field::Fixed64s, WireType::Bytes) => {
                let width = if field == Field::Fixed32s { 4 } else { 8 };
                let len = reader.skip_bytes(end)?;
                if len % width != 0 {
                    return Err(Error::malformed(format!(
                        "{kind:?} field {number} at byte {start}: {len} bytes are no whole number of elements"
                    )));
                }
                scan.spend(GROWTH * len as u64, start)?;
            }
            (Field::Fixed32s, WireType::Fixed32) | (Field::Fixed64s, WireType::Fixed64) => {
                reader.skip_value(wire, end)?;
                scan.spend(GROWTH * 8, start)?;
            }
            (Field::Varint, WireType::Varint)
            | (Field::Fixed32, WireType::Fixed32)
            | (Field::Unknown, _) => reader.skip_value(wire, end)?,
            _ => {
                return Err(Error::malformed(format!(
                    "{kind:?} field {number} at byte {start} has wire type {wire:?}, which does not fit"
                )));
            }
        }
    }
    Ok(scan.totals)
}

/// The running totals and what bounds them.
struct Scan<'a> {
    limits: &'a Limits,
    /// What `totals.decoded_bytes` may come to.
    budget: u64,
    totals: Totals,
    /// Length of the longest text or bytes so far.
    largest_copy: u64,
    /// Graphs that are open now, the main one included.
    graphs: usize,
}

impl Scan<'_> {
    /// Starts a message of `kind` that ends at byte `end`.
    fn open(&mut self, stack: &mut Vec<Open>, kind: Kind, end: usize, start: usize) -> Result<()> {
        if stack.len() == MESSAGE_DEPTH {
            return Err(Error::limit(format!(
                "messages nest more than {MESSAGE_DEPTH} deep at byte {start}"
            )));
        }
        let totals = &mut self.totals;
        match kind {
            Kind::Node => {
                totals.nodes += 1;
                over(totals.nodes, self.limits.nodes, "nodes", start)?;
            }
            Kind::Tensor => {
                totals.tensors += 1;
                over(totals.tensors, self.limits.tensors, "tensors", start)?;
            }
            Kind::Graph => {
                totals.subgraph_depth = totals.subgraph_depth.max(self.graphs);
                over(
                    self.graphs,
                    self.limits.subgraph_depth,
                    "levels of subgraphs",
                    start,
                )?;
                self.graphs += 1;
            }
            _ => {}
        }
        self.spend(GROWTH * schema::size_of_message(kind) as u64, start)?;
        stack.push(Open { kind, end });
        Ok(())
    }

    fn count_field(&mut self, start: usize) -> Result<()> {
        self.totals.fields += 1;
        over(self.totals.fields, self.limits.fields, "fields", start)
    }

    /// Adds to the estimate of memory that decoding takes.
    fn spend(&mut self, bytes: u64, start: usize) -> Result<()> {
        self.totals.decoded_bytes = self.totals.decoded_bytes.saturating_add(bytes);
        if self.totals.decoded_bytes > self.budget {
            return Err(Error::limit(format!(
                "decoding would take more than {} bytes of memory (reached at byte {start})",
                self.budget
            )));
        }
        Ok(())
    }

    /// Text and bytes are copied once more on their way; only the longest such copy counts, as it does not stay.
    fn copy(&mut self, len: u64, start: usize) -> Result<()> {
        let more = len.saturating_sub(self.largest_copy);
        self.largest_copy += more;
        self.spend(more, start)
    }
}

fn over(count: usize, limit: usize, what: &str, start: usize) -> Result<()> {
    if count > limit {
        return Err(Error::limit(format!(
            "more than {limit} {what} (reached at byte {start})"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
