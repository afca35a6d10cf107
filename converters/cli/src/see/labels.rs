//! Names of classes that a TFLite file carries: a ZIP behind the model, with a text file of labels, a name a line, not compressed.

use std::path::Path;

/// Largest model that is looked into, and largest list of names, bytes.
const MOST_MODEL: u64 = 512 << 20;
const MOST_LABELS: usize = 1 << 20;
/// Length of the ZIP's last record without its comment, and of the longest comment.
const END: usize = 22;
const MOST_COMMENT: usize = 65_535;

/// The names in the file at `path`; none where it has none.
pub fn of(path: &Path) -> Vec<String> {
    let small = std::fs::metadata(path).is_ok_and(|m| m.len() <= MOST_MODEL);
    // A file that cannot be read is told of by whoever loads the model.
    let bytes = if small {
        std::fs::read(path)
    } else {
        return Vec::new();
    };
    let text = bytes.as_deref().ok().and_then(text);
    text.map_or_else(Vec::new, |text| text.lines().map(str::to_owned).collect())
}

fn u16_at(bytes: &[u8], at: usize) -> Option<usize> {
    let two = bytes.get(at..at.checked_add(2)?)?;
    Some(usize::from(u16::from_le_bytes(two.try_into().ok()?)))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    usize::try_from(u32::from_le_bytes(four.try_into().ok()?)).ok()
}

/// `length` bytes from `at` on.
fn part(bytes: &[u8], at: usize, length: usize) -> Option<&[u8]> {
    bytes.get(at..at.checked_add(length)?)
}

/// The text of the first file whose name speaks of labels.
fn text(bytes: &[u8]) -> Option<&str> {
    let last = bytes.len().checked_sub(END)?;
    let first = last.saturating_sub(MOST_COMMENT);
    let end = (first..=last)
        .rev()
        .find(|&at| bytes[at..].starts_with(b"PK\x05\x06"))?;
    // The list of files lies right before; what it calls offset 0 may lie anywhere.
    let begin = end.checked_sub(u32_at(bytes, end + 12)?)?;
    let zero = begin.checked_sub(u32_at(bytes, end + 16)?)?;
    let mut at = begin;
    for _ in 0..u16_at(bytes, end + 10)? {
        if part(bytes, at, 4)? != b"PK\x01\x02" {
            return None;
        }
        let (method, length) = (u16_at(bytes, at + 10)?, u32_at(bytes, at + 20)?);
        let name_length = u16_at(bytes, at + 28)?;
        let name = String::from_utf8_lossy(part(bytes, at + 46, name_length)?).to_lowercase();
        if name.contains("label") && name.ends_with(".txt") && method == 0 && length <= MOST_LABELS
        {
            let local = zero.checked_add(u32_at(bytes, at + 42)?)?;
            if part(bytes, local, 4)? != b"PK\x03\x04" {
                return None;
            }
            let behind = u16_at(bytes, local + 26)? + u16_at(bytes, local + 28)?;
            return std::str::from_utf8(part(bytes, local + 30 + behind, length)?).ok();
        }
        at += 46 + name_length + u16_at(bytes, at + 30)? + u16_at(bytes, at + 32)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A model with a ZIP of one stored file behind it, offsets from the start of the ZIP.
    fn file(name: &str, content: &str) -> Vec<u8> {
        let n = |v: usize| (v as u32).to_le_bytes();
        let sizes = [[0; 4], n(content.len()), n(content.len())].concat();
        let names = [(name.len() as u16).to_le_bytes(), [0, 0]].concat();
        let local = [
            b"PK\x03\x04",
            &[0; 10][..],
            &sizes,
            &names,
            name.as_bytes(),
            content.as_bytes(),
        ]
        .concat();
        let list = [
            b"PK\x01\x02",
            &[0; 12][..],
            &sizes,
            &names,
            &[0; 14],
            name.as_bytes(),
        ]
        .concat();
        let end = [
            b"PK\x05\x06",
            &[0; 4][..],
            &[1, 0, 1, 0],
            &n(list.len()),
            &n(local.len()),
            &[0; 2],
        ]
        .concat();
        [b"the model itself", &local[..], &list, &end].concat()
    }

    #[test]
    fn labels_behind_a_model() {
        let whole = file("labelmap.txt", "person\nbicycle\n");
        assert_eq!(text(&whole), Some("person\nbicycle\n"));
        assert_eq!(text(&file("other.txt", "person\n")), None);
        assert_eq!(text(b"no such thing"), None);
    }

    #[test]
    fn any_bytes_are_taken() {
        let whole = file("a_label_file.txt", "one\ntwo\n");
        for cut in 0..whole.len() {
            text(&whole[..cut]);
            text(&whole[cut..]);
        }
        let zip = whole.len() - 100;
        let mut state = 1u32;
        for _ in 0..20_000 {
            let mut bytes = whole.clone();
            for _ in 0..3 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                bytes[zip + (state >> 16) as usize % 100] =
                    if state & 64 == 0 { 0xff } else { state as u8 };
            }
            text(&bytes);
        }
    }
}
