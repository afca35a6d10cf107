//! Chooses offsets in working memory: blocks that live at the same time never overlap.
//!
//! Finding the smallest arena is NP-hard. Blocks are placed one by one, each into the tightest gap between those that
//! live at the same time; the order decides, so several are tried, then small changes of the best one, until the lower
//! bound is met or the budget is spent. Everything is deterministic.

use std::cmp::Reverse;

/// A piece of memory that is needed from step `first` to step `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) bytes: usize,
    pub(super) first: usize,
    pub(super) last: usize,
}

impl Block {
    fn meets(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// Offsets of the blocks, in their order, and the bytes that hold them all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placement {
    pub(super) offsets: Vec<usize>,
    pub(super) arena_bytes: usize,
}

/// The lower bound: the largest sum of live blocks at any step.
pub(super) fn live_bytes(blocks: &[Block]) -> usize {
    live_by_step(blocks).into_iter().max().unwrap_or(0)
}

/// Bytes of live blocks at each step.
pub(super) fn live_by_step(blocks: &[Block]) -> Vec<usize> {
    let steps = blocks.iter().map(|b| b.last + 1).max().unwrap_or(0);
    let mut born = vec![0; steps];
    let mut died = vec![0; steps + 1];
    for b in blocks {
        born[b.first] += b.bytes;
        died[b.last + 1] += b.bytes;
    }
    let mut live = 0;
    (0..steps)
        .map(|s| {
            live = live + born[s] - died[s];
            live
        })
        .collect()
}

/// Comparisons of blocks that the search for a better order may spend.
const BUDGET: usize = 40_000_000;

/// Places `blocks` at multiples of `alignment`.
pub(super) fn place(blocks: &[Block], alignment: usize) -> Placement {
    let mut best = Placement {
        offsets: vec![0; blocks.len()],
        arena_bytes: usize::MAX,
    };
    let mut best_order = Vec::new();
    for order in orders(blocks) {
        let placement = place_in_order(blocks, &order, alignment);
        if placement.arena_bytes < best.arena_bytes {
            (best, best_order) = (placement, order);
        }
    }
    if blocks.is_empty() {
        best.arena_bytes = 0;
    }
    let bound = live_bytes(blocks);
    let rounds = BUDGET / (blocks.len() * blocks.len()).max(1);
    let mut random = 0x9E37_79B9_7F4A_7C15u64;
    for _ in 0..rounds.min(2000) {
        if best.arena_bytes <= bound || blocks.len() < 3 {
            break;
        }
        let mut order = best_order.clone();
        let mut next = |below: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random >> 11) as usize % below
        };
        // Moves one block ahead, or swaps two.
        let (a, b) = (next(order.len()), next(order.len()));
        if next(2) == 0 {
            order.swap(a, b);
        } else {
            let moved = order.remove(a.max(b));
            order.insert(a.min(b), moved);
        }
        let placement = place_in_order(blocks, &order, alignment);
        if placement.arena_bytes <= best.arena_bytes {
            (best, best_order) = (placement, order);
        }
    }
    best
}

/// Orders worth trying: by size, by size times lifetime, by first use, by last use, by the crowd they meet.
fn orders(blocks: &[Block]) -> Vec<Vec<usize>> {
    let live = live_by_step(blocks);
    let crowd = |b: &Block| live[b.first..=b.last].iter().max().copied().unwrap_or(0);
    let by = |key: &dyn Fn(&Block) -> (usize, usize)| {
        let mut order: Vec<usize> = (0..blocks.len()).collect();
        order.sort_by_key(|&i| (Reverse(key(&blocks[i])), i));
        order
    };
    let span = |b: &Block| b.last - b.first + 1;
    vec![
        by(&|b| (b.bytes, span(b))),
        by(&|b| (b.bytes.saturating_mul(span(b)), b.bytes)),
        by(&|b| (span(b), b.bytes)),
        by(&|b| (usize::MAX - b.first, b.bytes)),
        by(&|b| (b.last, b.bytes)),
        by(&|b| (crowd(b), b.bytes)),
        by(&|b| (crowd(b), b.bytes.saturating_mul(span(b)))),
    ]
}

/// Puts each block into the tightest gap that holds it, else at the lowest offset above all that it meets.
fn place_in_order(blocks: &[Block], order: &[usize], alignment: usize) -> Placement {
    let mut offsets = vec![0; blocks.len()];
    // Placed blocks by offset.
    let mut placed: Vec<(usize, usize)> = Vec::with_capacity(blocks.len());
    let mut arena_bytes = 0;
    for &i in order {
        let block = &blocks[i];
        let (mut end, mut best) = (0usize, None::<(usize, usize)>);
        for &(offset, other) in &placed {
            if !blocks[other].meets(block) {
                continue;
            }
            let start = end.next_multiple_of(alignment);
            if offset >= start + block.bytes {
                let left = offset - start - block.bytes;
                if best.is_none_or(|(_, smallest)| left < smallest) {
                    best = Some((start, left));
                }
            }
            end = end.max(offset + blocks[other].bytes);
        }
        let at = best.map_or(end.next_multiple_of(alignment), |(start, _)| start);
        offsets[i] = at;
        arena_bytes = arena_bytes.max(at + block.bytes);
        let slot = placed.partition_point(|&(offset, _)| offset <= at);
        placed.insert(slot, (at, i));
    }
    Placement {
        offsets,
        arena_bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(blocks: &[Block], alignment: usize) -> Placement {
        let p = place(blocks, alignment);
        for (i, a) in blocks.iter().enumerate() {
            assert!(p.offsets[i].is_multiple_of(alignment));
            assert!(p.offsets[i] + a.bytes <= p.arena_bytes);
            for (j, b) in blocks.iter().enumerate().skip(i + 1) {
                let apart = p.offsets[i] + a.bytes <= p.offsets[j]
                    || p.offsets[j] + b.bytes <= p.offsets[i];
                assert!(!a.meets(b) || apart, "blocks {i} and {j} overlap");
            }
        }
        assert!(p.arena_bytes >= live_bytes(blocks));
        let naive: usize = blocks
            .iter()
            .map(|b| b.bytes.next_multiple_of(alignment))
            .sum();
        assert!(p.arena_bytes <= naive);
        p
    }

    #[test]
    fn random_blocks_never_overlap_and_stay_near_the_bound() {
        let mut state = 1u64;
        let mut next = |below: u64| {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (state >> 33) % below
        };
        for round in 0..60 {
            let blocks: Vec<Block> = (0..1 + next(40))
                .map(|_| {
                    let first = next(30) as usize;
                    let last = first + next(6) as usize;
                    Block {
                        bytes: 1 + next(2000) as usize,
                        first,
                        last,
                    }
                })
                .collect();
            let p = check(&blocks, if round % 2 == 0 { 64 } else { 16 });
            assert!(p.arena_bytes <= live_bytes(&blocks) * 3 / 2 + 64 * blocks.len());
        }
    }

    #[test]
    fn a_chain_needs_its_two_largest_neighbours() {
        let sizes = [640, 1280, 320, 2560, 64];
        let blocks: Vec<Block> = sizes
            .iter()
            .enumerate()
            .map(|(i, &bytes)| Block {
                bytes,
                first: i,
                last: i + 1,
            })
            .collect();
        assert_eq!(check(&blocks, 64).arena_bytes, 320 + 2560);
    }

    #[test]
    fn nothing_needs_nothing() {
        assert_eq!(place(&[], 64).arena_bytes, 0);
        assert_eq!(live_bytes(&[]), 0);
    }
}
