//! Exit codes of everything that can be wrong, each with a message that names it.

use redpoll_graph::{Data, Tensor};
use redpoll_onnx::proto::NodeProto;
use redpoll_onnx::{DataType, GraphBuilder, ModelBuilder};
use redpoll_pipeline::data::write_npz;

use crate::redpoll;
use crate::setting::{bundled, converted, folder};

#[test]
fn wrong_arguments_give_1() {
    let c = converted();
    let (plan, model) = (c.file("model.plan"), bundled("fashion.onnx"));
    let out = folder("usage");
    redpoll!("convert", "--bogus").fails(1);
    redpoll!("frobnicate").fails(1);
    redpoll!("run", plan).fails(1);
    redpoll!("convert", model, "--method", "luck", "-o", out).fails(1);
    redpoll!("convert", model, "--dim", "batch", "-o", out).fails(1);
    redpoll!("convert", model, "--max-drop", "1", "-o", out).fails(1);
    let message = redpoll!("convert", plan, "-o", out).fails(1);
    assert!(message.contains(".onnx"), "{message}");
    let message = redpoll!("run", plan, "--input", c.evaluate, "--tier", "abacus").fails(1);
    assert!(
        message.contains("abacus") && message.contains("scalar"),
        "{message}"
    );
    redpoll!("compare", plan, "--input", c.evaluate).fails(1);
    redpoll!(
        "compare",
        plan,
        "--tiers",
        "scalar,scalar,scalar",
        "--input",
        c.evaluate
    )
    .fails(1);
    redpoll!("run", plan, "--input", c.evaluate, "--sample", "100").fails(1);
}

#[test]
fn data_that_does_not_fit_gives_1_and_says_what_would() {
    let plan = converted().file("model.plan");
    let dir = folder("data");
    let write = |name: &str, array: &str, shape: Vec<usize>| {
        let n = shape.iter().product();
        let tensor = Tensor::new(shape, Data::F32(vec![0.5; n])).unwrap();
        let path = dir.join(name);
        write_npz(&path, &[(array.into(), tensor)]).unwrap();
        path
    };
    let small = write("small.npz", "x", vec![2, 1, 27, 28]);
    let message = redpoll!("run", plan, "--input", small).fails(1);
    assert!(message.contains("[1, 1, 28, 28]"), "{message}");
    let model = bundled("fashion.onnx");
    let out = dir.join("out");
    let message = redpoll!("convert", model, "--calibrate", small, "-o", out).fails(1);
    assert!(message.contains("image"), "{message}");
    let other = write("other.npz", "picture", vec![2, 1, 28, 28]);
    let message = redpoll!("run", plan, "--input", other).fails(1);
    assert!(message.contains("image"), "{message}");
    let named = format!("picture={}", other.display());
    let message = redpoll!("run", plan, "--input", named).fails(1);
    assert!(
        message.contains("picture") && message.contains("image"),
        "{message}"
    );
    let none = write("none.npz", "x", vec![0, 1, 28, 28]);
    redpoll!("convert", model, "--calibrate", none, "-o", out).fails(1);
}

#[test]
fn an_unsupported_model_gives_2_and_lists_all_gaps() {
    let mut graph = GraphBuilder::new("gaps");
    graph.input("x", DataType::F32, &[1.into(), 4.into()]);
    graph.node(NodeProto::new("TfIdfVectorizer", "first", ["x"], ["a"]));
    graph.node(NodeProto::new("Relu", "between", ["x"], ["b"]));
    graph.node(NodeProto::new("Hash", "second", ["b"], ["c"]).in_domain("com.example"));
    graph.output("a", DataType::F32, &[1.into()]);
    graph.output("c", DataType::F32, &[1.into(), 4.into()]);
    let model = ModelBuilder::new(17).build(graph).unwrap();
    let dir = folder("gaps");
    let path = dir.join("gaps.onnx");
    std::fs::write(&path, model.to_bytes().unwrap()).unwrap();
    for finished in [
        redpoll!("convert", path, "-o", dir.join("out")),
        redpoll!("inspect", path),
        redpoll!("bench", path),
    ] {
        let message = finished.fails(2);
        for text in ["first", "TfIdfVectorizer", "second", "com.example"] {
            assert!(message.contains(text), "{text}: {message}");
        }
        assert!(!message.contains("between"), "{message}");
    }
}

#[test]
fn files_that_are_missing_or_garbage_give_4() {
    let c = converted();
    let plan = c.file("model.plan");
    let dir = folder("garbage");
    let out = dir.join("out");
    let missing = |name: &str| dir.join("missing").join(name);
    redpoll!("convert", missing("m.onnx"), "-o", out).fails(4);
    redpoll!("inspect", missing("m.plan")).fails(4);
    redpoll!("run", missing("m.plan"), "--input", c.evaluate).fails(4);
    redpoll!("run", plan, "--input", missing("x.npz")).fails(4);
    let model = bundled("fashion.onnx");
    redpoll!("convert", model, "--ranges", missing("r.json"), "-o", out).fails(4);
    redpoll!("convert", model, "-o", plan.join("below a file")).fails(4);

    let garbage: Vec<u8> = (0..4000u32).map(|i| (i * i / 7) as u8).collect();
    for name in ["g.onnx", "g.plan"] {
        let path = dir.join(name);
        std::fs::write(&path, &garbage).unwrap();
        for message in [
            redpoll!("inspect", path).fails(4),
            redpoll!("run", path, "--input", c.evaluate).fails(4),
            redpoll!("bench", path, "--json").fails(4),
        ] {
            assert!(message.contains(name), "{message}");
        }
    }
    let npz = dir.join("g.npz");
    std::fs::write(&npz, &garbage).unwrap();
    let message = redpoll!("run", plan, "--input", npz).fails(4);
    assert!(message.contains("g.npz"), "{message}");
    let mut damaged = std::fs::read(&plan).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    let path = dir.join("damaged.plan");
    std::fs::write(&path, damaged).unwrap();
    redpoll!("run", path, "--input", c.evaluate).fails(4);
}

/// A reader that goes away early (`| head`) is no failure.
#[test]
#[cfg(unix)]
fn a_closed_pipe_is_no_failure() {
    use std::process::{Command, Stdio};
    let mut child = Command::new(env!("CARGO_BIN_EXE_redpoll"))
        .args(["inspect", "--json"])
        .arg(converted().file("model.plan"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let finished = child.wait_with_output().unwrap();
    assert_eq!(
        finished.status.code(),
        Some(0),
        "{:?}",
        String::from_utf8_lossy(&finished.stderr)
    );
}
