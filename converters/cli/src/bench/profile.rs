//! The steps of a model with what each costs.

use redpoll_session::StepProfile;
use serde_json::{Value, json};

use crate::text;

/// Multiply-adds a nanosecond, which is 10⁹ a second.
pub fn gmac_per_s(step: &StepProfile) -> f64 {
    step.macs as f64 / step.ns.max(1) as f64
}

/// Bytes of operands a nanosecond, which is 10⁹ a second.
pub fn gb_per_s(step: &StepProfile) -> f64 {
    step.bytes as f64 / step.ns.max(1) as f64
}

/// Share of all steps' time, each at its fastest.
pub fn share(step: &StepProfile, steps: &[StepProfile]) -> f64 {
    let total: u64 = steps.iter().map(|s| s.ns).sum();
    step.ns as f64 / total.max(1) as f64
}

/// As JSON, an object a step.
pub fn json(steps: &[StepProfile]) -> Value {
    steps
        .iter()
        .map(|s| {
            json!({
                "name": s.name, "op": s.op, "tier": s.tier, "macs": s.macs, "bytes": s.bytes, "ns": s.ns, "mean_ns": s.mean_ns,
                "share": share(s, steps), "gmac_per_s": gmac_per_s(s), "gb_per_s": gb_per_s(s),
            })
        })
        .collect()
}

/// As a table.
pub fn print(steps: &[StepProfile]) {
    say!(
        "\n  {:>9} {:>6} {:>10} {:>8} {:>9} {:>7}  {:14} {:12} step",
        "time",
        "share",
        "MAC",
        "GMAC/s",
        "bytes",
        "GB/s",
        "kind",
        "kernels"
    );
    for s in steps {
        say!(
            "  {:>9} {:>5.1}% {:>10} {:>8.2} {:>9} {:>7.2}  {:14} {:12} {}",
            text::micros(s.ns as f64 / 1e3),
            share(s, steps) * 100.0,
            s.macs,
            gmac_per_s(s),
            text::bytes(s.bytes),
            gb_per_s(s),
            s.op,
            s.tier,
            s.name
        );
    }
}
