//! Element-wise functions: float steps, integer steps, tables of 256.

use redpoll_graph::op::{BinaryFn, Clamp, UnaryFn};
use redpoll_graph::{self as graph, Data, Graph, Node, Tensor, ValueId, eval};
use redpoll_plan::op::{Binary, Unary};
use redpoll_plan::{DType, Op, op};

use super::general;
use super::loops::{Loop, broadcast, plan_loop};
use super::lowering::{Done, Lowering, Refused, float_bounds, integer_bounds, shift};
use super::pack;

/// The plan's function with its attributes; `None` for those on truth values.
fn plan_unary(function: UnaryFn) -> Option<(Unary, f32, f32)> {
    let plain = |u| Some((u, 0.0, 0.0));
    match function {
        UnaryFn::Clamp(c) => Some((Unary::Clamp, c.lo, c.hi)),
        UnaryFn::LeakyRelu { alpha } => Some((Unary::LeakyRelu, alpha, 0.0)),
        UnaryFn::Elu { alpha } => Some((Unary::Elu, alpha, 0.0)),
        UnaryFn::HardSigmoid { alpha, beta } => Some((Unary::HardSigmoid, alpha, beta)),
        UnaryFn::Sigmoid => plain(Unary::Sigmoid),
        UnaryFn::HardSwish => plain(Unary::HardSwish),
        UnaryFn::Silu => plain(Unary::Silu),
        UnaryFn::Tanh => plain(Unary::Tanh),
        UnaryFn::Gelu => plain(Unary::Gelu),
        UnaryFn::GeluTanh => plain(Unary::GeluTanh),
        UnaryFn::Softplus => plain(Unary::Softplus),
        UnaryFn::Exp => plain(Unary::Exp),
        UnaryFn::Log => plain(Unary::Log),
        UnaryFn::Sqrt => plain(Unary::Sqrt),
        UnaryFn::Reciprocal => plain(Unary::Reciprocal),
        UnaryFn::Erf => plain(Unary::Erf),
        UnaryFn::Neg => plain(Unary::Neg),
        UnaryFn::Abs => plain(Unary::Abs),
        UnaryFn::Floor => plain(Unary::Floor),
        UnaryFn::Ceil => plain(Unary::Ceil),
        UnaryFn::Round => plain(Unary::Round),
        UnaryFn::Not
        | UnaryFn::Sin
        | UnaryFn::Cos
        | UnaryFn::Tan
        | UnaryFn::Asin
        | UnaryFn::Acos
        | UnaryFn::Atan
        | UnaryFn::Sinh
        | UnaryFn::Cosh
        | UnaryFn::Asinh
        | UnaryFn::Acosh
        | UnaryFn::Atanh
        | UnaryFn::Sign
        | UnaryFn::IsNan
        | UnaryFn::IsInf { .. }
        | UnaryFn::BitNot
        | UnaryFn::Wrap { .. } => None,
    }
}

fn plan_binary(function: BinaryFn) -> Option<Binary> {
    match function {
        BinaryFn::Add => Some(Binary::Add),
        BinaryFn::Sub => Some(Binary::Sub),
        BinaryFn::Mul => Some(Binary::Mul),
        BinaryFn::Div => Some(Binary::Div),
        BinaryFn::Pow => Some(Binary::Pow),
        BinaryFn::Max => Some(Binary::Max),
        BinaryFn::Min => Some(Binary::Min),
        _ => None,
    }
}

pub(super) fn unary(cx: &mut Lowering<'_>, node: &Node, function: UnaryFn) -> Done {
    if cx.is_quantized(node.inputs[0]) {
        return table(cx, node, 0);
    }
    if let Some(done) = general::unary(cx, node, function) {
        return done;
    }
    let (function, alpha, beta) = plan_unary(function)
        .filter(|_| cx.dtype(node.inputs[0]) == DType::F32)
        .ok_or("only f32 and quantised data are supported")?;
    let x = cx.operand(node.inputs[0])?;
    let y = cx.result(node.output)?;
    cx.step(
        node,
        Op::UnaryF32(op::UnaryF32 {
            function,
            x,
            y,
            alpha,
            beta,
        }),
    );
    Ok(())
}

/// Any function of the one quantised operand `of`, by a table that the reference evaluator fills. The other
/// operands are constants of one element.
pub(super) fn table(cx: &mut Lowering<'_>, node: &Node, of: usize) -> Done {
    let (input, output) = (cx.value(node.inputs[of]), cx.value(node.output));
    let all = match input.dtype {
        graph::DType::U8 => Data::U8((0..=255).collect()),
        _ => Data::I8((-128..=127).collect()),
    };
    let mut small = Graph::new("table");
    let mut operands = Vec::new();
    let mut tensors = Vec::new();
    for (i, &id) in node.inputs.iter().enumerate() {
        let value = cx.value(id);
        let tensor = if i == of {
            Tensor::new(vec![256], all.clone())
        } else {
            let constant = cx
                .constant(id)
                .ok_or("two operands that are no constants")?;
            Tensor::new(vec![], constant.data().clone())
        };
        let tensor = tensor.map_err(|e| Refused(e.to_string()))?;
        let own = small.add_value(&value.name, value.dtype, tensor.shape().to_vec());
        small.value_mut(own).qparams.clone_from(&value.qparams);
        operands.push(own);
        tensors.push(tensor);
    }
    let y = small.add_value("table", output.dtype, vec![256]);
    small.value_mut(y).qparams.clone_from(&output.qparams);
    let one = Node {
        name: node.name.clone(),
        op: node.op.clone(),
        inputs: operands,
        output: y,
    };
    let made = eval::node(&small, &one, &tensors.iter().collect::<Vec<_>>())
        .map_err(|e| Refused(format!("no table can be made: {e}")))?;
    let bytes = match made.data() {
        Data::I8(v) => pack::i8_bytes(v),
        Data::U8(v) => v.iter().map(|b| b ^ 0x80).collect(),
        _ => return Err("the result is not quantised".into()),
    };
    let table = cx.weights(format!("{}.table", output.name), DType::I8, bytes)?;
    let x = cx.operand(node.inputs[of])?;
    let y = cx.result(node.output)?;
    cx.step(node, Op::TableI8(op::TableI8 { x, y, table }));
    Ok(())
}

/// The loop of a step with two operands.
fn operand_loop(cx: &Lowering<'_>, node: &Node) -> Result<Loop<2>, Refused> {
    let y = cx.shape(node.output);
    let of = |id: ValueId| broadcast(cx.shape(id), y);
    plan_loop(y, [&of(node.inputs[0]), &of(node.inputs[1])])
        .ok_or_else(|| "more than 6 dimensions that do not join".into())
}

pub(super) fn binary(
    cx: &mut Lowering<'_>,
    node: &Node,
    function: BinaryFn,
    clamp: Option<Clamp>,
) -> Done {
    if let Some(done) = general::binary(cx, node, function) {
        return done;
    }
    let function = plan_binary(function).ok_or("it has no integer step; keep it in float")?;
    if cx.is_quantized(node.inputs[0]) {
        return binary_i8(cx, node, function, clamp);
    }
    if cx.dtype(node.inputs[0]) != DType::F32 {
        return Err("only f32 and quantised data are supported".into());
    }
    let Loop {
        dims,
        strides: [a_strides, b_strides],
    } = operand_loop(cx, node)?;
    let (a, b) = (cx.operand(node.inputs[0])?, cx.operand(node.inputs[1])?);
    let y = cx.result(node.output)?;
    let (lo, hi) = float_bounds(clamp);
    let op = op::BinaryF32 {
        function,
        a,
        b,
        y,
        dims,
        a_strides,
        b_strides,
        lo,
        hi,
    };
    cx.step(node, Op::BinaryF32(op));
    Ok(())
}

fn binary_i8(cx: &mut Lowering<'_>, node: &Node, function: Binary, clamp: Option<Clamp>) -> Done {
    let scalar =
        |cx: &Lowering<'_>, i: usize| cx.constant(node.inputs[i]).is_some_and(|t| t.len() == 1);
    let full = |cx: &Lowering<'_>, i: usize| cx.shape(node.inputs[i]) == cx.shape(node.output);
    for (of, other) in [(0, 1), (1, 0)] {
        if scalar(cx, other) && full(cx, of) && cx.constant(node.inputs[of]).is_none() {
            return table(cx, node, of);
        }
    }
    let (a, b) = (cx.quant(node.inputs[0])?, cx.quant(node.inputs[1])?);
    let y_quant = cx.quant(node.output)?;
    let (a_scale, b_scale) = match function {
        Binary::Add | Binary::Sub => (a.scale / y_quant.scale, b.scale / y_quant.scale),
        Binary::Mul => ((a.scale * b.scale) / y_quant.scale, 1.0),
        Binary::Max | Binary::Min => (1.0, 1.0),
        Binary::Div | Binary::Pow => {
            return Err("not supported in int8 with two activations; keep it in float".into());
        }
    };
    let (lo, hi) = integer_bounds(clamp, y_quant);
    let Loop {
        dims,
        strides: [a_strides, b_strides],
    } = operand_loop(cx, node)?;
    let op = op::BinaryI8 {
        function,
        a: cx.operand(node.inputs[0])?,
        b: cx.operand(node.inputs[1])?,
        y: cx.result(node.output)?,
        dims,
        a_strides,
        b_strides,
        a_zero: a.zero,
        b_zero: b.zero,
        a_scale,
        b_scale,
        y_zero: y_quant.zero,
        lo,
        hi,
    };
    cx.step(node, Op::BinaryI8(op));
    Ok(())
}

/// `(x − mean) / sqrt(var + epsilon) · scale + bias`, each step rounded as the operator's definition says.
pub(super) fn batch_norm(cx: &mut Lowering<'_>, node: &Node, epsilon: f32) -> Done {
    let mut vectors: Vec<Vec<f32>> = Vec::new();
    for &id in &node.inputs[1..] {
        let constant = cx.constant(id).and_then(Tensor::as_f32);
        vectors.push(constant.ok_or("parameters must be constant f32")?.to_vec());
    }
    let [scale, bias, mean, var] = vectors
        .try_into()
        .map_err(|_| Refused::from("needs 5 operands"))?;
    let deviation: Vec<f32> = var.iter().map(|v| (v + epsilon).sqrt()).collect();
    let shape = cx.shape(node.output);
    let Loop {
        dims,
        strides: [a_strides, b_strides],
    } = plan_loop(
        shape,
        [&broadcast(shape, shape), &broadcast(&[scale.len()], shape)],
    )
    .ok_or("more than 6 dimensions that do not join")?;
    let mut a = cx.operand(node.inputs[0])?;
    let steps = [
        (Binary::Sub, "mean", mean),
        (Binary::Div, "deviation", deviation),
        (Binary::Mul, "scale", scale),
        (Binary::Add, "bias", bias),
    ];
    for (function, what, vector) in steps {
        let b = cx.weights_f32(format!("{}.{what}", node.name), &vector)?;
        let y = match function {
            Binary::Add => cx.result(node.output)?,
            _ => cx.temporary(node.output, DType::F32, shape)?,
        };
        let (lo, hi) = float_bounds(None);
        let op = op::BinaryF32 {
            function,
            a,
            b,
            y,
            dims,
            a_strides,
            b_strides,
            lo,
            hi,
        };
        cx.step(node, Op::BinaryF32(op));
        a = y;
    }
    Ok(())
}

/// True when the value's integers are those of `other` in the plan: same scale, zero point and type.
pub(super) fn same_integers(cx: &Lowering<'_>, id: ValueId, other: ValueId) -> bool {
    let (a, b) = (cx.value(id), cx.value(other));
    a.qparams
        .as_ref()
        .map(|q| (q.scale().to_bits(), q.zero_point() - shift(a)))
        == b.qparams
            .as_ref()
            .map(|q| (q.scale().to_bits(), q.zero_point() - shift(b)))
}
