//! A validated plan: opened once, then read in place.

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, KnownLayout};

use crate::error::{Fault, PlanError, Section};
use crate::format::{Header, NameRecord, PLACE_WEIGHTS, PortRecord, StepRecord, TensorRecord};
use crate::op::Op;
use crate::ops::{AllOps, Ops};
use crate::tensor::{DType, Place, Shape, Tensor, TensorId};
use crate::{check, open};

/// A plan over the bytes of its file. Small and cheap to copy; nothing is allocated.
///
/// ```no_run
/// # fn main() -> Result<(), redpoll_plan::PlanError> {
/// # let bytes: &[u8] = &[];
/// let plan = redpoll_plan::Plan::from_bytes(bytes)?;
/// for step in plan.steps() {
///     let y = plan.tensor(step.op.output());
///     // …
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Plan<'p> {
    pub(crate) header: &'p Header,
    pub(crate) tensors: &'p [TensorRecord],
    pub(crate) steps: &'p [StepRecord],
    pub(crate) params: &'p [U32],
    pub(crate) inputs: &'p [PortRecord],
    pub(crate) outputs: &'p [PortRecord],
    pub(crate) names: &'p str,
    pub(crate) metadata: &'p [u8],
    pub(crate) weights: &'p [u8],
}

/// One step of a plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step<'p> {
    /// Position in the plan.
    pub index: usize,
    /// Name of the node that it does; empty when names were stripped.
    pub name: &'p str,
    /// What it does.
    pub op: Op,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Scratch that one thread needs, bytes.
    pub scratch_bytes: u32,
}

/// An input or output of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port<'p> {
    /// Name, as in the model.
    pub name: &'p str,
    /// Its tensor.
    pub tensor: TensorId,
}

/// A tensor as a run sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located<'p> {
    /// Element type.
    pub dtype: DType,
    /// Its elements.
    pub bytes: Bytes<'p>,
}

/// Where the bytes of a tensor are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bytes<'p> {
    /// In working memory, from the first number to before the second.
    Working(usize, usize),
    /// In the plan.
    Constant(&'p [u8]),
}

/// Type, place and size of a tensor: what running needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// Element type.
    pub(crate) dtype: DType,
    /// Where it is.
    pub(crate) place: Place,
    /// Number of elements.
    pub(crate) len: usize,
}

impl<'p> Plan<'p> {
    /// Opens a plan and checks everything once: afterwards every step's operands lie where its parameters say,
    /// every element that it reads exists, and no operand is overwritten while it is read.
    ///
    /// `bytes` is exactly the file and starts at a multiple of the plan's alignment: 64 bytes, or 16 for plans
    /// made for microcontrollers. Takes one pass over the bytes for the hash and constant time a record.
    ///
    /// # Errors
    /// [`PlanError`] says what is wrong and with which record. Bytes from anywhere are safe to pass.
    pub fn from_bytes(bytes: &'p [u8]) -> Result<Self, PlanError> {
        Self::from_bytes_of::<AllOps>(bytes)
    }

    /// As [`Plan::from_bytes`], where only the operations of `O` are known: the code of the checks of all others is not linked.
    ///
    /// # Errors
    /// As [`Plan::from_bytes`]; [`Fault::Code`] for a step that is not of `O`.
    pub fn from_bytes_of<O: Ops>(bytes: &'p [u8]) -> Result<Self, PlanError> {
        let plan = open::open(bytes, true)?;
        check::plan::<O>(&plan, true)?;
        Ok(plan)
    }

    /// As [`Plan::from_bytes`], for bytes in flash whose content hash was checked when the program was built
    /// ([`embed::is_intact`](crate::embed::is_intact) is a `const fn`). It checks everything that memory safety and the
    /// absence of traps rest on: the sections, each step's parameters, and type, size and place of each operand of each
    /// step and of each input and output. It does not look at weights, names, scales of tensors, metadata, and tensors that no
    /// step has. Only operations of `O` are known, which leaves the code for all others out.
    ///
    /// # Errors
    /// As [`Plan::from_bytes`], less [`PlanError::Hash`] and what it does not look at; a tensor's fault is that of the
    /// step which has it. [`Fault::Code`] for a step that is not of `O`.
    pub fn from_flash<O: Ops>(bytes: &'p [u8]) -> Result<Self, PlanError> {
        let plan = open::open(bytes, false)?;
        check::plan::<O>(&plan, false)?;
        Ok(plan)
    }

    /// Proves that every value is still there when a step or the caller reads it: that the converter planned memory well.
    /// Sessions on hosts call it once a load; it takes time in proportion to the steps and a little memory.
    ///
    /// # Errors
    /// [`Fault::Stale`] with the step or output that reads what was never written or has been overwritten since.
    #[cfg(feature = "alloc")]
    pub fn check_lifetimes(&self) -> Result<(), PlanError> {
        crate::lifetimes::check(self)
    }

    /// Major and minor version of the format of this file.
    pub fn version(&self) -> (u16, u16) {
        (self.header.major.get(), self.header.minor.get())
    }

    /// Bytes that working memory and the file's bytes start at a multiple of: 64 or 16.
    pub fn alignment(&self) -> usize {
        self.header.alignment.get() as usize
    }

    /// Bytes of working memory.
    pub fn arena_bytes(&self) -> usize {
        self.header.arena_bytes.get() as usize
    }

    /// Bytes at the end of working memory that are kept from one run to the next; 0 for plans without state.
    pub fn state_bytes(&self) -> usize {
        self.header.state_bytes.get() as usize
    }

    /// Bytes of working memory before the state.
    pub(crate) fn working_bytes(&self) -> usize {
        self.arena_bytes().saturating_sub(self.state_bytes())
    }

    /// Bytes of scratch that one thread needs: the largest of any step.
    pub fn scratch_bytes(&self) -> usize {
        self.header.scratch_bytes.get() as usize
    }

    /// Multiply-accumulates of all steps.
    pub fn macs(&self) -> u64 {
        self.header.macs.get()
    }

    /// Bytes of packed weights, biases, scales and tables.
    pub fn weight_bytes(&self) -> usize {
        self.weights.len()
    }

    /// Bytes of the file.
    pub fn file_bytes(&self) -> usize {
        self.header.file_bytes.get() as usize
    }

    /// The content hash: equal for equal plans.
    pub fn hash(&self) -> u64 {
        self.header.hash.get()
    }

    /// Number of tensors; their ids count from 0.
    pub fn tensor_count(&self) -> usize {
        self.tensors.len()
    }

    /// The tensor of `id`; `None` for an id of another plan.
    pub fn tensor(&self, id: TensorId) -> Option<Tensor> {
        let record = self.tensors.get(id.0 as usize)?;
        tensor(self, record).ok()
    }

    /// Type, place and bytes of the tensor of `id`, which is all that a run asks for: without the checks that
    /// [`Self::from_bytes`] has made. `None` for an id of another plan.
    #[inline]
    pub fn span(&self, id: TensorId) -> Option<(DType, Place, usize)> {
        let record = self.tensors.get(id.0 as usize)?;
        let dtype = DType::from_u8(record.dtype)?;
        let offset = record.offset.get();
        let place = match record.place {
            0 => Place::Arena(offset),
            2 => Place::State(offset),
            _ => Place::Weights(offset),
        };
        Some((dtype, place, bytes(record)?))
    }

    /// The bytes of a constant tensor, in place; `None` when it lies in working memory or the id is of another plan.
    #[inline]
    pub fn constant(&self, id: TensorId) -> Option<&'p [u8]> {
        let (_, Place::Weights(offset), bytes) = self.span(id)? else {
            return None;
        };
        let offset = offset as usize;
        self.weights.get(offset..offset.checked_add(bytes)?)
    }

    /// The tensor of `id` as a run sees it; `None` for an id of another plan.
    #[inline]
    pub fn locate(&self, id: TensorId) -> Option<Located<'p>> {
        let (dtype, place, bytes) = self.span(id)?;
        let bytes = match place {
            Place::Arena(offset) | Place::State(offset) => {
                let start = offset as usize;
                Bytes::Working(start, start.checked_add(bytes)?)
            }
            Place::Weights(offset) => {
                let offset = offset as usize;
                Bytes::Constant(self.weights.get(offset..offset.checked_add(bytes)?)?)
            }
        };
        Some(Located { dtype, bytes })
    }

    /// Name of a tensor: its value in the model. Empty when names were stripped or the id is of another plan.
    pub fn tensor_name(&self, id: TensorId) -> &'p str {
        self.tensors
            .get(id.0 as usize)
            .map_or("", |r| self.name(&r.name))
    }

    /// The steps, in order.
    pub fn steps(&self) -> impl ExactSizeIterator<Item = Step<'p>> + Clone + use<'p> {
        self.steps_of::<AllOps>()
    }

    /// The steps, in order, by a decoder of the operations of `O` only.
    pub fn steps_of<O: Ops>(&self) -> impl ExactSizeIterator<Item = Step<'p>> + Clone + use<'p, O> {
        let plan = *self;
        self.steps
            .iter()
            .enumerate()
            .map(move |(index, record)| Step {
                index,
                name: plan.name(&record.name),
                // Decoded before by `from_bytes`; a step that cannot be would be an empty fill of nothing.
                op: plan.op::<O>(record).unwrap_or(NO_OP),
                macs: record.macs.get(),
                scratch_bytes: record.scratch_bytes.get(),
            })
    }

    /// The stable numbers of the steps' operations, in order.
    pub fn op_codes(&self) -> impl ExactSizeIterator<Item = u32> + Clone + use<'p> {
        self.steps.iter().map(|record| record.code.get())
    }

    /// The inputs, in the model's order.
    pub fn inputs(&self) -> impl ExactSizeIterator<Item = Port<'p>> + Clone + use<'p> {
        self.ports(self.inputs)
    }

    /// The outputs, in the model's order.
    pub fn outputs(&self) -> impl ExactSizeIterator<Item = Port<'p>> + Clone + use<'p> {
        self.ports(self.outputs)
    }

    /// The tensors that hold state, all views of the same bytes included, in the order of the table.
    pub fn states(&self) -> impl Iterator<Item = TensorId> + Clone + use<'p> {
        let plan = *self;
        let count = if plan.state_bytes() > 0 {
            self.tensors.len() as u32
        } else {
            0
        };
        (0..count).map(TensorId).filter(move |&id| {
            let tensor = plan.tensor(id);
            tensor.is_some_and(|t| matches!(t.place, Place::State(_)))
        })
    }

    /// Pairs of free text: preprocessing, labels, origin.
    pub fn metadata(&self) -> impl Iterator<Item = (&'p str, &'p str)> + Clone + use<'p> {
        let mut rest = self.metadata;
        core::iter::from_fn(move || open::take_pair(&mut rest).ok().flatten())
    }

    /// The bytes of a constant tensor, in place; `None` when it lies in working memory.
    pub fn weights(&self, tensor: &Tensor) -> Option<&'p [u8]> {
        self.constant_at(tensor.place, tensor.bytes())
    }

    fn constant_at(&self, place: Place, bytes: usize) -> Option<&'p [u8]> {
        match place {
            Place::Weights(offset) => {
                let offset = offset as usize;
                self.weights.get(offset..offset.checked_add(bytes)?)
            }
            Place::Arena(_) | Place::State(_) => None,
        }
    }

    /// The elements of a constant tensor, in place; `None` when it lies in working memory or `T` has another
    /// size than its elements.
    pub fn weights_as<T: FromBytes + Immutable + KnownLayout>(
        &self,
        tensor: &Tensor,
    ) -> Option<&'p [T]> {
        if size_of::<T>() != tensor.dtype.size() {
            return None;
        }
        <[T]>::ref_from_bytes(self.weights(tensor)?).ok()
    }

    fn ports(
        &self,
        records: &'p [PortRecord],
    ) -> impl ExactSizeIterator<Item = Port<'p>> + Clone + use<'p> {
        let plan = *self;
        records.iter().map(move |r| Port {
            name: plan.name(&r.name),
            tensor: TensorId(r.tensor.get()),
        })
    }

    fn name(&self, record: &NameRecord) -> &'p str {
        self.checked_name(record).unwrap_or("")
    }

    pub(crate) fn checked_name(&self, record: &NameRecord) -> Option<&'p str> {
        let start = record.offset.get() as usize;
        self.names
            .get(start..start.checked_add(record.bytes.get() as usize)?)
    }

    /// The parameters of a step.
    #[inline(always)]
    pub(crate) fn words(&self, record: &StepRecord) -> Result<&'p [U32], Fault> {
        let (_, rest) = self
            .params
            .split_at_checked(record.first_word.get() as usize)
            .ok_or(Fault::Params)?;
        rest.get(..record.words.get() as usize).ok_or(Fault::Params)
    }

    fn op<O: Ops>(&self, record: &StepRecord) -> Result<Op, Fault> {
        Op::decode::<O>(record.code.get(), self.words(record)?)
    }
}

const NO_OP: Op = Op::Fill(crate::op::Fill {
    y: TensorId(0),
    element_bytes: 1,
    bits: 0,
});

/// Checks what of a tensor record running it rests on: type, exact size, place.
#[inline(always)]
pub(crate) fn sound(plan: &Plan<'_>, record: &TensorRecord) -> Result<Span, Fault> {
    let dtype = DType::from_u8(record.dtype).ok_or(Fault::DType)?;
    let len = exact(record.dims.map(U32::get)).filter(|&len| len > 0);
    let len = len.ok_or(Fault::Shape)?;
    let offset = record.offset.get();
    let (working, all, own) = (plan.working_bytes(), plan.arena_bytes(), dtype.size());
    let (area, align, place) = match record.place {
        0 => ((0, working), own, Place::Arena(offset)),
        PLACE_WEIGHTS => {
            let area = (0, plan.weights.len());
            (area, plan.alignment(), Place::Weights(offset))
        }
        2 => ((working, all), own, Place::State(offset)),
        _ => return Err(Fault::Place),
    };
    within(record, dtype.log2_size(), len, area, align)?;
    let len = len as usize;
    Ok(Span { dtype, place, len })
}

/// Bytes of the elements, which are exact where the record is [`sound`]. Written out: as a loop it costs three times as much.
#[inline(always)]
pub(crate) fn bytes(record: &TensorRecord) -> Option<usize> {
    let [a, b, c, d, e, f] = record.dims.map(|d| d.get() as usize);
    let (abc, def) = (
        a.wrapping_mul(b).wrapping_mul(c),
        d.wrapping_mul(e).wrapping_mul(f),
    );
    Some(abc.wrapping_mul(def) << DType::from_u8(record.dtype)?.log2_size())
}

/// Checks that so many elements lie in an area, aligned to a power of two.
#[inline(always)]
pub(crate) fn within(
    record: &TensorRecord,
    log2_size: u32,
    len: u32,
    (start, end): (usize, usize),
    align: usize,
) -> Result<(), Fault> {
    let (offset, len) = (record.offset.get() as usize, len as usize);
    // In elements first, so that nothing overflows in 32 bits.
    let fits = len <= end >> log2_size
        && offset <= end - (len << log2_size)
        && offset >= start
        && offset & (align - 1) == 0;
    if fits { Ok(()) } else { Err(Fault::Place) }
}

/// The product of dimensions; `None` when it, or that of the first few of them, takes more than 32 bits.
#[inline(always)]
pub(crate) fn exact<const N: usize>(dims: [u32; N]) -> Option<u32> {
    let (mut len, mut over) = (1, 0);
    for d in dims {
        let product = u64::from(len) * u64::from(d);
        (len, over) = (product as u32, over | (product >> 32) as u32);
    }
    (over == 0).then_some(len)
}

/// Checks the rest of a tensor record, which is information for the user: unused dimensions, scale, name.
pub(crate) fn described(plan: &Plan<'_>, record: &TensorRecord) -> Result<(), Fault> {
    let unused = record.dims.get(usize::from(record.rank)..);
    let unused = unused.ok_or(Fault::Shape)?;
    if unused.iter().any(|d| d.get() != 1) {
        return Err(Fault::Shape);
    }
    let scale = record.scale.get();
    if !scale.is_finite() || scale < 0.0 || record.reserved != 0 {
        return Err(Fault::Value);
    }
    plan.checked_name(&record.name).ok_or(Fault::Name).map(drop)
}

/// Decodes a tensor record.
fn tensor(plan: &Plan<'_>, record: &TensorRecord) -> Result<Tensor, Fault> {
    let span = sound(plan, record)?;
    let dims = record.dims.map(U32::get);
    let used = dims.get(..usize::from(record.rank)).ok_or(Fault::Shape)?;
    Ok(Tensor {
        dtype: span.dtype,
        place: span.place,
        shape: Shape::new(used).ok_or(Fault::Shape)?,
        scale: record.scale.get(),
        zero_point: record.zero_point.get(),
    })
}

/// A section's records.
pub(crate) fn records<T: FromBytes + Immutable + KnownLayout>(
    bytes: &[u8],
    section: Section,
    limit: usize,
) -> Result<&[T], PlanError> {
    let records = <[T]>::ref_from_bytes(bytes).map_err(|_| PlanError::Section(section))?;
    if records.len() > limit {
        return Err(PlanError::Limit(section));
    }
    Ok(records)
}
