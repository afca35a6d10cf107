//! `--backend`, `--against` and who would run a model that the native engine cannot.
//!
//! Without the features `tract` and `ort` the command must say so; with them it runs those engines. ONNX Runtime's library
//! is looked for as the command does, and its part is skipped where there is none.

use redpoll_onnx::proto::NodeProto;
use redpoll_onnx::{DataType, GraphBuilder, ModelBuilder};
use redpoll_pipeline::data::read_npz;
use serde_json::Value;

use crate::redpoll;
use crate::setting::{bundled, converted, folder};

/// The engines besides ours that can be used here.
fn present() -> Vec<&'static str> {
    let backends = &redpoll!("info", "--json").json()["backends"];
    assert_eq!(backends["native"]["built_in"], true);
    assert_eq!(backends["tract"]["built_in"], cfg!(feature = "tract"));
    assert_eq!(backends["ort"]["built_in"], cfg!(feature = "ort"));
    let mut present = Vec::new();
    if cfg!(feature = "tract") {
        present.push("tract");
    }
    if backends["ort"]["library"].is_string() {
        let offered = backends["ort"]["providers"].as_array().unwrap();
        assert!(offered.contains(&"cpu".into()), "{offered:?}");
        present.push("ort");
    } else {
        println!("skipped: ort: {}", backends["ort"]);
    }
    present
}

#[test]
fn info_lists_the_backends() {
    let printed = redpoll!("info").ok();
    assert!(printed.contains("native") && printed.contains("tract") && printed.contains("ort"));
    present();
}

#[test]
fn wrong_backends_give_1_and_say_which_there_are() {
    let c = converted();
    let (plan, onnx) = (c.file("model.plan"), c.file("model.int8.onnx"));
    for backend in ["abacus", "tract:cuda", "ort:abacus"] {
        let message = redpoll!("run", onnx, "--input", c.evaluate, "--backend", backend).fails(1);
        assert!(
            message.contains("abacus") || message.contains("tract:cuda"),
            "{message}"
        );
    }
    let message = redpoll!(
        "run",
        onnx,
        "--input",
        c.evaluate,
        "--backend",
        "ort:abacus"
    )
    .fails(1);
    assert!(
        message.contains("xnnpack") && message.contains("webgpu"),
        "{message}"
    );
    for backend in ["tract", "ort"] {
        let message = redpoll!("run", plan, "--input", c.evaluate, "--backend", backend).fails(1);
        assert!(message.contains(".onnx"), "{message}");
        redpoll!(
            "run",
            onnx,
            "--input",
            c.evaluate,
            "--backend",
            backend,
            "--tier",
            "scalar"
        )
        .fails(1);
        redpoll!("bench", plan, "--against", backend).fails(1);
        redpoll!("bench", onnx, "--backend", backend, "--profile").fails(1);
    }
    redpoll!("bench", onnx, "--against", "native").fails(1);
    redpoll!("bench", onnx, "--against", "tract", "--profile").fails(1);
}

#[test]
#[cfg(not(feature = "tract"))]
fn a_backend_that_is_not_built_in_names_its_feature() {
    let c = converted();
    let onnx = c.file("model.int8.onnx");
    for message in [
        redpoll!("run", onnx, "--input", c.evaluate, "--backend", "tract").fails(1),
        redpoll!("bench", onnx, "--against", "tract").fails(1),
    ] {
        assert!(message.contains("--features tract"), "{message}");
    }
}

#[test]
#[cfg(feature = "ort")]
fn a_library_that_is_none_gives_4() {
    let c = converted();
    let onnx = c.file("model.int8.onnx");
    let dir = folder("ort-library");
    let text = dir.join("libonnxruntime.so");
    std::fs::write(&text, "not a library").unwrap();
    for path in [&text, &dir.join("absent"), &dir] {
        let message = redpoll!(
            "run",
            onnx,
            "--input",
            c.evaluate,
            "--backend",
            "ort",
            "--ort-library",
            path
        )
        .fails(4);
        assert!(message.contains("ort-library"), "{message}");
        let info = redpoll!("info", "--json", "--ort-library", path).json();
        assert!(info["backends"]["ort"]["error"].is_string(), "{info}");
    }
}

#[test]
fn other_engines_give_the_outputs_of_ours() {
    let c = converted();
    let float = bundled("fashion.onnx");
    for backend in present() {
        let out = folder(&format!("backend-{backend}")).join("out.npz");
        redpoll!(
            "run",
            float,
            "--input",
            c.evaluate,
            "--backend",
            backend,
            "-o",
            out
        )
        .ok();
        assert_eq!(read_npz(&out).unwrap()["logits"].shape(), [1, 10]);
        let both = format!("native,{backend}");
        let found = redpoll!(
            "compare",
            float,
            "--backend",
            both,
            "--input",
            c.evaluate,
            "--json"
        )
        .json();
        let db = &found["outputs"][0]["sqnr_db"];
        assert!(
            db.is_null() || db.as_f64().unwrap() > 100.0,
            "{backend}: {db}"
        );
        let int8 = c.file("model.int8.onnx");
        let found = redpoll!(
            "compare",
            c.file("model.plan"),
            int8,
            "--backend",
            both,
            "--input",
            c.evaluate,
            "--json"
        )
        .json();
        let db = &found["outputs"][0]["sqnr_db"];
        assert!(
            db.is_null() || db.as_f64().unwrap() > 30.0,
            "{backend}: {db}"
        );
        redpoll!(
            "compare",
            float,
            "--backend",
            both,
            "--input",
            c.evaluate,
            "--layers"
        )
        .fails(1);
        let alone = redpoll!(
            "bench",
            float,
            "--backend",
            backend,
            "--seconds",
            "0.1",
            "--json"
        )
        .json();
        assert_eq!(alone["backend"], backend);
        assert!(alone["p50_us"].as_f64().unwrap() > 0.0 && alone["tier"].is_null());
    }
}

#[test]
fn engines_are_measured_in_turn() {
    let others = present();
    if others.is_empty() {
        return;
    }
    let c = converted();
    let onnx = c.file("model.int8.onnx");
    let against = others.join(",");
    let found = redpoll!(
        "bench",
        onnx,
        "--input",
        c.evaluate,
        "--against",
        against,
        "--seconds",
        "0.3",
        "--rounds",
        "3",
        "--json"
    )
    .json();
    assert_eq!(found["backend"], "native");
    let contenders = found["contenders"].as_array().unwrap();
    assert_eq!(contenders.len(), 1 + others.len());
    let number = |v: &Value| v.as_f64().unwrap_or_else(|| panic!("{v} in {found}"));
    for (contender, name) in contenders.iter().zip(["native"].iter().chain(&others)) {
        assert_eq!(contender["backend"], *name);
        assert!(contender["error"].is_null(), "{contender}");
        assert!(number(&contender["min_us"]) <= number(&contender["p50_us"]));
        assert!(number(&contender["p50_us"]) <= number(&contender["p99_us"]));
        assert!(number(&contender["gmac_per_s"]) > 0.0);
        if *name == "native" {
            continue;
        }
        assert_eq!(contender["agreement"]["believed"], true, "{contender}");
        let ratio = &contender["ratio"];
        assert_eq!(ratio["rounds"].as_array().unwrap().len(), 3);
        assert!(number(&ratio["min"]) <= number(&ratio["median"]));
        assert!(number(&ratio["median"]) <= number(&ratio["max"]));
    }
    let table = redpoll!(
        "bench",
        onnx,
        "--against",
        against,
        "--seconds",
        "0.1",
        "--rounds",
        "2"
    )
    .ok();
    for text in others
        .iter()
        .chain(&["native", "ratio", "GMAC/s", "outputs of"])
    {
        assert!(table.contains(text), "{text}: {table}");
    }
}

#[test]
fn a_model_with_gaps_says_who_loads_it() {
    let mut graph = GraphBuilder::new("gaps");
    graph.input("x", DataType::F32, &[1.into(), 4.into()]);
    let gap = |name: &str, input: &str, output: &str, norm: &str| {
        NodeProto::new("Normalizer", name, [input], [output])
            .in_domain("ai.onnx.ml")
            .with_string("norm", norm)
    };
    graph.node(gap("unit", "x", "u", "L2"));
    graph.node(NodeProto::new("Abs", "size", ["u"], ["a"]));
    graph.node(gap("share", "x", "s", "L1"));
    graph.node(NodeProto::new("Add", "sum", ["a", "s"], ["y"]));
    graph.output("y", DataType::F32, &[1.into(), 4.into()]);
    let model = ModelBuilder::new(17)
        .opset("ai.onnx.ml", 1)
        .build(graph)
        .unwrap();
    let dir = folder("who-loads-it");
    let path = dir.join("normalizer.onnx");
    std::fs::write(&path, model.to_bytes().unwrap()).unwrap();
    let present = present();
    for message in [
        redpoll!("convert", path, "-o", dir.join("out")).fails(2),
        redpoll!("inspect", path).fails(2),
        redpoll!("bench", path).fails(2),
    ] {
        // All that is missing at once, and nothing that only follows from it.
        for (text, times) in [
            ("2 unsupported node(s)", 1),
            ("\"unit\" (ai.onnx.ml.Normalizer)", 1),
            ("\"share\" (ai.onnx.ml.Normalizer)", 1),
            ("\"size\"", 0),
            ("\"sum\"", 0),
        ] {
            assert_eq!(message.matches(text).count(), times, "{text}: {message}");
        }
        for backend in ["tract", "ort"] {
            let says = if present.contains(&backend) {
                format!("{backend}: loads it; run it with --backend {backend}")
            } else {
                format!("{backend}: ")
            };
            assert!(message.contains(&says), "{message}");
        }
    }
    // What it says is true.
    for backend in present {
        redpoll!("bench", path, "--backend", backend, "--seconds", "0.05").ok();
    }
}
