//! A file with every field of the schema set, made by the `onnx` package, comes back byte for byte.

use redpoll_onnx::{Limits, Model};

static EVERY_FIELD: &[u8] = include_bytes!("data/every_field.onnx");

#[test]
fn no_field_is_lost_or_moved() {
    let model = Model::from_bytes(EVERY_FIELD, &Limits::default()).unwrap();
    let bytes = model.to_bytes().unwrap();
    let differs = bytes.iter().zip(EVERY_FIELD).position(|(a, b)| a != b);
    assert_eq!((bytes.len(), differs), (EVERY_FIELD.len(), None));
}

#[test]
fn limits_are_exact_at_their_edge() {
    // The scan and the decoded messages must agree on how many nodes there are.
    let model = Model::from_bytes(EVERY_FIELD, &Limits::default()).unwrap();
    let nodes = count_nodes(&model);
    let at = |nodes| {
        Model::from_bytes(
            EVERY_FIELD,
            &Limits {
                nodes,
                ..Limits::default()
            },
        )
    };
    assert!(at(nodes).is_ok());
    assert!(at(nodes - 1).is_err());
}

fn count_nodes(model: &Model) -> usize {
    let proto = model.proto();
    let training = proto.training_info.iter();
    let graphs = training.flat_map(|t| t.initialization.iter().chain(&t.algorithm));
    let in_graphs: usize = graphs.chain(&proto.graph).map(|g| nodes_of(&g.node)).sum();
    in_graphs
        + proto
            .functions
            .iter()
            .map(|f| nodes_of(&f.node))
            .sum::<usize>()
}

fn nodes_of(nodes: &[redpoll_onnx::proto::NodeProto]) -> usize {
    let attributes = nodes.iter().flat_map(|n| &n.attribute);
    let graphs = attributes.flat_map(|a| a.g.iter().map(|g| g.as_ref()).chain(&a.graphs));
    nodes.len() + graphs.map(|g| nodes_of(&g.node)).sum::<usize>()
}
