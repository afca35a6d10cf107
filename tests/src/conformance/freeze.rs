//! Inputs that become constants: every value of these models is an input, also what real models hold as constants.

use redpoll_onnx::proto::{Dimension, GraphProto, TensorProto, TensorShapeProto};
use redpoll_onnx::proto::{dimension, type_proto};

/// Inputs that a plan needs as constants: shapes, axes, counts and the like; quantisation parameters; weights.
fn parameters(op: &str) -> &'static [usize] {
    match op {
        "Reshape" | "Expand" | "Tile" | "Squeeze" | "Unsqueeze" | "Split" | "TopK" | "CumSum"
        | "CumProd" | "Trilu" | "CenterCropPad" | "ReduceSum" | "ReduceMean" | "ReduceMax"
        | "ReduceMin" | "ReduceProd" | "ReduceL1" | "ReduceL2" | "ReduceLogSum"
        | "ReduceLogSumExp" | "ReduceSumSquare" | "Upsample" | "AffineGrid" | "PRelu" => &[1],
        "Slice" => &[1, 2, 3, 4],
        "Pad" | "Resize" | "STFT" => &[1, 2, 3],
        "Range" => &[0, 1, 2],
        "ConstantOfShape" | "HannWindow" | "HammingWindow" | "BlackmanWindow" => &[0],
        "MelWeightMatrix" => &[0, 1, 2, 3, 4],
        "OneHot" | "Clip" | "DFT" | "Col2Im" | "Dropout" => &[1, 2],
        "QuantizeLinear" | "DequantizeLinear" | "Conv" | "ConvTranspose" => &[1, 2],
        "MaxUnpool" | "NonMaxSuppression" => &[2, 3, 4],
        "MatMulInteger" => &[2, 3],
        "ConvInteger" => &[1, 2, 3],
        "QLinearMatMul" => &[1, 2, 4, 5, 6, 7],
        "QLinearConv" => &[1, 2, 3, 4, 5, 6, 7, 8],
        "BatchNormalization" => &[1, 2, 3, 4],
        "InstanceNormalization" | "GroupNormalization" | "LayerNormalization" => &[1, 2],
        "CausalConvWithState" => &[1, 2],
        "DeformConv" => &[1, 3],
        "LSTM" | "GRU" | "RNN" => &[1, 2, 3, 4, 7],
        "Compress" => &[1],
        "ReverseSequence" => &[1],
        _ => &[],
    }
}

/// Names of the graph's inputs that a plan needs as constants.
pub(super) fn frozen(graph: &GraphProto) -> Vec<String> {
    let mut names = Vec::new();
    for node in &graph.node {
        for &i in parameters(&node.op_type) {
            if let Some(name) = node.input.get(i).filter(|n| !n.is_empty()) {
                names.push(name.clone());
            }
        }
    }
    names
}

/// Names of inputs of whole numbers with one axis or none: in graphs of several nodes, shapes and axes.
pub(super) fn small_integers(graph: &GraphProto, inputs: &[TensorProto]) -> Vec<String> {
    let pairs = graph.input.iter().zip(inputs);
    let small = pairs.filter(|(_, t)| matches!(t.data_type, 6 | 7) && t.dims.len() <= 1);
    small.map(|(info, _)| info.name.clone()).collect()
}

/// Names of inputs of one number without axes: the bounds of a range.
pub(super) fn single_numbers(graph: &GraphProto, inputs: &[TensorProto]) -> Vec<String> {
    let pairs = graph.input.iter().zip(inputs);
    let single = pairs.filter(|(_, t)| t.dims.is_empty() && t.data_type != 9);
    single.map(|(info, _)| info.name.clone()).collect()
}

/// Drops inputs that an initialiser gives a value: old models list those too.
pub(super) fn drop_initialised(graph: &mut GraphProto) {
    let initialised: Vec<&str> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
    graph
        .input
        .retain(|info| !initialised.contains(&info.name.as_str()));
}

/// Makes the named inputs initialisers and writes the sizes of the data into the others; gives the inputs left.
pub(super) fn freeze(
    graph: &mut GraphProto,
    inputs: &[TensorProto],
    names: &[String],
) -> Vec<TensorProto> {
    let mut left = Vec::new();
    let mut kept = Vec::new();
    for (mut info, tensor) in std::mem::take(&mut graph.input).into_iter().zip(inputs) {
        if names.contains(&info.name) {
            let mut constant = tensor.clone();
            constant.name.clone_from(&info.name);
            graph.initializer.push(constant);
            continue;
        }
        if let Some(type_proto::Value::TensorType(about)) =
            info.r#type.as_mut().and_then(|t| t.value.as_mut())
        {
            let dim = |&size: &i64| Dimension {
                value: Some(dimension::Value::DimValue(size)),
                ..Dimension::default()
            };
            about.shape = Some(TensorShapeProto {
                dim: tensor.dims.iter().map(dim).collect(),
            });
        }
        kept.push(info);
        left.push(tensor.clone());
    }
    graph.input = kept;
    left
}
