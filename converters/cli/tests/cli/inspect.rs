//! `redpoll inspect`: every stage of a model, plans, JSON.

use crate::redpoll;
use crate::setting::{bundled, converted};

#[test]
fn every_stage_is_printed() {
    let model = bundled("fashion.onnx");
    let calibrate = &converted().calibrate;
    let stage =
        |name: &str| redpoll!("inspect", model, "--stage", name, "--calibrate", calibrate).ok();
    let (import, optimize) = (stage("import"), stage("optimize"));
    assert!(
        import.contains("down1_conv") && import.contains("MMAC"),
        "{import}"
    );
    assert!(optimize.contains("# rule "), "{optimize}");
    let ranges: serde_json::Value = serde_json::from_str(&stage("calibrate")).unwrap();
    assert!(ranges["values"]["image"]["max"].is_number());
    let quantize = stage("quantize");
    assert!(quantize.contains("i8[1,14,14,32]"), "{quantize}");
    let lower = stage("lower");
    for text in ["steps", "arena", "ConvF32", "working memory"] {
        assert!(lower.contains(text), "{text}: {lower}");
    }
    assert_eq!(redpoll!("inspect", model).ok(), lower);
    let message = redpoll!("inspect", model, "--stage", "quantize").fails(1);
    assert!(message.contains("--calibrate"), "{message}");
}

#[test]
fn a_plan_and_the_int8_onnx_show_the_same_steps() {
    let c = converted();
    let (plan, onnx) = (c.file("model.plan"), c.file("model.int8.onnx"));
    let printed = redpoll!("inspect", plan).ok();
    for text in ["input image", "output logits", "ConvI8", "MMAC", "scratch"] {
        assert!(printed.contains(text), "{text}: {printed}");
    }
    let (plan_json, onnx_json) = (
        redpoll!("inspect", plan, "--json").json(),
        redpoll!("inspect", onnx, "--json").json(),
    );
    for name in ["arena_bytes", "weight_bytes", "macs"] {
        assert!(plan_json[name].as_u64().unwrap() > 0, "{name}");
    }
    assert_eq!(plan_json["macs"], onnx_json["macs"]);
    assert!(!plan_json["memory"].as_array().unwrap().is_empty());
    let ops = |v: &serde_json::Value| {
        let steps = v["steps"].as_array().unwrap();
        steps.iter().map(|s| s["op"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(ops(&plan_json), ops(&onnx_json));
    redpoll!("inspect", plan, "--stage", "import").fails(1);
}
