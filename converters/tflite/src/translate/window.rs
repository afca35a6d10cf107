//! Windows over height and width: borders, strides, and the change to channels first and back.

use redpoll_onnx::proto::NodeProto;

use super::translator::{Done, Translator, gap, invalid};
use crate::{Activation, Operator, Options, Padding, Window};

/// Channels last to channels first.
const FIRST: [i64; 4] = [0, 3, 1, 2];
/// And back.
const LAST: [i64; 4] = [0, 2, 3, 1];

/// The window of an operator, all sizes checked.
pub(crate) fn window(op: &Operator) -> Done<Window> {
    let Options::Window(window) = &op.options else {
        return invalid("its options are missing");
    };
    let sizes = window.stride.iter().chain(&window.dilation);
    if sizes.into_iter().any(|&n| n < 1) {
        return invalid(format!(
            "stride {:?}, dilation {:?}",
            window.stride, window.dilation
        ));
    }
    Ok(*window)
}

/// What is added before and after one axis, in ONNX's sense of "same".
pub(crate) fn same_border(size: usize, kernel: usize, stride: usize, dilation: usize) -> [i64; 2] {
    let reach = (kernel.max(1) - 1)
        .saturating_mul(dilation)
        .saturating_add(1);
    let windows = size.div_ceil(stride.max(1));
    let needed = windows
        .saturating_sub(1)
        .saturating_mul(stride)
        .saturating_add(reach);
    let total = i64::try_from(needed.saturating_sub(size)).unwrap_or(i64::MAX);
    [total / 2, total - total / 2]
}

impl Translator<'_> {
    /// Adds the attributes of a window with this kernel over tensor `x`.
    pub fn windowed(
        &self,
        node: NodeProto,
        x: usize,
        window: &Window,
        kernel: [usize; 2],
    ) -> Done<NodeProto> {
        let tensor = self.tensor(x);
        let (&[_, height, width, _], &[_, h, w, _]) = (&*tensor.shape, &*tensor.free) else {
            return invalid(format!(
                "its operand is {:?}, not of four dimensions",
                tensor.shape
            ));
        };
        let ints = |v: [i32; 2]| v.map(i64::from);
        let size = |v: i32| usize::try_from(v).unwrap_or(1);
        let mut node = node
            .with_ints(
                "kernel_shape",
                &kernel.map(|k| i64::try_from(k).unwrap_or(0)),
            )
            .with_ints("strides", &ints(window.stride));
        if window.dilation != [1, 1] {
            node = node.with_ints("dilations", &ints(window.dilation));
        }
        if window.padding == Padding::Valid {
            return Ok(node);
        }
        if h || w {
            return Ok(node.with_string("auto_pad", "SAME_UPPER"));
        }
        let [top, bottom] = same_border(
            height,
            kernel[0],
            size(window.stride[0]),
            size(window.dilation[0]),
        );
        let [left, right] = same_border(
            width,
            kernel[1],
            size(window.stride[1]),
            size(window.dilation[1]),
        );
        Ok(node.with_ints("pads", &[top, left, bottom, right]))
    }

    /// `x` with channels first.
    pub fn channels_first(&mut self, x: &str) -> String {
        let node = NodeProto::new("Transpose", "", [x], []).with_ints("perm", &FIRST);
        self.emit(&format!("{x}_first"), node)
    }

    /// Makes tensor `y` of a node whose result has channels first.
    pub fn finish_first(&mut self, y: usize, node: NodeProto, activation: Activation) -> Done {
        let hint = format!("{}_first", self.name(y));
        let first = self.emit(&hint, node);
        let node = NodeProto::new("Transpose", "", [first.as_str()], []).with_ints("perm", &LAST);
        self.finish(y, node, activation)
    }
}

/// AVERAGE_POOL_2D, MAX_POOL_2D, L2_POOL_2D. Averages are over the elements inside.
pub(crate) fn pool(t: &mut Translator<'_>, op: &Operator) -> Done {
    let window = window(op)?;
    let (x, y) = (t.input(op, 0)?, t.output(op, 0)?);
    let kernel = match window.kernel.map(usize::try_from) {
        [Ok(h), Ok(w)] if h > 0 && w > 0 => [h, w],
        _ => return invalid(format!("a window of {:?}", window.kernel)),
    };
    let name = match op.op.as_str() {
        "AVERAGE_POOL_2D" => "AveragePool",
        "MAX_POOL_2D" => "MaxPool",
        other => return gap(format!("{other} is not supported")),
    };
    let real = t.real(x)?;
    let first = t.channels_first(&real);
    let node = NodeProto::new(name, "", [first.as_str()], []);
    let node = t.windowed(node, x, &window, kernel)?;
    t.finish_first(y, node, window.activation)
}

#[cfg(test)]
mod tests {
    use super::same_border;

    #[test]
    fn borders_are_as_the_format_has_them() {
        assert_eq!(same_border(224, 3, 2, 1), [0, 1]);
        assert_eq!(same_border(49, 10, 2, 1), [4, 5]);
        assert_eq!(same_border(10, 4, 2, 1), [1, 1]);
        assert_eq!(same_border(5, 3, 1, 2), [2, 2]);
        assert_eq!(same_border(8, 2, 4, 1), [0, 0]);
    }
}
