//! `redpoll bench`: the names that scripts read.

use crate::redpoll;
use crate::setting::{converted, folder};

#[test]
fn json_holds_the_promised_names() {
    let plan = converted().file("model.plan");
    let threads = |n: &str| {
        redpoll!(
            "bench",
            plan,
            "--threads",
            n,
            "--seconds",
            "0.1",
            "--profile",
            "--json"
        )
        .json()
    };
    for n in ["1", "2"] {
        let found = threads(n);
        let numbers = ["p50_us", "p90_us", "p99_us", "min_us", "load_us"];
        for name in numbers {
            assert!(found[name].as_f64().unwrap() > 0.0, "{name}");
        }
        let us = |name: &str| found[name].as_f64().unwrap();
        assert!(us("min_us") <= us("p50_us") && us("p50_us") <= us("p90_us"));
        assert!(us("p90_us") <= us("p99_us"));
        assert!(found["arena_bytes"].as_u64().unwrap() > 1000);
        if cfg!(target_os = "linux") {
            assert!(found["peak_rss_bytes"].as_u64().unwrap() > 100_000);
        }
        assert_eq!(found["backend"], "native");
        assert!(found["tier"].is_string());
        assert_eq!(found["threads"].to_string(), n);
        assert!(found["macs"].as_u64().unwrap() > 1_000_000);
        assert!(found["gmac_per_s"].as_f64().unwrap() > 0.0);
        let steps = found["steps"].as_array().unwrap();
        assert!(steps.len() > 5);
        let sum = |name: &str| -> f64 { steps.iter().map(|s| s[name].as_f64().unwrap()).sum() };
        assert_eq!(sum("macs"), found["macs"].as_f64().unwrap());
        assert!((sum("share") - 1.0).abs() < 1e-9);
        assert!(sum("bytes") > found["arena_bytes"].as_f64().unwrap());
        assert!(steps.iter().all(|s| s["tier"] == found["tier"]));
    }
    let tier = redpoll!("bench", plan, "--tier", "scalar", "--seconds", "0.1").ok();
    for text in ["tier scalar", "p50", "GMAC/s", "arena"] {
        assert!(tier.contains(text), "{text}: {tier}");
    }
}

#[test]
fn the_chart_holds_every_step_and_needs_nothing_else() {
    let plan = converted().file("model.plan");
    let path = folder("chart").join("steps.html");
    let found = redpoll!("bench", plan, "--seconds", "0.1", "--html", path, "--json").json();
    let page = std::fs::read_to_string(&path).unwrap();
    for step in found["steps"].as_array().unwrap() {
        assert!(page.contains(step["name"].as_str().unwrap()), "{step}");
    }
    assert!(!page.contains("http") && !page.contains("<script"));
}
