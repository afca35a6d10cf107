//! Weights of nine bits: integers less a zero point, in pieces of eight bits that read the same channel again.
//!
//! `Σ (x − z_x) · (w − z_w)` is exact in 32 bits, but `w − z_w` may lie outside of −128..=127: in practice for one weight of a
//! layer, or a few. Such a weight is the sum of two or three that fit, each multiplied with the same x.

/// One piece of at most eight bits; the rest stays.
fn take(rest: &mut i32) -> i8 {
    let piece = (*rest).clamp(i32::from(i8::MIN), i32::from(i8::MAX));
    *rest -= piece;
    piece as i8
}

/// Pieces that `v` has.
fn pieces(mut v: i32) -> usize {
    let mut n = 1;
    while take(&mut v) != 0 && v != 0 {
        n += 1;
    }
    n
}

/// True when every weight fits eight bits.
pub(super) fn fits(values: &[i32]) -> bool {
    values.iter().all(|&v| i8::try_from(v).is_ok())
}

/// Rows of weights over more channels than x has.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Repeated {
    /// `channels + extra` a row.
    pub weights: Vec<i8>,
    /// The channels of x that come again behind all of them.
    pub extra: Vec<usize>,
}

/// Splits weights whose last axis is the channels of x.
pub(super) fn repeated(values: &[i32], channels: usize) -> Repeated {
    let mut most = vec![1; channels];
    for row in values.chunks_exact(channels.max(1)) {
        for (most, &v) in most.iter_mut().zip(row) {
            *most = pieces(v).max(*most);
        }
    }
    let again = |(c, &n): (usize, &usize)| std::iter::repeat_n(c, n - 1);
    let extra: Vec<usize> = most.iter().enumerate().flat_map(again).collect();
    let mut weights = Vec::with_capacity(values.len() / channels.max(1) * (channels + extra.len()));
    for row in values.chunks_exact(channels.max(1)) {
        let mut rest = row.to_vec();
        weights.extend(rest.iter_mut().map(take));
        weights.extend(extra.iter().map(|&c| take(&mut rest[c])));
    }
    Repeated { weights, extra }
}

/// The channels of a depthwise layer whose weights do not fit, as a layer of their own.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Apart {
    /// All channels; those of `channels` make no sense.
    pub narrow: Vec<i8>,
    /// The channels that do not fit.
    pub channels: Vec<usize>,
    /// Pieces of each: so often it is read, one after the other.
    pub pieces: usize,
    /// `[channels, taps, pieces]`, or over all channels where there is one group.
    pub weights: Vec<i8>,
    /// Groups of that layer.
    pub groups: usize,
}

/// Channels up to which one group, mostly of zeros, is faster than many.
const ONE_GROUP: usize = 16;

/// Splits depthwise weights `[channels, taps]`.
pub(super) fn apart(values: &[i32], taps: usize) -> Apart {
    let rows = || values.chunks_exact(taps.max(1));
    let narrow = values.iter().map(|&v| take(&mut { v })).collect();
    let wide: Vec<usize> = rows()
        .enumerate()
        .filter(|(_, row)| !fits(row))
        .map(|(c, _)| c)
        .collect();
    let pieces = values.iter().map(|&v| pieces(v)).max().unwrap_or(1);
    let groups = if wide.len() <= ONE_GROUP {
        1
    } else {
        wide.len()
    };
    let read = pieces * wide.len() / groups.max(1);
    let mut weights = vec![0; wide.len() * taps * read];
    for (i, &c) in wide.iter().enumerate() {
        let first = if groups == 1 { i * pieces } else { 0 };
        for tap in 0..taps {
            let mut rest = values[c * taps + tap];
            for piece in 0..pieces {
                weights[(i * taps + tap) * read + first + piece] = take(&mut rest);
            }
        }
    }
    Apart {
        narrow,
        channels: wide,
        pieces,
        weights,
        groups,
    }
}

/// Weights over the channels that x was picked from: `picked` says which of `channels` each of their last axis is.
pub(super) fn unpicked(values: &[i32], picked: &[usize], channels: usize) -> Vec<i32> {
    let mut out = Vec::with_capacity(values.len() / picked.len().max(1) * channels);
    for row in values.chunks_exact(picked.len().max(1)) {
        let mut whole = vec![0; channels];
        for (&c, &v) in picked.iter().zip(row) {
            whole[c] += v;
        }
        out.extend(whole);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_add_up() {
        for v in -255..=255 {
            let (mut rest, mut sum) = (v, 0);
            for _ in 0..pieces(v) {
                sum += i32::from(take(&mut rest));
            }
            assert_eq!((sum, rest), (v, 0));
        }
        assert_eq!([pieces(127), pieces(128), pieces(255)], [1, 2, 3]);
        assert_eq!([pieces(-128), pieces(-129), pieces(-255)], [1, 2, 2]);
    }

    #[test]
    fn channels_come_again() {
        let found = repeated(&[1, 200, 3, 4, -130, 255], 3);
        assert_eq!(found.extra, [1, 2, 2]);
        assert_eq!(
            found.weights,
            [1, 127, 3, 73, 0, 0, 4, -128, 127, -2, 127, 1]
        );
    }

    #[test]
    fn a_channel_apart_is_read_twice() {
        let found = apart(&[1, 2, 3, 130, -5, 6], 2);
        assert_eq!(found.narrow, [1, 2, 3, 127, -5, 6]);
        assert_eq!(
            (found.channels, found.pieces, found.groups),
            (vec![1], 2, 1)
        );
        assert_eq!(found.weights, [3, 0, 127, 3]);
        let values: Vec<i32> = (0..20).map(|c| 120 + c).collect();
        let found = apart(&values, 1);
        assert_eq!((found.channels.len(), found.groups), (12, 1));
        assert_eq!(found.weights.len(), 12 * 24);
        assert_eq!(found.weights[24 + 2..24 + 4], [127, 2]);
        let values: Vec<i32> = (0..20).map(|c| 128 + c).collect();
        let found = apart(&values, 1);
        assert_eq!((found.channels.len(), found.groups), (20, 20));
        assert_eq!(found.weights[..4], [127, 1, 127, 2]);
    }

    #[test]
    fn weights_move_to_where_x_came_from() {
        assert_eq!(unpicked(&[5, 6, 7, 8], &[2, 0], 3), [6, 0, 5, 8, 0, 7]);
    }
}
