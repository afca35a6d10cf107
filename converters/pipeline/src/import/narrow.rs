//! Integers of widths that the graph has not: they are held wider and wrap around as they would by themselves.
//!
//! 2-, 4- and 16-bit integers are i32 in the graph, unsigned 32 and 64 bits i64 (64 bits by their bit pattern: exact below
//! 2⁶³). 8-bit integers without a scale are widened for arithmetic and cut again; so are truth values for reductions.

use redpoll_graph::op::UnaryFn;
use redpoll_graph::{DType, Op, ValueId};
use redpoll_onnx::DataType;

use super::importer::Importer;
use super::node::{OnnxNode, Outputs, Stop};
use super::table::ImportFn;

/// A width of its own: bits, signed.
pub(crate) type Width = (u8, bool);

/// The width of an ONNX type that the graph holds wider.
pub(crate) fn width(data_type: DataType) -> Option<Width> {
    match data_type {
        DataType::I2 => Some((2, true)),
        DataType::U2 => Some((2, false)),
        DataType::I4 => Some((4, true)),
        DataType::U4 => Some((4, false)),
        DataType::I16 => Some((16, true)),
        DataType::U16 => Some((16, false)),
        DataType::U32 => Some((32, false)),
        _ => None,
    }
}

/// Operators whose result may leave the width of their operands.
fn overflows(op: &str) -> bool {
    matches!(
        op,
        "Abs"
            | "Add"
            | "BitShift"
            | "BitwiseNot"
            | "CumProd"
            | "CumSum"
            | "Div"
            | "Gemm"
            | "MatMul"
            | "Mul"
            | "Neg"
            | "Pow"
            | "ReduceL1"
            | "ReduceL2"
            | "ReduceProd"
            | "ReduceSum"
            | "ReduceSumSquare"
            | "ScatterElements"
            | "ScatterND"
            | "Sub"
            | "Sum"
    )
}

/// Operators that the graph computes on i32 where the operands have 8 bits.
fn widens(op: &str) -> bool {
    overflows(op)
        || matches!(
            op,
            "BitwiseAnd"
                | "BitwiseOr"
                | "BitwiseXor"
                | "Clip"
                | "Equal"
                | "Greater"
                | "GreaterOrEqual"
                | "Less"
                | "LessOrEqual"
                | "Max"
                | "MaxPool"
                | "Min"
                | "Mod"
                | "PRelu"
                | "ReduceMax"
                | "ReduceMin"
                | "Relu"
                | "Sign"
                | "Mean"
                | "ReduceMean"
        )
}

/// Operators whose results have a type of their own.
fn own_type(op: &str) -> bool {
    matches!(
        op,
        "ArgMax"
            | "ArgMin"
            | "BitCast"
            | "Cast"
            | "CastLike"
            | "Constant"
            | "ConstantOfShape"
            | "DequantizeLinear"
            | "EyeLike"
            | "NonZero"
            | "OneHot"
            | "QuantizeLinear"
            | "Shape"
            | "Size"
    )
}

/// Runs the import of a node with its operands widened, and gives its results the width of its operands.
pub(crate) fn import(
    import: &mut Importer<'_>,
    node: &mut OnnxNode<'_>,
    function: ImportFn,
) -> Outputs {
    let op = node.proto.op_type.as_str();
    let first = node.inputs.iter().flatten().next().copied();
    let plain = |import: &Importer<'_>, id: ValueId| {
        let v = import.graph.value(id);
        let small = matches!(v.dtype, DType::I8 | DType::U8) && v.qparams.is_none();
        small || (v.dtype == DType::Bool && matches!(op, "ReduceMax" | "ReduceMin"))
    };
    if let Some(first) = first.filter(|&id| widens(op) && plain(import, id)) {
        let to = import.dtype(first);
        // Pooling knows floats, which hold 8 bits exactly.
        let wide = if op == "MaxPool" {
            DType::F32
        } else {
            DType::I32
        };
        for (i, input) in node.inputs.clone().into_iter().enumerate() {
            if let Some(id) = input.filter(|&id| import.dtype(id) == to) {
                let op = Op::Cast { to: wide };
                node.inputs[i] = Some(import.emit_part(node, &format!("wide{i}"), op, &[id])?);
            }
        }
        let values = function(import, node)?;
        let cut = |(i, id): (usize, ValueId)| {
            if import.dtype(id) != wide || i > 0 {
                return Ok(id);
            }
            import.emit_part(node, &format!("cut{i}"), Op::Cast { to }, &[id])
        };
        return values.into_iter().enumerate().map(cut).collect();
    }
    let mut values = function(import, node)?;
    if own_type(op) {
        return Ok(values);
    }
    let tagged = node.inputs.iter().flatten().copied();
    let Some((like, width)) = tagged
        .clone()
        .find_map(|id| Some((id, *import.narrow.get(&id)?)))
    else {
        return Ok(values);
    };
    for (i, id) in values.iter_mut().enumerate() {
        if import.dtype(*id) != import.dtype(like) || (i > 0 && matches!(op, "TopK" | "MaxPool")) {
            continue;
        }
        if overflows(op) {
            *id = wrap(import, node, *id, width)?;
        }
        import.narrow.insert(*id, width);
    }
    Ok(values)
}

/// `x` cut to `width` bits.
pub(crate) fn wrap(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    x: ValueId,
    (bits, signed): Width,
) -> Result<ValueId, Stop> {
    let op = Op::Unary(UnaryFn::Wrap { bits, signed });
    import.emit_part(node, "wrapped", op, &[x])
}
