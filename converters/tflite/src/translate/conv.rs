//! Convolutions: plain, depthwise, transposed.

use redpoll_onnx::proto::NodeProto;

use super::translator::{Done, Translator, gap, invalid};
use super::window::window;
use crate::{Activation, Operator, Padding};

/// CONV_2D: weights `[M, H, W, C/groups]`.
pub(crate) fn conv(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (x, w) = (t.input(op, 0)?, t.input(op, 1)?);
    let (&[many, h, width, each], &[_, _, _, channels]) = (t.shape(w), t.shape(x)) else {
        return invalid("operands that are not of four dimensions");
    };
    if each == 0 || channels % each != 0 {
        return invalid(format!(
            "weights for {each} channels, the operand has {channels}"
        ));
    }
    let weights = t.weights(w, &[0, 3, 1, 2])?;
    layer(t, op, &weights, [h, width, many], channels / each)
}

/// DEPTHWISE_CONV_2D: weights `[1, H, W, C · multiplier]`.
pub(crate) fn depthwise(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (x, w) = (t.input(op, 0)?, t.input(op, 1)?);
    let (&[1, h, width, many], &[_, _, _, channels]) = (t.shape(w), t.shape(x)) else {
        return invalid("operands that are not of four dimensions");
    };
    if channels == 0 || many % channels != 0 {
        return invalid(format!("{many} results of {channels} channels"));
    }
    let weights = t.weights(w, &[3, 0, 1, 2])?;
    layer(t, op, &weights, [h, width, many], channels)
}

fn layer(
    t: &mut Translator<'_>,
    op: &Operator,
    weights: &str,
    [h, width, many]: [usize; 3],
    groups: usize,
) -> Done {
    let window = window(op)?;
    let (x, w, y) = (t.input(op, 0)?, t.input(op, 1)?, t.output(op, 0)?);
    let real = t.real(x)?;
    let first = t.channels_first(&real);
    let mut inputs = vec![first, weights.to_owned()];
    let bias = t.optional(op, 2);
    inputs.extend(t.conv_bias(bias, [x, w, y], many, window.activation)?);
    let node = NodeProto::new("Conv", "", inputs.iter().map(String::as_str), [])
        .with_int("group", i64::try_from(groups).unwrap_or(0));
    let node = t.windowed(node, x, &window, [h, width])?;
    t.finish_first(y, node, window.activation)
}

/// TRANSPOSE_CONV: the shape of the result, weights `[M, H, W, C]`, x, optional bias.
pub(crate) fn transposed(t: &mut Translator<'_>, op: &Operator) -> Done {
    let window = window(op)?;
    let [x, w] = [t.input(op, 2)?, t.input(op, 1)?];
    let shape = t.input(op, 0)?;
    let shape = t.constant_ints(shape, "the shape of the result")?;
    let &[_, height, width, _] = shape.as_slice() else {
        return invalid(format!("a result of shape {shape:?}"));
    };
    let bias = t.optional(op, 3);
    up(t, op, [x, w], bias, [height, width], window)
}

/// Convolution2DTransposeBias of MediaPipe: x, weights `[M, H, W, C]`, bias; options padding, stride across, stride down.
pub(crate) fn transposed_with_bias(t: &mut Translator<'_>, op: &Operator) -> Done {
    let bytes = t.model.custom_options(op);
    let (numbers, []) = bytes.as_chunks::<4>() else {
        return invalid(format!("{} bytes of options", bytes.len()));
    };
    let &[padding, across, down] = numbers else {
        return invalid(format!("{} bytes of options", bytes.len()));
    };
    let [padding, across, down] = [padding, across, down].map(i32::from_le_bytes);
    let padding = match padding {
        1 => Padding::Same,
        2 => Padding::Valid,
        other => return invalid(format!("padding {other}")),
    };
    if across < 1 || down < 1 {
        return invalid(format!("stride {down}, {across}"));
    }
    let (x, w, bias) = (t.input(op, 0)?, t.input(op, 1)?, t.input(op, 2)?);
    let (&[_, h, width, _], &[_, kh, kw, _]) = (t.shape(x), t.shape(w)) else {
        return invalid("operands that are not of four dimensions");
    };
    let size = |n: usize, k: usize, stride: i32| {
        let n = i64::try_from(n).unwrap_or(i64::MAX);
        let k = i64::try_from(k).unwrap_or(i64::MAX);
        let stride = i64::from(stride);
        match padding {
            Padding::Same => n.saturating_mul(stride),
            Padding::Valid => (n - 1).saturating_mul(stride).saturating_add(k),
        }
    };
    let result = [size(h, kh, down), size(width, kw, across)];
    let window = crate::Window {
        padding,
        stride: [down, across],
        dilation: [1, 1],
        kernel: [0, 0],
        activation: Activation::None,
    };
    up(t, op, [x, w], Some(bias), result, window)
}

/// A transposed convolution to `result` rows and columns.
fn up(
    t: &mut Translator<'_>,
    op: &Operator,
    [x, w]: [usize; 2],
    bias: Option<usize>,
    result: [i64; 2],
    window: crate::Window,
) -> Done {
    let y = t.output(op, 0)?;
    let (&[_, h, width, _], &[_, kh, kw, _]) = (t.shape(x), t.shape(w)) else {
        return invalid("operands that are not of four dimensions");
    };
    let mut pads = [0i64; 4];
    let sizes = [(h, kh), (width, kw)];
    for (axis, &(n, k)) in sizes.iter().enumerate() {
        let (Ok(n), Ok(k)) = (i64::try_from(n), i64::try_from(k)) else {
            return gap("a size beyond 63 bits");
        };
        let full = (n - 1)
            .saturating_mul(window.stride[axis].into())
            .saturating_add(k);
        // What is cut off, the larger half behind; a result that is larger than all windows reach is filled behind.
        let cut = full.saturating_sub(result[axis]);
        if window.padding == Padding::Same && cut > 0 {
            pads[axis] = cut / 2;
        }
        pads[axis + 2] = cut - pads[axis];
    }
    // [M, H, W, C] → [C, M, H, W].
    let weights = t.weights(w, &[3, 0, 1, 2])?;
    let real = t.real(x)?;
    let first = t.channels_first(&real);
    let mut inputs = vec![first, weights];
    if let Some(bias) = bias {
        inputs.push(t.bias(bias, x, w)?);
    }
    let mut extra = [0; 2];
    for axis in 0..2 {
        if pads[axis + 2] < 0 {
            extra[axis] = pads[axis + 2].saturating_neg();
            pads[axis + 2] = 0;
        }
    }
    let mut node = NodeProto::new("ConvTranspose", "", inputs.iter().map(String::as_str), [])
        .with_ints("strides", &window.stride.map(i64::from))
        .with_ints("pads", &pads);
    if extra != [0, 0] {
        node = node.with_ints("output_padding", &extra);
    }
    t.finish_first(y, node, window.activation)
}
