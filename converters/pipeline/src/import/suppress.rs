//! NonMaxSuppression: which boxes are left, and how many.

use redpoll_graph::op::NonMaxSuppression;
use redpoll_graph::{DType, Op};

use super::bounds::{bounded, mask};
use super::compose::Compose;
use super::importer::Importer;
use super::node::{OnnxNode, Outputs, Stop, gap, invalid};

/// A threshold that is left out or one constant float.
fn threshold(
    import: &Importer<'_>,
    node: &OnnxNode<'_>,
    index: usize,
    (what, default): (&str, f32),
) -> Result<f32, Stop> {
    if node.optional(index).is_none() {
        return Ok(default);
    }
    let v = import.constant_input(node, index, what)?.as_f32();
    match v.and_then(<[f32]>::first) {
        Some(v) if !v.is_nan() => Ok(*v),
        _ => invalid(format!("{what} is not one float")),
    }
}

/// NonMaxSuppression-10, -11.
pub(crate) fn non_max_suppression(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let (boxes, mut scores) = (node.input(0)?, node.input(1)?);
    let most = match import.optional_ints(node, 2, "the number of boxes")? {
        Some(v) => v.first().copied().unwrap_or(0),
        None => 0,
    };
    let count = match import.shape(scores) {
        &[_, _, count] => count,
        other => return invalid(format!("scores {other:?} are not [B, C, N]")),
    };
    let per_class = usize::try_from(most).unwrap_or(0).min(count);
    if per_class == 0 {
        return gap("no box is asked for: max_output_boxes_per_class is 0");
    }
    let iou = threshold(import, node, 3, ("the overlap", 0.0))?;
    let score = threshold(import, node, 4, ("the least score", f32::NEG_INFINITY))?;
    let op = NonMaxSuppression {
        per_class,
        iou,
        score,
        centers: node.flag("center_point_box")?,
    };
    let own = [boxes, scores].map(|id| import.bounds.get(&id).copied());
    let c = &mut Compose::new(import, node);
    match own {
        [None, None] => {}
        [Some(a), Some(b)] if (a.axis, b.axis) == (1, 2) && a.length == b.length => {
            let meant = mask(c, 3, (2, count), b.length)?;
            let least = c.number_like(scores, f32::NEG_INFINITY)?;
            scores = c.select(meant, scores, least)?;
        }
        _ => return gap("boxes and scores have different sizes that depend on data"),
    }
    let all = c.op(Op::NonMaxSuppression(op), &[boxes, scores])?;
    let rows = c.shape(all)[0] - 1;
    let last = c.slice(all, 0, rows, 1, 1)?;
    let number = c.slice(last, 1, 0, 1, 1)?;
    let number = c.reshape(number, Vec::new())?;
    let y = c.slice(all, 0, 0, 1, rows)?;
    debug_assert_eq!(c.import.dtype(y), DType::I64);
    Ok(vec![bounded(c, y, 0, number)?])
}
