//! Import: forms of operators through the opsets, gaps, dimensions, damaged files.

mod damaged;
mod forms;
mod narrow;
mod oversized;
mod quantised;

use redpoll_graph::{Data, Tensor, eval};
use redpoll_onnx::proto::NodeProto;
use redpoll_onnx::{DataType, Dim, GraphBuilder, Model, ModelBuilder, TensorData};

use super::{ImportOptions, import, input_shapes};
use crate::{Error, ErrorKind, Imported};

/// A constant of a test model.
fn floats(dims: &[usize], elements: &[f32]) -> TensorData {
    TensorData::from_f32(dims, elements).expect("fits")
}

/// A vector of integers.
fn ints(elements: &[i64]) -> TensorData {
    TensorData::from_i64(&[elements.len()], elements).expect("fits")
}

/// A model of one input `x`, constants and nodes, the last of which makes `y`.
fn model(
    opset: i64,
    dims: &[usize],
    constants: &[(&str, TensorData)],
    nodes: Vec<NodeProto>,
) -> Model {
    let mut graph = GraphBuilder::new("test");
    let dims: Vec<Dim> = dims.iter().map(|&d| d.into()).collect();
    graph.input("x", DataType::F32, &dims);
    for (name, data) in constants {
        graph.initializer(name, data);
    }
    for node in nodes {
        graph.node(node);
    }
    graph.output("y", DataType::F32, &[]);
    ModelBuilder::new(opset).build(graph).expect("a model")
}

fn imported(model: &Model) -> Result<Imported, Error> {
    import(model, &ImportOptions::default())
}

/// Shape and elements of `y` for an `x` that counts 0, 1, 2, … − 4.
fn run(model: &Model) -> (Vec<usize>, Vec<f32>) {
    let imported = imported(model).expect("importable");
    let graph = imported.graph();
    let x = graph.value(graph.inputs[0]);
    let values = (0..x.len()).map(|i| i as f32 - 4.0).collect();
    let x = Tensor::new(x.shape.clone(), Data::F32(values)).expect("fits");
    let y = eval::run(graph, &[x]).expect("runs").remove(0);
    (y.shape().to_vec(), y.as_f32().expect("floats").to_vec())
}

fn node(op: &str, inputs: &[&str]) -> NodeProto {
    NodeProto::new(op, "node", inputs.iter().copied(), ["y"])
}

#[test]
fn all_gaps_are_told_at_once() {
    let nodes = vec![
        NodeProto::new("Bernoulli", "draw", ["x"], ["a"]),
        NodeProto::new("Relu", "fine", ["a"], ["b"]),
        NodeProto::new("Resize", "wide", ["x", "", "x"], ["c"]),
        NodeProto::new("Fused", "own", ["b", "c"], ["y"]).in_domain("com.example"),
    ];
    let error = imported(&model(17, &[1, 2, 3, 3], &[], nodes)).expect_err("gaps");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    insta::assert_snapshot!(error);
}

#[test]
fn an_operator_from_a_later_opset_is_a_gap() {
    let error = imported(&model(9, &[2], &[], vec![node("HardSwish", &["x"])])).expect_err("gap");
    assert!(error.to_string().contains("from opset 14 on"), "{error}");
}

#[test]
fn a_shape_computed_at_run_time_is_a_gap() {
    let nodes = vec![
        NodeProto::new("Cast", "cast", ["x"], ["shape"]).with_int("to", 7),
        node("Reshape", &["x", "shape"]),
    ];
    let error = imported(&model(13, &[2], &[], nodes)).expect_err("gap");
    assert!(error.to_string().contains("must be a constant"), "{error}");
}

#[test]
fn contradictions_name_the_node() {
    let nodes = vec![node("Concat", &["x"]).with_int("axis", 5)];
    let error = imported(&model(13, &[2], &[], nodes)).expect_err("invalid");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(
        error.to_string(),
        r#"node "node" (Concat): axis 5 is outside rank 1"#
    );
}

#[test]
fn dimensions_get_sizes() {
    let mut graph = GraphBuilder::new("test");
    let named = |name: &str| Dim::Named(name.into());
    graph.input("x", DataType::F32, &[named("N"), named("time"), 3.into()]);
    graph.node(node("Relu", &["x"]));
    graph.output("y", DataType::F32, &[]);
    let model = ModelBuilder::new(17)
        .metadata("labels", "yes,no")
        .build(graph)
        .expect("a model");
    let error = imported(&model).expect_err("no size");
    assert!(error.to_string().contains("--dim time=N"), "{error}");
    let mut options = ImportOptions::default();
    let error = input_shapes(&model, &options).expect_err("no size");
    assert!(error.to_string().contains("--dim time=N"), "{error}");
    options.dims.insert("time".into(), 5);
    let shapes = input_shapes(&model, &options).expect("sizes for all");
    assert_eq!(shapes, [("x".to_owned(), vec![1, 5, 3])]);
    let imported = import(&model, &options).expect("importable");
    let graph = imported.graph();
    assert_eq!(graph.value(graph.inputs[0]).shape, [1, 5, 3]);
    assert_eq!(graph.metadata["labels"], "yes,no");
    assert!(graph.metadata["producer"].starts_with("redpoll"));
}

#[test]
fn outputs_that_are_inputs_or_constants_get_values_of_their_own() {
    let mut graph = GraphBuilder::new("test");
    graph.input("x", DataType::F32, &[2.into()]);
    graph.initializer("c", &floats(&[2], &[1.0, 2.0]));
    graph.node(NodeProto::new("Identity", "same", ["x"], ["y"]));
    for name in ["y", "c", "x"] {
        graph.output(name, DataType::F32, &[2.into()]);
    }
    let model = ModelBuilder::new(17).build(graph).expect("a model");
    let imported = imported(&model).expect("importable");
    let graph = imported.graph();
    let x = Tensor::vector_f32(vec![3.0, 4.0]);
    let outputs = eval::run(graph, &[x]).expect("runs");
    let values: Vec<_> = outputs.iter().filter_map(Tensor::as_f32).collect();
    assert_eq!(values, [[3.0, 4.0], [1.0, 2.0], [3.0, 4.0]]);
    assert_eq!(graph.value(graph.outputs[0]).name, "y");
}
