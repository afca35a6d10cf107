//! Operators of ONNX Runtime's own domain, com.microsoft, that exported int8 and transformer models carry.
//!
//! Those that name scale and zero point are written with the border operators around the standard one, which fusion
//! makes integer again.

mod fused;
mod integer;
mod quantised;
mod transformer;

use redpoll_graph::{Op, ValueId};

use super::convert;
use super::importer::Importer;
use super::node::{OnnxNode, Stop};
use super::table::ImportFn;
pub(super) use transformer::simplified_norm;

/// The function of an operator of the domain. Sorted by name.
const TABLE: &[(&str, ImportFn)] = &[
    ("BiasGelu", transformer::bias_gelu),
    ("DequantizeLinear", convert::dequantize),
    ("DynamicQuantizeLSTM", integer::dynamic_lstm),
    ("DynamicQuantizeMatMul", integer::dynamic_matmul),
    ("FastGelu", transformer::fast_gelu),
    ("FusedConv", fused::fused_conv),
    ("FusedGemm", fused::fused_gemm),
    ("FusedMatMul", fused::fused_matmul),
    ("Gelu", transformer::bias_gelu),
    ("MatMulIntegerToFloat", integer::matmul_to_float),
    ("MatMulNBits", integer::matmul_nbits),
    ("QGemm", quantised::qgemm),
    ("QLinearAdd", quantised::qlinear_two),
    ("QLinearAveragePool", quantised::qlinear_pool),
    ("QLinearConcat", quantised::qlinear_concat),
    ("QLinearGlobalAveragePool", quantised::qlinear_pool),
    ("QLinearLeakyRelu", quantised::qlinear_unary),
    ("QLinearMul", quantised::qlinear_two),
    ("QLinearSigmoid", quantised::qlinear_unary),
    ("QLinearSoftmax", quantised::qlinear_softmax),
    ("QLinearWhere", quantised::qlinear_where),
    ("QuantizeLinear", convert::quantize),
    ("QuickGelu", transformer::quick_gelu),
    ("SimplifiedLayerNormalization", simplified_norm),
    ("SkipLayerNormalization", transformer::skip_norm),
    ("SkipSimplifiedLayerNormalization", transformer::skip_norm),
];

/// The function for an operator, if it is one that is known.
pub(crate) fn find(op_type: &str) -> Option<ImportFn> {
    let index = TABLE.binary_search_by_key(&op_type, |entry| entry.0).ok()?;
    Some(TABLE[index].1)
}

/// The operators that are imported, by name.
pub fn microsoft_operators() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|entry| entry.0)
}

/// The same node on other inputs, under a name of its own.
fn inner<'p>(
    import: &mut Importer<'_>,
    node: &OnnxNode<'p>,
    part: &str,
    inputs: &[ValueId],
) -> OnnxNode<'p> {
    OnnxNode {
        proto: node.proto,
        name: import.unique_node_name(&format!("{}_{part}", node.name)),
        opset: node.opset,
        inputs: inputs.iter().map(|&id| Some(id)).collect(),
    }
}

fn part(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    op: Op,
    inputs: &[ValueId],
) -> Result<ValueId, Stop> {
    import.emit_part(node, "real", op, inputs)
}

#[cfg(test)]
mod tests {
    use super::TABLE;

    #[test]
    fn table_is_sorted_and_on_the_page() {
        assert!(TABLE.is_sorted_by(|a, b| a.0 < b.0));
        let page = include_str!("../../../../docs/operators.md");
        for (name, _) in TABLE {
            assert!(page.contains(&format!("com.microsoft.{name}`")), "{name}");
        }
    }
}
