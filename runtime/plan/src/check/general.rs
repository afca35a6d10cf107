//! Comparisons, whole numbers, choices, order, indices.

use super::{StepCheck, extent, operand, product, require};
use crate::error::Fault;
use crate::op::*;
use crate::tensor::{DType, TensorId};

/// The type of `id`, which must be one of `known`.
fn one_of(step: &StepCheck<'_, '_>, id: TensorId, known: &[DType]) -> Result<DType, Fault> {
    let dtype = operand(step.plan, id)?.dtype;
    require(known.contains(&dtype), Fault::DType)?;
    Ok(dtype)
}

/// Types that steps of this family work on.
const ANY: [DType; 6] = [
    DType::F32,
    DType::I8,
    DType::U8,
    DType::I32,
    DType::I64,
    DType::Bool,
];
const NUMBERS: [DType; 3] = [DType::F32, DType::I32, DType::I64];
const INDICES: [DType; 2] = [DType::I32, DType::I64];

fn flag(v: u32) -> Result<(), Fault> {
    require(v <= 1, Fault::Value)
}

/// The result is the loop's elements; each operand's reads stay inside it.
fn loops<const N: usize>(
    step: &StepCheck<'_, '_>,
    dims: &Dims,
    (y, dtype): (TensorId, DType),
    operands: [(TensorId, DType, &Strides); N],
) -> Result<(), Fault> {
    step.expect(y, dtype, product(dims).ok_or(Fault::Geometry)?)?;
    for (id, dtype, strides) in operands {
        extent(dims, 0, strides, step.typed(id, dtype)?.len)?;
    }
    Ok(())
}

pub(super) fn compare(step: &StepCheck<'_, '_>, p: &Compare) -> Result<(), Fault> {
    let of = one_of(step, p.a, &ANY)?;
    let operands = [(p.a, of, &p.a_strides), (p.b, of, &p.b_strides)];
    loops(step, &p.dims, (p.y, DType::Bool), operands)
}

pub(super) fn binary_whole(step: &StepCheck<'_, '_>, p: &BinaryWhole) -> Result<(), Fault> {
    let known: &[DType] = match p.function {
        Whole::And | Whole::Or | Whole::Xor => &[DType::I32, DType::I64, DType::Bool],
        Whole::Mod | Whole::Fmod => &NUMBERS,
        _ => &INDICES,
    };
    let of = one_of(step, p.a, known)?;
    let operands = [(p.a, of, &p.a_strides), (p.b, of, &p.b_strides)];
    loops(step, &p.dims, (p.y, of), operands)
}

pub(super) fn unary_whole(step: &StepCheck<'_, '_>, p: &UnaryWhole) -> Result<(), Fault> {
    let known: &[DType] = match p.function {
        WholeOne::Not => &[DType::Bool],
        _ => &INDICES,
    };
    let of = one_of(step, p.x, known)?;
    let wraps = matches!(p.function, WholeOne::WrapUnsigned | WholeOne::WrapSigned);
    require(
        if wraps {
            (1..=32).contains(&p.bits)
        } else {
            p.bits == 0
        },
        Fault::Value,
    )?;
    let len = operand(step.plan, p.x)?.len as u64;
    step.expect(p.y, of, len)
}

pub(super) fn rare_f32(step: &StepCheck<'_, '_>, p: &RareF32) -> Result<(), Fault> {
    let len = step.typed(p.x, DType::F32)?.len as u64;
    let of = if (p.function as u32) < Rare::IsNan as u32 {
        DType::F32
    } else {
        DType::Bool
    };
    step.expect(p.y, of, len)
}

pub(super) fn select(step: &StepCheck<'_, '_>, p: &Select) -> Result<(), Fault> {
    let of = one_of(step, p.y, &ANY)?;
    let operands = [
        (p.condition, DType::Bool, &p.condition_strides),
        (p.a, of, &p.a_strides),
        (p.b, of, &p.b_strides),
    ];
    loops(step, &p.dims, (p.y, of), operands)
}

pub(super) fn convert(step: &StepCheck<'_, '_>, p: &Convert) -> Result<(), Fault> {
    one_of(step, p.x, &ANY)?;
    let to = one_of(step, p.y, &ANY)?;
    let len = operand(step.plan, p.x)?.len as u64;
    step.expect(p.y, to, len)
}

/// `x` is `[outer, count, inner]` of `of`, `y` is `[outer, rows, inner]` of `to`.
fn along(
    step: &StepCheck<'_, '_>,
    (x, of): (TensorId, DType),
    (y, to): (TensorId, DType),
    [outer, count, inner]: [u32; 3],
    rows: u32,
) -> Result<(), Fault> {
    let len = |n| product(&[outer, n, inner]).ok_or(Fault::Geometry);
    require(
        outer > 0 && count > 0 && inner > 0 && rows > 0,
        Fault::Geometry,
    )?;
    step.expect(x, of, len(count)?)?;
    step.expect(y, to, len(rows)?)
}

pub(super) fn reduce_whole(step: &StepCheck<'_, '_>, p: &ReduceWhole) -> Result<(), Fault> {
    let of = one_of(step, p.x, &INDICES)?;
    along(step, (p.x, of), (p.y, of), [p.outer, p.count, p.inner], 1)
}

pub(super) fn arg_reduce(step: &StepCheck<'_, '_>, p: &ArgReduce) -> Result<(), Fault> {
    let of = one_of(step, p.x, &ANY)?;
    flag(p.least)?;
    flag(p.last)?;
    let sizes = [p.outer, p.count, p.inner];
    along(step, (p.x, of), (p.y, DType::I64), sizes, 1)
}

pub(super) fn cumulate(step: &StepCheck<'_, '_>, p: &Cumulate) -> Result<(), Fault> {
    let of = one_of(step, p.x, &NUMBERS)?;
    [p.product, p.exclusive, p.reverse]
        .into_iter()
        .try_for_each(flag)?;
    along(
        step,
        (p.x, of),
        (p.y, of),
        [p.outer, p.count, p.inner],
        p.count,
    )
}

fn len<const N: usize>(dims: [u32; N]) -> Result<u32, Fault> {
    product(&dims).ok_or(Fault::Geometry)
}

/// Most work of a step whose work is not bounded by its tensors: a choice takes as many passes as elements are chosen.
const MAX_CHOICE: u64 = 1 << 34;

pub(super) fn top_k(step: &StepCheck<'_, '_>, p: &TopK) -> Result<(), Fault> {
    let of = one_of(step, p.x, &ANY)?;
    [p.largest, p.indices].into_iter().try_for_each(flag)?;
    require(p.k <= p.count, Fault::Geometry)?;
    let work = product(&[p.outer, p.count, p.inner]).map(|n| u64::from(n) * u64::from(p.k));
    require(work.is_some_and(|n| n <= MAX_CHOICE), Fault::Geometry)?;
    let to = if p.indices == 1 { DType::I64 } else { of };
    along(step, (p.x, of), (p.y, to), [p.outer, p.count, p.inner], p.k)
}

pub(super) fn gather(step: &StepCheck<'_, '_>, p: &Gather) -> Result<(), Fault> {
    let of = one_of(step, p.x, &ANY)?;
    one_of(step, p.indices, &INDICES)?;
    let rows = operand(step.plan, p.indices)?.len;
    let rows = u32::try_from(rows).map_err(|_| Fault::Geometry)?;
    along(step, (p.x, of), (p.y, of), [p.outer, p.size, p.inner], rows)
}

/// A loop over indices, each of which stands for one of `size` steps of `axis_stride` in a tensor of `len` elements.
fn indexed(
    dims: &Dims,
    strides: &Strides,
    size: u32,
    axis_stride: u32,
    len: usize,
) -> Result<(), Fault> {
    require(size > 0 && axis_stride > 0, Fault::Geometry)?;
    let reach = u64::from(size - 1) * u64::from(axis_stride);
    let reach = u32::try_from(reach).map_err(|_| Fault::Geometry)?;
    extent(dims, 0, strides, len)?;
    extent(dims, reach, strides, len)
}

pub(super) fn gather_elements(step: &StepCheck<'_, '_>, p: &GatherElements) -> Result<(), Fault> {
    let of = one_of(step, p.x, &ANY)?;
    let by = one_of(step, p.indices, &INDICES)?;
    let count = product(&p.dims).ok_or(Fault::Geometry)?;
    step.expect(p.indices, by, count)?;
    step.expect(p.y, of, count)?;
    let len = operand(step.plan, p.x)?.len;
    indexed(&p.dims, &p.x_strides, p.size, p.axis_stride, len)
}

/// Tuples of `depth` indices reach slices of `run` elements within `area`.
fn tuples(depth: u32, sizes: &Dims, strides: &Dims, run: u32, area: u64) -> Result<(), Fault> {
    require(
        (1..=MAX_LOOP as u32).contains(&depth) && run > 0,
        Fault::Geometry,
    )?;
    let mut reach = u64::from(run);
    for (&size, &stride) in sizes.iter().zip(strides).take(depth as usize) {
        require(size > 0, Fault::Geometry)?;
        reach = u64::from(size - 1)
            .checked_mul(stride.into())
            .and_then(|r| r.checked_add(reach))
            .ok_or(Fault::Geometry)?;
    }
    require(reach <= area, Fault::Geometry)
}

pub(super) fn gather_nd(step: &StepCheck<'_, '_>, p: &GatherNd) -> Result<(), Fault> {
    let of = one_of(step, p.x, &ANY)?;
    let by = one_of(step, p.indices, &INDICES)?;
    step.expect(p.indices, by, len([p.batches, p.tuples, p.depth])?)?;
    step.expect(p.y, of, len([p.batches, p.tuples, p.run])?)?;
    let all = operand(step.plan, p.x)?.len as u64;
    require(
        p.batches > 0 && all.is_multiple_of(u64::from(p.batches)),
        Fault::Length,
    )?;
    tuples(
        p.depth,
        &p.sizes,
        &p.strides,
        p.run,
        all / u64::from(p.batches),
    )
}

/// Types of data, updates and result of scattering; gives the number of the result's elements.
fn scattered(
    step: &StepCheck<'_, '_>,
    mode: ScatterMode,
    (x, y): (TensorId, TensorId),
    (updates, count): (TensorId, u32),
) -> Result<usize, Fault> {
    let known: &[DType] = match mode {
        ScatterMode::Replace => &ANY,
        _ => &NUMBERS,
    };
    let of = one_of(step, x, known)?;
    let len = operand(step.plan, x)?.len;
    step.expect(y, of, len as u64)?;
    step.expect(updates, of, count)?;
    Ok(len)
}

pub(super) fn scatter_elements(step: &StepCheck<'_, '_>, p: &ScatterElements) -> Result<(), Fault> {
    let by = one_of(step, p.indices, &INDICES)?;
    let count = product(&p.dims).ok_or(Fault::Geometry)?;
    step.expect(p.indices, by, count)?;
    let len = scattered(step, p.mode, (p.x, p.y), (p.updates, count))?;
    indexed(&p.dims, &p.y_strides, p.size, p.axis_stride, len)
}

pub(super) fn scatter_nd(step: &StepCheck<'_, '_>, p: &ScatterNd) -> Result<(), Fault> {
    let by = one_of(step, p.indices, &INDICES)?;
    step.expect(p.indices, by, len([p.tuples, p.depth])?)?;
    let count = len([p.tuples, p.run])?;
    let all = scattered(step, p.mode, (p.x, p.y), (p.updates, count))?;
    tuples(p.depth, &p.sizes, &p.strides, p.run, all as u64)
}

pub(super) fn sparse_rows(step: &StepCheck<'_, '_>, p: &SparseRows) -> Result<(), Fault> {
    let entries = operand(step.plan, p.index)?.len as u64;
    let starts = operand(step.plan, p.starts)?.len;
    step.constant(p.starts, DType::I32, starts)?;
    step.constant(p.index, DType::I32, entries)?;
    step.constant(p.weights, DType::F32, entries)?;
    let (starts, index) = (step.values::<i32>(p.starts)?, step.values::<i32>(p.index)?);
    let ends = starts.first() == Some(&0) && starts.last().is_some_and(|&n| n as u64 == entries);
    require(
        ends && starts.windows(2).all(|w| w[0] <= w[1]),
        Fault::Value,
    )?;
    let inside = |&i: &i32| u32::try_from(i).is_ok_and(|i| i < p.size);
    require(index.iter().all(inside), Fault::Value)?;
    let work = product(&[p.outer, p.inner]).and_then(|n| u64::from(n).checked_mul(entries));
    require(work.is_some_and(|n| n <= MAX_CHOICE), Fault::Geometry)?;
    let rows = u32::try_from(starts.len() - 1).map_err(|_| Fault::Geometry)?;
    let sizes = [p.outer, p.size, p.inner];
    along(step, (p.x, DType::F32), (p.y, DType::F32), sizes, rows)
}

pub(super) fn non_max_suppression(
    step: &StepCheck<'_, '_>,
    p: &NonMaxSuppression,
) -> Result<(), Fault> {
    flag(p.centers)?;
    require(!p.iou.is_nan() && !p.score.is_nan(), Fault::Value)?;
    require((1..=p.count).contains(&p.per_class), Fault::Geometry)?;
    let lists = u64::from(len([p.images, p.classes])?);
    let each = u64::from(p.count).checked_mul(u64::from(p.count) + u64::from(p.per_class));
    let work = each.and_then(|n| lists.checked_mul(n));
    require(work.is_some_and(|n| n <= MAX_CHOICE), Fault::Geometry)?;
    step.expect(p.boxes, DType::F32, len([p.images, p.count, 4])?)?;
    step.expect(p.scores, DType::F32, lists * u64::from(p.count))?;
    let rows = lists * u64::from(p.per_class) + 1;
    step.expect(p.y, DType::I64, rows * 3)
}
