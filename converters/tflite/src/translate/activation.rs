//! Functions of one operand: activations, unary arithmetic, softmax, and conversions of the type.

use redpoll_onnx::proto::NodeProto;

use super::translator::{Done, Translator, data_type, gap, invalid};
use crate::{Activation, Operator, Options, TensorType};

/// Functions that ONNX has under another name, or the same.
const UNARY: &[(&str, &str)] = &[
    ("ABS", "Abs"),
    ("CEIL", "Ceil"),
    ("COS", "Cos"),
    ("ELU", "Elu"),
    ("EXP", "Exp"),
    ("FLOOR", "Floor"),
    ("HARD_SWISH", "HardSwish"),
    ("LOG", "Log"),
    ("LOGICAL_NOT", "Not"),
    ("LOGISTIC", "Sigmoid"),
    ("NEG", "Neg"),
    ("RELU", "Relu"),
    ("ROUND", "Round"),
    ("SIGN", "Sign"),
    ("SIN", "Sin"),
    ("SQRT", "Sqrt"),
    ("TANH", "Tanh"),
];

/// An operator of the list above.
pub(crate) fn unary(t: &mut Translator<'_>, op: &Operator) -> Done {
    let Some((_, name)) = UNARY.iter().find(|(from, _)| *from == op.op) else {
        return gap("the operator is not supported");
    };
    let (x, y) = (t.input(op, 0)?, t.output(op, 0)?);
    let x = t.value(x)?;
    t.finish(
        y,
        NodeProto::new(name, "", [x.as_str()], []),
        Activation::None,
    )
}

/// RELU6, RELU_N1_TO_1, RELU_0_TO_1.
pub(crate) fn clamp(t: &mut Translator<'_>, op: &Operator) -> Done {
    let [lo, hi] = match op.op.as_str() {
        "RELU6" => [0.0, 6.0],
        "RELU_N1_TO_1" => [-1.0, 1.0],
        _ => [0.0, 1.0],
    };
    let (x, y) = (t.input(op, 0)?, t.output(op, 0)?);
    let x = t.real(x)?;
    let base = t.name(y).to_owned();
    let lo = t.float(&format!("{base}_least"), lo);
    let hi = t.float(&format!("{base}_most"), hi);
    let node = NodeProto::new("Clip", "", [&*x, &lo, &hi], []);
    t.finish(y, node, Activation::None)
}

/// RSQRT: `1 / sqrt(x)`.
pub(crate) fn rsqrt(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (x, y) = (t.input(op, 0)?, t.output(op, 0)?);
    let x = t.real(x)?;
    let hint = format!("{}_root", t.name(y));
    let root = t.emit(&hint, NodeProto::new("Sqrt", "", [x.as_str()], []));
    let node = NodeProto::new("Reciprocal", "", [root.as_str()], []);
    t.finish(y, node, Activation::None)
}

/// LEAKY_RELU.
pub(crate) fn leaky_relu(t: &mut Translator<'_>, op: &Operator) -> Done {
    let alpha = match op.options {
        Options::LeakyRelu(alpha) => alpha,
        _ => 0.0,
    };
    let (x, y) = (t.input(op, 0)?, t.output(op, 0)?);
    let x = t.real(x)?;
    let node = NodeProto::new("LeakyRelu", "", [x.as_str()], []).with_float("alpha", alpha);
    t.finish(y, node, Activation::None)
}

/// PRELU: slopes along the last dimensions.
pub(crate) fn prelu(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (x, slope, y) = (t.input(op, 0)?, t.input(op, 1)?, t.output(op, 0)?);
    let (x, slope) = (t.real(x)?, t.real(slope)?);
    let node = NodeProto::new("PRelu", "", [x.as_str(), slope.as_str()], []);
    t.finish(y, node, Activation::None)
}

/// GELU.
pub(crate) fn gelu(t: &mut Translator<'_>, op: &Operator) -> Done {
    let kind = match op.options {
        Options::Gelu { approximate: true } => "tanh",
        _ => "none",
    };
    let (x, y) = (t.input(op, 0)?, t.output(op, 0)?);
    let x = t.real(x)?;
    let node = NodeProto::new("Gelu", "", [x.as_str()], []).with_string("approximate", kind);
    t.finish(y, node, Activation::None)
}

/// SOFTMAX over the last dimension, of `x · beta`.
pub(crate) fn softmax(t: &mut Translator<'_>, op: &Operator) -> Done {
    let beta = match op.options {
        Options::Softmax { beta } => beta,
        _ => 1.0,
    };
    let (x, y) = (t.input(op, 0)?, t.output(op, 0)?);
    let mut x = t.real(x)?;
    let base = t.name(y).to_owned();
    if beta != 1.0 {
        let factor = t.float(&format!("{base}_beta"), beta);
        let node = NodeProto::new("Mul", "", [x.as_str(), factor.as_str()], []);
        x = t.emit(&format!("{base}_scaled"), node);
    }
    let node = NodeProto::new("Softmax", "", [x.as_str()], []).with_int("axis", -1);
    t.finish(y, node, Activation::None)
}

/// LOG_SOFTMAX over the last dimension.
pub(crate) fn log_softmax(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (x, y) = (t.input(op, 0)?, t.output(op, 0)?);
    let x = t.real(x)?;
    let node = NodeProto::new("LogSoftmax", "", [x.as_str()], []).with_int("axis", -1);
    t.finish(y, node, Activation::None)
}

/// L2_NORMALIZATION over the last dimension: `x / max(‖x‖, 1e-6)`.
pub(crate) fn l2_normalization(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (x, y) = (t.input(op, 0)?, t.output(op, 0)?);
    let x = t.real(x)?;
    let base = t.name(y).to_owned();
    let axes = t.ints(&format!("{base}_axes"), &[-1])?;
    let node = NodeProto::new("ReduceL2", "", [x.as_str(), axes.as_str()], []);
    let norm = t.emit(&format!("{base}_norm"), node);
    let least = t.float(&format!("{base}_least"), 1e-6);
    let node = NodeProto::new("Max", "", [norm.as_str(), least.as_str()], []);
    let norm = t.emit(&format!("{base}_bounded"), node);
    let node = NodeProto::new("Div", "", [x.as_str(), norm.as_str()], []);
    t.finish(y, node, op.options.activation())
}

/// QUANTIZE: reals, or integers of another scale.
pub(crate) fn quantize(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (x, y) = (t.input(op, 0)?, t.output(op, 0)?);
    let real = t.real(x)?;
    if !t.is_quantized(y) {
        return invalid("its result has no scale");
    }
    t.claim(y)?;
    t.quantize(y, &real)
}

/// DEQUANTIZE: integers with a scale, or half floats, as reals.
pub(crate) fn dequantize(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (x, y) = (t.input(op, 0)?, t.output(op, 0)?);
    if t.tensor(y).dtype != TensorType::F32 {
        return invalid("its result is not f32");
    }
    let real = t.real(x)?;
    let node = NodeProto::new("Identity", "", [real.as_str()], []);
    t.finish(y, node, Activation::None)
}

/// CAST of integers as they are stored.
pub(crate) fn cast(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (x, y) = (t.input(op, 0)?, t.output(op, 0)?);
    let Some(to) = data_type(t.tensor(y).dtype) else {
        return gap(format!("a cast to {:?}", t.tensor(y).dtype));
    };
    let x = t.plain(x)?;
    t.claim(y)?;
    let name = t.name(y).to_owned();
    let node = NodeProto::new("Cast", "", [x.as_str()], []).with_int("to", to.to_onnx().into());
    t.emit_as(&name, node);
    Ok(())
}
