//! `redpoll compare`: plan against the emitted int8 ONNX, float against int8, one plan on two tiers.

use std::collections::HashSet;

use redpoll_onnx::{Limits, Model};
use redpoll_pipeline::calibrate::{CalibrateOptions, Engine, calibrate};
use redpoll_pipeline::data::{InputSpec, Samples};
use redpoll_pipeline::lower::{LowerOptions, lower, lower_quantized};
use redpoll_pipeline::quantize::{Scheme, quantize};
use redpoll_pipeline::{emit, import, optimize};
use serde_json::Value;

use crate::redpoll;
use crate::setting::{bundled, converted, folder};

#[test]
fn the_plan_equals_the_emitted_onnx_and_itself_on_other_tiers() {
    let c = converted();
    let (plan, onnx) = (c.file("model.plan"), c.file("model.int8.onnx"));
    let both = redpoll!("compare", plan, onnx, "--input", c.evaluate, "--json").json();
    let first = &both["outputs"][0];
    assert_eq!(first["name"], "logits");
    assert_eq!(
        (&first["equal"], &first["differing"]),
        (&true.into(), &0.into())
    );
    assert_eq!(
        (&first["max_ulp"], &first["elements"]),
        (&0.into(), &10.into())
    );
    for tier in redpoll!("info", "--tiers").ok().lines() {
        let tiers = format!("scalar,{tier}");
        let printed = redpoll!(
            "compare",
            plan,
            "--tiers",
            tiers,
            "--threads",
            "1,2",
            "--input",
            c.evaluate,
            "--layers"
        );
        let printed = printed.ok();
        assert!(printed.contains("all 10 elements equal"), "{printed}");
        assert!(!printed.contains("dB"), "every layer is equal: {printed}");
    }
}

#[test]
fn float_against_int8_differs_layer_by_layer() {
    let c = converted();
    let (float, plan) = (bundled("fashion.onnx"), c.file("model.plan"));
    let found = redpoll!(
        "compare", float, plan, "--input", c.evaluate, "--layers", "--json"
    )
    .json();
    let first = &found["outputs"][0];
    assert_eq!(first["equal"], false);
    assert!(first["max_ulp"].as_u64().unwrap() > 0 && first["max_abs"].as_f64().unwrap() > 0.0);
    assert!(first["sqnr_db"].as_f64().unwrap() > 20.0);
    let layers = found["layers"].as_array().unwrap();
    assert!(layers.len() > 8, "{layers:?}");
    for layer in layers {
        assert!(layer["name"].is_string() && layer["op"].is_string());
        assert!(layer["sqnr_db"].is_null() || layer["sqnr_db"].as_f64().unwrap() > 10.0);
    }
}

#[test]
fn equalised_layers_are_not_held_against_the_original() {
    let c = converted();
    let out = folder("equalised");
    let model = Model::read(bundled("fashion.onnx"), &Limits::default()).unwrap();
    let imported = import::import(&model, &import::ImportOptions::default()).unwrap();
    let optimized = optimize::optimize(imported).unwrap();
    let samples = Samples::open(&c.calibrate, &InputSpec::of(optimized.graph()), None).unwrap();
    let set: Vec<_> = (0..samples.len())
        .map(|i| samples.get(i).unwrap().inputs)
        .collect();
    let (options, engine) = (CalibrateOptions::default(), Engine::default());
    let calibrated = calibrate(&optimized, set.into(), &options, &engine, &mut |_, _| {}).unwrap();
    let int8 = quantize(&calibrated, &Scheme::default(), &engine, &mut |_, _| {}).unwrap();
    let (plan, onnx) = (out.join("model.plan"), out.join("model.int8.onnx"));
    let lowered = lower_quantized(&int8, &LowerOptions::default()).unwrap();
    std::fs::write(&plan, lowered.plan()).unwrap();
    std::fs::write(&onnx, emit::emit(&int8).unwrap()).unwrap();

    let layers = |a: &std::path::Path, b: &std::path::Path| {
        let found = redpoll!("compare", a, b, "--input", c.evaluate, "--layers", "--json").json();
        found["layers"].as_array().unwrap().clone()
    };
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    let original = bundled("fashion.onnx");
    let against_float = layers(&original, &plan);
    let (scaled, plain): (Vec<_>, Vec<_>) =
        against_float.iter().partition(|l| l["note"].is_string());
    assert!(!scaled.is_empty() && !plain.is_empty(), "{against_float:?}");
    assert!(scaled.iter().all(|l| l["sqnr_db"].is_null()));
    for l in &plain {
        assert!(
            l["sqnr_db"].is_null() || l["sqnr_db"].as_f64().unwrap() > 15.0,
            "{l}"
        );
    }
    // Exactly those that the equalised float model computes otherwise than the original.
    let equalised = out.join("equalised.plan");
    let float = lower(int8.float_graph().unwrap(), &LowerOptions::default()).unwrap();
    std::fs::write(&equalised, float.plan()).unwrap();
    let differs = |l: &&Value| l["sqnr_db"].as_f64().is_some_and(|db| db < 100.0);
    let other = layers(&original, &equalised);
    let other: HashSet<String> = other
        .iter()
        .filter(differs)
        .map(|l| text(&l["name"]))
        .collect();
    let names: HashSet<String> = scaled.iter().map(|l| text(&l["name"])).collect();
    assert_eq!(names, other);
    for (a, b) in [(&original, &onnx), (&plan, &original)] {
        let found = layers(a, b);
        let again = found.iter().filter(|l| l["note"].is_string());
        assert_eq!(
            again.map(|l| text(&l["name"])).collect::<HashSet<_>>(),
            names
        );
    }
    // Both scaled alike: comparable, and equal.
    let both = layers(&plan, &onnx);
    assert!(both.len() > 10, "{both:?}");
    for l in both {
        assert!(l["note"].is_null() && l["sqnr_db"].is_null(), "{l}");
    }
    let printed = redpoll!("compare", original, plan, "--input", c.evaluate, "--layers").ok();
    assert!(
        printed.contains("equalised in one of the models only"),
        "{printed}"
    );
}
