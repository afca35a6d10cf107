//! A plan in memory of its own, with all that a run needs.

use std::alloc::Layout;

use redpoll_engine::{Engine, Inline};
use redpoll_kernels::Tier;
use redpoll_plan::{Place, Plan, TensorId};

/// What every block of memory starts at a multiple of, bytes.
const ALIGN: usize = 64;

/// Zeroed bytes at a multiple of 64. The module's memory ends at 4 GiB, so a size beyond it is refused.
pub(crate) struct Block {
    start: *mut u8,
    bytes: usize,
}

impl Block {
    /// A block of so many bytes; `None` when there is no such memory.
    pub(crate) fn new(bytes: usize) -> Option<Self> {
        let layout = Layout::from_size_align(bytes.max(1), ALIGN).ok()?;
        // SAFETY: the size is not zero.
        let start = unsafe { std::alloc::alloc_zeroed(layout) };
        (!start.is_null()).then_some(Self { start, bytes })
    }

    /// Gives the address away; [`Block::from_raw`] takes it back.
    pub(crate) fn into_raw(self) -> *mut u8 {
        let start = self.start;
        std::mem::forget(self);
        start
    }

    /// # Safety
    /// `start` comes from [`Block::into_raw`] of a block of so many bytes, and is taken back once.
    pub(crate) unsafe fn from_raw(start: *mut u8, bytes: usize) -> Self {
        Self { start, bytes }
    }

    fn slice(&self) -> &[u8] {
        // SAFETY: the block owns these initialised bytes.
        unsafe { std::slice::from_raw_parts(self.start, self.bytes) }
    }

    pub(crate) fn slice_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and borrowed for writing.
        unsafe { std::slice::from_raw_parts_mut(self.start, self.bytes) }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if let Ok(layout) = Layout::from_size_align(self.bytes.max(1), ALIGN) {
            // SAFETY: allocated with the same layout.
            unsafe { std::alloc::dealloc(self.start, layout) };
        }
    }
}

/// A loaded plan, ready to run. A run allocates nothing.
pub struct Session {
    /// Borrows `bytes`, which no one writes and which is dropped last.
    plan: Plan<'static>,
    tier: &'static dyn Tier,
    arena: Block,
    scratch: Block,
    pub(crate) text: String,
    bytes: Block,
}

impl Session {
    /// Checks the plan in `bytes` and takes the memory that it needs.
    ///
    /// # Errors
    /// A message: bytes that are no valid plan, or no memory.
    pub(crate) fn new(bytes: Block, tier: &'static dyn Tier) -> Result<Self, String> {
        // SAFETY: the session keeps the block as long as the plan, a block's memory does not move with it, and nothing
        // writes it after this.
        let view: &'static [u8] = unsafe { std::slice::from_raw_parts(bytes.start, bytes.bytes) };
        let plan = Plan::from_bytes(view)
            .map_err(|e| format!("not a plan that this version runs: {e}"))?;
        let engine = Engine::new(plan, tier);
        let block = |bytes| Block::new(bytes).ok_or_else(|| format!("no memory for {bytes} bytes"));
        let arena = block(engine.arena_bytes())?;
        let scratch = block(engine.scratch_bytes(1))?;
        let mut session = Self {
            plan,
            tier,
            arena,
            scratch,
            text: String::new(),
            bytes,
        };
        session.text = crate::describe::describe(&session);
        Ok(session)
    }

    /// The plan.
    pub fn plan(&self) -> &Plan<'_> {
        &self.plan
    }

    /// Name of the tier that computes.
    pub fn tier(&self) -> &'static str {
        self.tier.name()
    }

    /// Bytes of working memory, exactly what the plan says.
    pub fn arena_bytes(&self) -> usize {
        self.arena.bytes
    }

    /// Bytes of the plan.
    pub fn plan_bytes(&self) -> usize {
        self.bytes.bytes
    }

    /// Where the elements of an input or output are: the address of the first.
    pub(crate) fn address(&self, id: TensorId) -> Option<usize> {
        let tensor = self.plan.tensor(id)?;
        let bytes = match tensor.place {
            Place::Weights(_) => self.plan.weights(&tensor)?,
            _ => {
                let engine = Engine::new(self.plan, self.tier);
                self.arena.slice().get(engine.arena_range(id)?)?
            }
        };
        Some(bytes.as_ptr().addr())
    }

    /// Runs once: reads the inputs where they lie, leaves the outputs where they lie.
    ///
    /// # Errors
    /// What the engine says.
    pub fn run(&mut self) -> Result<(), String> {
        let engine = Engine::new(self.plan, self.tier);
        engine
            .run(
                self.arena.slice_mut(),
                self.scratch.slice_mut(),
                &Inline,
                None,
            )
            .map_err(|e| e.to_string())
    }
}
