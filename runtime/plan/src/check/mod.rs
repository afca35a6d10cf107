//! Everything that a plan is checked for once, so that running it needs no checks.
//!
//! A file a family of operations; each returns the [`Fault`] of one step.

mod conv;
mod elementwise;
mod general;
mod movement;
mod pool;
mod quantize;
mod recurrent;
mod reduce;
mod softmax;

use zerocopy::{FromBytes, Immutable, KnownLayout};

use crate::error::{Fault, PlanError};
use crate::format::{PLACE_WEIGHTS, PortRecord, StepRecord, TensorRecord};
use crate::op::{self, Dims, Strides};
use crate::ops::{Ops, has};
use crate::plan::{Plan, Span, bytes, described, exact, sound, within};
use crate::tensor::{DType, Place, TensorId};

/// Checks tensors, steps, inputs and outputs.
///
/// `all`: whether what running does not rest on is looked at, too: values of weights, names, tensors without a step.
pub(crate) fn plan<O: Ops>(plan: &Plan<'_>, all: bool) -> Result<(), PlanError> {
    if all {
        for (i, record) in plan.tensors.iter().enumerate() {
            sound(plan, record)
                .and_then(|_| described(plan, record))
                .map_err(|fault| PlanError::Tensor(i as u32, fault))?;
        }
    }
    let (mut macs, mut scratch) = (0u64, 0u32);
    for (i, record) in plan.steps.iter().enumerate() {
        let check = StepCheck {
            plan,
            scratch: record.scratch_bytes.get(),
            all,
        };
        step::<O>(&check, record).map_err(|fault| PlanError::Step(i as u32, fault))?;
        if all {
            let sum = macs.checked_add(record.macs.get());
            macs = sum.ok_or(PlanError::Header)?;
        }
        scratch = scratch.max(record.scratch_bytes.get());
    }
    if (all && macs != plan.header.macs.get()) || scratch != plan.header.scratch_bytes.get() {
        return Err(PlanError::Header);
    }
    ports(plan, plan.inputs, PlanError::Input, true, all)?;
    ports(plan, plan.outputs, PlanError::Output, false, all)
}

/// Ports lie in working memory; no two inputs share bytes, and outputs share all of them or none.
fn ports(
    plan: &Plan<'_>,
    records: &[PortRecord],
    at: fn(u32, Fault) -> PlanError,
    inputs: bool,
    all: bool,
) -> Result<(), PlanError> {
    for (i, record) in records.iter().enumerate() {
        let at = |fault| at(i as u32, fault);
        if all {
            plan.checked_name(&record.name).ok_or(at(Fault::Name))?;
        }
        let tensor = operand(plan, TensorId(record.tensor.get())).map_err(at)?;
        if !matches!(tensor.place, Place::Arena(_)) {
            return Err(at(Fault::Place));
        }
        for other in records.iter().take(i) {
            let other = TensorId(other.tensor.get());
            apart(plan, TensorId(record.tensor.get()), other, || !inputs).map_err(at)?;
        }
    }
    Ok(())
}

/// Checks one step: its record, that nothing is read where it writes, and what its family asks for.
#[inline(always)]
fn step<O: Ops>(step: &StepCheck<'_, '_>, record: &StepRecord) -> Result<(), Fault> {
    if step.all {
        step.plan.checked_name(&record.name).ok_or(Fault::Name)?;
    }
    let words = step.plan.words(record)?;
    // The code of checks of operations that are not known is left out.
    macro_rules! checks {
        (@ $name:ident) => { &op::$name::of(words).ok_or(Fault::Params)? };
        (@ $name:ident viewed) => { op::$name::view(words).ok_or(Fault::Params)? };
        ($($name:ident $($viewed:ident)? => $check:path $(, in place $may:expr)?;)*) => {
            match record.code.get() {
                $(op::$name::CODE if has::<O>(op::$name::CODE) => {
                    let p = checks!(@ $name $($viewed)?);
                    #[allow(unused_mut, unused_assignments)]
                    let mut may: fn(&op::$name, usize) -> bool = |_, _| false;
                    $(may = $may;)?
                    p.each_variable(|i, x| apart(step.plan, p.y, x, || may(p, i)))?;
                    $check(step, p)
                })*
                _ => Err(Fault::Code),
            }
        };
    }
    checks! {
        ConvI8 viewed => conv::conv_i8;
        DepthwiseI8 viewed => conv::depthwise_i8;
        ConvF32 => conv::conv_f32;
        DepthwiseF32 => conv::depthwise_f32;
        MatMulF32 => conv::matmul_f32;
        BinaryI8 => elementwise::binary_i8, in place |p, i| is_contiguous(&p.dims, [&p.a_strides, &p.b_strides], i);
        BinaryF32 => elementwise::binary_f32, in place |p, i| is_contiguous(&p.dims, [&p.a_strides, &p.b_strides], i);
        TableI8 => elementwise::table_i8, in place |_, _| true;
        UnaryF32 => elementwise::unary_f32, in place |_, _| true;
        Quantize => quantize::quantize;
        Dequantize => quantize::dequantize;
        FlipSign => quantize::flip_sign, in place |_, _| true;
        PoolI8 => pool::pool_i8;
        PoolF32 => pool::pool_f32;
        ReduceI8 => reduce::reduce_i8;
        ReduceF32 => reduce::reduce_f32;
        SoftmaxF32 => softmax::softmax_f32, in place |_, _| true;
        SoftmaxI8 => softmax::softmax_i8;
        Copy => movement::copy;
        Fill => movement::fill;
        Embedding => movement::embedding;
        Compare => general::compare;
        BinaryWhole => general::binary_whole;
        UnaryWhole => general::unary_whole;
        RareF32 => general::rare_f32;
        Select => general::select;
        Convert => general::convert;
        ReduceWhole => general::reduce_whole;
        ArgReduce => general::arg_reduce;
        Cumulate => general::cumulate;
        TopK => general::top_k;
        Gather => general::gather;
        GatherElements => general::gather_elements;
        GatherNd => general::gather_nd;
        ScatterElements => general::scatter_elements;
        ScatterNd => general::scatter_nd;
        SparseRows => general::sparse_rows;
        NonMaxSuppression => general::non_max_suppression;
        RecurrentF32 => recurrent::recurrent_f32;
    }
}

/// Checks that `x` is constant, shares no byte with the result `y`, or is `y` itself where that `may` be. Sizes are taken
/// from the records as they are: the check of the family finds those that are not sound.
#[inline(always)]
fn apart(
    plan: &Plan<'_>,
    y: TensorId,
    x: TensorId,
    may: impl FnOnce() -> bool,
) -> Result<(), Fault> {
    let record = |id: TensorId| plan.tensors.get(id.0 as usize).ok_or(Fault::Operand);
    let (y, x) = (record(y)?, record(x)?);
    require(y.place != PLACE_WEIGHTS, Fault::Place)?;
    let (from, to) = (y.offset.get() as usize, x.offset.get() as usize);
    // Of two that start apart, only the first can reach the other.
    let reach = |r: &TensorRecord| bytes(r).unwrap_or(usize::MAX);
    let shared = x.place != PLACE_WEIGHTS
        && match from.checked_sub(to) {
            Some(0) => bytes(x) != bytes(y) || !may(),
            Some(after) => reach(x) > after,
            None => reach(y) > to - from,
        };
    require(!shared, Fault::Overlap)
}

/// True when a loop walks its operand `i` element by element.
fn is_contiguous(dims: &Dims, [a, b]: [&Strides; 2], i: usize) -> bool {
    let strides = if i == 0 { a } else { b };
    let mut expected = 1i64;
    for (&d, &s) in dims.iter().zip(strides).rev() {
        if d != 1 && i64::from(s) != expected {
            return false;
        }
        expected = expected.saturating_mul(i64::from(d));
    }
    true
}

/// The tensor of `id`, checked.
fn operand(plan: &Plan<'_>, id: TensorId) -> Result<Span, Fault> {
    look(plan, id)
}

#[inline(always)]
fn look(plan: &Plan<'_>, id: TensorId) -> Result<Span, Fault> {
    let record = plan.tensors.get(id.0 as usize).ok_or(Fault::Operand)?;
    sound(plan, record)
}

/// One step under check.
struct StepCheck<'c, 'p> {
    plan: &'c Plan<'p>,
    scratch: u32,
    /// Whether weights and names are looked at.
    all: bool,
}

impl<'p> StepCheck<'_, 'p> {
    /// The tensor of `id` is of type `dtype` with exactly `len` elements.
    #[inline(always)]
    fn expect(&self, id: TensorId, dtype: DType, len: impl TryInto<u32>) -> Result<(), Fault> {
        is(self.plan, id, Kind::of(dtype), len.try_into().unwrap_or(0))
    }

    /// As [`Self::expect`], among the weights.
    #[inline(always)]
    fn constant(&self, id: TensorId, dtype: DType, len: impl TryInto<u32>) -> Result<(), Fault> {
        is_constant(self.plan, id, Kind::of(dtype), len.try_into().unwrap_or(0))
    }

    /// The tensor of `id`, of type `dtype`, of any size.
    fn typed(&self, id: TensorId, dtype: DType) -> Result<Span, Fault> {
        let tensor = operand(self.plan, id)?;
        if tensor.dtype != dtype {
            return Err(Fault::DType);
        }
        Ok(tensor)
    }

    /// The elements of a constant that was checked.
    fn values<T: FromBytes + Immutable + KnownLayout>(
        &self,
        id: TensorId,
    ) -> Result<&'p [T], Fault> {
        let bytes = self.plan.constant(id).ok_or(Fault::Place)?;
        <[T]>::ref_from_bytes(bytes).map_err(|_| Fault::Place)
    }

    /// Constant factors in f32: finite and not negative (the padding is 0).
    fn factors(&self, id: TensorId, len: impl TryInto<u32>) -> Result<(), Fault> {
        self.constant(id, DType::F32, len)?;
        if !self.all {
            return Ok(());
        }
        let mut values = self.values::<f32>(id)?.iter();
        require(values.all(|v| v.is_finite() && *v >= 0.0), Fault::Value)
    }
}

/// An element type as one number, known where a check is written: how it is numbered, and its size as a power of two.
#[derive(Clone, Copy)]
struct Kind(u32);

impl Kind {
    #[inline(always)]
    const fn of(dtype: DType) -> Self {
        Self(dtype.log2_size() << 8 | dtype as u32)
    }

    #[inline(always)]
    fn log2_size(self) -> u32 {
        self.0 >> 8
    }
}

/// Checks a tensor record and that it is what a step takes: a constant of `dtype` with `len` elements, 0 of which none
/// has. One function, whose result fits a register: most operands are such.
#[inline(never)]
fn is_constant(plan: &Plan<'_>, id: TensorId, kind: Kind, len: u32) -> Result<(), Fault> {
    let record = plan.tensors.get(id.0 as usize).ok_or(Fault::Operand)?;
    fits(record, kind, len)?;
    require(record.place == PLACE_WEIGHTS, Fault::Place)?;
    let area = (0, plan.weights.len());
    within(record, kind.log2_size(), len, area, plan.alignment())
}

/// As [`is_constant`], in working memory or constant.
#[inline(never)]
fn is(plan: &Plan<'_>, id: TensorId, kind: Kind, len: u32) -> Result<(), Fault> {
    let record = plan.tensors.get(id.0 as usize).ok_or(Fault::Operand)?;
    fits(record, kind, len)?;
    match record.place {
        0 => {
            let area = (0, plan.working_bytes());
            within(record, kind.log2_size(), len, area, 1 << kind.log2_size())
        }
        _ => sound(plan, record).map(drop),
    }
}

#[inline(always)]
fn fits(record: &TensorRecord, kind: Kind, len: u32) -> Result<(), Fault> {
    require(u32::from(record.dtype) == kind.0 & 0xFF, Fault::DType)?;
    let dims = record.dims.map(|d| d.get());
    require(exact(dims) == Some(len) && len > 0, Fault::Length)
}

fn require(condition: bool, fault: Fault) -> Result<(), Fault> {
    if condition { Ok(()) } else { Err(fault) }
}

/// A zero point of int8.
fn zero_point(v: i32) -> Result<(), Fault> {
    require((-128..=127).contains(&v), Fault::Value)
}

/// Zero point and bounds of an int8 result.
fn finish(y_zero: i32, lo: i32, hi: i32) -> Result<(), Fault> {
    zero_point(y_zero)?;
    require(-128 <= lo && lo <= hi && hi <= 127, Fault::Value)
}

/// A factor: finite and above zero.
fn factor(v: f32) -> Result<(), Fault> {
    require(v.is_finite() && v > 0.0, Fault::Value)
}

/// Bounds of a float result, infinite ones included.
fn bounds(lo: f32, hi: f32) -> Result<(), Fault> {
    require(lo <= hi, Fault::Value)
}

/// The product of dimensions; `None` when it takes more than 32 bits, which no tensor has elements.
#[inline(always)]
fn product<const N: usize>(dims: &[u32; N]) -> Option<u32> {
    exact(*dims)
}

/// Checks that a strided loop from `offset` stays inside `0..len`.
fn extent(dims: &Dims, offset: u32, strides: &Strides, len: usize) -> Result<(), Fault> {
    let (mut low, mut high) = (i64::from(offset), i64::from(offset));
    for (&d, &s) in dims.iter().zip(strides) {
        // Below 2⁶³. Both sums only move outwards, so that one step too far is enough to refuse.
        let reach = (i64::from(d) - 1) * i64::from(s);
        require(reach.unsigned_abs() <= 1 << 32, Fault::Geometry)?;
        *(if reach < 0 { &mut low } else { &mut high }) += reach;
    }
    require(0 <= low && high < len as i64, Fault::Geometry)
}
