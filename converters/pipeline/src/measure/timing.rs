//! Latency of a plan on this machine.

use std::time::{Duration, Instant};

use redpoll_graph::Tensor;
use redpoll_session::Backend;

use super::Runner;
use crate::Error;

/// Percentiles of the time of one inference, µs.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Timing {
    pub runs: usize,
    pub min_us: f64,
    pub p50_us: f64,
    pub p90_us: f64,
    pub p99_us: f64,
}

/// Warms up for a tenth of `budget`, then runs until it is spent, at least `min_runs` times. Inputs are written anew
/// before each run; that is not part of the time.
///
/// # Errors
/// When the inputs do not fit or a run fails.
pub fn time<B: Backend>(
    runner: &mut Runner<B>,
    inputs: &[Tensor],
    budget: Duration,
    min_runs: usize,
) -> Result<Timing, Error> {
    let warm_up = Instant::now();
    loop {
        runner.set(inputs)?;
        runner.session().run()?;
        if warm_up.elapsed() >= budget / 10 {
            break;
        }
    }
    let mut times = Vec::new();
    let begin = Instant::now();
    while times.len() < min_runs.max(1) || begin.elapsed() < budget {
        runner.set(inputs)?;
        let start = Instant::now();
        runner.session().run()?;
        times.push(start.elapsed().as_nanos() as f64 / 1e3);
    }
    times.sort_by(f64::total_cmp);
    let at = |q: f64| times[((times.len() - 1) as f64 * q).round() as usize];
    Ok(Timing {
        runs: times.len(),
        min_us: times[0],
        p50_us: at(0.5),
        p90_us: at(0.9),
        p99_us: at(0.99),
    })
}
