//! The two layouts of a value in an ONNX model and the maps between them.

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Layout {
    /// Axes as in the graph: channels last.
    Same,
    /// Channels moved behind the batch: `[N, S…, C]` written as `[N, C, S…]`.
    ChannelsFirst,
}

/// The permutation that makes channels-first of channels-last: result axis `i` is input axis `perm[i]`.
pub(super) fn to_channels_first(rank: usize) -> Vec<usize> {
    let mut perm = vec![0, rank - 1];
    perm.extend(1..rank - 1);
    perm
}

/// The permutation that makes channels-last of channels-first.
pub(super) fn to_channels_last(rank: usize) -> Vec<usize> {
    let mut perm = vec![0];
    perm.extend(2..rank);
    perm.push(1);
    perm
}

impl Layout {
    /// Where axis `axis` of the graph's value is in this layout.
    pub(super) fn axis(self, axis: usize, rank: usize) -> usize {
        match self {
            Self::Same => axis,
            Self::ChannelsFirst => match axis {
                0 => 0,
                a if a == rank - 1 => 1,
                a => a + 1,
            },
        }
    }

    /// One entry an axis, reordered to this layout.
    pub(super) fn permute<T: Clone>(self, entries: &[T]) -> Vec<T> {
        match self {
            Self::ChannelsFirst if entries.len() >= 3 => to_channels_first(entries.len())
                .into_iter()
                .map(|i| entries[i].clone())
                .collect(),
            _ => entries.to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_and_permutations_agree() {
        for rank in 3..6 {
            let first = to_channels_first(rank);
            let last = to_channels_last(rank);
            for axis in 0..rank {
                assert_eq!(first[Layout::ChannelsFirst.axis(axis, rank)], axis);
                assert_eq!(first[last[axis]], axis);
            }
        }
        assert_eq!(
            Layout::ChannelsFirst.permute(&[1, 20, 30, 3]),
            [1, 3, 20, 30]
        );
    }
}
