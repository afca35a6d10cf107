//! Loads what a path names: a plan as it is, an ONNX model by compiling it.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use redpoll_graph::DType;
use redpoll_pipeline::compile::{self, CompileOptions};
use redpoll_pipeline::data::InputSpec;
use redpoll_pipeline::measure::Runner;
use redpoll_session::Options;

use crate::exit::Usage;

/// Sizes for named dimensions: `--dim batch=1`.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Dims {
    /// Size of a symbolic dimension of the model; batch dimensions are 1 by themselves. Repeatable
    #[arg(long = "dim", value_name = "NAME=N")]
    pub dims: Vec<String>,
}

impl Dims {
    /// As options for the import.
    pub fn options(&self) -> Result<CompileOptions> {
        let mut options = CompileOptions::default();
        for text in &self.dims {
            let parsed = text
                .split_once('=')
                .and_then(|(n, v)| Some((n, v.parse().ok()?)));
            let Some((name, size)) = parsed else {
                bail!(Usage(format!("--dim {text}: expected NAME=N")));
            };
            options.dims.insert(name.to_owned(), size);
        }
        Ok(options)
    }
}

/// A model ready to run.
pub struct Loaded {
    pub runner: Runner,
    pub specs: Vec<InputSpec>,
    pub plan_bytes: usize,
    /// Time from the file's path to a session that can run, µs (compiling included for ONNX).
    pub load_us: f64,
}

/// True for a plan file, by its name.
pub fn is_plan(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "plan")
}

/// The bytes of the plan that `path` is or compiles to.
pub fn plan_bytes(path: &Path, dims: &Dims) -> Result<Vec<u8>> {
    if is_plan(path) {
        return std::fs::read(path).with_context(|| path.display().to_string());
    }
    Ok(compile::compile(path, &dims.options()?)?.plan().to_vec())
}

/// Loads `path` with `threads` and `tier`.
pub fn load(path: &Path, dims: &Dims, threads: usize, tier: Option<&str>) -> Result<Loaded> {
    let mut options = Options::default().threads(threads);
    if let Some(tier) = tier {
        options = options.tier(tier);
    }
    let start = Instant::now();
    let mut runner = if is_plan(path) {
        Runner::open(path, &options)?
    } else {
        Runner::new(&plan_bytes(path, dims)?, &options)?
    };
    let load_us = start.elapsed().as_secs_f64() * 1e6;
    let specs = specs(&mut runner)?;
    let plan_bytes = runner.session().plan_bytes().len();
    Ok(Loaded {
        runner,
        specs,
        plan_bytes,
        load_us,
    })
}

fn specs(runner: &mut Runner) -> Result<Vec<InputSpec>> {
    use redpoll_plan::DType as P;
    let mut out = Vec::new();
    for info in runner.session().inputs() {
        let dtype = match info.dtype {
            P::F32 => DType::F32,
            P::I8 => DType::I8,
            P::U8 => DType::U8,
            P::I32 => DType::I32,
            P::I64 => DType::I64,
            P::Bool => DType::Bool,
            P::F16 => bail!(Usage(format!("input \"{}\" is f16", info.name))),
        };
        out.push(InputSpec {
            name: info.name.clone(),
            dtype,
            shape: info.shape.clone(),
        });
    }
    Ok(out)
}
