//! Loads what a path names: a plan as it is, an ONNX model by compiling it, or into the backend asked for.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, bail};
use redpoll_graph::DType;
use redpoll_pipeline::compile::{self, CompileOptions};
use redpoll_pipeline::data::InputSpec;
use redpoll_pipeline::measure::Runner;
use redpoll_session::{Options, TensorInfo};

use crate::backend::{self, Choice, Library, Running};
use crate::exit::Usage;

/// Sizes for named dimensions, shapes and values of inputs: `--dim batch=1`, `--shape x=1,3,48,192`, `--set sr=16000`.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Dims {
    /// Size of a symbolic dimension of the model; batch dimensions are 1 by themselves. Repeatable
    #[arg(long = "dim", value_name = "NAME=N")]
    pub dims: Vec<String>,
    /// Whole shape of an input, for dimensions without a name: --shape x=1,3,48,192. Repeatable
    #[arg(long = "shape", value_name = "NAME=N,N,…")]
    pub shapes: Vec<String>,
    /// Makes an input a constant, so that branches on it are decided: --set sr=16000. One number, or one for each element
    /// with commas. Repeatable
    #[arg(long = "set", value_name = "NAME=VALUE", allow_hyphen_values = true)]
    pub values: Vec<String>,
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
        for text in &self.shapes {
            // A name may hold an equals sign, a shape does not.
            let parsed = text.rsplit_once('=').and_then(|(name, sizes)| {
                let sizes = sizes.split([',', 'x']).map(|n| n.trim().parse().ok());
                Some((name, sizes.collect::<Option<Vec<usize>>>()?))
            });
            let Some((name, shape)) = parsed else {
                bail!(Usage(format!("--shape {text}: expected NAME=N,N,…")));
            };
            options.shapes.insert(name.to_owned(), shape);
        }
        for text in &self.values {
            let Some((name, value)) = text.rsplit_once('=') else {
                bail!(Usage(format!("--set {text}: expected NAME=VALUE")));
            };
            options.set.insert(name.to_owned(), value.to_owned());
        }
        Ok(options)
    }
}

/// How to run a model.
#[derive(Clone, Debug, Default)]
pub struct How {
    pub threads: usize,
    pub tier: Option<String>,
    pub backend: Choice,
    pub library: Library,
}

/// A model ready to run.
pub struct Loaded {
    pub running: Running,
    pub specs: Vec<InputSpec>,
    /// Time from the file's path to a session that can run, µs (compiling included for ONNX).
    pub load_us: f64,
}

/// True for a plan file, by its name.
pub fn is_plan(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "plan")
}

/// Loads `path`.
pub fn load(path: &Path, dims: &Dims, how: &How) -> Result<Loaded> {
    if how.backend == Choice::Native {
        return native(path, dims, how);
    }
    if is_plan(path) {
        bail!(Usage(format!(
            "{}: a plan runs on the native engine only; give {} the .onnx",
            path.display(),
            how.backend
        )));
    }
    if how.tier.is_some() {
        bail!(Usage(
            "--tier chooses kernels of the native engine; other backends choose their own".into()
        ));
    }
    backend::check(&how.backend, &how.library)?;
    let shapes = backend::shapes(path, dims)?;
    let start = Instant::now();
    let opened = backend::open(&how.backend, path, &shapes, how.threads, &how.library)?;
    let load_us = start.elapsed().as_secs_f64() * 1e6;
    Ok(Loaded {
        specs: specs(opened.inputs())?,
        running: Running::Other(Runner::of(opened)),
        load_us,
    })
}

fn native(path: &Path, dims: &Dims, how: &How) -> Result<Loaded> {
    let mut options = Options::default().threads(how.threads);
    if let Some(tier) = &how.tier {
        options = options.tier(tier.as_str());
    }
    let start = Instant::now();
    let mut runner = if is_plan(path) {
        Runner::open(path, &options)?
    } else {
        let compiled = compile::compile(path, &dims.options()?)
            .map_err(|e| backend::advise(path, dims, &how.library, e))?;
        Runner::new(compiled.plan(), &options)?
    };
    let load_us = start.elapsed().as_secs_f64() * 1e6;
    Ok(Loaded {
        specs: specs(runner.session().inputs())?,
        running: Running::Native(Box::new(runner)),
        load_us,
    })
}

fn specs(inputs: &[TensorInfo]) -> Result<Vec<InputSpec>> {
    use redpoll_plan::DType as P;
    let mut out = Vec::new();
    for info in inputs {
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
