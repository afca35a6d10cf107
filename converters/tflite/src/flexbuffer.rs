//! The options of custom operators: a flexbuffer, of which numbers in one map are read.
//!
//! ```text
//! … values | … keys | map: (keys' distance, keys' width, count) values types | root | root's type | root's width
//! ```
//! Every number has the width that its holder says; references are distances back.

use std::collections::BTreeMap;

use crate::{Error, Result};

/// A number of a map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Int(i64),
    Float(f64),
}

/// Entries above which a map is refused.
const MAX_ENTRIES: usize = 256;

fn broken(what: &str) -> Error {
    Error::malformed(format!("the options of a custom operator: {what}"))
}

struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn unsigned(&self, at: usize, width: usize) -> Result<u64> {
        let bytes = at
            .checked_add(width)
            .and_then(|end| self.0.get(at..end))
            .ok_or_else(|| broken("a number beyond the end"))?;
        let mut wide = [0; 8];
        wide.get_mut(..width)
            .ok_or_else(|| broken("a number of an impossible width"))?
            .copy_from_slice(bytes);
        Ok(u64::from_le_bytes(wide))
    }

    /// Where the reference at `at` leads.
    fn back(&self, at: usize, width: usize) -> Result<usize> {
        let distance = self.unsigned(at, width)?;
        usize::try_from(distance)
            .ok()
            .and_then(|d| at.checked_sub(d))
            .ok_or_else(|| broken("a reference before the beginning"))
    }

    fn number(&self, at: usize, width: usize, kind: u8) -> Result<Option<Number>> {
        let bits = 8 * width as u32;
        Ok(match kind {
            1 => {
                let raw = self.unsigned(at, width)?.cast_signed();
                let unused = 64 - bits;
                Some(Number::Int(raw << unused >> unused))
            }
            2 | 26 => Some(Number::Int(self.unsigned(at, width)?.cast_signed())),
            3 => {
                let raw = self.unsigned(at, width)?;
                match width {
                    4 => Some(Number::Float(f32::from_bits(raw as u32).into())),
                    8 => Some(Number::Float(f64::from_bits(raw))),
                    _ => None,
                }
            }
            _ => None,
        })
    }

    fn key(&self, at: usize) -> Result<String> {
        let rest = self.0.get(at..).unwrap_or_default();
        let end = rest
            .iter()
            .take(256)
            .position(|&b| b == 0)
            .ok_or_else(|| broken("a name without an end"))?;
        Ok(String::from_utf8_lossy(&rest[..end]).into_owned())
    }
}

/// The numbers of the map that `bytes` are.
pub(crate) fn numbers(bytes: &[u8]) -> Result<BTreeMap<String, Number>> {
    let &[.., kind, width] = bytes else {
        return Err(broken("too short"));
    };
    let width = usize::from(width);
    if !matches!(width, 1 | 2 | 4 | 8) || kind >> 2 != 9 {
        return Err(broken("not a map"));
    }
    let b = Bytes(bytes);
    let root = bytes
        .len()
        .checked_sub(2 + width)
        .ok_or_else(|| broken("too short"))?;
    let map = b.back(root, width)?;
    let width = 1usize << (kind & 3);
    let place = |steps: usize| {
        map.checked_sub(steps * width)
            .ok_or_else(|| broken("a map before the beginning"))
    };
    let count = usize::try_from(b.unsigned(place(1)?, width)?)
        .ok()
        .filter(|&n| n <= MAX_ENTRIES)
        .ok_or_else(|| broken("too many entries"))?;
    let key_width = usize::try_from(b.unsigned(place(2)?, width)?).unwrap_or(0);
    if !matches!(key_width, 1 | 2 | 4 | 8) {
        return Err(broken("names of an impossible width"));
    }
    let keys = b.back(place(3)?, width)?;
    let mut found = BTreeMap::new();
    for i in 0..count {
        let key = b.key(b.back(keys + i * key_width, key_width)?)?;
        let kind = b.unsigned(map + count * width + i, 1)? as u8;
        let at = map + i * width;
        // Numbers that are kept elsewhere are references, with a width of their own.
        let number = match kind >> 2 {
            direct @ (1..=3 | 26) => b.number(at, width, direct)?,
            kept @ 6..=8 => b.number(b.back(at, width)?, 1 << (kind & 3), kept - 5)?,
            _ => None,
        };
        if let Some(number) = number {
            found.insert(key, number);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{Number, numbers};

    /// `{"a": -5, "b": 0.5}` written by hand: names, their vector, the map with 4-byte values, the root.
    fn sample() -> Vec<u8> {
        let mut bytes = b"a\0b\0".to_vec();
        // The names' vector: its count, then distances back to each name.
        bytes.extend([2, 5, 4]);
        bytes.push(0);
        // The map: distance to the names' vector (at 5), their width, count, values, types.
        bytes.extend(3u32.to_le_bytes());
        bytes.extend(1u32.to_le_bytes());
        bytes.extend(2u32.to_le_bytes());
        bytes.extend((-5i32).to_le_bytes());
        bytes.extend(0.5f32.to_le_bytes());
        bytes.extend([1 << 2 | 2, 3 << 2 | 2]);
        // The root: distance to the map's values (at 20), its type, its width.
        bytes.extend([(bytes.len() - 20) as u8, 9 << 2 | 2, 1]);
        bytes
    }

    #[test]
    fn numbers_of_a_map() {
        let found = numbers(&sample()).unwrap();
        assert_eq!(found.get("a"), Some(&Number::Int(-5)));
        assert_eq!(found.get("b"), Some(&Number::Float(0.5)));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn damage_is_an_error_or_another_map() {
        let bytes = sample();
        for len in 0..bytes.len() {
            let _ = numbers(&bytes[..len]);
        }
        for at in 0..bytes.len() {
            for value in 0..=255 {
                let mut bytes = bytes.clone();
                bytes[at] = value;
                let _ = numbers(&bytes);
            }
        }
    }
}
