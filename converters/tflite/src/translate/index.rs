//! What takes elements by their place: slices, gather, arg max, top k, one hot, ranges, sums on the way.

use redpoll_onnx::proto::NodeProto;

use super::translator::{Done, Translator, data_type, gap, invalid};
use crate::{Activation, Operator, Options};

/// A slice with a step for each of the first dimensions.
fn sliced(
    t: &mut Translator<'_>,
    base: &str,
    x: &str,
    [starts, ends, steps]: [&[i64]; 3],
) -> Done<NodeProto> {
    let axes: Vec<i64> = (0..starts.len() as i64).collect();
    let starts = t.ints(&format!("{base}_starts"), starts)?;
    let ends = t.ints(&format!("{base}_ends"), ends)?;
    let axes = t.ints(&format!("{base}_axes"), &axes)?;
    let steps = t.ints(&format!("{base}_steps"), steps)?;
    Ok(NodeProto::new(
        "Slice",
        "",
        [x, &starts, &ends, &axes, &steps],
        [],
    ))
}

/// SLICE: begin and size, -1 for the rest.
pub(crate) fn slice(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (x, begin, size, y) = (
        t.input(op, 0)?,
        t.input(op, 1)?,
        t.input(op, 2)?,
        t.output(op, 0)?,
    );
    let begin = t.constant_ints(begin, "where the slice begins")?;
    let size = t.constant_ints(size, "the size of the slice")?;
    if begin.len() != size.len() {
        return invalid(format!("begin {begin:?}, size {size:?}"));
    }
    let ends: Vec<i64> = begin
        .iter()
        .zip(&size)
        .map(|(b, s)| {
            if *s < 0 {
                i64::MAX
            } else {
                b.saturating_add(*s)
            }
        })
        .collect();
    let x = t.value(x)?;
    let base = t.name(y).to_owned();
    let node = sliced(t, &base, &x, [&begin, &ends, &vec![1; begin.len()]])?;
    t.finish(y, node, Activation::None)
}

/// STRIDED_SLICE with its masks; without the ellipsis and new axes.
pub(crate) fn strided_slice(t: &mut Translator<'_>, op: &Operator) -> Done {
    let Options::StridedSlice {
        begin: begin_mask,
        end: end_mask,
        ellipsis,
        new_axis,
        shrink_axis,
        offset,
    } = op.options
    else {
        return invalid("its options are missing");
    };
    if ellipsis != 0 || new_axis != 0 {
        return gap("the ellipsis and new axes are not supported");
    }
    let (x, y) = (t.input(op, 0)?, t.output(op, 0)?);
    let part = |i: usize, what: &str| {
        let id = t.input(op, i)?;
        t.constant_ints(id, what)
    };
    let mut begin = part(1, "where the slice begins")?;
    let mut end = part(2, "where the slice ends")?;
    let steps = part(3, "the step of the slice")?;
    if begin.len() != end.len() || begin.len() != steps.len() || begin.len() > 31 {
        return invalid(format!("begin {begin:?}, end {end:?}, steps {steps:?}"));
    }
    let mut gone = Vec::new();
    for i in 0..begin.len() {
        let set = |mask: i32| mask >> i & 1 == 1;
        if set(shrink_axis) {
            gone.push(i as i64);
            end[i] = match begin[i] {
                -1 => i64::MAX,
                b => b.saturating_add(1),
            };
            continue;
        }
        if offset {
            end[i] = end[i].saturating_add(begin[i]);
        }
        let forward = steps[i] > 0;
        if set(begin_mask) {
            begin[i] = if forward { 0 } else { i64::MAX };
        }
        if set(end_mask) {
            end[i] = if forward { i64::MAX } else { i64::MIN };
        }
    }
    let x = t.value(x)?;
    let base = t.name(y).to_owned();
    let node = sliced(t, &base, &x, [&begin, &end, &steps])?;
    if gone.is_empty() {
        return t.finish(y, node, Activation::None);
    }
    let kept = t.emit(&format!("{base}_slice"), node);
    let axes = t.ints(&format!("{base}_gone"), &gone)?;
    let node = NodeProto::new("Squeeze", "", [kept.as_str(), axes.as_str()], []);
    t.finish(y, node, Activation::None)
}

/// REVERSE_V2.
pub(crate) fn reverse(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (x, axes, y) = (t.input(op, 0)?, t.input(op, 1)?, t.output(op, 0)?);
    let axes = t.constant_ints(axes, "the axes")?;
    let x = t.value(x)?;
    let base = t.name(y).to_owned();
    let n = axes.len();
    let starts = t.ints(&format!("{base}_starts"), &vec![-1; n])?;
    let ends = t.ints(&format!("{base}_ends"), &vec![i64::MIN; n])?;
    let axes = t.ints(&format!("{base}_axes"), &axes)?;
    let steps = t.ints(&format!("{base}_steps"), &vec![-1; n])?;
    let node = NodeProto::new("Slice", "", [&*x, &starts, &ends, &axes, &steps], []);
    t.finish(y, node, Activation::None)
}

/// GATHER without batch dimensions, EMBEDDING_LOOKUP.
pub(crate) fn gather(t: &mut Translator<'_>, op: &Operator) -> Done {
    let axis = match op.options {
        Options::Gather {
            batch_dims: 0,
            axis,
        } => axis,
        Options::Gather { .. } => return gap("batch dimensions are not supported"),
        _ => 0,
    };
    let y = t.output(op, 0)?;
    let (mut x, mut places) = (t.input(op, 0)?, t.input(op, 1)?);
    if op.op == "EMBEDDING_LOOKUP" {
        std::mem::swap(&mut x, &mut places);
    }
    let (x, places) = (t.value(x)?, t.plain(places)?);
    let node = NodeProto::new("Gather", "", [x.as_str(), places.as_str()], [])
        .with_int("axis", axis.into());
    t.finish(y, node, Activation::None)
}

/// GATHER_ND.
pub(crate) fn gather_nd(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (x, places, y) = (t.input(op, 0)?, t.input(op, 1)?, t.output(op, 0)?);
    let (x, places) = (t.value(x)?, t.plain(places)?);
    let to = i64::from(redpoll_onnx::DataType::I64.to_onnx());
    let node = NodeProto::new("Cast", "", [places.as_str()], []).with_int("to", to);
    let places = t.emit(&format!("{places}_ints"), node);
    let node = NodeProto::new("GatherND", "", [x.as_str(), places.as_str()], []);
    t.finish(y, node, Activation::None)
}

/// ARG_MAX, ARG_MIN: the first place of several.
pub(crate) fn arg(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (x, axis, y) = (t.input(op, 0)?, t.input(op, 1)?, t.output(op, 0)?);
    let &[axis] = t.constant_ints(axis, "the axis")?.as_slice() else {
        return invalid("the axis is not one number");
    };
    let Some(to) = data_type(t.tensor(y).dtype) else {
        return gap(format!("places as {:?}", t.tensor(y).dtype));
    };
    let name = match op.op.as_str() {
        "ARG_MAX" => "ArgMax",
        _ => "ArgMin",
    };
    let x = t.value(x)?;
    let node = NodeProto::new(name, "", [x.as_str()], [])
        .with_int("axis", axis)
        .with_int("keepdims", 0);
    let hint = format!("{}_place", t.name(y));
    let place = t.emit(&hint, node);
    let node = NodeProto::new("Cast", "", [place.as_str()], []).with_int("to", to.to_onnx().into());
    t.finish(y, node, Activation::None)
}

/// TOPK_V2 along the last dimension: values, places.
pub(crate) fn top_k(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (x, k) = (t.input(op, 0)?, t.input(op, 1)?);
    let (values, places) = (t.output(op, 0)?, t.output(op, 1)?);
    let k = t.constant_ints(k, "k")?;
    let base = t.name(values).to_owned();
    let (x, k) = (t.value(x)?, t.ints(&format!("{base}_k"), &k)?);
    let mut node = NodeProto::new("TopK", "", [x.as_str(), k.as_str()], []).with_int("axis", -1);
    let names = [
        t.unique(&format!("{base}_values")),
        t.unique(&format!("{base}_places")),
    ];
    node.output = names.to_vec();
    node.name = t.unique(&format!("{base}_topk"));
    t.graph.node(node);
    let node = NodeProto::new("Identity", "", [names[0].as_str()], []);
    t.finish(values, node, Activation::None)?;
    let Some(to) = data_type(t.tensor(places).dtype) else {
        return gap(format!("places as {:?}", t.tensor(places).dtype));
    };
    let node =
        NodeProto::new("Cast", "", [names[1].as_str()], []).with_int("to", to.to_onnx().into());
    t.finish(places, node, Activation::None)
}

/// ONE_HOT: places, depth, the value of the place, the value elsewhere.
pub(crate) fn one_hot(t: &mut Translator<'_>, op: &Operator) -> Done {
    let Options::Axis(axis) = op.options else {
        return invalid("its options are missing");
    };
    let mut operand = |i: usize| {
        let id = t.input(op, i)?;
        t.value(id)
    };
    let [places, depth, on, off] = [operand(0)?, operand(1)?, operand(2)?, operand(3)?];
    let y = t.output(op, 0)?;
    let base = t.name(y).to_owned();
    let on = t.reshaped(&format!("{base}_on"), &on, &[1])?;
    let off = t.reshaped(&format!("{base}_off"), &off, &[1])?;
    let node = NodeProto::new("Concat", "", [off.as_str(), on.as_str()], []).with_int("axis", 0);
    let both = t.emit(&format!("{base}_values"), node);
    let node =
        NodeProto::new("OneHot", "", [&*places, &depth, &both], []).with_int("axis", axis.into());
    t.finish(y, node, Activation::None)
}

/// RANGE.
pub(crate) fn range(t: &mut Translator<'_>, op: &Operator) -> Done {
    let mut operand = |i: usize| {
        let id = t.input(op, i)?;
        t.value(id)
    };
    let [start, limit, step] = [operand(0)?, operand(1)?, operand(2)?];
    let y = t.output(op, 0)?;
    let node = NodeProto::new("Range", "", [&*start, &limit, &step], []);
    t.finish(y, node, Activation::None)
}

/// CUMSUM.
pub(crate) fn cumsum(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (exclusive, reverse) = match op.options {
        Options::Cumsum { exclusive, reverse } => (exclusive, reverse),
        _ => (false, false),
    };
    let (x, axis, y) = (t.input(op, 0)?, t.input(op, 1)?, t.output(op, 0)?);
    let (x, axis) = (t.value(x)?, t.plain(axis)?);
    let node = NodeProto::new("CumSum", "", [x.as_str(), axis.as_str()], [])
        .with_int("exclusive", exclusive.into())
        .with_int("reverse", reverse.into());
    t.finish(y, node, Activation::None)
}
