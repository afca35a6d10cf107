//! Sizes that depend on data, as numbers of the model: what `Shape` gives of such a value and what is computed of it.

use redpoll_graph::{DType, Data, Tensor, ValueId};

use super::super::compose::{Compose, MAX_MADE};
use super::super::importer::Importer;
use super::super::narrow;
use super::super::node::{OnnxNode, Stop, axis_of, gap, invalid};
use super::super::table::ImportFn;
use super::bounded;

/// One of some whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// A constant.
    Fixed(i64),
    /// A size that a run finds: an i64 without axes, and the most that it can be.
    Length(ValueId, usize),
}

/// An axis and its size in a run.
pub(super) type Place = (usize, ValueId);

/// The size that a constant of one whole number says.
pub(crate) fn constant_size(import: &Importer<'_>, id: ValueId) -> Option<usize> {
    let ints = import.graph.constant(id)?.to_i64()?;
    match ints[..] {
        [n] => Some(usize::try_from(n).unwrap_or(0)),
        _ => None,
    }
}

/// The numbers of a value: constants, or with sizes among them.
fn known(import: &Importer<'_>, id: ValueId) -> Option<Vec<Size>> {
    if let Some(sizes) = import.sizes.get(&id) {
        return Some(sizes.clone());
    }
    let ints = import.graph.constant(id)?.to_i64()?;
    Some(ints.into_iter().map(Size::Fixed).collect())
}

/// Imports a node that makes or takes sizes; `None` where it does neither in a way that is known here.
pub(super) fn import(
    import: &mut Importer<'_>,
    node: &mut OnnxNode<'_>,
    function: ImportFn,
) -> Result<Option<Vec<ValueId>>, Stop> {
    let Some(first) = node.optional(0) else {
        return Ok(None);
    };
    match node.proto.op_type.as_str() {
        "Shape" => return shape(import, node, first).map(Some),
        "ConstantOfShape" => return filled(import, node, first, function),
        "Expand" => return expanded(import, node, first, function),
        "Range" => return range(import, node),
        "Reshape" if !import.sizes.contains_key(&first) => {
            return super::rules::reshaped_by(import, node, first, function);
        }
        _ => {}
    }
    if !import.sizes.contains_key(&first) && node.proto.op_type != "Concat" {
        return Ok(None);
    }
    let result = |import: &mut Importer<'_>, node: &mut OnnxNode<'_>, sizes: Vec<Size>| {
        let outputs = narrow::import(import, node, function)?;
        if let Some(&id) = outputs.first()
            && import.graph.constant(id).is_none()
        {
            import.sizes.insert(id, sizes);
        }
        Ok(Some(outputs))
    };
    let sizes = known(import, first).unwrap_or_default();
    match node.proto.op_type.as_str() {
        "Identity" | "Unsqueeze" | "Squeeze" => result(import, node, sizes),
        "Cast" if matches!(node.int_or("to", 0)?, 6 | 7) => result(import, node, sizes),
        "Reshape" if sizes.len() == 1 => result(import, node, sizes),
        "Concat" => {
            let all = node.all_inputs(1)?;
            let all: Option<Vec<_>> = all.iter().map(|&id| known(import, id)).collect();
            match all {
                Some(all) => result(import, node, all.concat()),
                None => Ok(None),
            }
        }
        "Gather" => {
            let at = import.graph.constant(node.input(1)?);
            let Some(at) = at.and_then(Tensor::to_i64) else {
                return Ok(None);
            };
            let one = |&i: &i64| Ok(sizes[axis_of(i, sizes.len())?]);
            let chosen = at.iter().map(one).collect::<Result<Vec<_>, Stop>>()?;
            // What is a constant after all stays one.
            if let [Size::Fixed(v)] = chosen[..] {
                let shape = if import.rank(node.input(1)?) == 0 {
                    vec![]
                } else {
                    vec![1]
                };
                let c = &mut Compose::new(import, node);
                return Ok(Some(vec![c.ints(shape, vec![v])?]));
            }
            result(import, node, chosen)
        }
        "Slice" => {
            let outputs = narrow::import(import, node, function)?;
            // The same slice of places tells which numbers are left.
            let Some(&id) = outputs.first() else {
                return Ok(None);
            };
            if let Some(kept) = slice_of(import, node, &sizes, function)? {
                import.sizes.insert(id, kept);
            }
            Ok(Some(outputs))
        }
        _ => Ok(None),
    }
}

/// The sizes that a slice keeps.
fn slice_of(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    sizes: &[Size],
    function: ImportFn,
) -> Result<Option<Vec<Size>>, Stop> {
    let places = Tensor::vector_i64((0..sizes.len() as i64).collect());
    let places = import.constant(node, "places", places);
    let mut inputs = node.inputs.clone();
    inputs[0] = Some(places);
    let name = import.unique_node_name(&format!("{}_places", node.name));
    let again = OnnxNode {
        proto: node.proto,
        name,
        opset: node.opset,
        inputs,
    };
    let kept = function(import, &again)?;
    let kept = kept.first().and_then(|&id| import.graph.constant(id));
    let Some(kept) = kept.and_then(Tensor::to_i64) else {
        return Ok(None);
    };
    let one = |&i: &i64| usize::try_from(i).ok().and_then(|i| sizes.get(i).copied());
    Ok(kept.iter().map(one).collect())
}

/// Shape of a value with such a size.
fn shape(import: &mut Importer<'_>, node: &OnnxNode<'_>, x: ValueId) -> Result<Vec<ValueId>, Stop> {
    let dims = import.shape(x).to_vec();
    let Some(bound) = import.bounds.get(&x).copied() else {
        let dims = vec![dims.len() as i64];
        return Ok(vec![import.constant(
            node,
            "shape",
            Tensor::vector_i64(dims),
        )]);
    };
    let rank = dims.len() as i64;
    let end = |v: i64| (if v < 0 { v.saturating_add(rank) } else { v }).clamp(0, rank) as usize;
    let (start, end) = (
        end(node.int_or("start", 0)?),
        end(node.int_or("end", rank)?),
    );
    let mut sizes: Vec<Size> = dims.iter().map(|&d| Size::Fixed(d as i64)).collect();
    sizes[bound.axis] = Size::Length(bound.length, dims[bound.axis]);
    let sizes = sizes.get(start..end).unwrap_or_default().to_vec();
    let c = &mut Compose::new(import, node);
    let mut parts = Vec::new();
    for &size in &sizes {
        parts.push(match size {
            Size::Fixed(v) => c.ints(vec![1], vec![v])?,
            Size::Length(id, _) => c.reshape(id, vec![1])?,
        });
    }
    if parts.is_empty() {
        return Ok(vec![c.ints(vec![0], Vec::new())?]);
    }
    let y = c.concat(0, &parts)?;
    if sizes.iter().any(|s| matches!(s, Size::Length(..))) {
        import.sizes.insert(y, sizes);
    }
    Ok(vec![y])
}

/// The largest shape that some numbers say, and the one axis among them whose size a run finds.
pub(super) fn largest(sizes: &[Size]) -> Result<(Vec<i64>, Option<Place>), Stop> {
    let mut axis = None;
    let mut dims = Vec::with_capacity(sizes.len());
    for (i, &size) in sizes.iter().enumerate() {
        dims.push(match size {
            Size::Fixed(v) => v,
            Size::Length(..) if axis.is_some() => {
                return gap("two sizes of a shape depend on data");
            }
            Size::Length(id, most) => {
                axis = Some((i, id));
                most as i64
            }
        });
    }
    Ok((dims, axis))
}

/// A node with another constant in place of input `index`.
pub(super) fn with_constant(
    import: &mut Importer<'_>,
    node: &mut OnnxNode<'_>,
    index: usize,
    dims: Vec<i64>,
) {
    let id = import.constant(node, "largest", Tensor::vector_i64(dims));
    node.inputs[index] = Some(id);
}

/// ConstantOfShape of such sizes.
fn filled(
    import: &mut Importer<'_>,
    node: &mut OnnxNode<'_>,
    shape: ValueId,
    function: ImportFn,
) -> Result<Option<Vec<ValueId>>, Stop> {
    let Some(sizes) = known(import, shape) else {
        return Ok(None);
    };
    let (dims, axis) = largest(&sizes)?;
    with_constant(import, node, 0, dims);
    let outputs = function(import, node)?;
    marked(import, node, outputs, axis).map(Some)
}

/// Gives the first output the size of an axis that a run finds.
pub(super) fn marked(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    mut outputs: Vec<ValueId>,
    axis: Option<Place>,
) -> Result<Vec<ValueId>, Stop> {
    if let (Some(y), Some((axis, length))) = (outputs.first_mut(), axis) {
        // A constant is a value of its own: its size is that of this use only.
        let c = &mut Compose::new(import, node);
        let shape = c.shape(*y);
        if axis >= shape.len() {
            return invalid("a shape without the axis that depends on data");
        }
        *y = bounded(c, *y, axis, length)?;
    }
    Ok(outputs)
}

/// Expand of a value to such sizes: the axis is new, 1, or has that very size.
fn expanded(
    import: &mut Importer<'_>,
    node: &mut OnnxNode<'_>,
    x: ValueId,
    function: ImportFn,
) -> Result<Option<Vec<ValueId>>, Stop> {
    let own = import.bounds.get(&x).copied();
    let Some(sizes) = known(import, node.input(1)?) else {
        return Ok(None);
    };
    let (dims, axis) = largest(&sizes)?;
    let from = import.shape(x).to_vec();
    let rank = from.len().max(dims.len());
    let own = own.map(|b| (b.axis + rank - from.len(), b.length));
    let axis = axis.map(|(i, id)| (i + rank - dims.len(), id));
    let size = |at: usize| (at + from.len()).checked_sub(rank).map_or(1, |i| from[i]);
    let fits = match (own, axis) {
        (None, Some((at, _))) => size(at) == 1,
        (Some(a), Some(b)) => a == b,
        (Some((at, _)), None) => (at + dims.len())
            .checked_sub(rank)
            .is_none_or(|i| dims[i] == 1),
        (None, None) => true,
    };
    if !fits {
        return gap("a value is expanded to a size that depends on other data than its own");
    }
    with_constant(import, node, 1, dims);
    let outputs = function(import, node)?;
    marked(import, node, outputs, axis.or(own)).map(Some)
}

/// Range from 0 by 1 to such a size.
fn range(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Result<Option<Vec<ValueId>>, Stop> {
    let [start, limit, delta] = [node.input(0)?, node.input(1)?, node.input(2)?];
    let limit = import.sizes.get(&limit).map(Vec::as_slice);
    let Some(&[Size::Length(length, most)]) = limit else {
        return Ok(None);
    };
    let fits = constant_size(import, start) == Some(0) && constant_size(import, delta) == Some(1);
    if !fits || most > MAX_MADE {
        return gap("a range to a size that depends on data must start at 0 and go by 1");
    }
    let data = match import.dtype(start) {
        DType::I32 => Data::I32((0..most as i32).collect()),
        _ => Data::I64((0..most as i64).collect()),
    };
    let c = &mut Compose::new(import, node);
    let y = c.constant(Tensor::new(vec![most], data)?)?;
    Ok(Some(vec![bounded(c, y, 0, length)?]))
}
