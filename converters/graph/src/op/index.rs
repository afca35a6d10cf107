//! Attributes of operators that choose, order, gather and scatter elements by index.

use std::sync::Arc;

use super::ReduceKind;

/// Attributes of [`Op::ArgReduce`](super::Op::ArgReduce).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArgReduce {
    /// The axis searched.
    pub axis: usize,
    /// The least element instead of the greatest.
    pub least: bool,
    /// The last of equal elements instead of the first.
    pub last: bool,
}

/// Attributes of [`Op::Cumulate`](super::Op::Cumulate).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cumulate {
    /// Sum or Prod.
    pub kind: ReduceKind,
    /// The axis walked along.
    pub axis: usize,
    /// Leaves the element itself out.
    pub exclusive: bool,
    /// Walks from the end.
    pub reverse: bool,
}

/// Attributes of [`Op::TopK`](super::Op::TopK).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopK {
    /// The axis ordered.
    pub axis: usize,
    /// Elements kept.
    pub k: usize,
    /// The greatest first; the least first otherwise.
    pub largest: bool,
    /// Gives the places (i64) instead of the elements.
    pub indices: bool,
}

/// Attributes of [`Op::NonMaxSuppression`](super::Op::NonMaxSuppression).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NonMaxSuppression {
    /// Most boxes chosen of a class in an image; not more than there are boxes.
    pub per_class: usize,
    /// A box that overlaps a chosen one by more than this share of their union is not chosen.
    pub iou: f32,
    /// Only boxes with a greater score are chosen.
    pub score: f32,
    /// Boxes are centre and size `[x, y, width, height]` instead of opposite corners `[y, x, y, x]`.
    pub centers: bool,
}

/// What a scattered element does to the one that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Scatter {
    Replace,
    Add,
    Mul,
    Max,
    Min,
}

/// A linear map along one axis, a few weights for each result: interpolation, overlapping sums.
///
/// Result `j` is `w₀·x[i₀] + w₁·x[i₁] + …` over entries `starts[j]..starts[j + 1]`, in order, unfused; 0 without entries.
#[derive(Clone, Debug, PartialEq)]
pub struct SparseRows {
    /// The axis mapped.
    pub axis: usize,
    /// Where the entries of each result begin, and where the last end.
    pub starts: Arc<[u32]>,
    /// The element that each entry reads.
    pub index: Arc<[u32]>,
    /// The weight of each entry.
    pub weights: Arc<[f32]>,
}

impl SparseRows {
    /// Number of results along the axis.
    pub fn rows(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }
}
