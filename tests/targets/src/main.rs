//! Runs plans on this device and prints a hash of their outputs; compares what devices printed.
//!
//! ```text
//! redpoll-targets run FOLDER --device NAME [--threads 1,2,4] [--tiers a,b] [--only PART]
//! redpoll-targets detect PLAN TIER,TIER…      the tiers that this CPU must have, best first; all others must be refused
//! redpoll-targets repeat PLAN TIER COUNT      runs the first sample so often: for counting instructions
//! redpoll-targets table FILE…                 a table of what `run` printed; fails on any difference
//! ```
//! `FOLDER` holds for every model `NAME.plan` and `NAME.in`: the bytes of its inputs, in the plan's order, one sample
//! after the other. A line of `run`: `device tier threads model sha256-of-all-output-bytes`, the same on every device.
#![forbid(unsafe_code)]

mod detect;
mod line;
mod run;
mod table;

use std::process::ExitCode;

const USAGE: &str =
    "redpoll-targets run FOLDER --device NAME [--threads 1,2,4] [--tiers a,b] [--only PART]
redpoll-targets detect PLAN TIER,TIER…
redpoll-targets repeat PLAN TIER COUNT
redpoll-targets table FILE…";

/// What a command says when it fails.
type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args.as_slice() {
        ["run", folder, options @ ..] => run::run(folder, options),
        ["detect", plan, tiers] => detect::detect(plan, tiers),
        ["repeat", plan, tier, count] => run::repeat(plan, tier, count),
        ["table", files @ ..] if !files.is_empty() => table::table(files),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("redpoll-targets: {failure}");
            ExitCode::FAILURE
        }
    }
}
