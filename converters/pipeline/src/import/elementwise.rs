//! Element-wise functions of one, two and many inputs.

use redpoll_graph::op::{BinaryFn, Clamp, UnaryFn};
use redpoll_graph::{DType, Op, Tensor, ValueId};

use super::importer::Importer;
use super::node::{OnnxNode, Outputs, Stop, axis_of, gap, invalid};

/// A two-input operator without bounds.
pub(crate) fn binary(function: BinaryFn) -> Op {
    Op::Binary {
        function,
        clamp: None,
    }
}

/// Functions of one input without attributes.
pub(crate) fn unary(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let function = match node.proto.op_type.as_str() {
        "Sigmoid" => UnaryFn::Sigmoid,
        "HardSwish" => UnaryFn::HardSwish,
        "Tanh" => UnaryFn::Tanh,
        "Softplus" => UnaryFn::Softplus,
        "Exp" => UnaryFn::Exp,
        "Log" => UnaryFn::Log,
        "Sqrt" => UnaryFn::Sqrt,
        "Reciprocal" => UnaryFn::Reciprocal,
        "Erf" => UnaryFn::Erf,
        "Neg" => UnaryFn::Neg,
        "Abs" => UnaryFn::Abs,
        "Floor" => UnaryFn::Floor,
        "Ceil" => UnaryFn::Ceil,
        "Round" => UnaryFn::Round,
        "Not" => UnaryFn::Not,
        "Sin" => UnaryFn::Sin,
        "Cos" => UnaryFn::Cos,
        "Tan" => UnaryFn::Tan,
        "Asin" => UnaryFn::Asin,
        "Acos" => UnaryFn::Acos,
        "Atan" => UnaryFn::Atan,
        "Sinh" => UnaryFn::Sinh,
        "Cosh" => UnaryFn::Cosh,
        "Asinh" => UnaryFn::Asinh,
        "Acosh" => UnaryFn::Acosh,
        "Atanh" => UnaryFn::Atanh,
        "Sign" => UnaryFn::Sign,
        "IsNaN" => UnaryFn::IsNan,
        "BitwiseNot" => UnaryFn::BitNot,
        other => return gap(format!("the function {other} is not known")),
    };
    apply(import, node, function)
}

fn apply(import: &mut Importer<'_>, node: &OnnxNode<'_>, function: UnaryFn) -> Outputs {
    let x = node.input(0)?;
    Ok(vec![import.emit(node, Op::Unary(function), &[x])?])
}

/// LeakyRelu-6, -16.
pub(crate) fn leaky_relu(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let alpha = node.float_or("alpha", 0.01)?;
    apply(import, node, UnaryFn::LeakyRelu { alpha })
}

/// Elu-6, -22.
pub(crate) fn elu(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let alpha = node.float_or("alpha", 1.0)?;
    apply(import, node, UnaryFn::Elu { alpha })
}

/// HardSigmoid-6, -22.
pub(crate) fn hard_sigmoid(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let (alpha, beta) = (node.float_or("alpha", 0.2)?, node.float_or("beta", 0.5)?);
    apply(import, node, UnaryFn::HardSigmoid { alpha, beta })
}

/// Gelu-20.
pub(crate) fn gelu(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let function = match node.text_or("approximate", "none")? {
        "none" => UnaryFn::Gelu,
        "tanh" => UnaryFn::GeluTanh,
        other => return invalid(format!("approximate is {other:?}")),
    };
    apply(import, node, function)
}

/// Swish-24: `x · sigmoid(alpha · x)`.
pub(crate) fn swish(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let alpha = node.float_or("alpha", 1.0)?;
    if alpha == 1.0 {
        return apply(import, node, UnaryFn::Silu);
    }
    let x = node.input(0)?;
    let alpha = import.constant(node, "alpha", Tensor::scalar(alpha));
    let scaled = import.emit_part(node, "scaled", binary(BinaryFn::Mul), &[x, alpha])?;
    let gate = import.emit_part(node, "gate", Op::Unary(UnaryFn::Sigmoid), &[scaled])?;
    Ok(vec![import.emit(
        node,
        binary(BinaryFn::Mul),
        &[x, gate],
    )?])
}

/// Clip-6 (attributes), -11, -12, -13 (inputs).
pub(crate) fn clip(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let (lo, hi) = if node.opset < 11 {
        let bound = |name: &str| -> Result<Option<f32>, Stop> { Ok(node.proto.attr_float(name)?) };
        (bound("min")?, bound("max")?)
    } else if import.dtype(x) == DType::F32
        && [1, 2].iter().all(|&i| constant_bound(import, node, i))
    {
        (bound_input(import, node, 1)?, bound_input(import, node, 2)?)
    } else {
        return computed_clip(import, node, x);
    };
    let hi = hi.unwrap_or(f32::INFINITY);
    // Where the bounds cross, the upper one wins.
    let lo = lo.unwrap_or(f32::NEG_INFINITY).min(hi);
    let clamp = Clamp { lo, hi };
    apply(import, node, UnaryFn::Clamp(clamp))
}

fn bound_input(
    import: &Importer<'_>,
    node: &OnnxNode<'_>,
    index: usize,
) -> Result<Option<f32>, Stop> {
    if node.optional(index).is_none() {
        return Ok(None);
    }
    match import
        .constant_input(node, index, "the bound")?
        .scalar_f32()
    {
        Some(v) => Ok(Some(v)),
        None => invalid(format!("input {index} is not one float")),
    }
}

/// True when a bound is one constant float, or absent.
fn constant_bound(import: &Importer<'_>, node: &OnnxNode<'_>, index: usize) -> bool {
    match node.optional(index) {
        Some(id) => import.scalar(id).is_some(),
        None => true,
    }
}

/// Bounds that are computed, or of whole numbers.
fn computed_clip(import: &mut Importer<'_>, node: &OnnxNode<'_>, x: ValueId) -> Outputs {
    let mut y = x;
    for (index, part, function) in [(1, "min", BinaryFn::Max), (2, "max", BinaryFn::Min)] {
        if let Some(bound) = node.optional(index) {
            y = import.emit_part(node, part, binary(function), &[y, bound])?;
        }
    }
    Ok(vec![y])
}

/// Functions of two inputs: NumPy broadcasting from opset 7 on, one axis of alignment before.
pub(crate) fn two(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let function = match node.proto.op_type.as_str() {
        "Add" => BinaryFn::Add,
        "Sub" => BinaryFn::Sub,
        "Mul" => BinaryFn::Mul,
        "Div" => BinaryFn::Div,
        "Equal" => BinaryFn::Equal,
        "Less" => BinaryFn::Less,
        "Greater" => BinaryFn::Greater,
        "LessOrEqual" => BinaryFn::LessOrEqual,
        "GreaterOrEqual" => BinaryFn::GreaterOrEqual,
        "And" | "BitwiseAnd" => BinaryFn::And,
        "Or" | "BitwiseOr" => BinaryFn::Or,
        "Xor" | "BitwiseXor" => BinaryFn::Xor,
        "Mod" if node.flag("fmod")? => BinaryFn::Fmod,
        "Mod" => BinaryFn::Mod,
        other => return gap(format!("the function {other} is not known")),
    };
    let inputs = [node.input(0)?, second(import, node)?];
    Ok(vec![import.emit(node, binary(function), &inputs)?])
}

/// The second operand; before opset 7 its axes may be aligned at one of the first's.
fn second(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Result<ValueId, Stop> {
    let (a, b) = (node.input(0)?, node.input(1)?);
    if node.opset >= 7 || !node.flag("broadcast")? {
        return Ok(b);
    }
    let (rank, mut shape) = (import.rank(a), import.shape(b).to_vec());
    let axis = match node.proto.attr_int("axis")? {
        Some(axis) => axis_of(axis, rank.max(1))?,
        None => return Ok(b),
    };
    while axis + shape.len() < rank {
        shape.push(1);
    }
    import.emit_part(node, "aligned", Op::Reshape { shape }, &[b])
}

/// Pow-7, -12, -13, -15; small constant exponents become products and roots.
pub(crate) fn pow(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let (x, exponent) = (node.input(0)?, second(import, node)?);
    let whole = |t: &Tensor| {
        t.as_f32()
            .is_none_or(|v| v.iter().all(|e| e.fract() == 0.0))
    };
    let roots = import.dtype(x) != DType::F32
        && import.dtype(exponent) == DType::F32
        && !import.graph.constant(exponent).is_some_and(whole);
    if roots {
        // Whole numbers to a power with a fraction: computed in floats, cut to a whole number.
        let to = import.dtype(x);
        let float = Op::Cast { to: DType::F32 };
        let x = import.emit_part(node, "float", float, &[x])?;
        let y = import.emit_part(node, "power", binary(BinaryFn::Pow), &[x, exponent])?;
        return Ok(vec![import.emit(node, Op::Cast { to }, &[y])?]);
    }
    let exponent = as_type_of(import, node, exponent, x)?;
    let rank_kept = import.rank(exponent) <= import.rank(x);
    let constant = import.scalar(exponent).filter(|_| rank_kept);
    let y = match constant {
        Some(1.0) => x,
        Some(2.0) => import.emit(node, binary(BinaryFn::Mul), &[x, x])?,
        Some(3.0) => {
            let square = import.emit_part(node, "square", binary(BinaryFn::Mul), &[x, x])?;
            import.emit(node, binary(BinaryFn::Mul), &[square, x])?
        }
        Some(0.5) => import.emit(node, Op::Unary(UnaryFn::Sqrt), &[x])?,
        Some(-1.0) => import.emit(node, Op::Unary(UnaryFn::Reciprocal), &[x])?,
        _ => import.emit(node, binary(BinaryFn::Pow), &[x, exponent])?,
    };
    Ok(vec![y])
}

/// `value` cast to the type of `like`: exponents may have a type of their own.
fn as_type_of(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    value: ValueId,
    like: ValueId,
) -> Result<ValueId, Stop> {
    let to = import.dtype(like);
    if import.dtype(value) == to {
        return Ok(value);
    }
    import.emit_part(node, "exponent", Op::Cast { to }, &[value])
}

/// Max, Min, Sum, Mean of one or more inputs: a chain of two-input operators.
pub(crate) fn many(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let inputs = node.all_inputs(1)?;
    let kind = node.proto.op_type.as_str();
    let function = match kind {
        "Max" => BinaryFn::Max,
        "Min" => BinaryFn::Min,
        _ => BinaryFn::Add,
    };
    let mean = kind == "Mean" && inputs.len() > 1;
    let mut y = inputs[0];
    for (i, &next) in inputs.iter().enumerate().skip(1) {
        let last = i + 1 == inputs.len() && !mean;
        y = if last {
            import.emit(node, binary(function), &[y, next])?
        } else {
            import.emit_part(node, &format!("part{i}"), binary(function), &[y, next])?
        };
    }
    if mean {
        let share = Tensor::scalar(1.0 / inputs.len() as f32);
        let share = import.constant(node, "share", share);
        y = import.emit(node, binary(BinaryFn::Mul), &[y, share])?;
    }
    Ok(vec![y])
}

/// The shape that two shapes broadcast to.
pub(crate) fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>, Stop> {
    let rank = a.len().max(b.len());
    let at = |s: &[usize], i: usize| (i + s.len()).checked_sub(rank).map_or(1, |j| s[j]);
    (0..rank)
        .map(|i| match (at(a, i), at(b, i)) {
            (x, y) if x == y || y == 1 => Ok(x),
            (1, y) => Ok(y),
            _ => invalid(format!("{a:?} and {b:?} do not broadcast")),
        })
        .collect()
}
