//! Comparisons, whole numbers, choices, order, indices.

use redpoll_graph::op::{self as graph, BinaryFn, ReduceKind, Scatter, UnaryFn};
use redpoll_graph::{Node, ValueId};
use redpoll_plan::op::{Comparison, MAX_LOOP, Rare, ScatterMode, Whole, WholeOne};
use redpoll_plan::{DType, Op, TensorId, op};

use super::loops::{broadcast, plan_loop, row_major};
use super::lowering::{Done, Lowering, Refused};
use super::pack;

fn size(v: usize) -> Result<u32, Refused> {
    u32::try_from(v).map_err(|_| "a size passes 32 bits".into())
}

/// `[outer, size, inner]` around an axis.
fn around(shape: &[usize], axis: usize) -> Result<[u32; 3], Refused> {
    let product = |s: &[usize]| size(s.iter().product());
    Ok([
        product(&shape[..axis])?,
        size(shape[axis])?,
        product(&shape[axis + 1..])?,
    ])
}

const DEEP: &str = "more than 6 dimensions that do not join";

/// The steps of a function of one value that is no step of floats; `None` where it is.
pub(super) fn unary(cx: &mut Lowering<'_>, node: &Node, function: UnaryFn) -> Option<Done> {
    let float = cx.dtype(node.inputs[0]) == DType::F32;
    let rare = match function {
        UnaryFn::Sin => Rare::Sin,
        UnaryFn::Cos => Rare::Cos,
        UnaryFn::Tan => Rare::Tan,
        UnaryFn::Asin => Rare::Asin,
        UnaryFn::Acos => Rare::Acos,
        UnaryFn::Atan => Rare::Atan,
        UnaryFn::Sinh => Rare::Sinh,
        UnaryFn::Cosh => Rare::Cosh,
        UnaryFn::Asinh => Rare::Asinh,
        UnaryFn::Acosh => Rare::Acosh,
        UnaryFn::Atanh => Rare::Atanh,
        UnaryFn::Sign if float => Rare::Sign,
        UnaryFn::IsNan => Rare::IsNan,
        UnaryFn::IsInf { positive, negative } => match (positive, negative) {
            (true, true) => Rare::IsInf,
            (true, false) => Rare::IsPositiveInf,
            (false, true) => Rare::IsNegativeInf,
            (false, false) => return Some(none_of(cx, node)),
        },
        _ if !float => return Some(whole_one(cx, node, function)),
        _ => return None,
    };
    let step = |cx: &mut Lowering<'_>| {
        let (x, y) = (cx.operand(node.inputs[0])?, cx.result(node.output)?);
        let function = rare;
        cx.step(node, Op::RareF32(op::RareF32 { function, x, y }));
        Ok(())
    };
    Some(step(cx))
}

/// All false.
fn none_of(cx: &mut Lowering<'_>, node: &Node) -> Done {
    let y = cx.result(node.output)?;
    let fill = op::Fill {
        y,
        element_bytes: 1,
        bits: 0,
    };
    cx.step(node, Op::Fill(fill));
    Ok(())
}

fn whole_one(cx: &mut Lowering<'_>, node: &Node, function: UnaryFn) -> Done {
    let (function, bits) = match function {
        UnaryFn::Neg => (WholeOne::Neg, 0),
        UnaryFn::Abs => (WholeOne::Abs, 0),
        UnaryFn::Sign => (WholeOne::Sign, 0),
        UnaryFn::Not => (WholeOne::Not, 0),
        UnaryFn::BitNot => (WholeOne::BitNot, 0),
        UnaryFn::Wrap { bits, signed: true } => (WholeOne::WrapSigned, bits.into()),
        UnaryFn::Wrap { bits, .. } => (WholeOne::WrapUnsigned, bits.into()),
        _ => return Err("only f32 and quantised data are supported".into()),
    };
    let (x, y) = (cx.operand(node.inputs[0])?, cx.result(node.output)?);
    let op = op::UnaryWhole {
        function,
        x,
        y,
        bits,
    };
    cx.step(node, Op::UnaryWhole(op));
    Ok(())
}

fn comparison(function: BinaryFn) -> Option<Comparison> {
    Some(match function {
        BinaryFn::Equal => Comparison::Equal,
        BinaryFn::Less => Comparison::Less,
        BinaryFn::Greater => Comparison::Greater,
        BinaryFn::LessOrEqual => Comparison::LessOrEqual,
        BinaryFn::GreaterOrEqual => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

fn whole(function: BinaryFn) -> Option<Whole> {
    Some(match function {
        BinaryFn::Add => Whole::Add,
        BinaryFn::Sub => Whole::Sub,
        BinaryFn::Mul => Whole::Mul,
        BinaryFn::Div => Whole::Div,
        BinaryFn::Pow => Whole::Pow,
        BinaryFn::Max => Whole::Max,
        BinaryFn::Min => Whole::Min,
        BinaryFn::Mod => Whole::Mod,
        BinaryFn::Fmod => Whole::Fmod,
        BinaryFn::And => Whole::And,
        BinaryFn::Or => Whole::Or,
        BinaryFn::Xor => Whole::Xor,
        BinaryFn::ShiftLeft => Whole::ShiftLeft,
        BinaryFn::ShiftRight => Whole::ShiftRight,
        _ => return None,
    })
}

/// The step of a function of two values that is no step of floats or int8; `None` where it is.
pub(super) fn binary(cx: &mut Lowering<'_>, node: &Node, function: BinaryFn) -> Option<Done> {
    let dtype = cx.dtype(node.inputs[0]);
    let remainder = matches!(function, BinaryFn::Mod | BinaryFn::Fmod);
    let compares = comparison(function);
    let other = compares.is_some() || remainder || dtype != DType::F32;
    if !other || cx.is_quantized(node.inputs[0]) {
        return None;
    }
    Some(two(cx, node, compares, whole(function)))
}

fn two(
    cx: &mut Lowering<'_>,
    node: &Node,
    compares: Option<Comparison>,
    whole: Option<Whole>,
) -> Done {
    let shape = cx.shape(node.output);
    let of = |id: ValueId| broadcast(cx.shape(id), shape);
    let own = plan_loop(shape, [&of(node.inputs[0]), &of(node.inputs[1])]).ok_or(DEEP)?;
    let (dims, [a_strides, b_strides]) = (own.dims, own.strides);
    let (a, b) = (cx.operand(node.inputs[0])?, cx.operand(node.inputs[1])?);
    let y = cx.result(node.output)?;
    let op = match (compares, whole) {
        (Some(function), _) => Op::Compare(op::Compare {
            function,
            a,
            b,
            y,
            dims,
            a_strides,
            b_strides,
        }),
        (None, Some(function)) => Op::BinaryWhole(op::BinaryWhole {
            function,
            a,
            b,
            y,
            dims,
            a_strides,
            b_strides,
        }),
        (None, None) => return Err("it has no step".into()),
    };
    cx.step(node, op);
    Ok(())
}

pub(super) fn select(cx: &mut Lowering<'_>, node: &Node) -> Done {
    let shape = cx.shape(node.output);
    let of = |i: usize| broadcast(cx.shape(node.inputs[i]), shape);
    let own = plan_loop(shape, [&of(0), &of(1), &of(2)]).ok_or(DEEP)?;
    let [condition_strides, a_strides, b_strides] = own.strides;
    let op = op::Select {
        condition: cx.operand(node.inputs[0])?,
        a: cx.operand(node.inputs[1])?,
        b: cx.operand(node.inputs[2])?,
        y: cx.result(node.output)?,
        dims: own.dims,
        condition_strides,
        a_strides,
        b_strides,
    };
    cx.step(node, Op::Select(op));
    Ok(())
}

/// Another element type, of values without a scale.
pub(super) fn convert(cx: &mut Lowering<'_>, node: &Node) -> Done {
    let (x, y) = (cx.operand(node.inputs[0])?, cx.result(node.output)?);
    cx.step(node, Op::Convert(op::Convert { x, y }));
    Ok(())
}

pub(super) fn arg_reduce(cx: &mut Lowering<'_>, node: &Node, a: &graph::ArgReduce) -> Done {
    let [outer, count, inner] = around(cx.shape(node.inputs[0]), a.axis)?;
    let op = op::ArgReduce {
        x: cx.operand(node.inputs[0])?,
        y: cx.result(node.output)?,
        least: a.least.into(),
        last: a.last.into(),
        outer,
        count,
        inner,
    };
    cx.step(node, Op::ArgReduce(op));
    Ok(())
}

pub(super) fn cumulate(cx: &mut Lowering<'_>, node: &Node, c: &graph::Cumulate) -> Done {
    let [outer, count, inner] = around(cx.shape(node.inputs[0]), c.axis)?;
    let op = op::Cumulate {
        x: cx.operand(node.inputs[0])?,
        y: cx.result(node.output)?,
        product: (c.kind == ReduceKind::Prod).into(),
        exclusive: c.exclusive.into(),
        reverse: c.reverse.into(),
        outer,
        count,
        inner,
    };
    cx.step(node, Op::Cumulate(op));
    Ok(())
}

pub(super) fn top_k(cx: &mut Lowering<'_>, node: &Node, t: &graph::TopK) -> Done {
    let [outer, count, inner] = around(cx.shape(node.inputs[0]), t.axis)?;
    let op = op::TopK {
        x: cx.operand(node.inputs[0])?,
        y: cx.result(node.output)?,
        k: size(t.k)?,
        largest: t.largest.into(),
        indices: t.indices.into(),
        outer,
        count,
        inner,
    };
    cx.step(node, Op::TopK(op));
    Ok(())
}

pub(super) fn non_max_suppression(
    cx: &mut Lowering<'_>,
    node: &Node,
    n: &graph::NonMaxSuppression,
) -> Done {
    let &[images, classes, count] = cx.shape(node.inputs[1]) else {
        return Err("scores are not [B, C, N]".into());
    };
    let op = op::NonMaxSuppression {
        boxes: cx.operand(node.inputs[0])?,
        scores: cx.operand(node.inputs[1])?,
        y: cx.result(node.output)?,
        images: size(images)?,
        classes: size(classes)?,
        count: size(count)?,
        per_class: size(n.per_class)?,
        iou: n.iou,
        score: n.score,
        centers: n.centers.into(),
    };
    cx.step(node, Op::NonMaxSuppression(op));
    Ok(())
}

/// Slices along an axis by any indices.
pub(super) fn gather(cx: &mut Lowering<'_>, node: &Node, axis: usize) -> Done {
    let sizes = around(cx.shape(node.inputs[0]), axis)?;
    let x = cx.operand(node.inputs[0])?;
    let indices = cx.operand(node.inputs[1])?;
    let y = cx.result(node.output)?;
    gathered(cx, node, (x, indices, y), sizes);
    Ok(())
}

fn gathered(
    cx: &mut Lowering<'_>,
    node: &Node,
    (x, indices, y): (TensorId, TensorId, TensorId),
    [outer, size, inner]: [u32; 3],
) {
    let op = op::Gather {
        x,
        indices,
        y,
        outer,
        size,
        inner,
    };
    cx.step(node, Op::Gather(op));
}

/// Slices along several axes by constant places, one axis after the other.
pub(super) fn gather_axes(cx: &mut Lowering<'_>, node: &Node, axes: &[(usize, Vec<i32>)]) -> Done {
    let Some((_, ahead)) = axes.split_last() else {
        return cx.alias(node.inputs[0], node.output);
    };
    let mut shape = cx.shape(node.inputs[0]).to_vec();
    let mut x = cx.operand(node.inputs[0])?;
    for (i, (axis, places)) in axes.iter().enumerate() {
        let sizes = around(&shape, *axis)?;
        shape[*axis] = places.len();
        let name = format!("{}.places{i}", node.name);
        let indices = cx.weights(name, DType::I32, pack::i32_bytes(places))?;
        let y = if i < ahead.len() {
            cx.temporary(node.output, cx.dtype(node.output), &shape)?
        } else {
            cx.result(node.output)?
        };
        gathered(cx, node, (x, indices, y), sizes);
        x = y;
    }
    Ok(())
}

/// The loop over indices of `shape` in data of shape `data` with the indexed axis left out.
fn element_loop(
    data: &[usize],
    shape: &[usize],
    axis: usize,
) -> Result<(op::Dims, op::Strides, u32, u32), Refused> {
    let own = row_major(data);
    let mut strides = own.clone();
    strides[axis] = 0;
    // The indices themselves are walked in order, whatever joins.
    let order = row_major(shape);
    let looped = plan_loop(shape, [&strides, &order]).ok_or(DEEP)?;
    let stride = size(own[axis].unsigned_abs())?;
    Ok((looped.dims, looped.strides[0], size(data[axis])?, stride))
}

pub(super) fn gather_elements(cx: &mut Lowering<'_>, node: &Node, axis: usize) -> Done {
    let (data, shape) = (cx.shape(node.inputs[0]), cx.shape(node.output));
    let (dims, x_strides, size, axis_stride) = element_loop(data, shape, axis)?;
    let op = op::GatherElements {
        x: cx.operand(node.inputs[0])?,
        indices: cx.operand(node.inputs[1])?,
        y: cx.result(node.output)?,
        dims,
        x_strides,
        size,
        axis_stride,
    };
    cx.step(node, Op::GatherElements(op));
    Ok(())
}

/// Sizes and strides of the axes that tuples of `depth` index, and the elements of a slice.
fn tuple(data: &[usize], depth: usize) -> Result<(op::Dims, op::Dims, u32), Refused> {
    let own = row_major(data);
    let (mut sizes, mut strides) = ([0; MAX_LOOP], [0; MAX_LOOP]);
    if depth > MAX_LOOP {
        return Err("tuples of more than 6 indices".into());
    }
    for k in 0..depth {
        sizes[k] = size(data[k])?;
        strides[k] = size(own[k].unsigned_abs())?;
    }
    Ok((sizes, strides, size(data[depth..].iter().product())?))
}

pub(super) fn gather_nd(cx: &mut Lowering<'_>, node: &Node, batch: usize) -> Done {
    let (data, by) = (cx.shape(node.inputs[0]), cx.shape(node.inputs[1]));
    let depth = by[by.len() - 1];
    let (sizes, strides, run) = tuple(&data[batch..], depth)?;
    let op = op::GatherNd {
        x: cx.operand(node.inputs[0])?,
        indices: cx.operand(node.inputs[1])?,
        y: cx.result(node.output)?,
        batches: size(data[..batch].iter().product())?,
        tuples: size(by[batch..by.len() - 1].iter().product())?,
        depth: size(depth)?,
        sizes,
        strides,
        run,
    };
    cx.step(node, Op::GatherNd(op));
    Ok(())
}

fn scatter_mode(mode: Scatter) -> ScatterMode {
    match mode {
        Scatter::Replace => ScatterMode::Replace,
        Scatter::Add => ScatterMode::Add,
        Scatter::Mul => ScatterMode::Mul,
        Scatter::Max => ScatterMode::Max,
        Scatter::Min => ScatterMode::Min,
    }
}

pub(super) fn scatter_elements(
    cx: &mut Lowering<'_>,
    node: &Node,
    axis: usize,
    mode: Scatter,
) -> Done {
    let (data, shape) = (cx.shape(node.inputs[0]), cx.shape(node.inputs[1]));
    let (dims, y_strides, size, axis_stride) = element_loop(data, shape, axis)?;
    let op = op::ScatterElements {
        mode: scatter_mode(mode),
        x: cx.operand(node.inputs[0])?,
        indices: cx.operand(node.inputs[1])?,
        updates: cx.operand(node.inputs[2])?,
        y: cx.result(node.output)?,
        dims,
        y_strides,
        size,
        axis_stride,
    };
    cx.step(node, Op::ScatterElements(op));
    Ok(())
}

pub(super) fn scatter_nd(cx: &mut Lowering<'_>, node: &Node, mode: Scatter) -> Done {
    let (data, by) = (cx.shape(node.inputs[0]), cx.shape(node.inputs[1]));
    let depth = by[by.len() - 1];
    let (sizes, strides, run) = tuple(data, depth)?;
    let op = op::ScatterNd {
        mode: scatter_mode(mode),
        x: cx.operand(node.inputs[0])?,
        indices: cx.operand(node.inputs[1])?,
        updates: cx.operand(node.inputs[2])?,
        y: cx.result(node.output)?,
        tuples: size(by[..by.len() - 1].iter().product())?,
        depth: size(depth)?,
        sizes,
        strides,
        run,
    };
    cx.step(node, Op::ScatterNd(op));
    Ok(())
}

/// A linear map along one axis of an operand that is there already.
pub(super) fn map_axis(
    cx: &mut Lowering<'_>,
    node: &Node,
    (x, y): (TensorId, TensorId),
    shape: &[usize],
    s: &graph::SparseRows,
    part: usize,
) -> Done {
    let [outer, size, inner] = around(shape, s.axis)?;
    let list = |v: &[u32]| {
        let v: Option<Vec<i32>> = v.iter().map(|&i| i32::try_from(i).ok()).collect();
        v.ok_or_else(|| Refused::from("a map of more than 2^31 entries"))
    };
    if s.index.is_empty() {
        return Err("a map without entries".into());
    }
    let (starts, index) = (list(&s.starts)?, list(&s.index)?);
    let name = |what: &str| format!("{}.{what}{part}", node.name);
    let op = op::SparseRows {
        x,
        starts: cx.weights(name("starts"), DType::I32, pack::i32_bytes(&starts))?,
        index: cx.weights(name("index"), DType::I32, pack::i32_bytes(&index))?,
        weights: cx.weights_f32(name("weights"), &s.weights)?,
        y,
        outer,
        size,
        inner,
    };
    cx.step(node, Op::SparseRows(op));
    Ok(())
}

pub(super) fn sparse_rows(cx: &mut Lowering<'_>, node: &Node, s: &graph::SparseRows) -> Done {
    let x = cx.operand(node.inputs[0])?;
    let y = cx.result(node.output)?;
    map_axis(cx, node, (x, y), cx.shape(node.inputs[0]), s, 0)
}
