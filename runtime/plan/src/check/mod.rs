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
use crate::op::{Dims, Op, Strides};
use crate::plan::{Plan, tensor};
use crate::tensor::{DType, Place, Tensor, TensorId};

/// Checks tensors, steps, inputs and outputs.
pub(crate) fn plan(plan: &Plan<'_>) -> Result<(), PlanError> {
    for (i, record) in plan.tensors.iter().enumerate() {
        let at = |fault| PlanError::Tensor(i as u32, fault);
        let tensor = tensor(record).map_err(at)?;
        check_place(plan, &tensor).map_err(at)?;
        plan.checked_name(&record.name).ok_or(at(Fault::Name))?;
    }
    let (mut macs, mut scratch) = (0u64, 0u32);
    for (i, record) in plan.steps.iter().enumerate() {
        let at = |fault| PlanError::Step(i as u32, fault);
        plan.checked_name(&record.name).ok_or(at(Fault::Name))?;
        step(
            plan,
            &plan.op(record).map_err(at)?,
            record.scratch_bytes.get(),
        )
        .map_err(at)?;
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

fn check_place(plan: &Plan<'_>, tensor: &Tensor) -> Result<(), Fault> {
    let (offset, align, room) = match tensor.place {
        Place::Arena(offset) => (offset, tensor.dtype.size(), plan.arena_bytes()),
        Place::Weights(offset) => (offset, plan.alignment(), plan.weights.len()),
    };
    let end = (offset as usize).checked_add(tensor.bytes());
    if end.is_none_or(|end| end > room) || !(offset as usize).is_multiple_of(align) {
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
            .tensor(TensorId(record.tensor.get()))
            .ok_or(at(Fault::Operand))?;
        let range = arena_range(&tensor).ok_or(at(Fault::Place))?;
        for other in &records[..i] {
            let other = plan
                .tensor(TensorId(other.tensor.get()))
                .and_then(|t| arena_range(&t));
            if other.is_some_and(|o| overlaps(&o, &range) && (inputs || o != range)) {
                return Err(at(Fault::Overlap));
            }
        }
    }
    Ok(())
}

fn arena_range(tensor: &Tensor) -> Option<Range<usize>> {
    match tensor.place {
        Place::Arena(offset) => Some(offset as usize..offset as usize + tensor.bytes()),
        Place::Weights(_) => None,
    }
}

fn overlaps(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

fn step(plan: &Plan<'_>, op: &Op, scratch: u32) -> Result<(), Fault> {
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
    let step = StepCheck { plan, scratch };
    match op {
        Op::ConvI8(p) => conv::conv_i8(&step, p),
        Op::DepthwiseI8(p) => conv::depthwise_i8(&step, p),
        Op::ConvF32(p) => conv::conv_f32(&step, p),
        Op::DepthwiseF32(p) => conv::depthwise_f32(&step, p),
        Op::MatMulF32(p) => conv::matmul_f32(&step, p),
        Op::BinaryI8(p) => elementwise::binary_i8(&step, p),
        Op::BinaryF32(p) => elementwise::binary_f32(&step, p),
        Op::TableI8(p) => elementwise::table_i8(&step, p),
        Op::UnaryF32(p) => elementwise::unary_f32(&step, p),
        Op::Quantize(p) => quantize::quantize(&step, p),
        Op::Dequantize(p) => quantize::dequantize(&step, p),
        Op::FlipSign(p) => quantize::flip_sign(&step, p),
        Op::PoolI8(p) => pool::pool_i8(&step, p),
        Op::PoolF32(p) => pool::pool_f32(&step, p),
        Op::ReduceI8(p) => reduce::reduce_i8(&step, p),
        Op::ReduceF32(p) => reduce::reduce_f32(&step, p),
        Op::SoftmaxF32(p) => softmax::softmax_f32(&step, p),
        Op::SoftmaxI8(p) => softmax::softmax_i8(&step, p),
        Op::Copy(p) => movement::copy(&step, p),
        Op::Fill(p) => movement::fill(&step, p),
        Op::Embedding(p) => movement::embedding(&step, p),
        Op::Compare(p) => general::compare(&step, p),
        Op::BinaryWhole(p) => general::binary_whole(&step, p),
        Op::UnaryWhole(p) => general::unary_whole(&step, p),
        Op::RareF32(p) => general::rare_f32(&step, p),
        Op::Select(p) => general::select(&step, p),
        Op::Convert(p) => general::convert(&step, p),
        Op::ReduceWhole(p) => general::reduce_whole(&step, p),
        Op::ArgReduce(p) => general::arg_reduce(&step, p),
        Op::Cumulate(p) => general::cumulate(&step, p),
        Op::TopK(p) => general::top_k(&step, p),
        Op::Gather(p) => general::gather(&step, p),
        Op::GatherElements(p) => general::gather_elements(&step, p),
        Op::GatherNd(p) => general::gather_nd(&step, p),
        Op::ScatterElements(p) => general::scatter_elements(&step, p),
        Op::ScatterNd(p) => general::scatter_nd(&step, p),
        Op::SparseRows(p) => general::sparse_rows(&step, p),
        Op::RecurrentF32(p) => recurrent::recurrent_f32(&step, p),
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

fn operand(plan: &Plan<'_>, id: TensorId) -> Result<Tensor, Fault> {
    plan.tensor(id).ok_or(Fault::Operand)
}

/// One step under check.
struct StepCheck<'c, 'p> {
    plan: &'c Plan<'p>,
    scratch: u32,
}

impl<'p> StepCheck<'_, 'p> {
    /// The tensor of `id`, of type `dtype` with exactly `len` elements.
    fn expect(&self, id: TensorId, dtype: DType, len: u64) -> Result<Tensor, Fault> {
        let tensor = operand(self.plan, id)?;
        if tensor.dtype != dtype {
            return Err(Fault::DType);
        }
        if tensor.shape.len() as u64 != len {
            return Err(Fault::Length);
        }
        Ok(tensor)
    }

    /// The tensor of `id`, of type `dtype`, of any size.
    fn typed(&self, id: TensorId, dtype: DType) -> Result<Tensor, Fault> {
        let tensor = operand(self.plan, id)?;
        if tensor.dtype != dtype {
            return Err(Fault::DType);
        }
        Ok(tensor)
    }

    /// As [`Self::expect`], among the weights.
    fn constant(&self, id: TensorId, dtype: DType, len: u64) -> Result<Tensor, Fault> {
        let tensor = self.expect(id, dtype, len)?;
        match tensor.place {
            Place::Weights(_) => Ok(tensor),
            Place::Arena(_) => Err(Fault::Place),
        }
    }

    /// Constant factors in f32: finite and not negative (the padding is 0).
    fn factors(&self, id: TensorId, len: u64) -> Result<(), Fault> {
        let tensor = self.constant(id, DType::F32, len)?;
        let values = self.plan.weights_as::<f32>(&tensor).ok_or(Fault::Place)?;
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
