//! What a model is told on the command line: shapes, values of inputs, states.

use std::path::PathBuf;

use redpoll_onnx::proto::NodeProto;
use redpoll_onnx::{DataType, Dim, GraphBuilder, ModelBuilder};

use crate::redpoll;
use crate::setting::folder;

/// `y = h + k · x`, and `out`, the same again.
fn model(name: &str) -> PathBuf {
    let mut graph = GraphBuilder::new("sum");
    let dims = [Dim::Named("batch".into()), Dim::Unknown];
    for input in ["x", "h"] {
        graph.input(input, DataType::F32, &dims);
    }
    graph.input("k", DataType::I64, &[]);
    let node = |op: &str, inputs: &[&str], output: &str| {
        NodeProto::new(op, output, inputs.iter().copied(), [output])
    };
    graph.node(node("Cast", &["k"], "factor").with_int("to", 1));
    graph.node(node("Mul", &["x", "factor"], "scaled"));
    graph.node(node("Add", &["scaled", "h"], "y"));
    graph.node(node("Abs", &["y"], "out"));
    graph.output("out", DataType::F32, &dims);
    graph.output("y", DataType::F32, &dims);
    let bytes = ModelBuilder::new(17).build(graph).unwrap().to_bytes();
    let path = folder(name).join("sum.onnx");
    std::fs::write(&path, bytes.unwrap()).unwrap();
    path
}

#[test]
fn shapes_values_and_states() {
    let model = model("told");
    let out = model.with_file_name("out");
    redpoll!(
        "convert", model, "--shape", "x=1,4", "--shape", "h=1,4", "--set", "k=-3", "--state",
        "y=h", "-o", out
    )
    .ok();
    let plan = redpoll!("inspect", out.join("model.plan"), "--json").json();
    assert_eq!(plan["inputs"].as_array().map(Vec::len), Some(1), "{plan}");
    assert_eq!(plan["inputs"][0]["name"], "x");
    assert_eq!(plan["outputs"].as_array().map(Vec::len), Some(1), "{plan}");
    assert_eq!(plan["state_bytes"], 16);
}

#[test]
fn mistakes_are_named() {
    let model = model("told_wrong");
    let out = model.with_file_name("out");
    let convert = |option: &str, told: &str| {
        let run = redpoll!(
            "convert", model, "--shape", "h=1,4", "--shape", "x=1,4", option, told, "-o", out
        );
        run.fails(1)
    };
    let message = convert("--set", "rate=16000");
    assert!(message.contains("there are: x, h, k"), "{message}");
    let message = convert("--set", "k=fast");
    assert!(message.contains("fast"), "{message}");
    let message = convert("--set", "k");
    assert!(message.contains("NAME=VALUE"), "{message}");
    let message = convert("--shape", "x=1,2,3");
    assert!(message.contains("[1, 2, 3]"), "{message}");
    let message = convert("--shape", "x=1,many");
    assert!(message.contains("NAME=N,N"), "{message}");
    let message = convert("--state", "y");
    assert!(message.contains("OUTPUT=INPUT"), "{message}");
    let message = convert("--state", "z=h");
    assert!(message.contains("there are: out, y"), "{message}");
}
