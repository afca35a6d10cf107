//! Opening a file: header, sections, hash. The records' contents are left to `check`.

use core::str;

use zerocopy::FromBytes;

use crate::error::{PlanError, Section};
use crate::format::{
    FEATURE_STATE, HEADER_BYTES, Header, KNOWN_FEATURES, MAGIC, MAJOR, MAX_METADATA, MAX_PORTS,
    MAX_STEPS, MAX_TENSORS, SECTIONS,
};
use crate::hash;
use crate::plan::{Plan, records};

/// Alignments that a plan may ask for.
pub(crate) const ALIGNMENTS: [u32; 2] = [16, 64];

const ORDER: [Section; SECTIONS] = [
    Section::Tensors,
    Section::Steps,
    Section::Params,
    Section::Inputs,
    Section::Outputs,
    Section::Names,
    Section::Metadata,
    Section::Weights,
];

/// `all`: whether the content hash and the metadata are checked.
pub(crate) fn open(bytes: &[u8], all: bool) -> Result<Plan<'_>, PlanError> {
    if cfg!(target_endian = "big") {
        // Weights are read in place, which a big-endian machine cannot do.
        return Err(PlanError::Features(u32::MAX));
    }
    let (header, _) = Header::ref_from_prefix(bytes).map_err(|_| PlanError::TooShort)?;
    if header.magic != MAGIC {
        return Err(PlanError::Magic);
    }
    let major = header.major.get();
    if major != MAJOR {
        return Err(PlanError::Version { major });
    }
    let unknown = header.features.get() & !KNOWN_FEATURES;
    if unknown != 0 {
        return Err(PlanError::Features(unknown));
    }
    if header.file_bytes.get() as usize != bytes.len()
        || !ALIGNMENTS.contains(&header.alignment.get())
        || header.reserved.iter().any(|r| r.get() != 0)
        || !state_is_sound(header)
    {
        return Err(PlanError::Header);
    }
    let align = header.alignment.get() as usize;
    if !bytes.as_ptr().addr().is_multiple_of(align) {
        return Err(PlanError::Misaligned);
    }
    let sections = sections(bytes, header)?;
    if all && hash::of_file(bytes) != header.hash.get() {
        return Err(PlanError::Hash);
    }
    let section = |s: Section| sections[s as usize];
    let plan = Plan {
        header,
        tensors: records(section(Section::Tensors), Section::Tensors, MAX_TENSORS)?,
        steps: records(section(Section::Steps), Section::Steps, MAX_STEPS)?,
        params: records(section(Section::Params), Section::Params, usize::MAX)?,
        inputs: records(section(Section::Inputs), Section::Inputs, MAX_PORTS)?,
        outputs: records(section(Section::Outputs), Section::Outputs, MAX_PORTS)?,
        names: str::from_utf8(section(Section::Names))
            .map_err(|_| PlanError::Section(Section::Names))?,
        metadata: section(Section::Metadata),
        weights: section(Section::Weights),
    };
    let mut rest = if all { plan.metadata } else { &[] };
    for count in 0.. {
        match take_pair(&mut rest)? {
            Some(_) if count >= MAX_METADATA => return Err(PlanError::Limit(Section::Metadata)),
            Some(_) => {}
            None => break,
        }
    }
    Ok(plan)
}

/// State is the end of working memory, from a multiple of the alignment, and announced by its feature bit.
fn state_is_sound(header: &Header) -> bool {
    let (state, arena) = (header.state_bytes.get(), header.arena_bytes.get());
    let announced = header.features.get() & FEATURE_STATE != 0;
    let start = arena.checked_sub(state);
    announced == (state > 0)
        && (state == 0 || start.is_some_and(|s| s.is_multiple_of(header.alignment.get())))
}

/// The bytes of each section: they follow each other in order, gaps are zeros up to the next alignment, and the
/// last one ends the file.
fn sections<'p>(bytes: &'p [u8], header: &Header) -> Result<[&'p [u8]; SECTIONS], PlanError> {
    let mut out = [&bytes[..0]; SECTIONS];
    let mut end = HEADER_BYTES;
    for ((section, record), slot) in ORDER.into_iter().zip(&header.sections).zip(&mut out) {
        let wrong = PlanError::Section(section);
        let align = match section {
            Section::Weights => header.alignment.get() as usize,
            _ => 8,
        };
        let start = end.checked_next_multiple_of(align).ok_or(wrong)?;
        if record.offset.get() as usize != start {
            return Err(wrong);
        }
        let gap = bytes.get(end..start).ok_or(wrong)?;
        end = start
            .checked_add(record.bytes.get() as usize)
            .ok_or(wrong)?;
        *slot = bytes.get(start..end).ok_or(wrong)?;
        if gap.iter().any(|&b| b != 0) {
            return Err(wrong);
        }
    }
    if end != bytes.len() {
        return Err(PlanError::Header);
    }
    Ok(out)
}

/// Takes `key_bytes u32, value_bytes u32, key, value` from the front; `None` at the end.
pub(crate) fn take_pair<'p>(rest: &mut &'p [u8]) -> Result<Option<(&'p str, &'p str)>, PlanError> {
    if rest.is_empty() {
        return Ok(None);
    }
    let wrong = PlanError::Metadata;
    let mut take = |n: usize| -> Result<&'p [u8], PlanError> {
        let (front, back) = rest.split_at_checked(n).ok_or(wrong)?;
        *rest = back;
        Ok(front)
    };
    let mut lengths = [0usize; 2];
    for length in &mut lengths {
        let bytes: [u8; 4] = take(4)?.try_into().map_err(|_| wrong)?;
        *length = u32::from_le_bytes(bytes) as usize;
    }
    let key = str::from_utf8(take(lengths[0])?).map_err(|_| wrong)?;
    let value = str::from_utf8(take(lengths[1])?).map_err(|_| wrong)?;
    Ok(Some((key, value)))
}
