//! Choosing and ordering along an axis, running sums, linear maps of few weights.

use redpoll_plan::op::{ArgReduce, Cumulate, Dims, Strides, TopK};

use super::Offsets;

/// `y = condition ? a : b` over a loop with broadcasting.
///
/// # Panics
/// If an offset leaves a slice.
pub fn select<T: Copy>(
    dims: &Dims,
    (condition, condition_strides): (&[u8], &Strides),
    (a, a_strides): (&[T], &Strides),
    (b, b_strides): (&[T], &Strides),
    y: &mut [T],
) {
    let strides = [condition_strides, a_strides, b_strides];
    for (y, [c, i, j]) in y.iter_mut().zip(Offsets::new(dims, strides)) {
        *y = if condition[c] != 0 { a[i] } else { b[j] };
    }
}

/// See [`ArgReduce`].
///
/// # Panics
/// If a slice is shorter than the parameters say.
pub fn arg_reduce<T: PartialOrd + Copy>(p: &ArgReduce, x: &[T], y: &mut [i64]) {
    let (outer, count, inner) = (p.outer as usize, p.count as usize, p.inner as usize);
    for o in 0..outer {
        for i in 0..inner {
            let at = |k: usize| x[(o * count + k) * inner + i];
            let mut best = 0;
            for k in 1..count {
                let (new, old) = (at(k), at(best));
                let better = if p.least == 1 { new < old } else { new > old };
                if better || (p.last == 1 && new == old) {
                    best = k;
                }
            }
            y[o * inner + i] = best as i64;
        }
    }
}

/// See [`Cumulate`]: `join` adds or multiplies, from `start` on.
///
/// # Panics
/// If a slice is shorter than the parameters say.
pub fn cumulate<T: Copy>(p: &Cumulate, x: &[T], y: &mut [T], start: T, join: impl Fn(T, T) -> T) {
    let (outer, count, inner) = (p.outer as usize, p.count as usize, p.inner as usize);
    for o in 0..outer {
        for i in 0..inner {
            let mut sum = start;
            for k in 0..count {
                let k = if p.reverse == 1 { count - 1 - k } else { k };
                let at = (o * count + k) * inner + i;
                let with = join(sum, x[at]);
                y[at] = if p.exclusive == 1 { sum } else { with };
                sum = with;
            }
        }
    }
}

/// True when element `a` comes before `b` in the order of [`TopK`]; NaN is greatest.
fn precedes<T: PartialOrd>(largest: bool, (a, i): (&T, usize), (b, j): (&T, usize)) -> bool {
    let is_nan = |v: &T| v.partial_cmp(v).is_none();
    let greater = a > b || (is_nan(a) && !is_nan(b));
    let less = a < b || (!is_nan(a) && is_nan(b));
    match (greater, less) {
        (false, false) => i < j,
        (greater, _) => greater == largest,
    }
}

/// See [`TopK`]: `put(at, place)` gets each place chosen within its row and where it belongs in the result.
///
/// # Panics
/// If a slice is shorter than the parameters say.
pub fn top_k<T: PartialOrd>(p: &TopK, x: &[T], mut put: impl FnMut(usize, usize, usize)) {
    let (outer, count, inner) = (p.outer as usize, p.count as usize, p.inner as usize);
    let k = p.k as usize;
    for o in 0..outer {
        for i in 0..inner {
            let at = |n: usize| (o * count + n) * inner + i;
            let mut last: Option<usize> = None;
            for r in 0..k {
                // The first in order of those that come after the last one chosen.
                let mut best: Option<usize> = None;
                for n in 0..count {
                    let here = (&x[at(n)], n);
                    let after = last.is_none_or(|l| precedes(p.largest == 1, (&x[at(l)], l), here));
                    let first = best.is_none_or(|b| precedes(p.largest == 1, here, (&x[at(b)], b)));
                    if after && first {
                        best = Some(n);
                    }
                }
                let Some(n) = best else { break };
                put((o * k + r) * inner + i, n, at(n));
                last = Some(n);
            }
        }
    }
}

/// See [`SparseRows`](redpoll_plan::op::SparseRows).
///
/// # Panics
/// If a slice is shorter than the sizes say or an entry leaves the axis.
pub fn sparse_rows(
    [outer, size, inner]: [usize; 3],
    (starts, index, weights): (&[i32], &[i32], &[f32]),
    x: &[f32],
    y: &mut [f32],
) {
    let rows = starts.len().saturating_sub(1);
    for o in 0..outer {
        for (j, bounds) in starts.windows(2).enumerate() {
            let y = &mut y[(o * rows + j) * inner..][..inner];
            let entries = bounds[0] as usize..bounds[1] as usize;
            if entries.is_empty() {
                y.fill(0.0);
            }
            for e in entries.clone() {
                let (w, from) = (weights[e], (o * size + index[e] as usize) * inner);
                let x = &x[from..][..inner];
                if e == entries.start {
                    y.iter_mut().zip(x).for_each(|(y, x)| *y = w * x);
                } else {
                    y.iter_mut().zip(x).for_each(|(y, x)| *y += w * x);
                }
            }
        }
    }
}
