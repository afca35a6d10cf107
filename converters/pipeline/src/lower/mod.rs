//! Lower: a graph becomes the fused steps, packed weights and memory plan of a plan file.

/// One tensor of the memory map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryEntry {
    /// Value name.
    pub name: String,
    /// Offset in the arena, bytes.
    pub offset: usize,
    /// Size, bytes.
    pub bytes: usize,
    /// First step that needs it.
    pub first_step: usize,
    /// Last step that needs it.
    pub last_step: usize,
}

/// Where each tensor lies and when it lives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryMap {
    /// Every tensor in working memory.
    pub entries: Vec<MemoryEntry>,
    /// Bytes of working memory.
    pub arena_bytes: usize,
    /// The lower bound: the largest sum of live tensors at any step.
    pub live_bytes: usize,
    /// Bytes of packed weights, biases, scales and tables.
    pub weight_bytes: usize,
}
