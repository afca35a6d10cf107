//! What `bench --against` found, as a table and as JSON.

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::Args;
use super::against::Contender;
use crate::text;

/// The value at `q` of sorted ones.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * q).round() as usize]
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// Microseconds over all rounds.
struct Times {
    runs: usize,
    min: f64,
    p50: f64,
    p90: f64,
    p99: f64,
}

impl Times {
    fn of(contender: &Contender) -> Option<Self> {
        let us = sorted(contender.rounds.iter().flatten().map(|&ns| ns as f64 / 1e3));
        if us.is_empty() {
            return None;
        }
        Some(Self {
            runs: us.len(),
            min: us[0],
            p50: quantile(&us, 0.5),
            p90: quantile(&us, 0.9),
            p99: quantile(&us, 0.99),
        })
    }
}

/// Our median by theirs, round by round.
struct Ratio {
    rounds: Vec<f64>,
    median: f64,
    min: f64,
    max: f64,
}

impl Ratio {
    fn of(ours: &Contender, theirs: &Contender) -> Option<Self> {
        let median = |ns: &Vec<u64>| {
            let ns = sorted(ns.iter().map(|&v| v as f64));
            (!ns.is_empty()).then(|| quantile(&ns, 0.5))
        };
        let rounds: Vec<f64> = ours
            .rounds
            .iter()
            .zip(&theirs.rounds)
            .filter_map(|(a, b)| Some(median(a)? / median(b)?.max(1.0)))
            .collect();
        let in_order = sorted(rounds.iter().copied());
        Some(Self {
            median: quantile(&in_order, 0.5),
            min: *in_order.first()?,
            max: *in_order.last()?,
            rounds,
        })
    }
}

/// Prints everything. `contenders` begins with ours, which has run.
pub fn print(args: &Args, contenders: &[Contender]) -> Result<()> {
    let [ours, ..] = contenders else {
        bail!("nothing was measured");
    };
    let macs = ours.ready["macs"].as_u64();
    if args.json {
        say!(
            "{}",
            serde_json::to_string_pretty(&all(args, contenders, macs))?
        );
        return Ok(());
    }
    let cores = match ours.ready["cores"].as_array() {
        Some(cores) => {
            let list: Vec<_> = cores.iter().map(ToString::to_string).collect();
            format!("pinned to core {}", list.join(", "))
        }
        None => "not pinned".to_owned(),
    };
    say!(
        "{} · {} thread(s), {} rounds in turn, {cores}",
        args.model.display(),
        args.threads,
        args.rounds
    );
    say!(
        "  {:14} {:>10} {:>10} {:>10} {:>10} {:>8} {:>10} {:>9}  {:22}",
        "engine",
        "min",
        "p50",
        "p90",
        "p99",
        "GMAC/s",
        "load",
        "peak RSS",
        "ratio (least to most)"
    );
    for contender in contenders {
        let name = contender.choice.to_string();
        let Some(t) = Times::of(contender).filter(|_| contender.error.is_none()) else {
            let reason = contender.error.as_deref().unwrap_or("no run");
            say!("  {name:14} does not run it: {}", first_line(reason));
            continue;
        };
        let believed = contender.agreement.as_ref().is_none_or(|a| a.believed);
        let ratio = match Ratio::of(ours, contender) {
            _ if std::ptr::eq(ours, contender) => "1".to_owned(),
            Some(r) if believed => format!("{:.3} ({:.3} to {:.3})", r.median, r.min, r.max),
            _ => "–".to_owned(),
        };
        say!(
            "  {name:14} {:>10} {:>10} {:>10} {:>10} {:>8} {:>10} {:>9}  {ratio}",
            text::micros(t.min),
            text::micros(t.p50),
            text::micros(t.p90),
            text::micros(t.p99),
            macs.map_or("–".into(), |m| format!("{:.2}", m as f64 / t.p50 / 1e3)),
            text::micros(contender.ready["load_us"].as_f64().unwrap_or(f64::NAN)),
            contender
                .peak_rss_bytes
                .and_then(|n| usize::try_from(n).ok())
                .map_or("unknown".into(), text::bytes),
        );
    }
    for contender in contenders {
        if let Some(agreement) = &contender.agreement {
            say!("  outputs of {}: {}", contender.choice, agreement.text());
        }
    }
    Ok(())
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn all(args: &Args, contenders: &[Contender], macs: Option<u64>) -> Value {
    let ours = &contenders[0];
    let mut top = one(ours, macs);
    let list: Vec<Value> = contenders
        .iter()
        .map(|contender| {
            let mut value = one(contender, macs);
            if !std::ptr::eq(ours, contender)
                && let Some(r) = Ratio::of(ours, contender)
            {
                value["ratio"] =
                    json!({"median": r.median, "min": r.min, "max": r.max, "rounds": r.rounds});
            }
            value
        })
        .collect();
    top["model"] = json!(args.model);
    top["threads"] = args.threads.into();
    top["rounds"] = args.rounds.into();
    top["cores"] = ours.ready["cores"].clone();
    top["contenders"] = list.into();
    top
}

/// One engine. The names are those of `bench --json`.
fn one(contender: &Contender, macs: Option<u64>) -> Value {
    let mut value = json!({
        "backend": contender.choice.to_string(), "peak_rss_bytes": contender.peak_rss_bytes,
        "agreement": contender.agreement.as_ref().map(|a| a.json()), "error": contender.error,
    });
    for name in [
        "load_us",
        "first_run_us",
        "tier",
        "arena_bytes",
        "plan_bytes",
    ] {
        if !contender.ready[name].is_null() {
            value[name] = contender.ready[name].clone();
        }
    }
    if let Some(t) = Times::of(contender) {
        let times = [
            ("min_us", t.min),
            ("p50_us", t.p50),
            ("p90_us", t.p90),
            ("p99_us", t.p99),
        ];
        for (name, us) in times {
            value[name] = us.into();
        }
        value["runs"] = t.runs.into();
        if let Some(macs) = macs {
            value["macs"] = macs.into();
            value["gmac_per_s"] = (macs as f64 / t.p50 / 1e3).into();
        }
    }
    value
}
