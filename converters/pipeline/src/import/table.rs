//! Which ONNX operators are imported, from which opset on, and by which function.

use super::importer::Importer;
use super::node::{OnnxNode, Outputs};
use super::{
    activation, attention, constant, control, conv, conv_transpose, convert, counted, deform_conv,
    dense, einsum, elementwise, gather, index, loss, microsoft, movement, norm, place, pool,
    quantized, recurrent, reduce, resize, roi_align, sample, scan, signal, slice, state, suppress,
};

/// Makes graph nodes of one ONNX node.
pub(crate) type ImportFn = fn(&mut Importer<'_>, &OnnxNode<'_>) -> Outputs;

/// Operator, the oldest opset whose form is handled (6 or later but for those that never changed), function. Sorted by name.
const TABLE: &[(&str, i64, ImportFn)] = &[
    ("Abs", 6, elementwise::unary),
    ("Acos", 7, elementwise::unary),
    ("Acosh", 9, elementwise::unary),
    ("Add", 6, elementwise::two),
    ("AffineGrid", 20, place::affine_grid),
    ("And", 7, elementwise::two),
    ("ArgMax", 6, index::arg_reduce),
    ("ArgMin", 6, index::arg_reduce),
    ("Asin", 7, elementwise::unary),
    ("Asinh", 9, elementwise::unary),
    ("Atan", 7, elementwise::unary),
    ("Atanh", 9, elementwise::unary),
    ("Attention", 23, attention::attention),
    ("AveragePool", 6, pool::average_pool),
    ("BatchNormalization", 6, norm::batch_norm),
    ("BitCast", 26, convert::bit_cast),
    ("BitShift", 11, activation::bit_shift),
    ("BitwiseAnd", 18, elementwise::two),
    ("BitwiseNot", 18, elementwise::unary),
    ("BitwiseOr", 18, elementwise::two),
    ("BitwiseXor", 18, elementwise::two),
    ("BlackmanWindow", 17, signal::window),
    ("Cast", 6, convert::cast),
    ("CastLike", 15, convert::cast_like),
    ("CausalConvWithState", 27, state::causal_conv),
    ("Ceil", 6, elementwise::unary),
    ("Celu", 12, activation::celu),
    ("CenterCropPad", 18, index::center_crop_pad),
    ("Clip", 6, elementwise::clip),
    ("Col2Im", 18, place::col2im),
    ("Compress", 9, counted::compress),
    ("Concat", 6, movement::concat),
    ("Constant", 6, constant::constant),
    ("ConstantOfShape", 9, constant::constant_of_shape),
    ("Conv", 6, conv::conv),
    ("ConvInteger", 10, quantized::conv_integer),
    ("ConvTranspose", 6, conv_transpose::conv_transpose),
    ("Cos", 7, elementwise::unary),
    ("Cosh", 9, elementwise::unary),
    ("CumProd", 26, index::cumulate),
    ("CumSum", 11, index::cumulate),
    ("DFT", 17, signal::dft),
    ("DeformConv", 19, deform_conv::deform_conv),
    ("DepthToSpace", 6, movement::depth_to_space),
    ("DequantizeLinear", 10, convert::dequantize),
    ("Det", 11, place::det),
    ("Div", 6, elementwise::two),
    ("Dropout", 6, constant::pass),
    ("DynamicQuantizeLinear", 11, quantized::dynamic_quantize),
    ("Einsum", 12, einsum::einsum),
    ("Elu", 6, elementwise::elu),
    ("Equal", 7, elementwise::two),
    ("Erf", 9, elementwise::unary),
    ("Exp", 6, elementwise::unary),
    ("Expand", 8, movement::expand),
    ("EyeLike", 9, index::eye_like),
    ("Flatten", 6, movement::flatten),
    ("Floor", 6, elementwise::unary),
    ("GRU", 7, recurrent::gru),
    ("Gather", 6, gather::gather),
    ("GatherElements", 11, index::gather_elements),
    ("GatherND", 11, index::gather_nd),
    ("Gelu", 20, elementwise::gelu),
    ("Gemm", 6, dense::gemm),
    ("GlobalAveragePool", 6, pool::global_average_pool),
    ("GlobalLpPool", 6, pool::global_lp_pool),
    ("GlobalMaxPool", 6, pool::global_max_pool),
    ("Greater", 7, elementwise::two),
    ("GreaterOrEqual", 12, elementwise::two),
    ("GridSample", 16, sample::grid_sample),
    ("GroupNormalization", 18, norm::group_norm),
    ("HammingWindow", 17, signal::window),
    ("HannWindow", 17, signal::window),
    ("HardSigmoid", 6, elementwise::hard_sigmoid),
    ("HardSwish", 14, elementwise::unary),
    ("Hardmax", 6, index::hardmax),
    ("Identity", 6, constant::pass),
    ("If", 6, control::branch),
    ("InstanceNormalization", 6, norm::instance_norm),
    ("IsInf", 10, activation::is_inf),
    ("IsNaN", 9, elementwise::unary),
    ("LRN", 6, norm::local_response),
    ("LSTM", 7, recurrent::lstm),
    ("LayerNormalization", 17, norm::layer_norm),
    ("LeakyRelu", 6, elementwise::leaky_relu),
    ("Less", 7, elementwise::two),
    ("LessOrEqual", 12, elementwise::two),
    ("LinearAttention", 27, state::linear_attention),
    ("Log", 6, elementwise::unary),
    ("LogSoftmax", 6, reduce::log_softmax),
    ("Loop", 6, control::repeat),
    ("LpNormalization", 6, norm::lp_norm),
    ("LpPool", 6, pool::lp_pool),
    ("MatMul", 6, dense::matmul),
    ("MatMulInteger", 10, quantized::matmul_integer),
    ("Max", 8, elementwise::many),
    ("MaxPool", 6, pool::max_pool),
    ("MaxUnpool", 9, place::max_unpool),
    ("Mean", 8, elementwise::many),
    ("MeanVarianceNormalization", 9, norm::mean_variance),
    ("MelWeightMatrix", 17, signal::mel_weight_matrix),
    ("Min", 8, elementwise::many),
    ("Mish", 18, activation::mish),
    ("Mod", 10, elementwise::two),
    ("Mul", 6, elementwise::two),
    ("Neg", 6, elementwise::unary),
    (
        "NegativeLogLikelihoodLoss",
        12,
        loss::negative_log_likelihood,
    ),
    ("NonMaxSuppression", 10, suppress::non_max_suppression),
    ("NonZero", 9, counted::non_zero),
    ("Not", 1, elementwise::unary),
    ("OneHot", 9, index::one_hot),
    ("Or", 7, elementwise::two),
    ("PRelu", 6, activation::prelu),
    ("Pad", 6, movement::pad),
    ("Pow", 6, elementwise::pow),
    ("QLinearConv", 10, quantized::qlinear_conv),
    ("QLinearMatMul", 10, quantized::qlinear_matmul),
    ("QuantizeLinear", 10, convert::quantize),
    ("RMSNormalization", 23, attention::rms_norm),
    ("RNN", 7, recurrent::rnn),
    ("Range", 11, constant::range),
    ("Reciprocal", 6, elementwise::unary),
    ("ReduceL1", 6, reduce::reduce),
    ("ReduceL2", 6, reduce::reduce),
    ("ReduceLogSum", 6, reduce::reduce),
    ("ReduceLogSumExp", 6, reduce::reduce),
    ("ReduceMax", 6, reduce::reduce),
    ("ReduceMean", 6, reduce::reduce),
    ("ReduceMin", 6, reduce::reduce),
    ("ReduceProd", 6, reduce::reduce),
    ("ReduceSum", 6, reduce::reduce),
    ("ReduceSumSquare", 6, reduce::reduce),
    ("Relu", 6, activation::relu),
    ("Reshape", 6, movement::reshape),
    ("Resize", 10, resize::resize),
    ("ReverseSequence", 10, index::reverse_sequence),
    ("RoiAlign", 10, roi_align::roi_align),
    ("RotaryEmbedding", 23, attention::rotary_embedding),
    ("Round", 11, elementwise::unary),
    ("STFT", 17, signal::stft),
    ("Scan", 8, scan::scan),
    ("Scatter", 9, index::scatter_elements),
    ("ScatterElements", 11, index::scatter_elements),
    ("ScatterND", 11, index::scatter_nd),
    ("Selu", 6, activation::selu),
    ("Shape", 6, constant::shape),
    ("Shrink", 9, activation::shrink),
    ("Sigmoid", 6, elementwise::unary),
    ("Sign", 9, elementwise::unary),
    (
        "SimplifiedLayerNormalization",
        6,
        microsoft::simplified_norm,
    ),
    ("Sin", 7, elementwise::unary),
    ("Sinh", 9, elementwise::unary),
    ("Size", 6, constant::size),
    ("Slice", 6, slice::slice),
    ("Softmax", 6, reduce::softmax),
    ("SoftmaxCrossEntropyLoss", 12, loss::softmax_cross_entropy),
    ("Softplus", 6, elementwise::unary),
    ("Softsign", 6, activation::softsign),
    ("SpaceToDepth", 6, movement::space_to_depth),
    ("Split", 6, movement::split),
    ("Sqrt", 6, elementwise::unary),
    ("Squeeze", 6, movement::squeeze),
    ("Sub", 6, elementwise::two),
    ("Sum", 8, elementwise::many),
    ("Swish", 24, elementwise::swish),
    ("Tan", 7, elementwise::unary),
    ("Tanh", 6, elementwise::unary),
    ("TensorScatter", 24, state::tensor_scatter),
    ("ThresholdedRelu", 10, activation::thresholded_relu),
    ("Tile", 6, index::tile),
    ("TopK", 6, index::top_k),
    ("Transpose", 6, movement::transpose),
    ("Trilu", 14, index::trilu),
    ("Unique", 11, counted::unique),
    ("Unsqueeze", 6, movement::unsqueeze),
    ("Upsample", 7, resize::upsample),
    ("Where", 9, activation::select),
    ("Xor", 7, elementwise::two),
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
        assert!(find("StringSplit", 20).is_err());
        assert!(find("Resize", 9).is_err());
    }
}
