//! The engine: a plan, a tier, and the walk over the steps.

use core::marker::PhantomData;
use core::ops::Range;

use redpoll_kernels::Tier;
#[cfg(not(feature = "alloc"))]
use redpoll_plan::Step;
use redpoll_plan::{DType, Place, Plan, PlanError, TensorId};

use crate::error::EngineError;
use crate::observer::Observer;
use crate::ops::{AllOps, Ops};
use crate::step::Context;
use crate::workers::Workers;

/// Microseconds of work from which sleeping workers are woken at the start of a run: waking takes about half as long.
const WORTH_WAKING_US: u64 = 100;

/// Alignment of the scratch and of each worker's share of it.
const ALIGN: usize = 64;

/// A plan and the arithmetic to run it with. Cheap to make and to copy: it only borrows.
///
/// A tier that is chosen at run time is a `dyn Tier`. Where code size counts, name the tier's type and the operations
/// ([`ops!`](crate::ops)): kernels and steps that are not needed are then not linked.
pub struct Engine<'p, T: Tier + ?Sized = dyn Tier, O: Ops = AllOps> {
    plan: Plan<'p>,
    tier: &'p T,
    ops: PhantomData<O>,
    #[cfg(feature = "alloc")]
    decoded: Option<&'p redpoll_plan::Decoded<'p>>,
}

impl<T: Tier + ?Sized, O: Ops> Clone for Engine<'_, T, O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Tier + ?Sized, O: Ops> Copy for Engine<'_, T, O> {}

impl<'p, T: Tier + ?Sized> Engine<'p, T> {
    /// An engine for `plan`, of any operations, that computes with `tier`.
    pub fn new(plan: Plan<'p>, tier: &'p T) -> Self {
        Self {
            plan,
            tier,
            ops: PhantomData,
            #[cfg(feature = "alloc")]
            decoded: None,
        }
    }

    /// An engine for a plan that was decoded before: its runs only look things up.
    #[cfg(feature = "alloc")]
    pub fn decoded(plan: &'p redpoll_plan::Decoded<'p>, tier: &'p T) -> Self {
        Self {
            decoded: Some(plan),
            ..Self::new(*plan.plan(), tier)
        }
    }
}

impl<'p, T: Tier + ?Sized, O: Ops> Engine<'p, T, O> {
    /// An engine for `plan` that knows only the operations of `O`.
    ///
    /// # Errors
    ///
    /// [`EngineError::Operation`] names the first step of another kind.
    pub fn with_ops(plan: Plan<'p>, tier: &'p T) -> Result<Self, EngineError> {
        match plan
            .op_codes()
            .position(|code| code >= u64::BITS || O::MASK >> code & 1 == 0)
        {
            Some(step) => Err(EngineError::Operation { step }),
            None => Ok(Self::of(plan, tier)),
        }
    }

    /// An engine for the plan in `bytes`, of the operations of `O`: [`Plan::from_bytes_of`].
    ///
    /// # Errors
    ///
    /// Those of [`Plan::from_bytes`]; an operation that is not of `O` is a step's [`Fault::Code`](redpoll_plan::Fault::Code).
    pub fn from_bytes(bytes: &'p [u8], tier: &'p T) -> Result<Self, PlanError> {
        Ok(Self::of(Plan::from_bytes_of::<O>(bytes)?, tier))
    }

    /// An engine for the plan in `bytes`, which lie in flash and were checked against their hash when the program was built:
    /// [`Plan::from_flash`] of the operations of `O`.
    ///
    /// # Errors
    ///
    /// Those of [`Plan::from_flash`]; an operation that is not of `O` is a step's
    /// [`Fault::Code`](redpoll_plan::Fault::Code).
    pub fn from_flash(bytes: &'p [u8], tier: &'p T) -> Result<Self, PlanError> {
        Ok(Self::of(Plan::from_flash::<O>(bytes)?, tier))
    }

    /// An engine for a plan that has only operations of `O`.
    fn of(plan: Plan<'p>, tier: &'p T) -> Self {
        Self {
            plan,
            tier,
            ops: PhantomData,
            #[cfg(feature = "alloc")]
            decoded: None,
        }
    }

    /// The plan.
    pub fn plan(&self) -> &Plan<'p> {
        &self.plan
    }

    /// Name of the tier.
    pub fn tier(&self) -> &'static str {
        self.tier.name()
    }

    /// Bytes that the arena starts at a multiple of: 64, or 16 for plans made for microcontrollers.
    pub fn arena_alignment(&self) -> usize {
        self.plan.alignment()
    }

    /// Bytes of working memory that a run needs, exactly.
    pub fn arena_bytes(&self) -> usize {
        self.plan.arena_bytes()
    }

    /// Bytes of the arena that a run leaves for the next one: its last bytes. 0 for plans without state.
    pub fn state_bytes(&self) -> usize {
        self.plan.state_bytes()
    }

    /// Begins anew: every state is zero (the zero point of a quantised one). Needed before the first run of a plan with
    /// state, and between streams.
    ///
    /// # Errors
    ///
    /// An arena that is too small or misaligned.
    pub fn reset_state(&self, arena: &mut [u8]) -> Result<(), EngineError> {
        self.state_mut(arena)?.fill(0);
        for id in self.plan.states() {
            let (Some(tensor), Some(range)) = (self.plan.tensor(id), self.arena_range(id)) else {
                continue;
            };
            if let (DType::I8, Some(bytes)) = (tensor.dtype, arena.get_mut(range)) {
                bytes.fill(tensor.zero_point as i8 as u8);
            }
        }
        Ok(())
    }

    /// The bytes of all states, after a run: what to copy to save a stream.
    ///
    /// # Errors
    ///
    /// An arena that is too small.
    pub fn state<'a>(&self, arena: &'a [u8]) -> Result<&'a [u8], EngineError> {
        let (needed, got) = (self.arena_bytes(), arena.len());
        arena
            .get(needed.saturating_sub(self.state_bytes())..needed)
            .ok_or(EngineError::ArenaTooSmall { needed, got })
    }

    /// The bytes of all states, to copy saved ones to.
    ///
    /// # Errors
    ///
    /// An arena that is too small or misaligned.
    pub fn state_mut<'a>(&self, arena: &'a mut [u8]) -> Result<&'a mut [u8], EngineError> {
        let start = self.arena_bytes().saturating_sub(self.state_bytes());
        let (needed, got) = (self.arena_bytes(), arena.len());
        self.check_arena(arena)?
            .get_mut(start..)
            .ok_or(EngineError::ArenaTooSmall { needed, got })
    }

    /// Bytes of scratch that a run with so many workers needs: an aligned share for each.
    pub fn scratch_bytes(&self, workers: usize) -> usize {
        self.plan
            .scratch_bytes()
            .next_multiple_of(ALIGN)
            .saturating_mul(workers.max(1))
    }

    /// Runs all steps once: reads the inputs that lie in `arena`, leaves the outputs there.
    ///
    /// `arena` starts at a multiple of [`Self::arena_alignment`], `scratch` at one of 64 bytes; they are at least [`Self::arena_bytes`] and
    /// [`Self::scratch_bytes`] of `workers.count()` long; their other contents do not matter,
    /// but the states of a plan that has such: see [`Self::reset_state`].
    ///
    /// # Errors
    ///
    /// Memory that is too small or misaligned, and what [`EngineError`] names for single steps.
    pub fn run(
        &self,
        arena: &mut [u8],
        scratch: &mut [u8],
        workers: &dyn Workers,
        mut observer: Option<&mut dyn Observer>,
    ) -> Result<(), EngineError> {
        let arena = self.check_arena(arena)?;
        let needed = self.scratch_bytes(workers.count());
        let got = scratch.len();
        let scratch = scratch
            .get_mut(..needed)
            .ok_or(EngineError::ScratchTooSmall { needed, got })?;
        if needed > 0 && !is_aligned(scratch, ALIGN) {
            return Err(EngineError::ScratchMisaligned);
        }
        // Small models never divide a step; their workers may sleep on.
        if workers.count() > 1 && self.plan.macs() / WORTH_WAKING_US >= self.tier.macs_per_us() {
            workers.wake();
        }
        let mut read = self.plan.steps_of::<O>();
        #[cfg(feature = "alloc")]
        let mut decoded = self.decoded.map(|plan| plan.steps().iter());
        loop {
            let own;
            #[cfg(feature = "alloc")]
            let known = decoded.as_mut().map(Iterator::next);
            #[cfg(not(feature = "alloc"))]
            let known: Option<Option<&Step<'_>>> = None;
            let step = match known {
                Some(step) => step,
                None => {
                    own = read.next();
                    own.as_ref()
                }
            };
            let Some(step) = step else { break };
            if let Some(observer) = observer.as_deref_mut() {
                observer.before(step);
            }
            let mut context = Context {
                plan: &self.plan,
                #[cfg(feature = "alloc")]
                decoded: self.decoded,
                tier: self.tier,
                arena: &mut *arena,
                scratch: &mut *scratch,
                workers,
                index: step.index,
                step_scratch: step.scratch_bytes as usize,
            };
            context.run::<O>(&step.op)?;
            if let Some(observer) = observer.as_deref_mut() {
                observer.after(step, arena);
            }
        }
        Ok(())
    }

    /// The bytes of input number `index`, to write before a run.
    ///
    /// # Errors
    ///
    /// No such input; an arena that is too small or misaligned.
    pub fn input_mut<'a>(
        &self,
        arena: &'a mut [u8],
        index: usize,
    ) -> Result<&'a mut [u8], EngineError> {
        let missing = EngineError::NoSuchTensor { index };
        let id = self.plan.inputs().nth(index).ok_or(missing)?.tensor;
        let range = self.arena_range(id).ok_or(missing)?;
        self.check_arena(arena)?.get_mut(range).ok_or(missing)
    }

    /// The bytes of output number `index`, valid after a run.
    ///
    /// # Errors
    ///
    /// As [`Self::input_mut`].
    pub fn output<'a>(&self, arena: &'a [u8], index: usize) -> Result<&'a [u8], EngineError>
    where
        'p: 'a,
    {
        let id = self
            .plan
            .outputs()
            .nth(index)
            .ok_or(EngineError::NoSuchTensor { index })?
            .tensor;
        self.tensor(arena, id)
    }

    /// The bytes of any tensor, constants included. Those in working memory hold the tensor's elements only from the
    /// step that writes it to the last that reads it.
    ///
    /// # Errors
    ///
    /// As [`Self::input_mut`].
    pub fn tensor<'a>(&self, arena: &'a [u8], id: TensorId) -> Result<&'a [u8], EngineError>
    where
        'p: 'a,
    {
        let missing = EngineError::NoSuchTensor {
            index: id.0 as usize,
        };
        let (_, place, _) = self.plan.span(id).ok_or(missing)?;
        match place {
            Place::Weights(_) => self.plan.constant(id).ok_or(missing),
            Place::Arena(_) | Place::State(_) => arena
                .get(self.arena_range(id).ok_or(missing)?)
                .ok_or(missing),
        }
    }

    /// Where the arena holds a tensor; `None` for constants and unknown tensors.
    pub fn arena_range(&self, id: TensorId) -> Option<Range<usize>> {
        let (_, place, bytes) = self.plan.span(id)?;
        match place {
            Place::Arena(offset) | Place::State(offset) => {
                Some(offset as usize..(offset as usize).checked_add(bytes)?)
            }
            Place::Weights(_) => None,
        }
    }

    fn check_arena<'a>(&self, arena: &'a mut [u8]) -> Result<&'a mut [u8], EngineError> {
        let (needed, got) = (self.arena_bytes(), arena.len());
        let arena = arena
            .get_mut(..needed)
            .ok_or(EngineError::ArenaTooSmall { needed, got })?;
        if needed > 0 && !is_aligned(arena, self.arena_alignment()) {
            return Err(EngineError::ArenaMisaligned);
        }
        Ok(arena)
    }
}

fn is_aligned(bytes: &[u8], alignment: usize) -> bool {
    bytes.as_ptr().addr().is_multiple_of(alignment)
}
