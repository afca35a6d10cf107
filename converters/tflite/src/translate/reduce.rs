//! Reductions over axes.

use redpoll_onnx::proto::NodeProto;

use super::translator::{Done, Translator, gap};
use crate::{Activation, Operator, Options};

/// What ONNX calls them.
const REDUCE: &[(&str, &str)] = &[
    ("MEAN", "ReduceMean"),
    ("REDUCE_ALL", "ReduceMin"),
    ("REDUCE_ANY", "ReduceMax"),
    ("REDUCE_MAX", "ReduceMax"),
    ("REDUCE_MIN", "ReduceMin"),
    ("REDUCE_PROD", "ReduceProd"),
    ("SUM", "ReduceSum"),
];

/// An operator of the list above.
pub(crate) fn reduce(t: &mut Translator<'_>, op: &Operator) -> Done {
    let Some((_, name)) = REDUCE.iter().find(|(from, _)| *from == op.op) else {
        return gap("the operator is not supported");
    };
    let keep = matches!(op.options, Options::Reducer { keep_dims: true });
    let (x, axes, y) = (t.input(op, 0)?, t.input(op, 1)?, t.output(op, 0)?);
    let axes = t.constant_ints(axes, "the axes")?;
    let x = t.value(x)?;
    let hint = format!("{}_axes", t.name(y));
    let axes_name = t.ints(&hint, &axes)?;
    let mut node = NodeProto::new(name, "", [x.as_str(), axes_name.as_str()], [])
        .with_int("keepdims", keep.into());
    if axes.is_empty() {
        node = node.with_int("noop_with_empty_axes", 1);
    }
    t.finish(y, node, Activation::None)
}
