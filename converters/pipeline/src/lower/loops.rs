//! Strided loops: as few dimensions as possible, padded to the six of a plan.

use redpoll_plan::op::{Dims, MAX_LOOP, Strides};

/// A loop over `dims` with one list of strides an operand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Loop<const N: usize> {
    pub(super) dims: Dims,
    pub(super) strides: [Strides; N],
}

/// Drops dimensions of 1, joins neighbours that all operands walk as one, pads to six. `None` when more are left
/// or a number passes 32 bits.
pub(super) fn plan_loop<const N: usize>(dims: &[usize], strides: [&[isize]; N]) -> Option<Loop<N>> {
    let mut kept: Vec<(usize, [isize; N])> = Vec::new();
    for (i, &size) in dims.iter().enumerate() {
        if size == 1 {
            continue;
        }
        let own = strides.map(|s| s[i]);
        match kept.last_mut() {
            Some((outer, outer_strides))
                if (0..N).all(|n| outer_strides[n] == own[n] * size as isize) =>
            {
                *outer *= size;
                *outer_strides = own;
            }
            _ => kept.push((size, own)),
        }
    }
    let ahead = MAX_LOOP.checked_sub(kept.len())?;
    let mut out = Loop {
        dims: [1; MAX_LOOP],
        strides: [[0; MAX_LOOP]; N],
    };
    for (i, (size, own)) in kept.into_iter().enumerate() {
        out.dims[ahead + i] = u32::try_from(size).ok()?;
        for (n, s) in own.into_iter().enumerate() {
            out.strides[n][ahead + i] = i32::try_from(s).ok()?;
        }
    }
    Some(out)
}

/// Row-major strides.
pub(super) fn row_major(shape: &[usize]) -> Vec<isize> {
    redpoll_graph::types::strides(shape)
        .into_iter()
        .map(|s| s as isize)
        .collect()
}

/// Strides by which `from` is read when it is broadcast to `to` (NumPy rules).
pub(super) fn broadcast(from: &[usize], to: &[usize]) -> Vec<isize> {
    let own = row_major(from);
    let ahead = to.len().saturating_sub(from.len());
    (0..to.len())
        .map(|i| match i.checked_sub(ahead) {
            Some(j) if from[j] != 1 => own[j],
            _ => 0,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_operands_become_one_dimension() {
        let s = row_major(&[2, 3, 1, 4]);
        let l = plan_loop(&[2, 3, 1, 4], [&s, &s]).unwrap();
        assert_eq!(l.dims, [1, 1, 1, 1, 1, 24]);
        assert_eq!(l.strides[0], [0, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn a_channel_vector_repeats() {
        let shape = [1, 5, 7, 3];
        let l = plan_loop(&shape, [&row_major(&shape), &broadcast(&[3], &shape)]).unwrap();
        assert_eq!(l.dims, [1, 1, 1, 1, 35, 3]);
        assert_eq!(l.strides, [[0, 0, 0, 0, 3, 1], [0, 0, 0, 0, 0, 1]]);
    }

    #[test]
    fn a_scalar_repeats_over_one_dimension() {
        let shape = [4, 4];
        let l = plan_loop(&shape, [&row_major(&shape), &broadcast(&[], &shape)]).unwrap();
        assert_eq!((l.dims[5], l.strides[1][5]), (16, 0));
    }

    #[test]
    fn too_many_dimensions_are_refused() {
        let dims = [2; 7];
        let reversed: Vec<isize> = (0..7).map(|i| 1 << i).collect();
        assert_eq!(plan_loop(&dims, [&row_major(&dims), &reversed]), None);
    }
}
