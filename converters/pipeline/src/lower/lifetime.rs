//! When each piece of working memory is needed, and which results may take over an operand's piece.

use redpoll_plan::op::{Dims, Op, Strides};

use super::draft::Draft;
use super::memory::Block;

/// Pieces of working memory after results took over operands: `root[piece]` is an index into `blocks`.
#[derive(Clone, Debug)]
pub(super) struct Lifetimes {
    pub(super) blocks: Vec<Block>,
    root: Vec<usize>,
}

impl Lifetimes {
    /// The block that holds `piece`.
    pub(super) fn block_of(&self, piece: usize) -> usize {
        self.root[piece]
    }
}

/// First and last step that touches each piece. Inputs are needed from the start, outputs to the end.
fn touched(draft: &Draft) -> Vec<(usize, usize)> {
    let mut spans: Vec<Option<(usize, usize)>> = vec![None; draft.memory.len()];
    let mut touch = |id, step: usize| {
        if let Some(piece) = draft.memory_of(id) {
            let span = spans[piece].get_or_insert((step, step));
            *span = (span.0.min(step), span.1.max(step));
        }
    };
    for &(_, id) in &draft.inputs {
        touch(id, 0);
    }
    for (i, step) in draft.steps.iter().enumerate() {
        step.op.inputs().iter().for_each(|&id| touch(id, i));
        touch(step.op.output(), i);
    }
    let end = draft.steps.len().saturating_sub(1);
    for &(_, id) in &draft.outputs {
        touch(id, end);
    }
    for &piece in &draft.states {
        spans[piece] = Some((0, end));
    }
    spans.into_iter().map(|s| s.unwrap_or((0, 0))).collect()
}

/// Computes lifetimes and lets results overwrite an operand that no later step reads.
pub(super) fn lifetimes(draft: &Draft) -> Lifetimes {
    let mut spans = touched(draft);
    let mut parent: Vec<usize> = (0..spans.len()).collect();
    let mut kept = vec![false; spans.len()];
    for piece in draft
        .outputs
        .iter()
        .filter_map(|&(_, id)| draft.memory_of(id))
    {
        kept[piece] = true;
    }
    for &piece in &draft.states {
        kept[piece] = true;
    }
    let find = |parent: &[usize], mut piece: usize| {
        while parent[piece] != piece {
            piece = parent[piece];
        }
        piece
    };
    for (i, step) in draft.steps.iter().enumerate() {
        let Some(y) = draft.memory_of(step.op.output()) else {
            continue;
        };
        let reads = step.op.inputs();
        let pieces: Vec<Option<usize>> = reads
            .iter()
            .map(|&id| draft.memory_of(id).map(|p| find(&parent, p)))
            .collect();
        for x in pieces.iter().copied().flatten() {
            let all_allow =
                (0..reads.len()).all(|n| pieces[n] != Some(x) || may_overwrite(&step.op, n));
            let free = !kept[x] && spans[x].1 == i && spans[y].0 == i && x != y;
            if free && all_allow && draft.memory[x] == draft.memory[y] && parent[y] == y {
                parent[y] = x;
                spans[x].1 = spans[y].1;
                kept[x] = kept[y];
                break;
            }
        }
    }
    let mut blocks = Vec::new();
    let mut index = vec![usize::MAX; spans.len()];
    for (piece, &(first, last)) in spans.iter().enumerate() {
        if parent[piece] == piece {
            index[piece] = blocks.len();
            let bytes = draft.memory[piece];
            blocks.push(Block { bytes, first, last });
        }
    }
    let root = (0..spans.len()).map(|p| index[find(&parent, p)]).collect();
    Lifetimes { blocks, root }
}

/// True when the result of `op` may be written over operand `n` (what the plan's reader allows).
fn may_overwrite(op: &Op, n: usize) -> bool {
    match op {
        Op::BinaryI8(p) => in_order(&p.dims, if n == 0 { &p.a_strides } else { &p.b_strides }),
        Op::BinaryF32(p) => in_order(&p.dims, if n == 0 { &p.a_strides } else { &p.b_strides }),
        Op::TableI8(_) | Op::UnaryF32(_) | Op::FlipSign(_) | Op::SoftmaxF32(_) => n == 0,
        _ => false,
    }
}

/// True when a loop walks its operand element by element.
fn in_order(dims: &Dims, strides: &Strides) -> bool {
    let mut expected = 1;
    for (&d, &s) in dims.iter().zip(strides).rev() {
        if d != 1 && i64::from(s) != expected {
            return false;
        }
        expected *= i64::from(d);
    }
    true
}
