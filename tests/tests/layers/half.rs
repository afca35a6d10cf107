//! Models in half precision and bfloat16: every float of a real model narrowed, as exporters do it.

use redpoll_graph::{Tensor, eval};
use redpoll_onnx::proto::{AttributeProto, GraphProto, TensorProto, ValueInfoProto, type_proto};
use redpoll_onnx::{DataType, Limits, Model, TensorData};
use redpoll_pipeline::import::{ImportOptions, import};
use redpoll_pipeline::optimize::optimize;
use redpoll_tests::build::Random;
use redpoll_tests::equality::assert_same_bits;
use redpoll_tests::onnx::file;
use redpoll_tests::peer::{Difference, numbers};

/// `FLOAT` of `TensorProto.DataType`.
const FLOAT: i32 = 1;

fn narrow_tensor(model: &Model, tensor: &mut TensorProto, to: DataType) {
    if tensor.data_type != FLOAT {
        return;
    }
    let data = model.tensor(tensor).expect("a tensor of the model");
    let bytes = data.to_f32().into_iter().flat_map(|v| match to {
        DataType::F16 => half::f16::from_f32(v).to_le_bytes(),
        _ => half::bf16::from_f32(v).to_le_bytes(),
    });
    let narrow = TensorData::new(to, data.dims(), bytes.collect()).expect("as many elements");
    *tensor = narrow.to_proto(&tensor.name);
}

fn narrow_info(info: &mut ValueInfoProto, to: DataType) {
    let value = info.r#type.as_mut().and_then(|t| t.value.as_mut());
    if let Some(type_proto::Value::TensorType(t)) = value
        && t.elem_type == FLOAT
    {
        t.elem_type = to.to_onnx();
    }
}

fn narrow_attribute(model: &Model, attribute: &mut AttributeProto, to: DataType) {
    if let Some(tensor) = &mut attribute.t {
        narrow_tensor(model, tensor, to);
    }
    if attribute.name == "to" && attribute.i == Some(FLOAT.into()) {
        attribute.i = Some(to.to_onnx().into());
    }
}

fn narrow(model: &Model, graph: &mut GraphProto, to: DataType) {
    for tensor in &mut graph.initializer {
        narrow_tensor(model, tensor, to);
    }
    let infos = graph.input.iter_mut().chain(&mut graph.output);
    infos
        .chain(&mut graph.value_info)
        .for_each(|info| narrow_info(info, to));
    for attribute in graph.node.iter_mut().flat_map(|n| &mut n.attribute) {
        narrow_attribute(model, attribute, to);
    }
}

/// Every output is that of the model in single precision, but for the rounding of its weights: 11 bits, or 8.
#[test]
fn narrow_floats_run() {
    for name in [
        "fashion",
        "kws/tiny_kws_f32",
        "vad/pulsevad_f32",
        "vision/tiny_ic_resnet8_f32",
    ] {
        let Some(path) = file(name) else { continue };
        let model = Model::read(&path, &Limits::default()).expect("a model");
        let graph_of = |model: &Model| {
            let imported = import(model, &ImportOptions::default());
            let imported = imported.unwrap_or_else(|e| panic!("{name}: {e}"));
            let optimized = optimize(imported).unwrap_or_else(|e| panic!("{name}: {e}"));
            optimized.graph().clone()
        };
        let wide = graph_of(&model);
        let mut random = Random::new(3);
        let inputs: Vec<Tensor> = wide
            .inputs
            .iter()
            .map(|&id| random.fitting(&wide, id))
            .collect();
        let expected = eval::run(&wide, &inputs).expect("a run");
        for (to, most) in [(DataType::F16, 1e-2), (DataType::BF16, 1e-1)] {
            let mut proto = model.proto().clone();
            let graph = proto.graph.as_mut().expect("a graph");
            narrow(&model, graph, to);
            let graph = graph_of(&Model::from_proto(proto).expect("a model"));
            assert_same_bits(name, &graph, &inputs);
            let actual = eval::run(&graph, &inputs).expect("a run");
            for (a, e) in actual.iter().zip(&expected) {
                let mut difference = Difference::default();
                difference.add(&numbers(a), &numbers(e));
                println!("{name} in {to}: {:.1e}", difference.relative());
                assert!(
                    difference.relative() <= most,
                    "{name} in {to}: {difference:?}"
                );
            }
        }
    }
}
