//! `redpoll bench`: the names that scripts read.

use crate::redpoll;
use crate::setting::converted;

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
        assert!(found["steps"].as_array().unwrap().len() > 5);
    }
    let tier = redpoll!("bench", plan, "--tier", "scalar", "--seconds", "0.1").ok();
    for text in ["tier scalar", "p50", "GMAC/s", "arena"] {
        assert!(tier.contains(text), "{text}: {tier}");
    }
}
