//! QuantizeLinear and DequantizeLinear: scales go to the values.

use redpoll_graph::{DType, Op, QParams};
use redpoll_onnx::TensorData;
use redpoll_onnx::proto::NodeProto;

use super::{floats, imported, model, node, run};

fn bytes(dims: &[usize], elements: &[i8]) -> TensorData {
    TensorData::from_i8(dims, elements).expect("fits")
}

#[test]
fn scales_go_to_the_integers() {
    let constants = [("s", floats(&[], &[0.5])), ("z", bytes(&[], &[3]))];
    let nodes = vec![
        NodeProto::new("QuantizeLinear", "q", ["x", "s", "z"], ["a"]),
        NodeProto::new("Reshape", "r", ["a", "shape"], ["b"]),
        node("DequantizeLinear", &["b", "s", "z"]),
    ];
    let mut constants = constants.to_vec();
    constants.push(("shape", super::ints(&[4, 1])));
    let model = model(13, &[4], &constants, nodes);
    let imported_model = imported(&model).expect("importable");
    let graph = imported_model.graph();
    for name in ["a", "b"] {
        let value = graph.value(graph.find_value(name).expect("there"));
        assert_eq!(value.qparams, Some(QParams::per_tensor(0.5, 3)));
        assert_eq!(value.dtype, DType::I8);
    }
    assert_eq!(run(&model).1, [-4.0, -3.0, -2.0, -1.0]);
}

#[test]
fn weights_stay_integers_with_a_scale_for_each_channel() {
    let constants = [
        ("w", bytes(&[2, 1, 1, 2], &[1, 2, 3, 4])),
        ("s", floats(&[2], &[0.5, 2.0])),
    ];
    let nodes = vec![
        NodeProto::new("DequantizeLinear", "dq", ["w", "s"], ["real"]).with_int("axis", 0),
        node("Conv", &["x", "real"]),
    ];
    let model = model(13, &[1, 1, 1, 2], &constants, nodes);
    let imported_model = imported(&model).expect("importable");
    let graph = imported_model.graph();
    let stored = graph
        .values
        .iter()
        .find(|v| v.constant.is_some() && v.shape == [2, 1, 2, 1]);
    let qparams = stored.and_then(|v| v.qparams.clone());
    assert_eq!(qparams, Some(QParams::per_channel(vec![0.5, 2.0], 0)));
    assert_eq!(run(&model).1, [-5.0, -48.0]);
}

#[test]
fn two_scales_for_the_same_integers_are_a_gap() {
    let constants = [
        ("s", floats(&[], &[0.5])),
        ("t", floats(&[], &[0.25])),
        ("z", bytes(&[], &[0])),
    ];
    let nodes = vec![
        NodeProto::new("QuantizeLinear", "q", ["x", "s", "z"], ["a"]),
        node("DequantizeLinear", &["a", "t", "z"]),
    ];
    let error = imported(&model(13, &[4], &constants, nodes)).expect_err("gap");
    assert!(
        error.to_string().contains("two different scales"),
        "{error}"
    );
}

#[test]
fn a_constant_scale_is_positive_and_a_computed_one_becomes_arithmetic() {
    let zero = [("s", floats(&[], &[0.0])), ("z", bytes(&[], &[0]))];
    let quantize = || vec![node("QuantizeLinear", &["x", "s", "z"])];
    assert!(imported(&model(13, &[4], &zero, quantize())).is_err());
    let nodes = vec![node("QuantizeLinear", &["x", "x"])];
    let graph = imported(&model(13, &[], &[], nodes)).expect("a graph");
    let last = graph.graph().nodes.last().expect("nodes");
    assert_eq!(last.op, Op::Cast { to: DType::U8 });
}
