//! The child process of `bench --against`: one engine, loaded once, that runs a round when it is told to.
//!
//! It writes a line of JSON when it is ready, having run once and written its outputs to a file. Then each line on
//! standard input is a round's length in milliseconds, and each is answered with the times of its runs. It sleeps
//! between rounds and ends when its input does.

use std::io::{BufRead, stdin};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use redpoll_pipeline::data::write_npz;
use serde_json::json;

use super::{Args, peak_rss_bytes, pin};
use crate::load::load;

/// Runs of one round at most: enough for percentiles, and a line that is not too long.
const MOST_RUNS: usize = 20_000;

/// Serves rounds until standard input ends.
pub fn serve(args: &Args, outputs: &Path) -> Result<()> {
    let cores = pin::pin(args.threads);
    let mut loaded = load(&args.model, &args.dims, &args.how())?;
    let inputs = args.inputs(&loaded)?;
    let start = Instant::now();
    loaded.running.set(&inputs)?;
    loaded.running.run_once()?;
    let first_run_us = start.elapsed().as_secs_f64() * 1e6;
    write_npz(outputs, &loaded.running.outputs()?)?;
    let mut ready = json!({
        "load_us": loaded.load_us, "first_run_us": first_run_us, "cores": cores, "threads": args.threads,
    });
    if let Some(runner) = loaded.running.native() {
        super::facts(runner.session(), first_run_us, &mut ready);
    }
    say!("{ready}");
    for line in stdin().lock().lines() {
        let ms: u64 = line?.trim().parse().context("a round's length")?;
        let budget = Duration::from_millis(ms);
        // Caches and the branch predictor are someone else's after the other rounds.
        let warm = Instant::now();
        while warm.elapsed() < budget / 10 {
            loaded.running.set(&inputs)?;
            loaded.running.run_once()?;
        }
        let mut ns = Vec::new();
        let begin = Instant::now();
        while ns.len() < 3 || (begin.elapsed() < budget && ns.len() < MOST_RUNS) {
            loaded.running.set(&inputs)?;
            let start = Instant::now();
            loaded.running.run_once()?;
            ns.push(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX));
        }
        say!("{}", json!({"ns": ns, "peak_rss_bytes": peak_rss_bytes()}));
    }
    Ok(())
}
