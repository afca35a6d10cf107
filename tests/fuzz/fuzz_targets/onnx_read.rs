//! Reads hostile bytes as an ONNX model, decodes all that was taken, writes it and reads it again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use redpoll_onnx::proto::GraphProto;
use redpoll_onnx::{Limits, Model, TensorData};

fuzz_target!(|bytes: &[u8]| {
    let Ok(model) = Model::from_bytes(bytes, &Limits::default()) else {
        return;
    };
    read_graph(&model, model.graph());
    let written = model
        .to_bytes()
        .expect("what was read is small enough to write");
    // Canonical bytes may be longer than the input was, so only room is widened here.
    let again = Model::from_bytes(
        &written,
        &Limits {
            decoded_bytes: u64::MAX,
            ..Limits::default()
        },
    )
    .expect("what was written is read");
    assert!(
        again.to_bytes().expect("no larger than before") == written,
        "writing is stable"
    );
});

/// Decodes all tensors, types and attributes of a graph and of its subgraphs.
fn read_graph(model: &Model, graph: &GraphProto) {
    for tensor in &graph.initializer {
        if let Ok(data) = model.tensor(tensor) {
            assert_eq!(data.to_f32().len(), data.count());
            let same = TensorData::new(data.data_type(), data.dims(), data.bytes().to_vec());
            assert_eq!(same.expect("sizes were checked"), data);
            let _ = data.to_i64();
        }
    }
    for value in graph
        .input
        .iter()
        .chain(&graph.output)
        .chain(&graph.value_info)
    {
        let _ = value.tensor_info();
    }
    for node in &graph.node {
        for name in node.attribute.iter().map(|attribute| &attribute.name) {
            let _ = (
                node.attr_int(name),
                node.attr_float(name),
                node.attr_string(name),
            );
            let _ = (
                node.attr_ints(name),
                node.attr_floats(name),
                node.attr_strings(name),
            );
            if let Ok(Some(tensor)) = node.attr_tensor(name) {
                let _ = model.tensor(tensor);
            }
            if let Ok(Some(graph)) = node.attr_graph(name) {
                read_graph(model, graph);
            }
        }
    }
}
