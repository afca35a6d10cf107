//! Operators that choose, order, gather and scatter elements by index, and those made of them.

use std::sync::Arc;

use redpoll_graph::op::{
    ArgReduce, BinaryFn, Cumulate, Pad, PadMode, ReduceKind, Scatter, SparseRows, TopK,
};
use redpoll_graph::{DType, Data, Op, ValueId};

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
    let k = if node.opset < 10 {
        node.int_or("k", 0)?
    } else {
        match import.constant_ints(node, 1, "k")?[..] {
            [k] => k,
            _ => return invalid("k is not one integer"),
        }
    };
    let Ok(k) = usize::try_from(k) else {
        return invalid(format!("k is {k}"));
    };
    let top = TopK {
        axis: axis_of(node.int_or("axis", -1)?, import.rank(x))?,
        k,
        largest: node.int_or("largest", 1)? != 0,
        indices: false,
    };
    let values = import.emit(node, Op::TopK(top), &[x])?;
    if !node.wants_output(1) {
        return Ok(vec![values]);
    }
    let places = Op::TopK(TopK {
        indices: true,
        ..top
    });
    Ok(vec![
        values,
        import.emit_part(node, "places", places, &[x])?,
    ])
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

/// Compress-9, -11 with a constant condition.
pub(crate) fn compress(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let mut x = node.input(0)?;
    let condition = import.constant_input(node, 1, "the condition")?;
    let Data::Bool(bits) = condition.data() else {
        return invalid("the condition is not of type BOOL");
    };
    let places: Vec<i64> = (0..).zip(bits).filter(|b| *b.1).map(|b| b.0).collect();
    let length = bits.len();
    let axis = node.proto.attr_int("axis")?;
    let c = &mut Compose::new(import, node);
    let axis = match axis {
        Some(axis) => axis_of(axis, c.import.rank(x))?,
        None => {
            let n = c.import.graph.value(x).len();
            x = c.reshape(x, vec![n])?;
            0
        }
    };
    if length > c.shape(x)[axis] {
        return invalid(format!("{length} conditions along {:?}", c.shape(x)));
    }
    Ok(vec![c.gather(x, axis, places)?])
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

/// MaxUnpool-9, -11, -22: elements put back to where they were the greatest.
pub(crate) fn max_unpool(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let (x, places) = (node.input(0)?, node.input(1)?);
    let shape = import.shape(x).to_vec();
    let axes = shape.len().saturating_sub(2);
    let kernel = node.sizes_or("kernel_shape", axes, 1, 1)?;
    let strides = node.sizes_or("strides", axes, 1, 1)?;
    let pads = node.sizes_or("pads", 2 * axes, 0, 0)?;
    let mut own = shape.clone();
    for i in 0..axes {
        let reach = (shape[2 + i].max(1) - 1)
            .saturating_mul(strides[i])
            .saturating_add(kernel[i]);
        own[2 + i] = reach.saturating_sub(pads[i].saturating_add(pads[axes + i]));
    }
    // Places count within the smallest plane that the attributes allow; a larger output gets a border of zeros after it.
    let to = match import.optional_ints(node, 2, "output_shape")? {
        Some(to) => to
            .iter()
            .map(|&d| usize::try_from(d).unwrap_or(0))
            .collect(),
        None => own.clone(),
    };
    let count = |s: &[usize]| s.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
    if to.len() != own.len() || to.iter().zip(&own).any(|(to, own)| to < own) {
        return invalid(format!("output_shape {to:?} is less than {own:?}"));
    }
    let Some(total) = count(&own).filter(|&n| n <= MAX_MADE) else {
        return gap(format!("a result of shape {to:?}"));
    };
    let n = import.graph.value(x).len();
    let c = &mut Compose::new(import, node);
    let zeros = c.floats(vec![total], vec![0.0; total])?;
    let flat = c.reshape(x, vec![n])?;
    let places = c.reshape(places, vec![n])?;
    let op = Op::ScatterElements {
        axis: 0,
        mode: Scatter::Replace,
    };
    let y = c.op(op, &[zeros, places, flat])?;
    let y = c.reshape(y, own.clone())?;
    if to == own {
        return Ok(vec![y]);
    }
    let pad = Pad {
        before: vec![0; own.len()],
        after: to.iter().zip(&own).map(|(to, own)| to - own).collect(),
        mode: PadMode::Constant,
        value: 0.0,
    };
    Ok(vec![c.op(Op::Pad(pad), &[y])?])
}

/// Entries and results of a map that an import makes.
const MOST_ENTRIES: usize = 1 << 22;

/// Col2Im-18: blocks added up where they overlap, as a linear map of few weights.
pub(crate) fn col2im(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let sizes = |v: Vec<i64>| -> Result<Vec<usize>, Stop> {
        let sizes = v
            .iter()
            .map(|&d| usize::try_from(d).ok().filter(|&d| d > 0));
        match sizes.collect::<Option<Vec<_>>>() {
            Some(s) if !s.is_empty() && s.len() <= 3 => Ok(s),
            _ => invalid(format!("sizes {v:?}")),
        }
    };
    let image = sizes(import.constant_ints(node, 1, "the image's shape")?)?;
    let block = sizes(import.constant_ints(node, 2, "the block's shape")?)?;
    let axes = image.len();
    let strides = node.sizes_or("strides", axes, 1, 1)?;
    let dilations = node.sizes_or("dilations", axes, 1, 1)?;
    let pads = node.sizes_or("pads", 2 * axes, 0, 0)?;
    let shape = import.shape(x).to_vec();
    let &[n, columns, positions] = shape.as_slice() else {
        return invalid(format!("shape {shape:?} is not [N, C · block, L]"));
    };
    if block.len() != axes {
        return invalid("image and block differ in rank");
    }
    let mut windows = Vec::with_capacity(axes);
    for i in 0..axes {
        let span = (block[i] - 1)
            .saturating_mul(dilations[i])
            .saturating_add(1);
        let padded = image[i]
            .saturating_add(pads[i])
            .saturating_add(pads[axes + i]);
        match padded.checked_sub(span) {
            Some(room) => windows.push(room / strides[i] + 1),
            None => return invalid(format!("a block of {span} over {padded}")),
        }
    }
    let product = |s: &[usize]| s.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
    let (area, taps) = (product(&image).unwrap_or(0), product(&block).unwrap_or(0));
    let entries = taps.checked_mul(positions).filter(|&e| e <= MOST_ENTRIES);
    if product(&windows) != Some(positions) || taps == 0 || columns % taps != 0 {
        return invalid(format!("{positions} positions of {columns} elements"));
    }
    if entries.is_none() || area == 0 || area > MOST_ENTRIES {
        return gap(format!("an image of {image:?}"));
    }
    let mut rows: Vec<Vec<u32>> = vec![Vec::new(); area];
    for tap in 0..taps {
        for position in 0..positions {
            let (mut t, mut p, mut at, mut step) = (tap, position, Some(0), 1);
            for i in (0..axes).rev() {
                let (k, w) = (t % block[i], p % windows[i]);
                (t, p) = (t / block[i], p / windows[i]);
                let place = (w * strides[i] + k * dilations[i])
                    .checked_sub(pads[i])
                    .filter(|&v| v < image[i]);
                at = at.zip(place).map(|(at, v)| at + v * step);
                step *= image[i];
            }
            if let Some(at) = at {
                rows[at].push((tap * positions + position) as u32);
            }
        }
    }
    let op = Op::SparseRows(sums(2, &rows));
    let channels = columns / taps;
    let c = &mut Compose::new(import, node);
    let x = c.reshape(x, vec![n, channels, taps * positions])?;
    let y = c.op(op, &[x])?;
    let mut to = vec![n, channels];
    to.extend(image);
    Ok(vec![c.reshape(y, to)?])
}

/// The map that adds up the elements listed for each result.
fn sums(axis: usize, rows: &[Vec<u32>]) -> SparseRows {
    let mut starts = vec![0u32];
    let mut index = Vec::new();
    for row in rows {
        index.extend(row);
        starts.push(index.len() as u32);
    }
    SparseRows {
        axis,
        starts: starts.into(),
        weights: vec![1.0; index.len()].into(),
        index: Arc::from(index),
    }
}

/// AffineGrid-20: places of a regular grid, turned by matrices.
pub(crate) fn affine_grid(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let theta = node.input(0)?;
    let size = import.constant_ints(node, 1, "the size")?;
    let space: Option<Vec<usize>> = size
        .get(2..)
        .unwrap_or_default()
        .iter()
        .map(|&d| usize::try_from(d).ok().filter(|&d| d > 0))
        .collect();
    let Some(space) = space.filter(|s| (2..=3).contains(&s.len())) else {
        return invalid(format!("size {size:?}"));
    };
    let axes = space.len();
    let n = import.shape(theta).first().copied().unwrap_or(0);
    if import.shape(theta) != [n, axes, axes + 1] {
        return invalid(format!("matrices {:?}", import.shape(theta)));
    }
    let aligned = node.flag("align_corners")?;
    let points = space.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
    let Some(points) = points.filter(|&p| p <= MAX_MADE / 4) else {
        return gap(format!("a grid of {space:?}"));
    };
    let at = |i: usize, d: usize| {
        if aligned {
            if d == 1 {
                -1.0
            } else {
                2.0 * i as f32 / (d - 1) as f32 - 1.0
            }
        } else {
            (2.0 * i as f32 + 1.0) / d as f32 - 1.0
        }
    };
    // Rows x, y, (z), 1.
    let mut grid = vec![1.0f32; (axes + 1) * points];
    for p in 0..points {
        let mut rest = p;
        for i in (0..axes).rev() {
            grid[(axes - 1 - i) * points + p] = at(rest % space[i], space[i]);
            rest /= space[i];
        }
    }
    let c = &mut Compose::new(import, node);
    let grid = c.floats(vec![axes + 1, points], grid)?;
    let y = c.matmul(theta, grid)?;
    let y = c.transpose(y, vec![0, 2, 1])?;
    let mut to = vec![n];
    to.extend(&space);
    to.push(axes);
    Ok(vec![c.reshape(y, to)?])
}

/// Det-11, -22 of matrices up to 4 × 4, by minors.
pub(crate) fn det(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let shape = import.shape(x).to_vec();
    let &[.., n, m] = shape.as_slice() else {
        return invalid(format!("shape {shape:?} is no matrix"));
    };
    if n != m || n == 0 {
        return invalid(format!("a matrix of {n} × {m}"));
    }
    if n > 4 {
        return gap(format!("a determinant of {n} × {n}; 4 × 4 is the limit"));
    }
    let c = &mut Compose::new(import, node);
    let rows: Vec<usize> = (0..n).collect();
    let y = minor(c, x, &rows, &rows)?;
    Ok(vec![c.reshape(y, shape[..shape.len() - 2].to_vec())?])
}

/// The determinant of the chosen rows and columns.
fn minor(
    c: &mut Compose<'_, '_, '_, '_>,
    x: ValueId,
    rows: &[usize],
    columns: &[usize],
) -> Result<ValueId, Stop> {
    let rank = c.import.rank(x);
    let mut sum = None;
    for (i, &column) in columns.iter().enumerate() {
        let row = c.slice(x, rank - 2, rows[0], 1, 1)?;
        let mut term = c.slice(row, rank - 1, column, 1, 1)?;
        if rows.len() > 1 {
            let others: Vec<usize> = columns.iter().copied().filter(|&k| k != column).collect();
            let rest = minor(c, x, &rows[1..], &others)?;
            term = c.mul(term, rest)?;
        }
        sum = Some(match sum {
            None => term,
            Some(s) if i % 2 == 1 => c.sub(s, term)?,
            Some(s) => c.add(s, term)?,
        });
    }
    match sum {
        Some(sum) => Ok(sum),
        None => invalid("an empty matrix"),
    }
}

/// Axes of an attribute, all but batch and channels without it.
pub(crate) fn axes_attribute(
    node: &OnnxNode<'_>,
    rank: usize,
    default: &[i64],
) -> Result<Vec<usize>, Stop> {
    axes_of(node.proto.attr_ints("axes")?.unwrap_or(default), rank)
}
