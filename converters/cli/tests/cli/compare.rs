//! `redpoll compare`: plan against the emitted int8 ONNX, float against int8, one plan on two tiers.

use crate::redpoll;
use crate::setting::{bundled, converted};

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
