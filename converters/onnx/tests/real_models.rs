//! Every real model: read, decode all tensors, write, read again, equal.

mod shared;

use redpoll_onnx::proto::GraphProto;
use redpoll_onnx::{Limits, Model};
use std::path::PathBuf;

/// All `.onnx` files, one folder deep.
fn files() -> Vec<PathBuf> {
    let Some(models) = shared::models() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for folder in std::fs::read_dir(models)
        .unwrap()
        .map(|e| e.unwrap().path())
    {
        if folder.is_dir() {
            found.extend(
                std::fs::read_dir(folder)
                    .unwrap()
                    .map(|e| e.unwrap().path()),
            );
        }
    }
    found.retain(|path| path.extension().is_some_and(|e| e == "onnx"));
    found.sort();
    found
}

/// Decodes every tensor of a graph and its subgraphs; returns how many.
fn decode_all(model: &Model, graph: &GraphProto) -> usize {
    let mut count = graph.initializer.len();
    for tensor in &graph.initializer {
        let data = model.tensor(tensor).unwrap();
        assert_eq!(data.to_f32().len(), data.count(), "{}", tensor.name);
    }
    for attribute in graph.node.iter().flat_map(|n| &n.attribute) {
        for tensor in attribute
            .t
            .iter()
            .map(|t| t.as_ref())
            .chain(&attribute.tensors)
        {
            model.tensor(tensor).unwrap();
            count += 1;
        }
        for graph in attribute
            .g
            .iter()
            .map(|g| g.as_ref())
            .chain(&attribute.graphs)
        {
            count += decode_all(model, graph);
        }
    }
    count
}

#[test]
fn round_trip_is_equal() {
    for path in files() {
        let model = Model::read(&path, &Limits::default()).unwrap();
        let tensors = decode_all(&model, model.graph());
        let bytes = model.to_bytes().unwrap();
        let again = Model::from_bytes(&bytes, &Limits::default()).unwrap();
        // Bytes too: a NaN is not equal to itself.
        assert!(again.proto() == model.proto(), "{}", path.display());
        assert!(again.to_bytes().unwrap() == bytes, "{}", path.display());
        println!(
            "{}: opset {}, IR {}, {} nodes, {tensors} tensors, {} -> {} bytes",
            path.file_name().unwrap().display(),
            model.opset(),
            model.ir_version(),
            model.graph().node.len(),
            std::fs::metadata(&path).unwrap().len(),
            bytes.len()
        );
    }
}

#[test]
fn types_of_inputs_and_outputs_are_read() {
    for path in files() {
        let model = Model::read(&path, &Limits::default()).unwrap();
        for value in model.graph().input.iter().chain(&model.graph().output) {
            assert!(
                value.tensor_info().unwrap().is_some(),
                "{}: {}",
                path.display(),
                value.name
            );
        }
    }
}
