//! What moves elements: transpose, pad, concat, split, tile, blocks.

use redpoll_onnx::proto::NodeProto;

use super::translator::{Done, Translator, gap, invalid};
use crate::{Activation, Operator, Options};

/// TRANSPOSE.
pub(crate) fn transpose(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (x, perm, y) = (t.input(op, 0)?, t.input(op, 1)?, t.output(op, 0)?);
    let perm = t.constant_ints(perm, "the permutation")?;
    let x = t.value(x)?;
    let node = NodeProto::new("Transpose", "", [x.as_str()], []).with_ints("perm", &perm);
    t.finish(y, node, Activation::None)
}

/// Pairs of a `[n, 2]` constant: all of before, then all of after.
fn borders(t: &Translator<'_>, id: usize) -> Done<[Vec<i64>; 2]> {
    let pairs = t.constant_ints(id, "the border")?;
    let (pairs, []) = pairs.as_chunks::<2>() else {
        return invalid("a border without its other side");
    };
    Ok([0, 1].map(|side| pairs.iter().map(|p| p[side]).collect()))
}

/// PAD, PADV2: a border of zeros, or of one value.
pub(crate) fn pad(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (x, border, y) = (t.input(op, 0)?, t.input(op, 1)?, t.output(op, 0)?);
    let [before, after] = borders(t, border)?;
    let base = t.name(y).to_owned();
    let pads = t.ints(&format!("{base}_border"), &[before, after].concat())?;
    let mut inputs = vec![t.value(x)?, pads];
    if let Some(value) = t.optional(op, 2) {
        let value = t.value(value)?;
        inputs.push(t.reshaped(&format!("{base}_value"), &value, &[])?);
    }
    let node = NodeProto::new("Pad", "", inputs.iter().map(String::as_str), []);
    t.finish(y, node, Activation::None)
}

/// MIRROR_PAD without the edge itself.
pub(crate) fn mirror_pad(t: &mut Translator<'_>, op: &Operator) -> Done {
    if matches!(op.options, Options::MirrorPad { symmetric: true }) {
        return gap("a mirrored border that repeats the edge is not supported");
    }
    let (x, border, y) = (t.input(op, 0)?, t.input(op, 1)?, t.output(op, 0)?);
    let [before, after] = borders(t, border)?;
    let hint = format!("{}_border", t.name(y));
    let pads = t.ints(&hint, &[before, after].concat())?;
    let x = t.value(x)?;
    let node =
        NodeProto::new("Pad", "", [x.as_str(), pads.as_str()], []).with_string("mode", "reflect");
    t.finish(y, node, Activation::None)
}

/// CONCATENATION.
pub(crate) fn concat(t: &mut Translator<'_>, op: &Operator) -> Done {
    let Options::Concatenation { axis, activation } = op.options else {
        return invalid("its options are missing");
    };
    let y = t.output(op, 0)?;
    let mut parts = Vec::new();
    for i in 0..op.inputs.len() {
        let id = t.input(op, i)?;
        // Parts without elements may have no bytes in the file.
        if t.tensor(id).count() != Some(0) {
            parts.push(t.value(id)?);
        }
    }
    let node = NodeProto::new("Concat", "", parts.iter().map(String::as_str), [])
        .with_int("axis", axis.into());
    t.finish(y, node, activation)
}

/// Adds a node with one result for each of the operator's, each of which `rest` finishes.
fn parts(
    t: &mut Translator<'_>,
    op: &Operator,
    mut node: NodeProto,
    mut rest: impl FnMut(&mut Translator<'_>, &str) -> Done<NodeProto>,
) -> Done {
    let names: Vec<String> = op
        .outputs
        .iter()
        .map(|&y| {
            let hint = format!("{}_part", t.name(y));
            t.unique(&hint)
        })
        .collect();
    node.output.clone_from(&names);
    node.name = t.unique(&format!(
        "{}_split",
        names.first().map_or("", String::as_str)
    ));
    t.graph.node(node);
    for (&y, name) in op.outputs.iter().zip(&names) {
        let node = rest(t, name)?;
        t.finish(y, node, Activation::None)?;
    }
    Ok(())
}

fn as_it_is(_: &mut Translator<'_>, name: &str) -> Done<NodeProto> {
    Ok(NodeProto::new("Identity", "", [name], []))
}

fn one_int(t: &Translator<'_>, id: usize, what: &str) -> Done<i64> {
    match t.constant_ints(id, what)?.as_slice() {
        &[one] => Ok(one),
        _ => invalid(format!("{what} is not one number")),
    }
}

/// SPLIT: the axis, x.
pub(crate) fn split(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (axis, x) = (t.input(op, 0)?, t.input(op, 1)?);
    let axis = one_int(t, axis, "the axis")?;
    let x = t.value(x)?;
    let node = NodeProto::new("Split", "", [x.as_str()], [])
        .with_int("axis", axis)
        .with_int("num_outputs", op.outputs.len() as i64);
    parts(t, op, node, as_it_is)
}

/// SPLIT_V: x, the sizes (at most one of them -1: the rest), the axis.
pub(crate) fn split_v(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (x, sizes, axis) = (t.input(op, 0)?, t.input(op, 1)?, t.input(op, 2)?);
    let axis = one_int(t, axis, "the axis")?;
    let mut sizes = t.constant_ints(sizes, "the sizes")?;
    let rank = t.shape(x).len();
    let along = usize::try_from(if axis < 0 { axis + rank as i64 } else { axis });
    let whole = along.ok().and_then(|a| t.shape(x).get(a)).copied();
    let Some(whole) = whole.and_then(|n| i64::try_from(n).ok()) else {
        return invalid(format!("axis {axis} of {:?}", t.shape(x)));
    };
    let known = sizes
        .iter()
        .filter(|&&s| s >= 0)
        .fold(0i64, |n, &s| n.saturating_add(s));
    if let Some(rest) = sizes.iter_mut().find(|s| **s == -1) {
        *rest = whole.saturating_sub(known);
    }
    if sizes.len() != op.outputs.len() {
        return invalid(format!(
            "{} sizes for {} parts",
            sizes.len(),
            op.outputs.len()
        ));
    }
    let hint = format!("{}_sizes", t.name(t.output(op, 0)?));
    let (x, sizes) = (t.value(x)?, t.ints(&hint, &sizes)?);
    let node = NodeProto::new("Split", "", [x.as_str(), sizes.as_str()], []).with_int("axis", axis);
    parts(t, op, node, as_it_is)
}

/// UNPACK: slices along an axis, which goes.
pub(crate) fn unpack(t: &mut Translator<'_>, op: &Operator) -> Done {
    let Options::Axis(axis) = op.options else {
        return invalid("its options are missing");
    };
    let x = t.input(op, 0)?;
    let x = t.value(x)?;
    let axes = t.ints(&format!("{x}_axes"), &[axis.into()])?;
    let node = NodeProto::new("Split", "", [x.as_str()], [])
        .with_int("axis", axis.into())
        .with_int("num_outputs", op.outputs.len() as i64);
    parts(t, op, node, |_, name| {
        Ok(NodeProto::new("Squeeze", "", [name, axes.as_str()], []))
    })
}

/// PACK: operands side by side along a new axis.
pub(crate) fn pack(t: &mut Translator<'_>, op: &Operator) -> Done {
    let Options::Axis(axis) = op.options else {
        return invalid("its options are missing");
    };
    let y = t.output(op, 0)?;
    let base = t.name(y).to_owned();
    let axes = t.ints(&format!("{base}_axes"), &[axis.into()])?;
    let mut all = Vec::new();
    for i in 0..op.inputs.len() {
        let id = t.input(op, i)?;
        let x = t.value(id)?;
        let node = NodeProto::new("Unsqueeze", "", [x.as_str(), axes.as_str()], []);
        all.push(t.emit(&format!("{base}_part"), node));
    }
    let node = NodeProto::new("Concat", "", all.iter().map(String::as_str), [])
        .with_int("axis", axis.into());
    t.finish(y, node, Activation::None)
}

/// TILE.
pub(crate) fn tile(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (x, times, y) = (t.input(op, 0)?, t.input(op, 1)?, t.output(op, 0)?);
    let times = t.ints_of(times, "the repetitions")?;
    let x = t.value(x)?;
    let node = NodeProto::new("Tile", "", [x.as_str(), times.as_str()], []);
    t.finish(y, node, Activation::None)
}

/// SPACE_TO_DEPTH, DEPTH_TO_SPACE.
pub(crate) fn depth(t: &mut Translator<'_>, op: &Operator) -> Done {
    let Options::Block(block) = op.options else {
        return invalid("its options are missing");
    };
    let (x, y) = (t.input(op, 0)?, t.output(op, 0)?);
    if t.shape(x).len() != 4 {
        return invalid(format!("an operand of {:?}", t.shape(x)));
    }
    let name = match op.op.as_str() {
        "SPACE_TO_DEPTH" => "SpaceToDepth",
        _ => "DepthToSpace",
    };
    let real = t.value(x)?;
    let first = t.channels_first(&real);
    let node = NodeProto::new(name, "", [first.as_str()], []).with_int("blocksize", block.into());
    t.finish_first(y, node, Activation::None)
}

/// SPACE_TO_BATCH_ND, BATCH_TO_SPACE_ND: x, block sizes, border (or what is cut off), with sizes that are known.
pub(crate) fn batch(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (x, block, border, y) = (
        t.input(op, 0)?,
        t.input(op, 1)?,
        t.input(op, 2)?,
        t.output(op, 0)?,
    );
    let block = t.constant_ints(block, "the block")?;
    let [before, after] = borders(t, border)?;
    let to_batch = op.op == "SPACE_TO_BATCH_ND";
    let shape: Vec<i64> = t.shape(x).iter().map(|&d| d as i64).collect();
    let m = block.len();
    let many: i64 = block.iter().fold(1i64, |n, &b| n.saturating_mul(b));
    let sane = m >= 1
        && shape.len() > m
        && before.len() == m
        && block.iter().all(|b| (1..=1 << 16).contains(b));
    let small = |v: &[i64]| v.iter().all(|n| (0..=1 << 24).contains(n));
    if !sane || !small(&before) || !small(&after) || !small(&shape) {
        return invalid(format!("blocks of {block:?} in {shape:?}"));
    }
    if t.tensor(x).free.iter().any(|&f| f) {
        return gap("sizes that are not known");
    }
    let base = t.name(y).to_owned();
    let mut value = t.value(x)?;
    let rest = &shape[m + 1..];
    if to_batch {
        let mut pads = vec![0; 2 * shape.len()];
        pads[1..=m].copy_from_slice(&before);
        pads[shape.len() + 1..=shape.len() + m].copy_from_slice(&after);
        let pads = t.ints(&format!("{base}_border"), &pads)?;
        let node = NodeProto::new("Pad", "", [value.as_str(), pads.as_str()], []);
        value = t.emit(&format!("{base}_padded"), node);
        let sizes: Vec<i64> = (0..m)
            .map(|i| shape[i + 1] + before[i] + after[i])
            .collect();
        if sizes.iter().zip(&block).any(|(s, b)| s % b != 0) {
            return invalid(format!("{sizes:?} in blocks of {block:?}"));
        }
        let mut apart = vec![shape[0]];
        apart.extend(sizes.iter().zip(&block).flat_map(|(s, b)| [s / b, *b]));
        apart.extend(rest);
        value = t.reshaped(&format!("{base}_apart"), &value, &apart)?;
        let mut perm: Vec<i64> = (0..m as i64).map(|i| 2 * i + 2).collect();
        perm.push(0);
        perm.extend((0..m as i64).map(|i| 2 * i + 1));
        perm.extend((0..rest.len() as i64).map(|i| 2 * m as i64 + 1 + i));
        let node = NodeProto::new("Transpose", "", [value.as_str()], []).with_ints("perm", &perm);
        value = t.emit(&format!("{base}_turned"), node);
        let mut whole = vec![shape[0].saturating_mul(many)];
        whole.extend(sizes.iter().zip(&block).map(|(s, b)| s / b));
        whole.extend(rest);
        let node = t.reshape_node(&base, &value, &whole)?;
        return t.finish(y, node, Activation::None);
    }
    if shape[0] % many != 0 {
        return invalid(format!("{} in blocks of {block:?}", shape[0]));
    }
    let mut apart = block.clone();
    apart.push(shape[0] / many);
    apart.extend(&shape[1..]);
    value = t.reshaped(&format!("{base}_apart"), &value, &apart)?;
    let mut perm = vec![m as i64];
    perm.extend((0..m as i64).flat_map(|i| [m as i64 + 1 + i, i]));
    perm.extend((0..rest.len() as i64).map(|i| 2 * m as i64 + 1 + i));
    let node = NodeProto::new("Transpose", "", [value.as_str()], []).with_ints("perm", &perm);
    value = t.emit(&format!("{base}_turned"), node);
    let mut whole = vec![shape[0] / many];
    whole.extend((0..m).map(|i| shape[i + 1] * block[i]));
    whole.extend(rest);
    value = t.reshaped(&format!("{base}_whole"), &value, &whole)?;
    let ends: Vec<i64> = (0..m).map(|i| shape[i + 1] * block[i] - after[i]).collect();
    let axes: Vec<i64> = (1..=m as i64).collect();
    let starts = t.ints(&format!("{base}_starts"), &before)?;
    let ends = t.ints(&format!("{base}_ends"), &ends)?;
    let axes = t.ints(&format!("{base}_axes"), &axes)?;
    let node = NodeProto::new("Slice", "", [&*value, &starts, &ends, &axes], []);
    t.finish(y, node, Activation::None)
}
