//! `redpoll convert`: files, report, ranges that are edited and used again, nodes kept in float, the accuracy bound.

use redpoll_onnx::{Limits, Model};
use serde_json::Value;

use crate::redpoll;
use crate::setting::{bundled, converted, folder, report};

#[test]
fn a_conversion_writes_all_files_and_the_promised_report() {
    let converted = converted();
    for name in [
        "model.plan",
        "model.int8.onnx",
        "ranges.json",
        "report.json",
    ] {
        assert!(converted.file(name).is_file(), "{name}");
    }
    let html = std::fs::read_to_string(converted.file("report.html")).unwrap();
    assert!(html.contains("fashion"));
    assert!(
        !html.contains("src=\"http") && !html.contains("href=\"http"),
        "self-contained"
    );
    Model::read(converted.file("model.int8.onnx"), &Limits::default()).unwrap();

    let report = report(&converted.folder);
    assert_eq!(report["model"], "fashion");
    for form in ["float", "int8"] {
        let top1 = report[form]["top1"].as_f64().unwrap();
        assert!((0.85..=1.0).contains(&top1), "{form} {top1}");
    }
    assert!(report["sqnr_db"].as_f64().unwrap() > 25.0);
    let sizes = ["arena_bytes", "weight_bytes", "plan_bytes", "macs"];
    for name in sizes {
        assert!(report[name].as_u64().unwrap() > 1000, "{name}");
    }
    let plan = std::fs::metadata(converted.file("model.plan")).unwrap();
    assert_eq!(report["plan_bytes"].as_u64(), Some(plan.len()));
    assert_eq!(report["quantized_here"], true);
    let candidates = report["candidates"].as_array().unwrap();
    assert!(candidates.len() >= 5, "{candidates:?}");
    let db = |c: &Value| c["held_out_sqnr_db"].as_f64().unwrap();
    let chosen = candidates.iter().find(|c| c["chosen"] == true).unwrap();
    assert!(candidates.iter().all(|c| db(c) <= db(chosen) + 0.5));
    assert_eq!(chosen["method"], report["method"]);
    assert_eq!(report["held_out_samples"], 5);
    let layers = report["layers"].as_array().unwrap();
    assert!(layers.len() > 10);
    for layer in layers {
        assert!(layer["name"].is_string() && layer["op"].is_string());
        assert!(layer["kept_float"].is_boolean());
        assert!(layer["sqnr_db"].is_number() || layer["sqnr_db"].is_null());
    }
    assert!(
        layers
            .iter()
            .any(|l| l["sqnr_db"].as_f64().is_some_and(|db| db > 15.0))
    );
    for text in ["float", "int8", "top-1", "arena", "latency"] {
        assert!(
            converted.stdout.contains(text),
            "{text}: {}",
            converted.stdout
        );
    }
}

#[test]
fn ranges_can_be_used_again_and_edited() {
    let converted = converted();
    let text = std::fs::read_to_string(converted.file("ranges.json")).unwrap();
    let mut ranges: Value = serde_json::from_str(&text).unwrap();
    let out = folder("ranges");
    let path = out.join("edited.json");
    let scale = |ranges: &Value| {
        std::fs::write(&path, ranges.to_string()).unwrap();
        let model = bundled("fashion.onnx");
        redpoll!(
            "convert", model, "--ranges", path, "--io", "int8", "-o", out
        )
        .ok();
        let plan = redpoll!("inspect", out.join("model.plan"), "--json").json();
        plan["inputs"][0]["scale"].as_f64().unwrap()
    };
    let as_measured = scale(&ranges);
    let input = &mut ranges["values"]["image"];
    for end in ["min", "max"] {
        input[end] = (input[end].as_f64().unwrap() * 2.0).into();
    }
    let doubled = scale(&ranges);
    assert!(
        (doubled / as_measured - 2.0).abs() < 0.02,
        "{as_measured} {doubled}"
    );
    // What is written back is what was used.
    let again: Value =
        serde_json::from_str(&std::fs::read_to_string(out.join("ranges.json")).unwrap()).unwrap();
    assert_eq!(
        again["values"]["image"]["max"],
        ranges["values"]["image"]["max"]
    );

    ranges["values"].as_object_mut().unwrap().remove("image");
    std::fs::write(&path, ranges.to_string()).unwrap();
    let model = bundled("fashion.onnx");
    let message = redpoll!("convert", model, "--ranges", path, "-o", out).fails(1);
    assert!(message.contains("image"), "{message}");
    std::fs::write(&path, "{\"values\": 7").unwrap();
    redpoll!("convert", model, "--ranges", path, "-o", out).fails(1);
}

#[test]
fn a_node_is_kept_in_float() {
    let out = folder("keep_float");
    let (model, ranges) = (bundled("fashion.onnx"), converted().file("ranges.json"));
    let node = "down2_conv";
    redpoll!(
        "convert",
        model,
        "--ranges",
        ranges,
        "--keep-float",
        node,
        "-o",
        out
    )
    .ok();
    let report = report(&out);
    let kept = |name: &str| {
        let layers = report["layers"].as_array().unwrap();
        let layer = layers.iter().find(|l| l["name"] == name);
        layer.unwrap_or_else(|| panic!("no layer {name}"))["kept_float"] == true
    };
    assert!(kept(node) && !kept("down1_conv"));
    let message = redpoll!(
        "convert",
        model,
        "--ranges",
        ranges,
        "--keep-float",
        "nosuch",
        "-o",
        out
    )
    .fails(1);
    assert!(message.contains("nosuch"), "{message}");
}

#[test]
fn accuracy_below_the_bound_gives_3_and_still_writes_the_report() {
    let converted = converted();
    let out = folder("max_drop");
    let (model, ranges) = (bundled("fashion.onnx"), converted.file("ranges.json"));
    let convert = |bound: &str| {
        redpoll!(
            "convert",
            model,
            "--ranges",
            ranges,
            "--evaluate",
            converted.evaluate,
            "--max-drop",
            bound,
            "-o",
            out
        )
    };
    let message = convert("-100").fails(3);
    assert!(message.contains("top-1"), "{message}");
    assert!(out.join("report.json").is_file());
    convert("100").ok();
}

#[test]
fn a_model_that_arrives_in_int8_has_no_float_column() {
    let c = converted();
    let out = folder("arrived");
    let model = c.file("model.int8.onnx");
    let printed = redpoll!("convert", model, "--evaluate", c.evaluate, "-o", out).ok();
    assert!(printed.contains("not quantised here"), "{printed}");
    assert!(!printed.contains("same as float"), "{printed}");
    let found = report(&out);
    assert_eq!(
        (&found["quantized_here"], &found["arrived_int8"]),
        (&false.into(), &true.into())
    );
    // The same integers, so the same answers.
    assert_eq!(found["int8"]["top1"], report(&c.folder)["int8"]["top1"]);
    assert!(found["float"]["top1"].is_null() && found["float"]["p50_us"].is_null());
    let bytes = std::fs::metadata(&model).unwrap().len();
    assert_eq!(
        (
            found["float_onnx_bytes"].as_u64(),
            found["int8_onnx_bytes"].as_u64()
        ),
        (Some(0), Some(bytes))
    );
    assert!(found["sqnr_db"].is_null() && found["int8"]["agreement"].is_null());
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("Not quantised here") && !page.contains("Same answer as float"));
    let message = redpoll!(
        "convert",
        model,
        "--evaluate",
        c.evaluate,
        "--max-drop",
        "1",
        "-o",
        out
    );
    assert!(message.fails(1).contains("not quantised here"));
}

#[test]
fn without_samples_the_plan_stays_float_and_f16_weights_halve_it() {
    let (single, half) = (folder("f32"), folder("f16"));
    let model = bundled("fashion.onnx");
    redpoll!("convert", model, "-o", single).ok();
    redpoll!("convert", model, "--weights", "f16", "-o", half).ok();
    assert!(!single.join("model.int8.onnx").exists());
    let found = report(&single);
    assert_eq!(
        (&found["quantized_here"], &found["arrived_int8"]),
        (&false.into(), &false.into())
    );
    for figure in ["top1", "mse", "agreement", "p50_us"] {
        assert!(found["int8"][figure].is_null(), "{figure}");
    }
    let page = std::fs::read_to_string(single.join("report.html")).unwrap();
    assert!(page.contains("Not quantised here"));
    let bytes = |report: Value| report["weight_bytes"].as_f64().unwrap();
    let ratio = bytes(report(&half)) / bytes(report(&single));
    assert!((0.45..0.6).contains(&ratio), "{ratio}");
}
