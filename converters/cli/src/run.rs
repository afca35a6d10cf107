//! `redpoll run`: one inference.

use std::path::PathBuf;

use anyhow::Result;
use redpoll_graph::{Data, Tensor};
use redpoll_pipeline::data::write_npz;
use sha2::{Digest, Sha256};

use crate::backend::{Choice, Library};
use crate::inputs;
use crate::load::{Dims, How, load};

/// Run a model once
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  redpoll run out/model.plan --input test.npz -o result.npz
  redpoll run out/model.plan --input test.npz --sample 7 --hash
  redpoll run model.onnx --input image=cat.npy --threads 2 --tier avx2 --hash
  redpoll run model.onnx --input test.npz --backend tract
  redpoll run model.onnx --input test.npz --backend ort:xnnpack+cpu --ort-library venv/

Backends: native (the default), tract, ort, ort:PROVIDER with an execution provider of ONNX Runtime. None stands in for
another: what the provider does not take is an error, unless +cpu leaves it to ONNX Runtime's own kernels. `redpoll info`
says which are built in and what the library offers.

--hash prints a line an output: name, type, shape (as [1,10]), SHA-256 of its bytes. The line is the same on every tier and
with every number of threads of the native engine.")]
pub struct Args {
    /// A .plan, or an .onnx or .tflite that is compiled first
    model: PathBuf,
    /// NAME=FILE.npy, or FILE.npz with an array an input (or x). Repeatable
    #[arg(long, required = true, value_name = "NAME=FILE|FILE.npz")]
    input: Vec<String>,
    /// Which sample, where the arrays hold several
    #[arg(long, default_value_t = 0)]
    sample: usize,
    /// Writes the outputs, an array each
    #[arg(short, long, value_name = "FILE.npz")]
    output: Option<PathBuf>,
    /// Threads that compute
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Instruction-set tier instead of the best one (see `redpoll info`)
    #[arg(long)]
    tier: Option<String>,
    /// Engine that runs it: native, tract, ort, ort:PROVIDER[+cpu]
    #[arg(long, default_value_t, value_name = "NAME")]
    backend: Choice,
    #[command(flatten)]
    library: Library,
    /// Prints name, type, shape and SHA-256 of every output
    #[arg(long)]
    hash: bool,
    #[command(flatten)]
    dims: Dims,
}

/// The bytes of a tensor, little-endian.
fn bytes(tensor: &Tensor) -> Vec<u8> {
    match tensor.data() {
        Data::F32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::I8(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::U8(v) => v.clone(),
        Data::I32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::I64(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::Bool(v) => v.iter().map(|&x| x.into()).collect(),
    }
}

fn hex_hash(tensor: &Tensor) -> String {
    Sha256::digest(bytes(tensor))
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

/// The first elements, for a look.
fn preview(tensor: &Tensor) -> String {
    const SHOWN: usize = 8;
    let list: Vec<String> = match tensor.data() {
        Data::F32(v) => v.iter().take(SHOWN).map(|x| format!("{x:.5}")).collect(),
        Data::I8(v) => v.iter().take(SHOWN).map(ToString::to_string).collect(),
        Data::U8(v) => v.iter().take(SHOWN).map(ToString::to_string).collect(),
        Data::I32(v) => v.iter().take(SHOWN).map(ToString::to_string).collect(),
        Data::I64(v) => v.iter().take(SHOWN).map(ToString::to_string).collect(),
        Data::Bool(v) => v.iter().take(SHOWN).map(ToString::to_string).collect(),
    };
    let more = if tensor.len() > SHOWN { ", …" } else { "" };
    format!("[{}{more}]", list.join(", "))
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let how = How {
        threads: args.threads,
        tier: args.tier.clone(),
        backend: args.backend.clone(),
        library: args.library.clone(),
    };
    let mut loaded = load(&args.model, &args.dims, &how)?;
    let inputs = inputs::read(&args.input, &loaded.specs, args.sample)?;
    loaded.running.set(&inputs)?;
    loaded.running.run_once()?;
    let outputs = loaded.running.outputs()?;
    for (name, tensor) in &outputs {
        let (dtype, shape) = (tensor.dtype(), tensor.shape());
        if args.hash {
            let dims: Vec<_> = shape.iter().map(ToString::to_string).collect();
            say!("{name} {dtype} [{}] {}", dims.join(","), hex_hash(tensor));
        } else {
            say!("{name}: {dtype}{shape:?} = {}", preview(tensor));
        }
    }
    if let Some(path) = &args.output {
        write_npz(path, &outputs)?;
    }
    Ok(())
}
