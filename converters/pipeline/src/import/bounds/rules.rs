//! What operators do with an axis whose size depends on data.

use redpoll_graph::op::BinaryFn;
use redpoll_graph::{DType, ValueId};

use super::super::compose::Compose;
use super::super::importer::Importer;
use super::super::narrow;
use super::super::node::{OnnxNode, Outputs, Stop, axes_of, axis_of};
use super::super::reduce;
use super::super::table::ImportFn;
use super::sizes::{Place, largest, marked, with_constant};
use super::{Bound, Size, mask, refused};

/// Operators that work on each element, with broadcasting.
fn is_elementwise(op: &str) -> bool {
    matches!(
        op,
        "Abs"
            | "Acos"
            | "Acosh"
            | "Add"
            | "And"
            | "Asin"
            | "Asinh"
            | "Atan"
            | "Atanh"
            | "BitCast"
            | "BitShift"
            | "BitwiseAnd"
            | "BitwiseNot"
            | "BitwiseOr"
            | "BitwiseXor"
            | "Cast"
            | "CastLike"
            | "Ceil"
            | "Celu"
            | "Clip"
            | "Cos"
            | "Cosh"
            | "Div"
            | "Elu"
            | "Equal"
            | "Erf"
            | "Exp"
            | "Floor"
            | "Gelu"
            | "Greater"
            | "GreaterOrEqual"
            | "HardSigmoid"
            | "HardSwish"
            | "Identity"
            | "IsInf"
            | "IsNaN"
            | "LeakyRelu"
            | "Less"
            | "LessOrEqual"
            | "Log"
            | "Max"
            | "Mean"
            | "Min"
            | "Mish"
            | "Mod"
            | "Mul"
            | "Neg"
            | "Not"
            | "Or"
            | "PRelu"
            | "Pow"
            | "Reciprocal"
            | "Relu"
            | "Round"
            | "Selu"
            | "Shrink"
            | "Sigmoid"
            | "Sign"
            | "Sin"
            | "Sinh"
            | "Softplus"
            | "Softsign"
            | "Sqrt"
            | "Sub"
            | "Sum"
            | "Swish"
            | "Tan"
            | "Tanh"
            | "ThresholdedRelu"
            | "Where"
            | "Xor"
    )
}

/// Imports a node that has a bounded operand by the rule of its operator.
pub(super) fn import(
    import: &mut Importer<'_>,
    node: &mut OnnxNode<'_>,
    function: ImportFn,
) -> Outputs {
    let op = node.proto.op_type.as_str();
    let place = match op {
        op if is_elementwise(op) => elementwise(import, node)?,
        "Transpose" => transpose(import, node)?,
        "Unsqueeze" | "Squeeze" => axes(import, node, op == "Unsqueeze")?,
        "Flatten" => {
            let outputs = function(import, node)?;
            let rank = import.rank(node.input(0)?);
            let at = match node.int_or("axis", 1)? {
                a if usize::try_from(a) == Ok(rank) => rank,
                a => axis_of(a, rank)?,
            };
            let axis = bound(import, node, 0).map(|b| usize::from(b.axis >= at));
            return reshaped(import, node, outputs, axis);
        }
        "Gather" => gather(import, node)?,
        "GatherND" => gather_nd(import, node)?,
        "Concat" | "Softmax" | "LogSoftmax" => beside(import, node)?,
        "Split" | "Slice" => return parted(import, node, function),
        "MatMul" | "Gemm" => product(import, node)?,
        "ReduceSum" | "ReduceMax" | "ReduceMin" | "ReduceProd" | "ReduceMean" | "ReduceL1"
        | "ReduceL2" | "ReduceSumSquare" => reduction(import, node)?,
        "NonZero" | "Compress" | "NonMaxSuppression" | "TopK" => return function(import, node),
        _ => None,
    };
    let Some(place) = place else {
        return refused(import, node);
    };
    let outputs = narrow::import(import, node, function)?;
    let none = place.0 == usize::MAX;
    marked(import, node, outputs, (!none).then_some(place))
}

/// No axis of the result depends on data.
const PLAIN: usize = usize::MAX;

fn bound(import: &Importer<'_>, node: &OnnxNode<'_>, index: usize) -> Option<Bound> {
    import.bounds.get(&node.optional(index)?).copied()
}

/// The one bounded axis counted from the end of the shapes that broadcast.
fn elementwise(import: &Importer<'_>, node: &OnnxNode<'_>) -> Result<Option<Place>, Stop> {
    let inputs = || node.inputs.iter().flatten().copied();
    let rank = inputs().map(|id| import.rank(id)).max().unwrap_or(0);
    let mut found: Option<Place> = None;
    for id in inputs() {
        if let Some(b) = import.bounds.get(&id) {
            let here = (b.axis + rank - import.rank(id), b.length);
            if *found.get_or_insert(here) != here {
                return Ok(None);
            }
        }
    }
    let Some(place) = found else { return Ok(None) };
    for id in inputs().filter(|id| !import.bounds.contains_key(id)) {
        let axis = (place.0 + import.rank(id)).checked_sub(rank);
        if axis.is_some_and(|a| import.shape(id)[a] != 1) {
            return Ok(None);
        }
    }
    // What lies behind is no divisor and no exponent that a run would fail at.
    let op = node.proto.op_type.as_str();
    let whole = node
        .optional(1)
        .is_some_and(|id| import.dtype(id) != DType::F32);
    if matches!(op, "Div" | "Mod" | "Pow") && whole && bound(import, node, 1).is_some() {
        return Ok(None);
    }
    Ok(Some(place))
}

fn transpose(import: &Importer<'_>, node: &OnnxNode<'_>) -> Result<Option<Place>, Stop> {
    let (x, Some(b)) = (node.input(0)?, bound(import, node, 0)) else {
        return Ok(None);
    };
    let rank = import.rank(x);
    let to = match node.proto.attr_ints("perm")? {
        Some(perm) => {
            let perm = perm.iter().map(|&p| axis_of(p, rank));
            let perm: Vec<usize> = perm.collect::<Result<_, _>>()?;
            perm.iter().position(|&p| p == b.axis)
        }
        None => Some(rank - 1 - b.axis),
    };
    Ok(to.map(|axis| (axis, b.length)))
}

/// Unsqueeze and Squeeze, which must not take the axis itself.
fn axes(import: &Importer<'_>, node: &OnnxNode<'_>, more: bool) -> Result<Option<Place>, Stop> {
    let (x, Some(b)) = (node.input(0)?, bound(import, node, 0)) else {
        return Ok(None);
    };
    let list = match node.opset < 13 {
        true => node.proto.attr_ints("axes")?.map(<[i64]>::to_vec),
        false => import.optional_ints(node, 1, "axes")?,
    };
    let (rank, Some(list)) = (import.rank(x), list) else {
        return Ok(None);
    };
    if more {
        let total = rank + list.len();
        let new = axes_of(&list, total)?;
        let mut old = (0..total).filter(|i| !new.contains(i));
        return Ok(old.nth(b.axis).map(|axis| (axis, b.length)));
    }
    let gone = axes_of(&list, rank)?;
    let before = gone.iter().filter(|&&a| a < b.axis).count();
    Ok((!gone.contains(&b.axis)).then_some((b.axis - before, b.length)))
}

/// Reshape of a bounded value, or by a shape that has such a size.
pub(super) fn reshaped_by(
    import: &mut Importer<'_>,
    node: &mut OnnxNode<'_>,
    x: ValueId,
    function: ImportFn,
) -> Result<Option<Vec<ValueId>>, Stop> {
    let wanted = match import.sizes.get(&node.input(1)?).cloned() {
        Some(sizes) => sizes,
        None => {
            let ints = import.constant_ints(node, 1, "the shape")?;
            ints.into_iter().map(Size::Fixed).collect()
        }
    };
    let (mut dims, axis) = largest(&wanted)?;
    let own = import.bounds.get(&x).copied();
    match (axis, own) {
        // Said outright, which is what the rest of the elements would come to.
        (Some((i, length)), Some(b)) if length == b.length && !dims.contains(&-1) => dims[i] = -1,
        (None, Some(_)) => {}
        _ => return refused(import, node),
    }
    with_constant(import, node, 1, dims.clone());
    let outputs = function(import, node)?;
    // An axis that is kept by name, or the one that takes what is left.
    let kept = own.map(|b| b.axis).filter(|&i| dims.get(i) == Some(&0));
    let axis = kept.or_else(|| dims.iter().position(|&d| d == -1));
    reshaped(import, node, outputs, axis).map(Some)
}

/// Gives the first output the size at `axis`, which the operand's bounded axis has become.
fn reshaped(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    outputs: Vec<ValueId>,
    axis: Option<usize>,
) -> Outputs {
    let (Some(&y), Some(b)) = (outputs.first(), bound(import, node, 0)) else {
        return refused(import, node);
    };
    let (from, to) = (
        import.shape(node.input(0)?).to_vec(),
        import.shape(y).to_vec(),
    );
    let outer: usize = from[..b.axis].iter().product();
    let found = axis.filter(|&i| {
        let same = i < to.len() && to[..i].iter().product::<usize>() == outer;
        same && to[i] > 0 && (to[i] % from[b.axis] == 0 || from[b.axis] % to[i] == 0)
    });
    let Some(axis) = found else {
        return refused(import, node);
    };
    let (old, new) = (from[b.axis], to[axis]);
    let c = &mut Compose::new(import, node);
    let length = if new == old {
        b.length
    } else if new > old {
        let times = c.ints(Vec::new(), vec![(new / old) as i64])?;
        c.mul(b.length, times)?
    } else {
        let parts = c.ints(Vec::new(), vec![(old / new) as i64])?;
        c.binary(BinaryFn::Div, b.length, parts)?
    };
    marked(import, node, outputs, Some((axis, length)))
}

/// Indices that are bounded, data that are, or data along whose bounded axis something is chosen.
fn gather(import: &mut Importer<'_>, node: &mut OnnxNode<'_>) -> Result<Option<Place>, Stop> {
    let (data, by) = (node.input(0)?, node.input(1)?);
    let axis = axis_of(node.int_or("axis", 0)?, import.rank(data))?;
    let (mine, other) = (bound(import, node, 0), bound(import, node, 1));
    let result = match (mine, other) {
        (Some(b), None) if b.axis != axis => {
            let moved = if b.axis < axis {
                b.axis
            } else {
                b.axis + import.rank(by) - 1
            };
            return Ok(Some((moved, b.length)));
        }
        (Some(b), _) if b.axis != axis => return Ok(None),
        (_, Some(b)) => (axis + b.axis, b.length),
        _ => (PLAIN, by),
    };
    if let Some(b) = mine {
        // Negative indices count from the end that is meant.
        let c = &mut Compose::new(import, node);
        let by = c.cast(by, DType::I64)?;
        let zero = c.ints(Vec::new(), vec![0])?;
        let negative = c.binary(BinaryFn::Less, by, zero)?;
        let from_end = c.add(by, b.length)?;
        let by = c.select(negative, from_end, by)?;
        node.inputs[1] = Some(by);
    }
    Ok(Some(result))
}

fn gather_nd(import: &Importer<'_>, node: &OnnxNode<'_>) -> Result<Option<Place>, Stop> {
    let by = node.input(1)?;
    let plain = bound(import, node, 0).is_none() && node.int_or("batch_dims", 0)? == 0;
    let b = bound(import, node, 1).filter(|b| plain && b.axis + 1 < import.rank(by));
    Ok(b.map(|b| (b.axis, b.length)))
}

/// Operators along one axis, which must be another one.
fn beside(import: &Importer<'_>, node: &OnnxNode<'_>) -> Result<Option<Place>, Stop> {
    let x = node.input(0)?;
    let concat = node.proto.op_type == "Concat";
    let axis = axis_of(node.int_or("axis", -1)?, import.rank(x))?;
    let old = !concat && node.opset < 13;
    let mut all = node.inputs.iter().flatten().map(|id| import.bounds.get(id));
    let Some(Some(first)) = all.next() else {
        return Ok(None);
    };
    let same = all.all(|b| b == Some(first));
    let other = first.axis != axis && !(old && first.axis > axis);
    Ok(
        (same && other && (concat || node.proto.attr("axis").is_some() || !old))
            .then_some((first.axis, first.length)),
    )
}

/// Split and Slice along other axes, all parts of which have the size.
fn parted(import: &mut Importer<'_>, node: &mut OnnxNode<'_>, function: ImportFn) -> Outputs {
    let (x, Some(b)) = (node.input(0)?, bound(import, node, 0)) else {
        return refused(import, node);
    };
    let from = import.shape(x).to_vec();
    let kept = match node.proto.op_type.as_str() {
        "Split" => axis_of(node.int_or("axis", 0)?, from.len())? != b.axis,
        _ => {
            let axes = match node.opset < 10 {
                true => node.proto.attr_ints("axes")?.map(<[i64]>::to_vec),
                false => import.optional_ints(node, 3, "axes")?,
            };
            let axes = axes.map(|list| axes_of(&list, from.len())).transpose()?;
            axes.is_some_and(|list| !list.contains(&b.axis))
        }
    };
    if !kept {
        return refused(import, node);
    }
    let outputs = narrow::import(import, node, function)?;
    for &id in &outputs {
        import.bounds.insert(id, b);
    }
    Ok(outputs)
}

/// Products of bounded rows.
fn product(import: &Importer<'_>, node: &OnnxNode<'_>) -> Result<Option<Place>, Stop> {
    let (x, w) = (node.input(0)?, node.input(1)?);
    let rank = import.rank(x);
    let plain = !node.flag("transA")?
        && node
            .inputs
            .iter()
            .skip(1)
            .flatten()
            .all(|id| !import.bounds.contains_key(id));
    let row = import.rank(w) == 2 && rank >= 2;
    let bias = node
        .optional(2)
        .is_none_or(|id| import.rank(id) < 2 || import.shape(id)[0] == 1);
    let b = bound(import, node, 0).filter(|b| plain && row && bias && b.axis + 1 < rank);
    Ok(b.map(|b| (b.axis, b.length)))
}

/// Reductions over other axes, or over this one with what lies behind left out.
fn reduction(import: &mut Importer<'_>, node: &mut OnnxNode<'_>) -> Result<Option<Place>, Stop> {
    let (x, Some(b)) = (node.input(0)?, bound(import, node, 0)) else {
        return Ok(None);
    };
    let rank = import.rank(x);
    let axes = reduce::axes(import, node, rank)?;
    if !axes.contains(&b.axis) {
        let keeps = node.int_or("keepdims", 1)? != 0;
        let before = axes.iter().filter(|&&a| a < b.axis && !keeps).count();
        return Ok(Some((b.axis - before, b.length)));
    }
    let float = import.dtype(x) == DType::F32;
    let neutral = match node.proto.op_type.as_str() {
        "ReduceSum" | "ReduceL1" | "ReduceL2" | "ReduceSumSquare" => 0.0,
        "ReduceProd" => 1.0,
        "ReduceMax" if float => f32::NEG_INFINITY,
        "ReduceMin" if float => f32::INFINITY,
        _ => return Ok(None),
    };
    let size = import.shape(x)[b.axis];
    let c = &mut Compose::new(import, node);
    let meant = mask(c, rank, (b.axis, size), b.length)?;
    let neutral = c.number_like(x, neutral)?;
    let masked = c.select(meant, x, neutral)?;
    node.inputs[0] = Some(masked);
    Ok(Some((PLAIN, b.length)))
}
