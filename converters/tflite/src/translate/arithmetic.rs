//! Arithmetic and comparisons of several operands.

use redpoll_onnx::proto::NodeProto;

use super::translator::{Done, Translator, gap, invalid};
use crate::{Activation, Operator, TensorType};

/// What ONNX calls them.
const BINARY: &[(&str, &str)] = &[
    ("ADD", "Add"),
    ("ADD_N", "Sum"),
    ("DIV", "Div"),
    ("EQUAL", "Equal"),
    ("GREATER", "Greater"),
    ("GREATER_EQUAL", "GreaterOrEqual"),
    ("LESS", "Less"),
    ("LESS_EQUAL", "LessOrEqual"),
    ("LOGICAL_AND", "And"),
    ("LOGICAL_OR", "Or"),
    ("MAXIMUM", "Max"),
    ("MINIMUM", "Min"),
    ("MUL", "Mul"),
    ("POW", "Pow"),
    ("SUB", "Sub"),
];

/// An operator of the list above.
pub(crate) fn binary(t: &mut Translator<'_>, op: &Operator) -> Done {
    let Some((_, name)) = BINARY.iter().find(|(from, _)| *from == op.op) else {
        return gap("the operator is not supported");
    };
    let y = t.output(op, 0)?;
    let mut operands = Vec::new();
    for i in 0..op.inputs.len() {
        let id = t.input(op, i)?;
        operands.push(t.value(id)?);
    }
    let node = NodeProto::new(name, "", operands.iter().map(String::as_str), []);
    t.finish(y, node, op.options.activation())
}

fn pair(t: &mut Translator<'_>, op: &Operator) -> Done<[String; 2]> {
    let (a, b) = (t.input(op, 0)?, t.input(op, 1)?);
    Ok([t.value(a)?, t.value(b)?])
}

/// NOT_EQUAL.
pub(crate) fn not_equal(t: &mut Translator<'_>, op: &Operator) -> Done {
    let y = t.output(op, 0)?;
    let [a, b] = pair(t, op)?;
    let hint = format!("{}_equal", t.name(y));
    let equal = t.emit(
        &hint,
        NodeProto::new("Equal", "", [a.as_str(), b.as_str()], []),
    );
    t.finish(
        y,
        NodeProto::new("Not", "", [equal.as_str()], []),
        Activation::None,
    )
}

/// SQUARE, SQUARED_DIFFERENCE.
pub(crate) fn square(t: &mut Translator<'_>, op: &Operator) -> Done {
    let y = t.output(op, 0)?;
    let x = if op.op == "SQUARE" {
        let x = t.input(op, 0)?;
        t.value(x)?
    } else {
        let [a, b] = pair(t, op)?;
        let hint = format!("{}_difference", t.name(y));
        t.emit(
            &hint,
            NodeProto::new("Sub", "", [a.as_str(), b.as_str()], []),
        )
    };
    let node = NodeProto::new("Mul", "", [x.as_str(), x.as_str()], []);
    t.finish(y, node, Activation::None)
}

/// FLOOR_DIV of floats.
pub(crate) fn floor_div(t: &mut Translator<'_>, op: &Operator) -> Done {
    let y = t.output(op, 0)?;
    if t.tensor(y).dtype != TensorType::F32 {
        return gap("only floats are divided and rounded down");
    }
    let [a, b] = pair(t, op)?;
    let hint = format!("{}_quotient", t.name(y));
    let quotient = t.emit(
        &hint,
        NodeProto::new("Div", "", [a.as_str(), b.as_str()], []),
    );
    let node = NodeProto::new("Floor", "", [quotient.as_str()], []);
    t.finish(y, node, Activation::None)
}

/// FLOOR_MOD: the rest has the sign of the divisor.
pub(crate) fn floor_mod(t: &mut Translator<'_>, op: &Operator) -> Done {
    let y = t.output(op, 0)?;
    let [a, b] = pair(t, op)?;
    if t.tensor(y).dtype != TensorType::F32 {
        let node = NodeProto::new("Mod", "", [a.as_str(), b.as_str()], []);
        return t.finish(y, node, Activation::None);
    }
    let base = t.name(y).to_owned();
    let mut step = |part: &str, op: &str, operands: &[&str]| {
        let node = NodeProto::new(op, "", operands.iter().copied(), []);
        t.emit(&format!("{base}_{part}"), node)
    };
    let quotient = step("quotient", "Div", &[&a, &b]);
    let whole = step("whole", "Floor", &[&quotient]);
    let multiple = step("multiple", "Mul", &[&whole, &b]);
    let node = NodeProto::new("Sub", "", [a.as_str(), multiple.as_str()], []);
    t.finish(y, node, Activation::None)
}

/// SELECT, SELECT_V2.
pub(crate) fn select(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (condition, a, b) = (t.input(op, 0)?, t.input(op, 1)?, t.input(op, 2)?);
    let y = t.output(op, 0)?;
    let (own, other) = (t.shape(condition).len(), t.shape(a).len());
    if op.op == "SELECT" && own != other && own != 0 {
        return gap("a condition for each row of its operands is not supported");
    }
    let (condition, a, b) = (t.plain(condition)?, t.value(a)?, t.value(b)?);
    let node = NodeProto::new("Where", "", [&*condition, &a, &b], []);
    t.finish(y, node, Activation::None)
}

/// LOCAL_RESPONSE_NORMALIZATION over the channels.
pub(crate) fn local_response(t: &mut Translator<'_>, op: &Operator) -> Done {
    let crate::Options::LocalResponse {
        radius,
        bias,
        alpha,
        beta,
    } = op.options
    else {
        return invalid("its options are missing");
    };
    let (x, y) = (t.input(op, 0)?, t.output(op, 0)?);
    if t.shape(x).len() != 4 || !(0..=1 << 20).contains(&radius) {
        return invalid(format!("radius {radius} over {:?}", t.shape(x)));
    }
    let size = 2 * radius + 1;
    let x = t.real(x)?;
    let first = t.channels_first(&x);
    // ONNX divides alpha by the size of the window.
    let node = NodeProto::new("LRN", "", [first.as_str()], [])
        .with_int("size", size.into())
        .with_float("alpha", alpha * size as f32)
        .with_float("beta", beta)
        .with_float("bias", bias);
    t.finish_first(y, node, Activation::None)
}
