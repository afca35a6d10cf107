//! Which ONNX operators are imported, from which opset on, and by which function.

use super::importer::Importer;
use super::node::{OnnxNode, Outputs};
use super::{
    constant, conv, conv_transpose, convert, dense, einsum, elementwise, gather, movement, norm,
    pool, recurrent, reduce, resize,
};

/// Makes graph nodes of one ONNX node.
pub(crate) type ImportFn = fn(&mut Importer<'_>, &OnnxNode<'_>) -> Outputs;

/// Operator, the oldest opset whose form is handled (never below 7), function. Sorted by name.
const TABLE: &[(&str, i64, ImportFn)] = &[
    ("Abs", 7, elementwise::unary),
    ("Add", 7, elementwise::two),
    ("AveragePool", 7, pool::average_pool),
    ("BatchNormalization", 7, norm::batch_norm),
    ("Cast", 7, convert::cast),
    ("Ceil", 7, elementwise::unary),
    ("Clip", 7, elementwise::clip),
    ("Concat", 7, movement::concat),
    ("Constant", 7, constant::constant),
    ("ConstantOfShape", 9, constant::constant_of_shape),
    ("Conv", 7, conv::conv),
    ("ConvTranspose", 7, conv_transpose::conv_transpose),
    ("DepthToSpace", 7, movement::depth_to_space),
    ("DequantizeLinear", 10, convert::dequantize),
    ("Div", 7, elementwise::two),
    ("Dropout", 7, constant::pass),
    ("Einsum", 12, einsum::einsum),
    ("Elu", 7, elementwise::elu),
    ("Equal", 7, elementwise::two),
    ("Erf", 9, elementwise::unary),
    ("Exp", 7, elementwise::unary),
    ("Expand", 8, movement::expand),
    ("Flatten", 7, movement::flatten),
    ("Floor", 7, elementwise::unary),
    ("GRU", 7, recurrent::gru),
    ("Gather", 7, gather::gather),
    ("Gelu", 20, elementwise::gelu),
    ("Gemm", 7, dense::gemm),
    ("GlobalAveragePool", 7, pool::global_average_pool),
    ("GlobalMaxPool", 7, pool::global_max_pool),
    ("Greater", 7, elementwise::two),
    ("GreaterOrEqual", 12, elementwise::or_equal),
    ("HardSigmoid", 7, elementwise::hard_sigmoid),
    ("HardSwish", 14, elementwise::unary),
    ("Identity", 7, constant::pass),
    ("LSTM", 7, recurrent::lstm),
    ("LayerNormalization", 17, norm::layer_norm),
    ("LeakyRelu", 7, elementwise::leaky_relu),
    ("Less", 7, elementwise::two),
    ("LessOrEqual", 12, elementwise::or_equal),
    ("Log", 7, elementwise::unary),
    ("LogSoftmax", 7, reduce::log_softmax),
    ("MatMul", 7, dense::matmul),
    ("Max", 8, elementwise::many),
    ("MaxPool", 7, pool::max_pool),
    ("Mean", 8, elementwise::many),
    ("Min", 8, elementwise::many),
    ("Mul", 7, elementwise::two),
    ("Neg", 7, elementwise::unary),
    ("Not", 7, elementwise::unary),
    ("PRelu", 7, elementwise::prelu),
    ("Pad", 7, movement::pad),
    ("Pow", 7, elementwise::pow),
    ("QuantizeLinear", 10, convert::quantize),
    ("RNN", 7, recurrent::rnn),
    ("Range", 11, constant::range),
    ("Reciprocal", 7, elementwise::unary),
    ("ReduceL1", 7, reduce::reduce),
    ("ReduceL2", 7, reduce::reduce),
    ("ReduceMax", 7, reduce::reduce),
    ("ReduceMean", 7, reduce::reduce),
    ("ReduceMin", 7, reduce::reduce),
    ("ReduceProd", 7, reduce::reduce),
    ("ReduceSum", 7, reduce::reduce),
    ("ReduceSumSquare", 7, reduce::reduce),
    ("Relu", 7, elementwise::unary),
    ("Reshape", 7, movement::reshape),
    ("Resize", 10, resize::resize),
    ("Round", 11, elementwise::unary),
    ("Shape", 7, constant::shape),
    ("Sigmoid", 7, elementwise::unary),
    ("Size", 7, constant::size),
    ("Slice", 7, movement::slice),
    ("Softmax", 7, reduce::softmax),
    ("Softplus", 7, elementwise::unary),
    ("SpaceToDepth", 7, movement::space_to_depth),
    ("Split", 7, movement::split),
    ("Sqrt", 7, elementwise::unary),
    ("Squeeze", 7, movement::squeeze),
    ("Sub", 7, elementwise::two),
    ("Sum", 8, elementwise::many),
    ("Swish", 24, elementwise::swish),
    ("Tanh", 7, elementwise::unary),
    ("Transpose", 7, movement::transpose),
    ("Unsqueeze", 7, movement::unsqueeze),
    ("Upsample", 7, resize::upsample),
    ("Where", 9, elementwise::select),
];

/// The operators that are imported, by name, with the oldest opset whose form is handled.
pub fn operators() -> impl Iterator<Item = (&'static str, i64)> {
    TABLE.iter().map(|&(name, since, _)| (name, since))
}

/// The function for an operator of the standard domain in a version, or why there is none.
pub(crate) fn find(op_type: &str, opset: i64) -> Result<ImportFn, String> {
    let Ok(index) = TABLE.binary_search_by_key(&op_type, |entry| entry.0) else {
        return Err("the operator is not supported; run the model in another backend, or replace it before export".to_owned());
    };
    let (_, since, function) = TABLE[index];
    // Max, Min, Sum and Mean broadcast from opset 8 on; equal shapes mean the same before.
    if opset < since && !matches!(op_type, "Max" | "Min" | "Sum" | "Mean") {
        return Err(format!(
            "the operator is known from opset {since} on, but the model says {opset}; convert the model"
        ));
    }
    Ok(function)
}

#[cfg(test)]
mod tests {
    use super::{TABLE, find, operators};

    /// docs/operators.md lists exactly what the table holds.
    #[test]
    fn the_page_on_operators_is_complete() {
        let page = include_str!("../../../../docs/operators.md");
        let listed: Vec<(String, i64)> = page
            .lines()
            .filter_map(|line| {
                let mut cells = line.strip_prefix("| `")?.split('|');
                let name = cells.next()?.trim().trim_end_matches('`').to_owned();
                Some((name, cells.next()?.trim().parse().ok()?))
            })
            .collect();
        let table: Vec<(String, i64)> = operators().map(|(n, s)| (n.to_owned(), s)).collect();
        assert_eq!(listed, table);
    }

    #[test]
    fn table_is_sorted_and_opsets_are_checked() {
        assert!(TABLE.is_sorted_by(|a, b| a.0 < b.0));
        assert!(find("Conv", 7).is_ok());
        assert!(find("LRN", 13).is_err());
        assert!(find("Resize", 9).is_err());
    }
}
