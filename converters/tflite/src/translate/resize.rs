//! RESIZE_BILINEAR, RESIZE_NEAREST_NEIGHBOR.

use redpoll_onnx::proto::NodeProto;

use super::translator::{Done, Translator, invalid};
use crate::{Activation, Operator, Options};

/// Both, to a size that is constant.
pub(crate) fn resize(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (align, half) = match op.options {
        Options::Resize {
            align_corners,
            half_pixel,
        } => (align_corners, half_pixel),
        _ => (false, false),
    };
    let (x, size, y) = (t.input(op, 0)?, t.input(op, 1)?, t.output(op, 0)?);
    let size = t.constant_ints(size, "the size")?;
    if size.len() != 2 || t.shape(x).len() != 4 {
        return invalid(format!("{:?} to {size:?}", t.shape(x)));
    }
    let base = t.name(y).to_owned();
    let real = t.value(x)?;
    let first = t.channels_first(&real);
    let size = t.ints(&format!("{base}_size"), &size)?;
    let places = match (align, half) {
        (true, _) => "align_corners",
        (false, true) => "half_pixel",
        (false, false) => "asymmetric",
    };
    let node = NodeProto::new("Resize", "", [&*first, "", "", &size], [])
        .with_ints("axes", &[2, 3])
        .with_string("coordinate_transformation_mode", places);
    let node = if op.op == "RESIZE_BILINEAR" {
        node.with_string("mode", "linear")
    } else {
        // The format takes floor((i + ½) · scale) for half pixels: half a pixel further on, rounded up at ties.
        let nearest = if align || half {
            "round_prefer_ceil"
        } else {
            "floor"
        };
        node.with_string("mode", "nearest")
            .with_string("nearest_mode", nearest)
    };
    t.finish_first(y, node, Activation::None)
}
