//! A plan in the making: steps and tensors whose places are not chosen yet.

use std::collections::BTreeSet;

use redpoll_plan::{DType, Op, Shape, TensorId};

/// Where a tensor's bytes will be.
#[derive(Clone, Debug)]
pub(super) enum Home {
    /// Constant bytes.
    Weights(Vec<u8>),
    /// All of a piece of working memory, by index.
    Memory(usize),
}

/// A tensor without a place.
#[derive(Clone, Debug)]
pub(super) struct DraftTensor {
    pub(super) name: String,
    pub(super) dtype: DType,
    pub(super) shape: Shape,
    pub(super) scale: f32,
    pub(super) zero_point: i32,
    pub(super) home: Home,
}

impl DraftTensor {
    /// Bytes of the elements.
    pub(super) fn bytes(&self) -> usize {
        self.shape.len() * self.dtype.size()
    }
}

/// A step; its tensor ids are indices into [`Draft::tensors`].
#[derive(Clone, Debug)]
pub(super) struct DraftStep {
    pub(super) name: String,
    pub(super) op: Op,
    pub(super) macs: u64,
    pub(super) scratch_bytes: usize,
}

/// Steps in order, tensors, and which of them come from and go to the user.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    pub(super) tensors: Vec<DraftTensor>,
    pub(super) steps: Vec<DraftStep>,
    pub(super) inputs: Vec<(String, TensorId)>,
    pub(super) outputs: Vec<(String, TensorId)>,
    /// Bytes of each piece of working memory.
    pub(super) memory: Vec<usize>,
    /// Pieces that are kept from one run to the next.
    pub(super) states: BTreeSet<usize>,
}

impl Draft {
    /// Adds a tensor.
    pub(super) fn add(&mut self, tensor: DraftTensor) -> TensorId {
        self.tensors.push(tensor);
        TensorId(self.tensors.len() as u32 - 1)
    }

    /// Adds a piece of working memory.
    pub(super) fn add_memory(&mut self, bytes: usize) -> usize {
        self.memory.push(bytes);
        self.memory.len() - 1
    }

    /// The tensor of `id`.
    pub(super) fn tensor(&self, id: TensorId) -> &DraftTensor {
        &self.tensors[id.0 as usize]
    }

    /// The piece of working memory of `id`, `None` for constants.
    pub(super) fn memory_of(&self, id: TensorId) -> Option<usize> {
        match self.tensor(id).home {
            Home::Memory(piece) => Some(piece),
            Home::Weights(_) => None,
        }
    }
}
