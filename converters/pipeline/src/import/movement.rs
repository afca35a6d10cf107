//! Operators that move elements: shapes, order, parts, borders.

use redpoll_graph::op::{Pad, PadMode, SliceAxis};
use redpoll_graph::{DType, Op, ValueId};

use super::compose::{Compose, MAX_MADE};
use super::elementwise::broadcast;
use super::importer::Importer;
use super::node::{OnnxNode, Outputs, Stop, axes_of, axis_of, invalid};

fn reshape_to(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    x: ValueId,
    shape: Vec<usize>,
) -> Outputs {
    Ok(vec![import.emit(node, Op::Reshape { shape }, &[x])?])
}

/// Reshape-5, -13, -14, -19, -21: 0 keeps an axis unless `allowzero`, −1 takes what is left.
pub(crate) fn reshape(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let wanted = import.constant_ints(node, 1, "the shape")?;
    let from = import.shape(x);
    let allow_zero = node.flag("allowzero")?;
    let mut shape = Vec::with_capacity(wanted.len());
    let mut rest = None;
    for (i, &w) in wanted.iter().enumerate() {
        match (usize::try_from(w), from.get(i)) {
            (Ok(0), Some(&kept)) if !allow_zero => shape.push(kept),
            (Ok(0), None) if !allow_zero => {
                return invalid(format!(
                    "shape {wanted:?} keeps axis {i}, which is not there"
                ));
            }
            (Ok(size), _) => shape.push(size),
            (Err(_), _) if w == -1 && rest.is_none() => {
                rest = Some(i);
                shape.push(1);
            }
            _ => return invalid(format!("shape {wanted:?}")),
        }
    }
    if let Some(i) = rest {
        let total: usize = import.graph.value(x).len();
        let known = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
        shape[i] = match known {
            Some(known) if known > 0 && total.is_multiple_of(known) => total / known,
            _ => return invalid(format!("shape {wanted:?} of {from:?}")),
        };
    }
    reshape_to(import, node, x, shape)
}

/// Flatten-1, -9, -11, -13, -21.
pub(crate) fn flatten(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let from = import.shape(x);
    let axis = match node.int_or("axis", 1)? {
        a if usize::try_from(a) == Ok(from.len()) => from.len(),
        a => axis_of(a, from.len())?,
    };
    let shape = vec![from[..axis].iter().product(), from[axis..].iter().product()];
    reshape_to(import, node, x, shape)
}

/// Axes as an attribute (before opset 13) or as input 1.
fn axes_argument(import: &Importer<'_>, node: &OnnxNode<'_>) -> Result<Option<Vec<i64>>, Stop> {
    if node.opset < 13 {
        return Ok(node.proto.attr_ints("axes")?.map(<[i64]>::to_vec));
    }
    import.optional_ints(node, 1, "axes")
}

/// Squeeze-1, -11 (attribute), -13, -21 (input).
pub(crate) fn squeeze(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let from = import.shape(x).to_vec();
    let axes = match axes_argument(import, node)? {
        Some(axes) => axes_of(&axes, from.len())?,
        None => (0..from.len()).filter(|&i| from[i] == 1).collect(),
    };
    if let Some(&axis) = axes.iter().find(|&&a| from[a] != 1) {
        return invalid(format!("axis {axis} of {from:?} does not have length 1"));
    }
    let kept = (0..from.len()).filter(|i| !axes.contains(i));
    reshape_to(import, node, x, kept.map(|i| from[i]).collect())
}

/// Unsqueeze-1, -11 (attribute), -13, -21 (input).
pub(crate) fn unsqueeze(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let Some(axes) = axes_argument(import, node)? else {
        return invalid("axes are missing");
    };
    let from = import.shape(x).to_vec();
    let rank = from.len() + axes.len();
    let axes = axes_of(&axes, rank)?;
    let mut old = from.into_iter();
    let shape = (0..rank)
        .map(|i| {
            if axes.contains(&i) {
                1
            } else {
                old.next().unwrap_or(1)
            }
        })
        .collect();
    reshape_to(import, node, x, shape)
}

/// Transpose-1, -13, -21; the axes reversed without `perm`.
pub(crate) fn transpose(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let rank = import.rank(x);
    let perm = match node.proto.attr_ints("perm")? {
        Some(perm) => perm
            .iter()
            .map(|&p| axis_of(p, rank))
            .collect::<Result<_, _>>()?,
        None => (0..rank).rev().collect(),
    };
    Ok(vec![import.emit(node, Op::Transpose { perm }, &[x])?])
}

/// Concat-4, -11, -13.
pub(crate) fn concat(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let inputs = node.all_inputs(1)?;
    let Some(axis) = node.proto.attr_int("axis")? else {
        return invalid("attribute \"axis\" is missing");
    };
    let axis = axis_of(axis, import.rank(inputs[0]))?;
    // Constants without elements add nothing, where something is left.
    let nothing = |id: &&ValueId| {
        let tensor = import.graph.constant(**id);
        tensor.is_some_and(|t| t.shape().get(axis) == Some(&0))
    };
    let some: Vec<ValueId> = inputs.iter().filter(|id| !nothing(id)).copied().collect();
    if let ([x], true) = (some.as_slice(), some.len() < inputs.len()) {
        let shape = import.shape(*x).to_vec();
        return Ok(vec![import.emit(node, Op::Reshape { shape }, &[*x])?]);
    }
    let inputs = if some.is_empty() { inputs } else { some };
    Ok(vec![import.emit(node, Op::Concat { axis }, &inputs)?])
}

/// Split-2, -11 (attribute), -13, -18 (input or number of outputs): a slice for each output.
pub(crate) fn split(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let from = import.shape(x).to_vec();
    let axis = axis_of(node.int_or("axis", 0)?, from.len())?;
    let parts = node.proto.output.len();
    let sizes = if node.opset < 13 {
        node.proto.attr_ints("split")?.map(<[i64]>::to_vec)
    } else {
        import.optional_ints(node, 1, "split")?
    };
    let sizes: Vec<usize> = match sizes {
        Some(sizes) => sizes
            .iter()
            .filter_map(|&s| usize::try_from(s).ok())
            .collect(),
        None => {
            let each = from[axis].div_ceil(parts.max(1));
            let left = |i: usize| from[axis].saturating_sub(i.saturating_mul(each));
            (0..parts).map(|i| left(i).min(each)).collect()
        }
    };
    let total = sizes.iter().try_fold(0usize, |n, &s| n.checked_add(s));
    if sizes.len() != parts || total != Some(from[axis]) {
        return invalid(format!("parts {sizes:?} of axis {axis} of {from:?}"));
    }
    let mut start = 0;
    let mut outputs = Vec::with_capacity(parts);
    for (i, len) in sizes.into_iter().enumerate() {
        let mut axes = whole(&from);
        axes[axis] = SliceAxis {
            start,
            step: 1,
            len,
        };
        start += len;
        let name = match i {
            0 => node.name.clone(),
            _ => import.unique_node_name(&format!("{}_{i}", node.name)),
        };
        outputs.push(import.emit_as(&name, &node.proto.output[i], Op::Slice { axes }, &[x])?);
    }
    Ok(outputs)
}

/// A slice that takes everything.
pub(crate) fn whole(shape: &[usize]) -> Vec<SliceAxis> {
    let all = |&len: &usize| SliceAxis {
        start: 0,
        step: 1,
        len,
    };
    shape.iter().map(all).collect()
}

/// Pad-2 (attributes), -11, -13, -18, -19, -21 (inputs).
pub(crate) fn pad(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let rank = import.rank(x);
    let mode = match node.text_or("mode", "constant")? {
        "constant" => PadMode::Constant,
        "edge" => PadMode::Edge,
        "reflect" => PadMode::Reflect,
        "wrap" => return pad_wrap(import, node),
        other => return invalid(format!("mode is {other:?}")),
    };
    let (pads, value) = if node.opset < 11 {
        let Some(pads) = node.proto.attr_ints("pads")? else {
            return invalid("attribute \"pads\" is missing");
        };
        (pads.to_vec(), node.float_or("value", 0.0)?)
    } else {
        let value = match node.optional(2) {
            None => 0.0,
            Some(_) => {
                let value = import.constant_input(node, 2, "the value")?;
                let integer = || value.to_i64().and_then(|v| v.first().copied());
                match value.scalar_f32().or_else(|| integer().map(|v| v as f32)) {
                    Some(v) => v,
                    None => return invalid("the value (input 2) is not one number"),
                }
            }
        };
        (import.constant_ints(node, 1, "pads")?, value)
    };
    let axes = match import.optional_ints(node, 3, "axes")? {
        Some(axes) => axes
            .iter()
            .map(|&a| axis_of(a, rank))
            .collect::<Result<Vec<_>, _>>()?,
        None => (0..rank).collect(),
    };
    if pads.len() != 2 * axes.len() {
        return invalid(format!("{} pads for {} axes", pads.len(), axes.len()));
    }
    let (mut before, mut after) = (vec![0; rank], vec![0; rank]);
    let mut x = x;
    for (i, &axis) in axes.iter().enumerate() {
        let ends = [pads[i], pads[i + axes.len()]];
        // A negative pad cuts off.
        let [cut_before, cut_after] =
            ends.map(|p| usize::try_from(p.saturating_neg()).unwrap_or(0));
        [before[axis], after[axis]] = ends.map(|p| usize::try_from(p).unwrap_or(0));
        if cut_before > 0 || cut_after > 0 {
            let size = import.shape(x)[axis];
            let Some(left) = size.checked_sub(cut_before.saturating_add(cut_after)) else {
                return invalid(format!("pads {ends:?} of an axis of {size}"));
            };
            x = Compose::new(import, node).slice(x, axis, cut_before, 1, left)?;
        }
    }
    // A constant border of truth values or bytes goes by way of i32.
    let dtype = import.dtype(x);
    let plain = import.graph.value(x).qparams.is_none();
    if matches!(dtype, DType::Bool) && plain && mode == PadMode::Constant {
        let pad = Op::Pad(Pad {
            before,
            after,
            mode,
            value,
        });
        let c = &mut Compose::new(import, node);
        let wide = c.cast(x, DType::I32)?;
        let padded = c.op(pad, &[wide])?;
        return Ok(vec![c.cast(padded, dtype)?]);
    }
    let pad = Pad {
        before,
        after,
        mode,
        value,
    };
    Ok(vec![import.emit(node, Op::Pad(pad), &[x])?])
}

/// Pad-19 in mode "wrap": the axis goes round.
fn pad_wrap(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let rank = import.rank(x);
    let pads = import.constant_ints(node, 1, "pads")?;
    let axes = match import.optional_ints(node, 3, "axes")? {
        Some(axes) => axes
            .iter()
            .map(|&a| axis_of(a, rank))
            .collect::<Result<Vec<_>, _>>()?,
        None => (0..rank).collect(),
    };
    if pads.len() != 2 * axes.len() {
        return invalid(format!("{} pads for {} axes", pads.len(), axes.len()));
    }
    let c = &mut Compose::new(import, node);
    let mut y = x;
    for (i, &axis) in axes.iter().enumerate() {
        let size = i64::try_from(c.shape(y)[axis]).unwrap_or(i64::MAX);
        let (before, after) = (pads[i], pads[i + axes.len()]);
        let end = size.saturating_add(after);
        let count = end.saturating_add(before);
        if size == 0 || !(0..=MAX_MADE as i64).contains(&count) {
            return invalid(format!("pads {before} and {after} of an axis of {size}"));
        }
        if (before, after) != (0, 0) {
            let places = (0..count).map(|k| (k - before).rem_euclid(size));
            y = c.gather(y, axis, places.collect())?;
        }
    }
    Ok(vec![y])
}

/// Expand-8, -13: broadcasts both ways.
pub(crate) fn expand(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let wanted = import.constant_ints(node, 1, "the shape")?;
    let Ok(wanted) = wanted
        .iter()
        .map(|&w| usize::try_from(w))
        .collect::<Result<Vec<_>, _>>()
    else {
        return invalid(format!("shape {wanted:?}"));
    };
    let shape = broadcast(import.shape(x), &wanted)?;
    Ok(vec![import.emit(node, Op::Expand { shape }, &[x])?])
}

/// DepthToSpace-1, -11, -13.
pub(crate) fn depth_to_space(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let &[n, c, h, w] = import.shape(x) else {
        return invalid(format!("shape {:?}", import.shape(x)));
    };
    let b = block_size(node)?;
    let d = c / (b * b);
    if d * b * b != c {
        return invalid(format!("{c} channels in blocks of {b} × {b}"));
    }
    let (split, perm) = match node.text_or("mode", "DCR")? {
        "DCR" => (vec![n, b, b, d, h, w], vec![0, 3, 4, 1, 5, 2]),
        "CRD" => (vec![n, d, b, b, h, w], vec![0, 1, 4, 2, 5, 3]),
        other => return invalid(format!("mode is {other:?}")),
    };
    regroup(import, node, x, split, perm, vec![n, d, h * b, w * b])
}

/// SpaceToDepth-1, -13.
pub(crate) fn space_to_depth(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let &[n, c, h, w] = import.shape(x) else {
        return invalid(format!("shape {:?}", import.shape(x)));
    };
    let b = block_size(node)?;
    if h % b != 0 || w % b != 0 {
        return invalid(format!("a plane of {h} × {w} in blocks of {b} × {b}"));
    }
    let (rows, columns) = (h / b, w / b);
    let depth = c * b * b;
    let split = vec![n, c, rows, b, columns, b];
    let perm = match node.text_or("mode", "DCR")? {
        "DCR" => vec![0, 3, 5, 1, 2, 4],
        "CRD" => vec![0, 1, 3, 5, 2, 4],
        other => return invalid(format!("mode is {other:?}")),
    };
    regroup(import, node, x, split, perm, vec![n, depth, rows, columns])
}

fn block_size(node: &OnnxNode<'_>) -> Result<usize, Stop> {
    match usize::try_from(node.int_or("blocksize", 0)?) {
        Ok(b) if (1..=1024).contains(&b) => Ok(b),
        _ => invalid("blocksize must lie in 1..=1024"),
    }
}

fn regroup(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    x: ValueId,
    split: Vec<usize>,
    perm: Vec<usize>,
    shape: Vec<usize>,
) -> Outputs {
    let x = import.emit_part(node, "split", Op::Reshape { shape: split }, &[x])?;
    let x = import.emit_part(node, "moved", Op::Transpose { perm }, &[x])?;
    reshape_to(import, node, x, shape)
}
