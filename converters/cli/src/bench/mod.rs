//! `redpoll bench`: latency on this machine, alone or beside other engines.

mod against;
mod agreement;
mod chart;
mod contender;
mod pin;
mod profile;
mod table;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use redpoll_session::StepProfile;
use serde_json::{Value, json};

use crate::backend::{Choice, Library};
use crate::exit::Usage;
use crate::load::{Dims, How, Loaded, load};
use crate::{inputs, text};

/// Measure the latency of a model on this machine, alone or beside other engines
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  redpoll bench out/model.plan
  redpoll bench out/model.plan --threads 2 --tier avx2 --json
  redpoll bench out/model.plan --profile --html steps.html
  redpoll bench out/model.int8.onnx --input test.npz --against tract,ort
  redpoll bench model.onnx --backend ort:xnnpack+cpu --threads 2
  taskset -c 1 redpoll bench model.onnx --seconds 5

An .onnx is compiled first (float, or with the quantisation that it holds); load_us then includes the compilation.

--against runs the same .onnx on other engines in the same minutes: each engine in a process of its own, their rounds in
turn, the others asleep, on Linux all pinned to the same cores. Outputs are compared with ours before a time is believed.
The ratio is our median by theirs, round by round: below 1 we are faster. Absolute times of shared machines mean little.")]
pub struct Args {
    /// A .plan, or an .onnx or .tflite that is compiled first
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
    /// Time to measure for, after a tenth of it to warm up; with --against, for each engine
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Engine that is measured: native, tract, ort, ort:PROVIDER[+cpu]
    #[arg(long, default_value_t, value_name = "NAME")]
    backend: Choice,
    /// Engines to measure in turn with it
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',')]
    against: Vec<Choice>,
    /// Rounds that the time of each engine is split into, with --against
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    #[command(flatten)]
    library: Library,
    /// Time, work, bytes and share of every step (native engine)
    #[arg(long)]
    profile: bool,
    /// Writes the steps as a bar chart; implies --profile
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Prints JSON
    #[arg(long)]
    json: bool,
    /// Serves rounds to a parent process; outputs go to this file
    #[arg(long, hide = true, value_name = "FILE.npz")]
    contender: Option<PathBuf>,
    #[command(flatten)]
    dims: Dims,
}

impl Args {
    fn how(&self) -> How {
        How {
            threads: self.threads,
            tier: self.tier.clone(),
            backend: self.backend.clone(),
            library: self.library.clone(),
        }
    }

    fn budget(&self) -> Duration {
        Duration::from_secs_f64(self.seconds.clamp(0.01, 3600.0))
    }

    fn inputs(&self, loaded: &Loaded) -> Result<Vec<redpoll_graph::Tensor>> {
        if self.input.is_empty() {
            inputs::random(&loaded.specs)
        } else {
            inputs::read(&self.input, &loaded.specs, 0)
        }
    }
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
    if let Some(outputs) = &args.contender {
        return contender::serve(args, outputs);
    }
    let wants_steps = args.profile || args.html.is_some();
    if !args.against.is_empty() {
        if wants_steps {
            bail!(Usage(
                "--profile and --html are for one engine: leave --against out".into()
            ));
        }
        return against::run(args);
    }
    if wants_steps && args.backend != Choice::Native {
        bail!(Usage(
            "--profile and --html know the steps of the native engine only".into()
        ));
    }
    alone(args, wants_steps)
}

fn alone(args: &Args, wants_steps: bool) -> Result<()> {
    let mut loaded = load(&args.model, &args.dims, &args.how())?;
    let inputs = args.inputs(&loaded)?;
    let timing = loaded.running.time(&inputs, args.budget())?;
    let rss = peak_rss_bytes();
    let mut all = json!({
        "model": args.model, "backend": args.backend.to_string(), "threads": args.threads, "runs": timing.runs,
        "min_us": timing.min_us, "p50_us": timing.p50_us, "p90_us": timing.p90_us, "p99_us": timing.p99_us,
        "load_us": loaded.load_us, "peak_rss_bytes": rss,
    });
    let mut steps = Vec::new();
    if let Some(runner) = loaded.running.native() {
        facts(runner.session(), timing.p50_us, &mut all);
        if wants_steps {
            runner.set(&inputs)?;
            let runs = (1e6 / timing.p50_us).clamp(10.0, 1000.0) as usize;
            steps = runner.session().profile(runs)?;
        }
    }
    if let Some(path) = &args.html {
        write_chart(path, &args.model, &all, &steps)?;
    }
    if args.json {
        if wants_steps {
            all["steps"] = profile::json(&steps);
        }
        say!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    print(args, &all);
    if wants_steps {
        profile::print(&steps);
    }
    Ok(())
}

/// What only our engine knows of a model.
fn facts(session: &redpoll_session::Session, p50_us: f64, all: &mut Value) {
    let macs = session.plan().macs();
    all["tier"] = session.tier().into();
    all["threads"] = session.threads().into();
    all["arena_bytes"] = session.arena_bytes().into();
    all["plan_bytes"] = session.plan_bytes().len().into();
    all["macs"] = macs.into();
    all["gmac_per_s"] = (macs as f64 / p50_us / 1e3).into();
}

fn write_chart(path: &Path, model: &Path, all: &Value, steps: &[StepProfile]) -> Result<()> {
    let title = model.display().to_string();
    std::fs::write(path, chart::page(&title, all, steps))
        .with_context(|| path.display().to_string())
}

fn print(args: &Args, all: &Value) {
    let tier = match all["tier"].as_str() {
        Some(tier) => format!("tier {tier}"),
        None => format!("backend {}", args.backend),
    };
    say!(
        "{} · {tier}, {} thread(s), {} runs",
        args.model.display(),
        all["threads"],
        all["runs"]
    );
    let us = |name: &str| text::micros(all[name].as_f64().unwrap_or(f64::NAN));
    say!(
        "  min {}   p50 {}   p90 {}   p99 {}",
        us("min_us"),
        us("p50_us"),
        us("p90_us"),
        us("p99_us")
    );
    let bytes = |name: &str| {
        all[name]
            .as_u64()
            .and_then(|n| usize::try_from(n).ok())
            .map_or("unknown".into(), text::bytes)
    };
    if let (Some(macs), Some(gmacs)) = (all["macs"].as_u64(), all["gmac_per_s"].as_f64()) {
        say!(
            "  {:.2} MMAC, {gmacs:.2} GMAC/s; load {}",
            macs as f64 / 1e6,
            us("load_us")
        );
        say!(
            "  arena {}, plan {}, peak resident set {}",
            bytes("arena_bytes"),
            bytes("plan_bytes"),
            bytes("peak_rss_bytes")
        );
    } else {
        say!(
            "  load {}, peak resident set {}",
            us("load_us"),
            bytes("peak_rss_bytes")
        );
    }
}
