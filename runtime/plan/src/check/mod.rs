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

use core::ops::Range;

use crate::error::{Fault, PlanError};
use crate::op::{self, Dims, Op, Strides};
use crate::ops::{Ops, has};
use crate::plan::{Plan, Span, checked};
use crate::tensor::{DType, Place, TensorId};

/// Checks tensors, steps, inputs and outputs.
///
/// `values`: whether weights are looked at, too.
pub(crate) fn plan<O: Ops>(plan: &Plan<'_>, values: bool) -> Result<(), PlanError> {
    for (i, record) in plan.tensors.iter().enumerate() {
        let at = |fault| PlanError::Tensor(i as u32, fault);
        let span = checked(record).map_err(at)?;
        check_place(plan, &span).map_err(at)?;
        plan.checked_name(&record.name).ok_or(at(Fault::Name))?;
    }
    let (mut macs, mut scratch) = (0u64, 0u32);
    for (i, record) in plan.steps.iter().enumerate() {
        let at = |fault| PlanError::Step(i as u32, fault);
        plan.checked_name(&record.name).ok_or(at(Fault::Name))?;
        let op = plan.op::<O>(record).map_err(at)?;
        let check = StepCheck {
            plan,
            scratch: record.scratch_bytes.get(),
            values,
        };
        step::<O>(&check, &op).map_err(at)?;
        macs = macs
            .checked_add(record.macs.get())
            .ok_or(PlanError::Header)?;
        scratch = scratch.max(record.scratch_bytes.get());
    }
    if macs != plan.header.macs.get() || scratch != plan.header.scratch_bytes.get() {
        return Err(PlanError::Header);
    }
    ports(plan, plan.inputs, PlanError::Input, true)?;
    ports(plan, plan.outputs, PlanError::Output, false)
}

fn check_place(plan: &Plan<'_>, tensor: &Span) -> Result<(), Fault> {
    let working = plan.arena_bytes().saturating_sub(plan.state_bytes());
    let (offset, align, room) = match tensor.place {
        Place::Arena(offset) => (offset, tensor.dtype.size(), working),
        Place::State(offset) => (offset, tensor.dtype.size(), plan.arena_bytes()),
        Place::Weights(offset) => (offset, plan.alignment(), plan.weights.len()),
    };
    let end = (offset as usize).checked_add(tensor.bytes());
    if end.is_none_or(|end| end > room) || !(offset as usize).is_multiple_of(align) {
        return Err(Fault::Place);
    }
    if matches!(tensor.place, Place::State(_)) && (offset as usize) < working {
        return Err(Fault::Place);
    }
    Ok(())
}

/// Ports lie in working memory; no two inputs share bytes, and outputs share all of them or none.
fn ports(
    plan: &Plan<'_>,
    records: &[crate::format::PortRecord],
    at: fn(u32, Fault) -> PlanError,
    inputs: bool,
) -> Result<(), PlanError> {
    for (i, record) in records.iter().enumerate() {
        let at = |fault| at(i as u32, fault);
        plan.checked_name(&record.name).ok_or(at(Fault::Name))?;
        let tensor = plan
            .known(TensorId(record.tensor.get()))
            .ok_or(at(Fault::Operand))?;
        let kept = matches!(tensor.place, Place::State(_));
        let range = arena_range(&tensor).filter(|_| !kept);
        let range = range.ok_or(at(Fault::Place))?;
        for other in records.iter().take(i) {
            let other = plan
                .known(TensorId(other.tensor.get()))
                .and_then(|t| arena_range(&t));
            if other.is_some_and(|o| overlaps(&o, &range) && (inputs || o != range)) {
                return Err(at(Fault::Overlap));
            }
        }
    }
    Ok(())
}

fn arena_range(tensor: &Span) -> Option<Range<usize>> {
    match tensor.place {
        Place::Arena(offset) | Place::State(offset) => {
            Some(offset as usize..offset as usize + tensor.bytes())
        }
        Place::Weights(_) => None,
    }
}

fn overlaps(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

fn step<O: Ops>(step: &StepCheck<'_, '_>, op: &Op) -> Result<(), Fault> {
    let plan = step.plan;
    let y = operand(plan, op.output())?;
    let y_range = arena_range(&y).ok_or(Fault::Place)?;
    for (i, &id) in op.inputs().iter().enumerate() {
        let x = operand(plan, id)?;
        let Some(range) = arena_range(&x) else {
            continue;
        };
        if overlaps(&range, &y_range) && !(range == y_range && may_run_in_place(op, i)) {
            return Err(Fault::Overlap);
        }
    }
    macro_rules! checks {
        ($($name:ident => $check:path,)*) => {
            match op {
                $(Op::$name(p) if has::<O>(op::$name::CODE) => $check(step, p),)*
                // Not decoded either: the code of their checks is left out.
                $(Op::$name(_) => Err(Fault::Code),)*
            }
        };
    }
    checks! {
        ConvI8 => conv::conv_i8,
        DepthwiseI8 => conv::depthwise_i8,
        ConvF32 => conv::conv_f32,
        DepthwiseF32 => conv::depthwise_f32,
        MatMulF32 => conv::matmul_f32,
        BinaryI8 => elementwise::binary_i8,
        BinaryF32 => elementwise::binary_f32,
        TableI8 => elementwise::table_i8,
        UnaryF32 => elementwise::unary_f32,
        Quantize => quantize::quantize,
        Dequantize => quantize::dequantize,
        FlipSign => quantize::flip_sign,
        PoolI8 => pool::pool_i8,
        PoolF32 => pool::pool_f32,
        ReduceI8 => reduce::reduce_i8,
        ReduceF32 => reduce::reduce_f32,
        SoftmaxF32 => softmax::softmax_f32,
        SoftmaxI8 => softmax::softmax_i8,
        Copy => movement::copy,
        Fill => movement::fill,
        Embedding => movement::embedding,
        Compare => general::compare,
        BinaryWhole => general::binary_whole,
        UnaryWhole => general::unary_whole,
        RareF32 => general::rare_f32,
        Select => general::select,
        Convert => general::convert,
        ReduceWhole => general::reduce_whole,
        ArgReduce => general::arg_reduce,
        Cumulate => general::cumulate,
        TopK => general::top_k,
        Gather => general::gather,
        GatherElements => general::gather_elements,
        GatherNd => general::gather_nd,
        ScatterElements => general::scatter_elements,
        ScatterNd => general::scatter_nd,
        SparseRows => general::sparse_rows,
        NonMaxSuppression => general::non_max_suppression,
        RecurrentF32 => recurrent::recurrent_f32,
    }
}

/// True when operand `i` of `op` may be the result's own memory: element by element, in the result's order.
fn may_run_in_place(op: &Op, i: usize) -> bool {
    match op {
        Op::BinaryI8(p) => is_contiguous(&p.dims, if i == 0 { &p.a_strides } else { &p.b_strides }),
        Op::BinaryF32(p) => {
            is_contiguous(&p.dims, if i == 0 { &p.a_strides } else { &p.b_strides })
        }
        Op::TableI8(_) | Op::UnaryF32(_) | Op::FlipSign(_) | Op::SoftmaxF32(_) => true,
        _ => false,
    }
}

/// True when a loop walks its operand element by element.
fn is_contiguous(dims: &Dims, strides: &Strides) -> bool {
    let mut expected = 1i64;
    for (&d, &s) in dims.iter().zip(strides).rev() {
        if d != 1 && i64::from(s) != expected {
            return false;
        }
        expected = expected.saturating_mul(i64::from(d));
    }
    true
}

fn operand(plan: &Plan<'_>, id: TensorId) -> Result<Span, Fault> {
    plan.known(id).ok_or(Fault::Operand)
}

/// One step under check.
struct StepCheck<'c, 'p> {
    plan: &'c Plan<'p>,
    scratch: u32,
    /// Whether weights are looked at.
    values: bool,
}

impl<'p> StepCheck<'_, 'p> {
    /// The tensor of `id`, of type `dtype` with exactly `len` elements.
    fn expect(&self, id: TensorId, dtype: DType, len: u64) -> Result<Span, Fault> {
        let tensor = operand(self.plan, id)?;
        if tensor.dtype != dtype {
            return Err(Fault::DType);
        }
        if tensor.len as u64 != len {
            return Err(Fault::Length);
        }
        Ok(tensor)
    }

    /// The tensor of `id`, of type `dtype`, of any size.
    fn typed(&self, id: TensorId, dtype: DType) -> Result<Span, Fault> {
        let tensor = operand(self.plan, id)?;
        if tensor.dtype != dtype {
            return Err(Fault::DType);
        }
        Ok(tensor)
    }

    /// As [`Self::expect`], among the weights.
    fn constant(&self, id: TensorId, dtype: DType, len: u64) -> Result<Span, Fault> {
        let tensor = self.expect(id, dtype, len)?;
        match tensor.place {
            Place::Weights(_) => Ok(tensor),
            Place::Arena(_) | Place::State(_) => Err(Fault::Place),
        }
    }

    /// Constant factors in f32: finite and not negative (the padding is 0).
    fn factors(&self, id: TensorId, len: u64) -> Result<(), Fault> {
        let tensor = self.constant(id, DType::F32, len)?;
        if !self.values {
            return Ok(());
        }
        let values = self.plan.values_of::<f32>(&tensor).ok_or(Fault::Place)?;
        if values.iter().all(|v| v.is_finite() && *v >= 0.0) {
            Ok(())
        } else {
            Err(Fault::Value)
        }
    }
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

/// The product of dimensions; `None` on overflow.
fn product(dims: &[u32]) -> Option<u64> {
    dims.iter()
        .try_fold(1u64, |n, &d| n.checked_mul(u64::from(d)))
}

/// Checks that a strided loop from `offset` stays inside `0..len`.
fn extent(dims: &Dims, offset: u32, strides: &Strides, len: usize) -> Result<(), Fault> {
    let (mut low, mut high) = (i128::from(offset), i128::from(offset));
    for (&d, &s) in dims.iter().zip(strides) {
        let reach = (i128::from(d) - 1) * i128::from(s);
        *(if reach < 0 { &mut low } else { &mut high }) += reach;
    }
    require(0 <= low && high < len as i128, Fault::Geometry)
}
