//! `redpoll bench`: latency on this machine.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use redpoll_pipeline::measure::time;
use serde_json::json;

use crate::load::{Dims, load};
use crate::{inputs, text};

/// Measure the latency of a model on this machine
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  redpoll bench out/model.plan
  redpoll bench out/model.plan --threads 2 --tier avx2 --json
  redpoll bench out/model.plan --profile
  taskset -c 1 redpoll bench model.onnx --seconds 5

An .onnx is compiled first (float, or with the quantisation that it holds); load_us then includes the compilation.
Absolute times of shared machines mean little: compare runs that were taken side by side.")]
pub struct Args {
    /// A .plan, or an .onnx that is compiled first
    model: PathBuf,
    /// Inputs; pseudo-random ones when left out
    #[arg(long, value_name = "NAME=FILE|FILE.npz")]
    input: Vec<String>,
    /// Threads that compute
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Instruction-set tier instead of the best one
    #[arg(long)]
    tier: Option<String>,
    /// Time to measure for, after a tenth of it to warm up
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Time, work and share of every step
    #[arg(long)]
    profile: bool,
    /// Prints JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    dims: Dims,
}

/// Largest resident set of this process so far, bytes; `None` where the system does not tell.
fn peak_rss_bytes() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace()
        .nth(1)?
        .parse::<usize>()
        .ok()
        .map(|kb| kb * 1024)
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let mut loaded = load(&args.model, &args.dims, args.threads, args.tier.as_deref())?;
    let inputs = if args.input.is_empty() {
        inputs::random(&loaded.specs)?
    } else {
        inputs::read(&args.input, &loaded.specs, 0)?
    };
    let budget = Duration::from_secs_f64(args.seconds.clamp(0.01, 3600.0));
    let timing = time(&mut loaded.runner, &inputs, budget, 10)?;
    let rss = peak_rss_bytes();
    let session = loaded.runner.session();
    let (macs, arena, tier, threads) = (
        session.plan().macs(),
        session.arena_bytes(),
        session.tier(),
        session.threads(),
    );
    let gmacs = macs as f64 / timing.p50_us / 1e3;
    let profile = if args.profile {
        loaded.runner.set(&inputs)?;
        let runs = (1e6 / timing.p50_us).clamp(10.0, 1000.0) as usize;
        loaded.runner.session().profile(runs)?
    } else {
        Vec::new()
    };
    if args.json {
        let steps: Vec<_> = profile
            .iter()
            .map(|s| json!({"name": s.name, "op": s.op, "macs": s.macs, "ns": s.ns, "mean_ns": s.mean_ns}))
            .collect();
        let mut all = json!({
            "model": args.model, "backend": "native", "tier": tier, "threads": threads, "runs": timing.runs,
            "min_us": timing.min_us, "p50_us": timing.p50_us, "p90_us": timing.p90_us, "p99_us": timing.p99_us,
            "load_us": loaded.load_us, "peak_rss_bytes": rss, "arena_bytes": arena, "plan_bytes": loaded.plan_bytes,
            "macs": macs, "gmac_per_s": gmacs,
        });
        if args.profile {
            all["steps"] = steps.into();
        }
        say!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    say!(
        "{} · tier {tier}, {threads} thread(s), {} runs",
        args.model.display(),
        timing.runs
    );
    say!(
        "  min {}   p50 {}   p90 {}   p99 {}",
        text::micros(timing.min_us),
        text::micros(timing.p50_us),
        text::micros(timing.p90_us),
        text::micros(timing.p99_us)
    );
    say!(
        "  {:.2} MMAC, {gmacs:.2} GMAC/s; load {}",
        macs as f64 / 1e6,
        text::micros(loaded.load_us)
    );
    say!(
        "  arena {}, plan {}, peak resident set {}",
        text::bytes(arena),
        text::bytes(loaded.plan_bytes),
        rss.map_or("unknown".into(), text::bytes)
    );
    if args.profile {
        let total: u64 = profile.iter().map(|s| s.ns).sum();
        say!(
            "\n  {:>9} {:>6} {:>10} {:>8}  {:14} step",
            "time",
            "share",
            "MAC",
            "GMAC/s",
            "kind"
        );
        for s in &profile {
            say!(
                "  {:>9} {:>5.1}% {:>10} {:>8.2}  {:14} {}",
                text::micros(s.ns as f64 / 1e3),
                s.ns as f64 / total.max(1) as f64 * 100.0,
                s.macs,
                s.macs as f64 / s.ns.max(1) as f64,
                s.op,
                s.name
            );
        }
    }
    Ok(())
}
