//! Operators that choose, order, gather and scatter elements by index, and those made of them.

use redpoll_graph::op::{ArgReduce, BinaryFn, Cumulate, Pad, PadMode, ReduceKind, Scatter, TopK};
use redpoll_graph::{DType, Op, ValueId};

use super::bounds::{bounded, mask};
use super::compose::{Compose, MAX_MADE};
use super::convert::output_type;
use super::importer::Importer;
use super::node::{OnnxNode, Outputs, Stop, axes_of, axis_of, gap, invalid};

/// ArgMax-1, -11, -12, -13; ArgMin likewise.
pub(crate) fn arg_reduce(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let shape = import.shape(x).to_vec();
    let axis = axis_of(node.int_or("axis", 0)?, shape.len())?;
    let op = Op::ArgReduce(ArgReduce {
        axis,
        least: node.proto.op_type == "ArgMin",
        last: node.flag("select_last_index")?,
    });
    if node.int_or("keepdims", 1)? != 0 {
        return Ok(vec![import.emit(node, op, &[x])?]);
    }
    let kept = import.emit_part(node, "kept", op, &[x])?;
    let mut shape = shape;
    shape.remove(axis);
    Ok(vec![import.emit(node, Op::Reshape { shape }, &[kept])?])
}

/// CumSum-11, -14; CumProd-26.
pub(crate) fn cumulate(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let axis = match import.constant_ints(node, 1, "the axis")?[..] {
        [axis] => axis_of(axis, import.rank(x))?,
        _ => return invalid("the axis is not one integer"),
    };
    let kind = if node.proto.op_type == "CumProd" {
        ReduceKind::Prod
    } else {
        ReduceKind::Sum
    };
    let op = Op::Cumulate(Cumulate {
        kind,
        axis,
        exclusive: node.flag("exclusive")?,
        reverse: node.flag("reverse")?,
    });
    Ok(vec![import.emit(node, op, &[x])?])
}

/// TopK-1 (attribute), -10, -11, -24 (input).
pub(crate) fn top_k(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let axis = axis_of(node.int_or("axis", -1)?, import.rank(x))?;
    let largest = node.int_or("largest", 1)? != 0;
    let size = import.shape(x)[axis];
    let own = import.bounds.get(&x).copied();
    let computed = node.opset >= 10 && import.graph.constant(node.input(1)?).is_none();
    let k = if computed {
        // All in order, of which a run says how many are meant.
        size
    } else {
        let k = match node.opset {
            ..10 => node.int_or("k", 0)?,
            _ => match import.constant_ints(node, 1, "k")?[..] {
                [k] => k,
                _ => return invalid("k is not one integer"),
            },
        };
        match usize::try_from(k) {
            Ok(k) if own.is_some() => k.min(size),
            Ok(k) => k,
            Err(_) => return invalid(format!("k is {k}")),
        }
    };
    let top = |indices| {
        Op::TopK(TopK {
            axis,
            k,
            largest,
            indices,
        })
    };
    if !computed && own.is_none() {
        let values = import.emit(node, top(false), &[x])?;
        if !node.wants_output(1) {
            return Ok(vec![values]);
        }
        let places = import.emit_part(node, "places", top(true), &[x])?;
        return Ok(vec![values, places]);
    }
    let c = &mut Compose::new(import, node);
    let (mut x, mut length) = (x, None);
    if computed {
        let asked = c.cast(node.input(1)?, DType::I64)?;
        let asked = c.reshape(asked, Vec::new())?;
        let (none, all) = (
            c.ints(Vec::new(), vec![0])?,
            c.ints(Vec::new(), vec![size as i64])?,
        );
        let asked = c.binary(BinaryFn::Max, asked, none)?;
        length = Some(c.binary(BinaryFn::Min, asked, all)?);
    }
    let mut kept = None;
    match own {
        Some(b) if b.axis == axis && c.import.dtype(x) == DType::F32 => {
            // What is not meant comes last.
            let meant = mask(c, c.import.rank(x), (axis, size), b.length)?;
            let worst = if largest {
                f32::NEG_INFINITY
            } else {
                f32::INFINITY
            };
            let worst = c.number_like(x, worst)?;
            x = c.select(meant, x, worst)?;
            let asked = match length {
                Some(asked) => asked,
                None => c.ints(Vec::new(), vec![k as i64])?,
            };
            length = Some(c.binary(BinaryFn::Min, asked, b.length)?);
        }
        Some(b) if b.axis == axis => {
            return gap("TopK of whole numbers along an axis whose size depends on data");
        }
        Some(b) if length.is_none() => kept = Some(b),
        Some(_) => return gap("TopK with two sizes that depend on data"),
        None => {}
    }
    let mut outputs = vec![c.op(top(false), &[x])?, c.op(top(true), &[x])?];
    for id in &mut outputs {
        if let Some(b) = kept {
            *id = bounded(c, *id, b.axis, b.length)?;
        } else if let Some(length) = length {
            *id = bounded(c, *id, axis, length)?;
        }
    }
    Ok(outputs)
}

/// GatherElements-11, -13.
pub(crate) fn gather_elements(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let inputs = [node.input(0)?, node.input(1)?];
    let axis = axis_of(node.int_or("axis", 0)?, import.rank(inputs[0]))?;
    Ok(vec![import.emit(
        node,
        Op::GatherElements { axis },
        &inputs,
    )?])
}

/// GatherND-11, -12, -13.
pub(crate) fn gather_nd(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let inputs = [node.input(0)?, node.input(1)?];
    let batch = match usize::try_from(node.int_or("batch_dims", 0)?) {
        Ok(batch) => batch,
        Err(_) => return invalid("batch_dims is negative"),
    };
    Ok(vec![import.emit(node, Op::GatherNd { batch }, &inputs)?])
}

fn reduction(node: &OnnxNode<'_>) -> Result<Scatter, Stop> {
    Ok(match node.text_or("reduction", "none")? {
        "none" => Scatter::Replace,
        "add" => Scatter::Add,
        "mul" => Scatter::Mul,
        "max" => Scatter::Max,
        "min" => Scatter::Min,
        other => return invalid(format!("reduction is {other:?}")),
    })
}

/// ScatterElements-11, -13, -16, -18; Scatter-9.
pub(crate) fn scatter_elements(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let inputs = [node.input(0)?, node.input(1)?, node.input(2)?];
    let axis = axis_of(node.int_or("axis", 0)?, import.rank(inputs[0]))?;
    let mode = reduction(node)?;
    let op = Op::ScatterElements { axis, mode };
    Ok(vec![import.emit(node, op, &inputs)?])
}

/// ScatterND-11, -13, -16, -18.
pub(crate) fn scatter_nd(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let inputs = [node.input(0)?, node.input(1)?, node.input(2)?];
    let mode = reduction(node)?;
    Ok(vec![import.emit(node, Op::ScatterNd { mode }, &inputs)?])
}

/// True where `places` along a new `axis` is the index; `depth` places.
fn one_hot_of(
    c: &mut Compose<'_, '_, '_, '_>,
    places: ValueId,
    axis: usize,
    depth: usize,
) -> Result<ValueId, Stop> {
    let mut shape = c.shape(places);
    shape.insert(axis, 1);
    let rank = shape.len();
    let places = c.reshape(places, shape)?;
    let mut along = vec![1; rank];
    along[axis] = depth;
    let line = c.ints(along, (0..depth as i64).collect())?;
    c.binary(BinaryFn::Equal, line, places)
}

/// OneHot-9, -11; negative indices count from the end.
pub(crate) fn one_hot(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let places = node.input(0)?;
    let depth = import.constant_input(node, 1, "the depth")?;
    let depth = match depth.as_f32() {
        Some(v) => v.first().map(|&v| v as i64),
        None => depth.to_i64().and_then(|v| v.first().copied()),
    };
    let depth = match depth.map(usize::try_from) {
        Some(Ok(n)) if (1..=MAX_MADE).contains(&n) => n,
        _ => return invalid("the depth is not one number above 0"),
    };
    let rank = import.rank(places) + 1;
    let axis = axis_of(node.int_or("axis", -1)?, rank)?;
    let values = node.input(2)?;
    let c = &mut Compose::new(import, node);
    let places = c.cast(places, DType::I64)?;
    let (zero, size) = (
        c.ints(Vec::new(), vec![0])?,
        c.ints(Vec::new(), vec![depth as i64])?,
    );
    let negative = c.binary(BinaryFn::Less, places, zero)?;
    let from_end = c.add(places, size)?;
    let places = c.select(negative, from_end, places)?;
    let hot = one_hot_of(c, places, axis, depth)?;
    let off = c.slice(values, 0, 0, 1, 1)?;
    let on = c.slice(values, 0, 1, 1, 1)?;
    let (off, on) = (c.reshape(off, Vec::new())?, c.reshape(on, Vec::new())?);
    Ok(vec![c.select(hot, on, off)?])
}

/// Hardmax-1, -11, -13: 1 at the first of the greatest along an axis, 0 elsewhere.
pub(crate) fn hardmax(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let given = import.shape(x).to_vec();
    let old = node.opset < 13;
    let axis = axis_of(node.int_or("axis", if old { 1 } else { -1 })?, given.len())?;
    let c = &mut Compose::new(import, node);
    // Before opset 13 all axes from `axis` on count as one.
    let x = if old {
        let (a, b) = (
            given[..axis].iter().product(),
            given[axis..].iter().product(),
        );
        c.reshape(x, vec![a, b])?
    } else {
        x
    };
    let axis = if old { 1 } else { axis };
    let shape = c.shape(x);
    let op = Op::ArgReduce(ArgReduce {
        axis,
        least: false,
        last: false,
    });
    let place = c.op(op, &[x])?;
    let mut along = vec![1; shape.len()];
    along[axis] = shape[axis];
    c.room(&[shape[axis]])?;
    let line = c.ints(along, (0..shape[axis] as i64).collect())?;
    let hot = c.binary(BinaryFn::Equal, line, place)?;
    let y = c.cast(hot, DType::F32)?;
    Ok(vec![c.reshape(y, given)?])
}

/// Trilu-14: the upper or lower triangle, zeros elsewhere.
pub(crate) fn trilu(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let shape = import.shape(x).to_vec();
    let &[.., rows, columns] = shape.as_slice() else {
        return invalid(format!("shape {shape:?} has no two axes"));
    };
    let k = match import.optional_ints(node, 1, "k")? {
        Some(k) => k.first().copied().unwrap_or(0),
        None => 0,
    };
    let upper = node.int_or("upper", 1)? != 0;
    let kept = |n: usize| {
        let (i, j) = ((n / columns) as i64, (n % columns) as i64);
        let d = (j - i).saturating_sub(k);
        if upper { d >= 0 } else { d <= 0 }
    };
    if rows.checked_mul(columns).is_none_or(|n| n > MAX_MADE) {
        return gap(format!("a triangle of {rows} × {columns}"));
    }
    let c = &mut Compose::new(import, node);
    let mask = (0..rows * columns).map(kept).collect();
    let mask = c.bools(vec![rows, columns], mask)?;
    let zero = c.number_like(x, 0.0)?;
    Ok(vec![c.select(mask, x, zero)?])
}

/// EyeLike-9, -22: a diagonal of ones under the shape of the input.
pub(crate) fn eye_like(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let &[rows, columns] = import.shape(x) else {
        return invalid(format!("shape {:?} is no matrix", import.shape(x)));
    };
    let k = node.int_or("k", 0)?;
    if rows.checked_mul(columns).is_none_or(|n| n > MAX_MADE) {
        return gap(format!("a matrix of {rows} × {columns}"));
    }
    let on = |n: usize| (n % columns) as i64 - (n / columns) as i64 == k;
    let eye = (0..rows * columns).map(|n| f32::from(u8::from(on(n))));
    let eye = eye.collect();
    let like = import.dtype(x);
    let c = &mut Compose::new(import, node);
    let eye = c.floats(vec![rows, columns], eye)?;
    if node.proto.attr("dtype").is_some() {
        return output_type(c, eye, "dtype").map(|y| vec![y]);
    }
    Ok(vec![c.cast(eye, like)?])
}

/// Tile-6, -13.
pub(crate) fn tile(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let repeats = import.constant_ints(node, 1, "the repeats")?;
    if repeats.len() != import.rank(x) {
        return invalid(format!("repeats {repeats:?} of {:?}", import.shape(x)));
    }
    let c = &mut Compose::new(import, node);
    let mut y = x;
    for (axis, &times) in repeats.iter().enumerate() {
        let Ok(times) = usize::try_from(times) else {
            return invalid(format!("repeats {repeats:?}"));
        };
        y = c.repeat(y, axis, times)?;
    }
    Ok(vec![y])
}

/// CenterCropPad-18.
pub(crate) fn center_crop_pad(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let wanted = import.constant_ints(node, 1, "the shape")?;
    let rank = import.rank(x);
    let axes: Vec<usize> = match node.proto.attr_ints("axes")? {
        Some(axes) => axes
            .iter()
            .map(|&a| axis_of(a, rank))
            .collect::<Result<_, _>>()?,
        None => (0..rank).collect(),
    };
    if axes.len() != wanted.len() {
        return invalid(format!("shape {wanted:?} for axes {axes:?}"));
    }
    let c = &mut Compose::new(import, node);
    let mut y = x;
    let (mut before, mut after) = (vec![0; rank], vec![0; rank]);
    for (&axis, &to) in axes.iter().zip(&wanted) {
        let from = c.shape(y)[axis];
        let Ok(to) = usize::try_from(to) else {
            return invalid(format!("shape {wanted:?}"));
        };
        if to < from {
            y = c.slice(y, axis, (from - to) / 2, 1, to)?;
        } else {
            before[axis] = (to - from) / 2;
            after[axis] = to - from - before[axis];
        }
    }
    if before.iter().chain(&after).all(|&p| p == 0) {
        return Ok(vec![y]);
    }
    let pad = Pad {
        before,
        after,
        mode: PadMode::Constant,
        value: 0.0,
    };
    Ok(vec![c.op(Op::Pad(pad), &[y])?])
}

/// ReverseSequence-10 with constant lengths.
pub(crate) fn reverse_sequence(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let lengths = import.constant_ints(node, 1, "the lengths")?;
    let shape = import.shape(x).to_vec();
    let time = axis_of(node.int_or("time_axis", 0)?, shape.len())?;
    let batch = axis_of(node.int_or("batch_axis", 1)?, shape.len())?;
    if time > 1 || batch > 1 || time == batch || shape[batch] != lengths.len() {
        return invalid(format!("{} lengths of {shape:?}", lengths.len()));
    }
    let places = Compose::new(import, node).room(&shape[..2])?;
    let mut places = Vec::with_capacity(places);
    for i in 0..shape[0] {
        for j in 0..shape[1] {
            let (t, b) = if time == 0 { (i, j) } else { (j, i) };
            let n = match usize::try_from(lengths[b]) {
                Ok(n) if n <= shape[time] => n,
                _ => return invalid(format!("length {}", lengths[b])),
            };
            let t = if t < n { n - 1 - t } else { t };
            let at = if time == 0 {
                t * shape[1] + b
            } else {
                b * shape[1] + t
            };
            places.push(at as i64);
        }
    }
    let c = &mut Compose::new(import, node);
    let mut flat = vec![shape[0] * shape[1]];
    flat.extend(&shape[2..]);
    let x = c.reshape(x, flat)?;
    let y = c.gather(x, 0, places)?;
    Ok(vec![c.reshape(y, shape)?])
}

/// Axes of an attribute, all but batch and channels without it.
pub(crate) fn axes_attribute(
    node: &OnnxNode<'_>,
    rank: usize,
    default: &[i64],
) -> Result<Vec<usize>, Stop> {
    axes_of(node.proto.attr_ints("axes")?.unwrap_or(default), rank)
}
