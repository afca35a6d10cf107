//! What changes the shape and moves nothing: reshape, squeeze, expand, and what says shapes.

use redpoll_onnx::DataType;
use redpoll_onnx::proto::NodeProto;

use super::translator::{Done, Translator, data_type, gap, invalid};
use crate::{Activation, Operator, Options, TensorType};

impl Translator<'_> {
    /// A node that gives `x` this shape.
    pub fn reshape_node(&mut self, hint: &str, x: &str, shape: &[i64]) -> Done<NodeProto> {
        let shape = self.ints(&format!("{hint}_shape"), shape)?;
        Ok(NodeProto::new("Reshape", "", [x, shape.as_str()], []))
    }

    /// `x` in this shape.
    pub fn reshaped(&mut self, hint: &str, x: &str, shape: &[i64]) -> Done<String> {
        let node = self.reshape_node(hint, x, shape)?;
        Ok(self.emit(hint, node))
    }

    /// Operand `id` as 64-bit integers: a constant, or what an operator computes.
    pub fn ints_of(&mut self, id: usize, what: &str) -> Done<String> {
        if self.tensor(id).is_constant() {
            let ints = self.constant_ints(id, what)?;
            let hint = format!("{}_ints", self.name(id));
            return self.ints(&hint, &ints);
        }
        let x = self.plain(id)?;
        if self.tensor(id).dtype == TensorType::I64 {
            return Ok(x);
        }
        let to = i64::from(DataType::I64.to_onnx());
        let node = NodeProto::new("Cast", "", [x.as_str()], []).with_int("to", to);
        Ok(self.emit(&format!("{x}_ints"), node))
    }
}

/// RESHAPE by an operand or by options.
pub(crate) fn reshape(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (x, y) = (t.input(op, 0)?, t.output(op, 0)?);
    let base = t.name(y).to_owned();
    let shape = match (t.optional(op, 1), &op.options) {
        (Some(shape), _) => t.ints_of(shape, "the new shape")?,
        (None, Options::Reshape(Some(shape))) => {
            let shape: Vec<i64> = shape.iter().map(|&d| d.into()).collect();
            t.ints(&format!("{base}_shape"), &shape)?
        }
        _ => return invalid("the new shape is missing"),
    };
    let x = t.value(x)?;
    let node = NodeProto::new("Reshape", "", [x.as_str(), shape.as_str()], []);
    t.finish(y, node, Activation::None)
}

/// SQUEEZE.
pub(crate) fn squeeze(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (x, y) = (t.input(op, 0)?, t.output(op, 0)?);
    let mut inputs = vec![t.value(x)?];
    if let Options::Squeeze(dims) = &op.options
        && !dims.is_empty()
    {
        let dims: Vec<i64> = dims.iter().map(|&d| d.into()).collect();
        let hint = format!("{}_axes", t.name(y));
        inputs.push(t.ints(&hint, &dims)?);
    }
    let node = NodeProto::new("Squeeze", "", inputs.iter().map(String::as_str), []);
    t.finish(y, node, Activation::None)
}

/// EXPAND_DIMS.
pub(crate) fn expand_dims(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (x, axis, y) = (t.input(op, 0)?, t.input(op, 1)?, t.output(op, 0)?);
    let axes = t.constant_ints(axis, "the axis")?;
    let hint = format!("{}_axes", t.name(y));
    let (x, axes) = (t.value(x)?, t.ints(&hint, &axes)?);
    let node = NodeProto::new("Unsqueeze", "", [x.as_str(), axes.as_str()], []);
    t.finish(y, node, Activation::None)
}

/// SHAPE, RANK.
pub(crate) fn shape(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (x, y) = (t.input(op, 0)?, t.output(op, 0)?);
    let Some(to) = data_type(t.tensor(y).dtype) else {
        return gap(format!("a shape as {:?}", t.tensor(y).dtype));
    };
    let x = t.plain(x)?;
    let base = t.name(y).to_owned();
    let mut sizes = t.emit(
        &format!("{base}_sizes"),
        NodeProto::new("Shape", "", [x.as_str()], []),
    );
    if op.op == "RANK" {
        sizes = t.emit(
            &format!("{base}_rank"),
            NodeProto::new("Size", "", [sizes.as_str()], []),
        );
    }
    let node = NodeProto::new("Cast", "", [sizes.as_str()], []).with_int("to", to.to_onnx().into());
    t.finish(y, node, Activation::None)
}

/// BROADCAST_TO, FILL: `x` repeated to a shape.
pub(crate) fn broadcast(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (mut x, mut shape) = (t.input(op, 0)?, t.input(op, 1)?);
    if op.op == "FILL" {
        std::mem::swap(&mut x, &mut shape);
    }
    let y = t.output(op, 0)?;
    let shape = t.ints_of(shape, "the shape")?;
    let x = t.value(x)?;
    let node = NodeProto::new("Expand", "", [x.as_str(), shape.as_str()], []);
    t.finish(y, node, Activation::None)
}

/// ZEROS_LIKE: `x · 0` of integers and of floats that are finite is what the shape alone says.
pub(crate) fn zeros_like(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (x, y) = (t.input(op, 0)?, t.output(op, 0)?);
    let x = t.plain(x)?;
    let base = t.name(y).to_owned();
    let sizes = t.emit(
        &format!("{base}_sizes"),
        NodeProto::new("Shape", "", [x.as_str()], []),
    );
    let zero = match t.tensor(y).dtype {
        TensorType::F32 => redpoll_onnx::TensorData::from_f32(&[1], &[0.0]),
        TensorType::I32 => redpoll_onnx::TensorData::from_i32(&[1], &[0]),
        TensorType::I64 => redpoll_onnx::TensorData::from_i64(&[1], &[0]),
        other => return gap(format!("zeros of type {other:?}")),
    };
    let Ok(zero) = zero else {
        return invalid("no zero");
    };
    let node =
        NodeProto::new("ConstantOfShape", "", [sizes.as_str()], []).with_tensor("value", &zero);
    t.finish(y, node, Activation::None)
}

/// DENSIFY: a sparse constant, all of whose elements are read where it is taken.
pub(crate) fn densify(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (x, y) = (t.input(op, 0)?, t.output(op, 0)?);
    let x = t.plain(x)?;
    t.claim(y)?;
    let name = t.name(y).to_owned();
    t.emit_as(&name, NodeProto::new("Identity", "", [x.as_str()], []));
    Ok(())
}
