//! Which operator is translated by which function.

use super::translator::{Done, Translator, gap};
use super::{
    activation, arithmetic, control, conv, dense, detection, index, movement, recurrent, reduce,
    resize, shapes, svdf, variables, window,
};
use crate::Operator;

/// Translates one operator.
pub(crate) type Translate = fn(&mut Translator<'_>, &Operator) -> Done;

/// Built-in operators, sorted.
const BUILTIN: &[(&str, Translate)] = &[
    ("ABS", activation::unary),
    ("ADD", arithmetic::binary),
    ("ADD_N", arithmetic::binary),
    ("ARG_MAX", index::arg),
    ("ARG_MIN", index::arg),
    ("ASSIGN_VARIABLE", variables::assign),
    ("AVERAGE_POOL_2D", window::pool),
    ("BATCH_MATMUL", dense::batch_matmul),
    ("BATCH_TO_SPACE_ND", movement::batch),
    ("BIDIRECTIONAL_SEQUENCE_LSTM", recurrent::lstm_both),
    ("BIDIRECTIONAL_SEQUENCE_RNN", recurrent::rnn_both),
    ("BROADCAST_TO", shapes::broadcast),
    ("CALL_ONCE", variables::call_once),
    ("CAST", activation::cast),
    ("CEIL", activation::unary),
    ("CONCATENATION", movement::concat),
    ("CONV_2D", conv::conv),
    ("COS", activation::unary),
    ("CUMSUM", index::cumsum),
    ("DENSIFY", shapes::densify),
    ("DEPTHWISE_CONV_2D", conv::depthwise),
    ("DEPTH_TO_SPACE", movement::depth),
    ("DEQUANTIZE", activation::dequantize),
    ("DIV", arithmetic::binary),
    ("ELU", activation::unary),
    ("EMBEDDING_LOOKUP", index::gather),
    ("EQUAL", arithmetic::binary),
    ("EXP", activation::unary),
    ("EXPAND_DIMS", shapes::expand_dims),
    ("FILL", shapes::broadcast),
    ("FLOOR", activation::unary),
    ("FLOOR_DIV", arithmetic::floor_div),
    ("FLOOR_MOD", arithmetic::floor_mod),
    ("FULLY_CONNECTED", dense::fully_connected),
    ("GATHER", index::gather),
    ("GATHER_ND", index::gather_nd),
    ("GELU", activation::gelu),
    ("GREATER", arithmetic::binary),
    ("GREATER_EQUAL", arithmetic::binary),
    ("HARD_SWISH", activation::unary),
    ("IF", control::branch),
    ("L2_NORMALIZATION", activation::l2_normalization),
    ("LEAKY_RELU", activation::leaky_relu),
    ("LESS", arithmetic::binary),
    ("LESS_EQUAL", arithmetic::binary),
    ("LOCAL_RESPONSE_NORMALIZATION", arithmetic::local_response),
    ("LOG", activation::unary),
    ("LOGICAL_AND", arithmetic::binary),
    ("LOGICAL_NOT", activation::unary),
    ("LOGICAL_OR", arithmetic::binary),
    ("LOGISTIC", activation::unary),
    ("LOG_SOFTMAX", activation::log_softmax),
    ("LSTM", recurrent::lstm),
    ("MAXIMUM", arithmetic::binary),
    ("MAX_POOL_2D", window::pool),
    ("MEAN", reduce::reduce),
    ("MINIMUM", arithmetic::binary),
    ("MIRROR_PAD", movement::mirror_pad),
    ("MUL", arithmetic::binary),
    ("NEG", activation::unary),
    ("NOT_EQUAL", arithmetic::not_equal),
    ("ONE_HOT", index::one_hot),
    ("PACK", movement::pack),
    ("PAD", movement::pad),
    ("PADV2", movement::pad),
    ("POW", arithmetic::binary),
    ("PRELU", activation::prelu),
    ("QUANTIZE", activation::quantize),
    ("RANGE", index::range),
    ("RANK", shapes::shape),
    ("READ_VARIABLE", variables::read),
    ("REDUCE_ALL", reduce::reduce),
    ("REDUCE_ANY", reduce::reduce),
    ("REDUCE_MAX", reduce::reduce),
    ("REDUCE_MIN", reduce::reduce),
    ("REDUCE_PROD", reduce::reduce),
    ("RELU", activation::unary),
    ("RELU6", activation::clamp),
    ("RELU_0_TO_1", activation::clamp),
    ("RELU_N1_TO_1", activation::clamp),
    ("RESHAPE", shapes::reshape),
    ("RESIZE_BILINEAR", resize::resize),
    ("RESIZE_NEAREST_NEIGHBOR", resize::resize),
    ("REVERSE_V2", index::reverse),
    ("RNN", recurrent::rnn),
    ("ROUND", activation::unary),
    ("RSQRT", activation::rsqrt),
    ("SELECT", arithmetic::select),
    ("SELECT_V2", arithmetic::select),
    ("SHAPE", shapes::shape),
    ("SIGN", activation::unary),
    ("SIN", activation::unary),
    ("SLICE", index::slice),
    ("SOFTMAX", activation::softmax),
    ("SPACE_TO_BATCH_ND", movement::batch),
    ("SPACE_TO_DEPTH", movement::depth),
    ("SPLIT", movement::split),
    ("SPLIT_V", movement::split_v),
    ("SQRT", activation::unary),
    ("SQUARE", arithmetic::square),
    ("SQUARED_DIFFERENCE", arithmetic::square),
    ("SQUEEZE", shapes::squeeze),
    ("STRIDED_SLICE", index::strided_slice),
    ("SUB", arithmetic::binary),
    ("SUM", reduce::reduce),
    ("SVDF", svdf::svdf),
    ("TANH", activation::unary),
    ("TILE", movement::tile),
    ("TOPK_V2", index::top_k),
    ("TRANSPOSE", movement::transpose),
    ("TRANSPOSE_CONV", conv::transposed),
    ("UNIDIRECTIONAL_SEQUENCE_LSTM", recurrent::lstm),
    ("UNIDIRECTIONAL_SEQUENCE_RNN", recurrent::rnn),
    ("UNPACK", movement::unpack),
    ("VAR_HANDLE", variables::handle),
    ("WHILE", control::repeat),
    ("ZEROS_LIKE", shapes::zeros_like),
];

/// Custom operators, sorted.
const CUSTOM: &[(&str, Translate)] = &[
    ("Convolution2DTransposeBias", conv::transposed_with_bias),
    ("TFLite_Detection_PostProcess", detection::post_process),
];

/// The function for an operator.
fn find(op: &Operator) -> Option<Translate> {
    let table = if op.custom { CUSTOM } else { BUILTIN };
    let at = table.binary_search_by(|(name, _)| (*name).cmp(op.op.as_str()));
    at.ok().map(|i| table[i].1)
}

/// Translates an operator, or says why it is not.
pub(crate) fn translate(t: &mut Translator<'_>, op: &Operator) -> Done {
    match find(op) {
        _ if op.options_outside => {
            gap("its options lie outside the flatbuffer, which is not supported")
        }
        Some(translate) => translate(t, op),
        None if op.custom => gap("the custom operator is not known; export the model without it"),
        None => gap("the operator is not supported"),
    }
}

/// The names of all operators that are translated, the custom ones last.
pub fn operators() -> impl Iterator<Item = &'static str> {
    BUILTIN.iter().chain(CUSTOM).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::{BUILTIN, CUSTOM};

    #[test]
    fn tables_are_sorted() {
        for table in [BUILTIN, CUSTOM] {
            assert!(table.is_sorted_by(|a, b| a.0 < b.0));
        }
    }
}
