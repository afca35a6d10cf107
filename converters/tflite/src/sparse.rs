//! Sparse constants: which elements are stored, level by level, and the dense bytes of them.
//!
//! A level is one dimension, or the inside of a block along one, in the order in which the levels nest. A dense level holds
//! every index; a compressed one holds, for node `p` of the level above, the indices `indices[segments[p]..segments[p + 1]]`.
//! The stored elements are the nodes of the last level in order; all others are zero.

use crate::flatbuffer::Table;
use crate::{Error, Result};

/// Where the stored elements of a tensor lie.
#[derive(Clone, Debug, PartialEq)]
pub struct Sparsity {
    /// Dimension of each level, from the outermost; numbers from the rank on are the insides of blocks.
    order: Vec<usize>,
    /// The dimension that each block divides.
    blocks: Vec<usize>,
    levels: Vec<Level>,
}

#[derive(Clone, Debug, PartialEq)]
enum Level {
    Dense(usize),
    Compressed {
        segments: Vec<usize>,
        indices: Vec<usize>,
    },
}

fn places(numbers: Option<Vec<i32>>) -> Option<Vec<usize>> {
    let numbers = numbers.unwrap_or_default().into_iter();
    numbers.map(|n| usize::try_from(n).ok()).collect()
}

impl Sparsity {
    pub(crate) fn read(table: &Table<'_, '_>) -> Result<Self> {
        let wrong = || Error::malformed("a negative number in the description of sparse elements");
        let mut levels = Vec::new();
        for level in table.tables(2)? {
            levels.push(Level::read(&level)?);
        }
        Ok(Self {
            order: places(table.i32s(0)?).ok_or_else(wrong)?,
            blocks: places(table.i32s(1)?).ok_or_else(wrong)?,
            levels,
        })
    }

    /// The elements of a tensor of `shape`, `size` bytes each, of the `stored` ones.
    ///
    /// The caller has checked that `shape` times `size` may be allocated.
    ///
    /// # Errors
    /// [`Malformed`](crate::ErrorKind::Malformed) where the description does not fit the shape, or the elements not it.
    pub fn dense(&self, shape: &[usize], size: usize, stored: &[u8]) -> Result<Vec<u8>> {
        let wrong = |what: &str| Error::malformed(format!("sparse elements: {what}"));
        let (sizes, steps) = self
            .strides(shape)
            .ok_or_else(|| wrong("levels that do not fit the shape"))?;
        let count: usize = shape.iter().product();
        let mut offsets = vec![0usize];
        for ((level, &each), &step) in self.levels.iter().zip(&sizes).zip(&steps) {
            let nodes = match level {
                Level::Dense(_) => offsets.len().saturating_mul(each),
                Level::Compressed { indices, .. } => indices.len(),
            };
            if nodes > count {
                return Err(wrong("more elements than the shape has"));
            }
            let mut next = Vec::with_capacity(nodes);
            match level {
                Level::Dense(_) => {
                    for &offset in &offsets {
                        next.extend((0..each).map(|i| offset + i * step));
                    }
                }
                Level::Compressed { segments, indices } => {
                    let ordered = segments.is_sorted()
                        && segments.len() == offsets.len() + 1
                        && segments.first() == Some(&0)
                        && segments.last() == Some(&indices.len());
                    if !ordered || indices.iter().any(|&i| i >= each) {
                        return Err(wrong("a level whose segments or indices are out of range"));
                    }
                    for (&offset, ends) in offsets.iter().zip(segments.windows(2)) {
                        let own = &indices[ends[0]..ends[1]];
                        next.extend(own.iter().map(|&i| offset + i * step));
                    }
                }
            }
            offsets = next;
        }
        if offsets.len().checked_mul(size) != Some(stored.len()) {
            return Err(wrong(&format!(
                "{} bytes for {} elements",
                stored.len(),
                offsets.len()
            )));
        }
        let mut out = vec![0; count * size];
        for (&offset, element) in offsets.iter().zip(stored.chunks_exact(size.max(1))) {
            out[offset * size..][..size].copy_from_slice(element);
        }
        Ok(out)
    }

    /// Indices of each level, and the distance in elements of neighbouring ones.
    fn strides(&self, shape: &[usize]) -> Option<(Vec<usize>, Vec<usize>)> {
        let rank = shape.len();
        let all = rank + self.blocks.len();
        let mut seen = vec![false; all];
        let once = |&d: &usize| seen.get_mut(d).is_some_and(|s| !std::mem::replace(s, true));
        if self.order.len() != all || self.levels.len() != all || !self.order.iter().all(once) {
            return None;
        }
        let mut inside = vec![1; rank];
        for (k, &d) in self.blocks.iter().enumerate() {
            let level = self.order.iter().position(|&o| o == rank + k)?;
            let Level::Dense(size) = self.levels[level] else {
                return None;
            };
            let whole = *shape.get(d)?;
            if inside[d] != 1 || size == 0 || whole % size != 0 {
                return None;
            }
            inside[d] = size;
        }
        let mut strides = vec![1; rank];
        for d in (0..rank.saturating_sub(1)).rev() {
            strides[d] = strides[d + 1] * shape[d + 1];
        }
        let mut sizes = Vec::new();
        let mut steps = Vec::new();
        for (&d, level) in self.order.iter().zip(&self.levels) {
            let (size, step) = match d.checked_sub(rank) {
                None => (shape[d] / inside[d], inside[d] * strides[d]),
                Some(k) => (inside[self.blocks[k]], strides[self.blocks[k]]),
            };
            if matches!(level, Level::Dense(own) if *own != size) {
                return None;
            }
            sizes.push(size);
            steps.push(step);
        }
        Some((sizes, steps))
    }
}

impl Level {
    fn read(table: &Table<'_, '_>) -> Result<Self> {
        let size = || {
            usize::try_from(table.i32(1, 0)?)
                .map_err(|_| Error::malformed("a negative size of a level"))
        };
        match table.u8(0)? {
            0 => Ok(Self::Dense(size()?)),
            1 => Ok(Self::Compressed {
                segments: numbers(table, 2)?,
                indices: numbers(table, 4)?,
            }),
            other => Err(Error::malformed(format!(
                "a level of sparse elements of kind {other}"
            ))),
        }
    }
}

/// Numbers of 32, 16 or 8 bits; the kind is in field `slot`, the vector in the next.
fn numbers(table: &Table<'_, '_>, slot: usize) -> Result<Vec<usize>> {
    let wrong = || Error::malformed("a level of sparse elements without its indices");
    let kind = table.u8(slot)?;
    let values = table.table(slot + 1)?.ok_or_else(wrong)?;
    match kind {
        1 => places(values.i32s(0)?).ok_or_else(wrong),
        2 => values.u16s(0),
        3 => values.u8s(0),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows 0 and 2 of a 3 × 4 matrix hold something.
    #[test]
    fn compressed_columns() {
        let sparse = Sparsity {
            order: vec![0, 1],
            blocks: vec![],
            levels: vec![
                Level::Dense(3),
                Level::Compressed {
                    segments: vec![0, 2, 2, 3],
                    indices: vec![0, 3, 1],
                },
            ],
        };
        let dense = sparse.dense(&[3, 4], 1, &[7, 8, 9]).expect("fits");
        assert_eq!(dense, [7, 0, 0, 8, 0, 0, 0, 0, 0, 9, 0, 0]);
        assert!(sparse.dense(&[3, 3], 1, &[7, 8, 9]).is_err());
        assert!(sparse.dense(&[3, 4], 1, &[7, 8]).is_err());
        assert!(sparse.dense(&[4, 3], 1, &[7, 8, 9]).is_err());
    }

    /// Blocks of 2 × 2 in a 4 × 4 matrix, of two bytes each: the upper right one and the lower left one.
    #[test]
    fn blocks() {
        let sparse = Sparsity {
            order: vec![0, 1, 2, 3],
            blocks: vec![0, 1],
            levels: vec![
                Level::Dense(2),
                Level::Compressed {
                    segments: vec![0, 1, 2],
                    indices: vec![1, 0],
                },
                Level::Dense(2),
                Level::Dense(2),
            ],
        };
        let stored: Vec<u8> = (1..=8u16).flat_map(u16::to_le_bytes).collect();
        let dense = sparse.dense(&[4, 4], 2, &stored).expect("fits");
        let dense: Vec<u16> = dense
            .as_chunks::<2>()
            .0
            .iter()
            .map(|&b| u16::from_le_bytes(b))
            .collect();
        assert_eq!(dense, [0, 0, 1, 2, 0, 0, 3, 4, 5, 6, 0, 0, 7, 8, 0, 0]);
    }

    #[test]
    fn nonsense_is_an_error() {
        let level = |segments: &[usize], indices: &[usize]| Level::Compressed {
            segments: segments.to_vec(),
            indices: indices.to_vec(),
        };
        for (order, levels) in [
            (vec![0, 0], vec![Level::Dense(2), Level::Dense(2)]),
            (vec![0, 2], vec![Level::Dense(2), Level::Dense(2)]),
            (vec![0], vec![Level::Dense(2)]),
            (
                vec![0, 1],
                vec![Level::Dense(2), level(&[0, 3, 2], &[0, 1])],
            ),
            (vec![0, 1], vec![Level::Dense(2), level(&[0, 1], &[0])]),
            (
                vec![0, 1],
                vec![Level::Dense(2), level(&[0, 1, 2], &[0, 2])],
            ),
            (
                vec![0, 1],
                vec![Level::Dense(2), level(&[0, 3, 5], &[0, 1, 1, 0, 1])],
            ),
        ] {
            let blocks = vec![];
            let sparse = Sparsity {
                order,
                blocks,
                levels,
            };
            assert!(sparse.dense(&[2, 2], 1, &[1, 2]).is_err(), "{sparse:?}");
        }
    }
}
