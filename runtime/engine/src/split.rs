//! How a step's result is divided among workers.

use core::ops::Range;

use redpoll_kernels::Tier;
use redpoll_plan::layout::BLOCK_N;

/// Least time of a part, in microseconds. Handing a part to a thread that waits awake costs 1 to 2 µs, waking one that
/// sleeps more than that; shorter parts would cost more than they save.
const MIN_PART_US: u64 = 5;

/// What a step costs.
pub(crate) struct Work {
    /// Multiply-adds.
    pub(crate) macs: u64,
    /// Those that a core does in a microsecond, of the fastest kind.
    pub(crate) macs_per_us: u64,
    /// Of which kind.
    pub(crate) pace: Pace,
}

/// Kinds of steps by how fast they go, as a divisor of [`Tier::macs_per_us`].
#[derive(Clone, Copy)]
pub(crate) enum Pace {
    /// Integer products with many uses of each element loaded.
    Int8 = 1,
    /// The same in float: a quarter of the elements in a register.
    Float = 4,
    /// Integer windows on single channels.
    Depthwise = 5,
    /// Other windows on single channels: bound by loads.
    Window = 8,
    /// Functions of an element, one counted as a multiply-add.
    Element = 32,
}

impl Work {
    /// The work of `macs` of a kind on a tier.
    pub(crate) fn new<T: Tier + ?Sized>(tier: &T, macs: u64, pace: Pace) -> Self {
        Self {
            macs,
            macs_per_us: tier.macs_per_us(),
            pace,
        }
    }

    /// How many parts of [`MIN_PART_US`] there are.
    fn parts(&self) -> usize {
        let macs_per_part = (self.macs_per_us * MIN_PART_US / self.pace as u64).max(1);
        usize::try_from(self.macs / macs_per_part).unwrap_or(usize::MAX)
    }
}

/// Parts for each worker: more than one, so that a worker that was held up is relieved by the others.
const PARTS_PER_WORKER: usize = 2;

/// Rows of a part are a multiple of this, so that tiles of kernels stay whole.
const ROW_QUANTUM: usize = 4;

/// Rows (output pixels) of each part of `rows`, `work` being that of all. `line` is a run of rows better kept
/// together (an output line of the window), 1 for none. Returns `rows` when one part is best.
pub(crate) fn rows(rows: usize, line: usize, work: &Work, workers: usize) -> usize {
    let quantum = if line > 1 && line < rows {
        line
    } else {
        ROW_QUANTUM
    };
    pieces(rows, quantum, work, workers)
}

/// Channels of each part of one row of `channels`: whole blocks of weights.
pub(crate) fn channels(channels: usize, work: &Work, workers: usize) -> usize {
    pieces(channels, BLOCK_N, work, workers)
}

/// The `index`th part of `len` parts of `size`.
pub(crate) fn part(index: usize, size: usize, len: usize) -> Range<usize> {
    let start = index.saturating_mul(size).min(len);
    start..start.saturating_add(size).min(len)
}

fn pieces(len: usize, quantum: usize, work: &Work, workers: usize) -> usize {
    if workers <= 1 || len == 0 {
        return len;
    }
    let (worth, quanta) = (work.parts(), len.div_ceil(quantum.max(1)));
    // Few quanta: as many parts as workers, so that none gets a half-filled second part.
    let wanted = if quanta >= workers * PARTS_PER_WORKER * 4 {
        workers * PARTS_PER_WORKER
    } else {
        workers
    };
    // As many for each worker, or the last ones compute while the others wait.
    let parts = match worth.min(wanted) {
        parts if parts > workers => parts / workers * workers,
        parts => parts,
    };
    if parts <= 1 {
        return len;
    }
    (quanta.div_ceil(parts) * quantum).min(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(macs: u64) -> Work {
        Work {
            macs,
            macs_per_us: 10_000,
            pace: Pace::Int8,
        }
    }

    #[test]
    fn parts_cover_everything_once() {
        for workers in 1..9 {
            for len in [0, 1, 3, 4, 15, 16, 49, 196, 3136] {
                for macs in [0, 49_999, 100_000, 10_000_000] {
                    for size in [
                        rows(len, 1, &work(macs), workers),
                        rows(len, 7, &work(macs), workers),
                        channels(len, &work(macs), workers),
                    ] {
                        let mut next = 0;
                        for index in 0..len.div_ceil(size.max(1)) {
                            let range = part(index, size, len);
                            assert_eq!(range.start, next);
                            assert!(!range.is_empty());
                            next = range.end;
                        }
                        assert_eq!(next, len);
                    }
                }
            }
        }
    }

    #[test]
    fn little_work_stays_whole() {
        assert_eq!(rows(3136, 56, &work(99_999), 4), 3136);
        assert_eq!(rows(3136, 56, &work(10_000_000), 1), 3136);
        assert_eq!(rows(3136, 56, &work(100_000), 4), 1568);
        assert_eq!(rows(49, 1, &work(10_000_000), 2), 28);
        assert_eq!(rows(196, 1, &work(199_999), 2), 100);
        assert_eq!(channels(1001, &work(1_000_000), 2), 256);
    }
}
