//! Inputs given on the command line: `NAME=FILE.npy`, or `FILE.npz` with an array an input (or `x`).

use std::path::Path;

use anyhow::{Result, bail};
use redpoll_graph::Tensor;
use redpoll_pipeline::data::{InputSpec, Samples};

use crate::exit::Usage;

/// The tensors of the first sample that the arguments name, in the order of `specs`. Arrays may have a leading axis
/// over samples; `sample` picks one.
pub fn read(args: &[String], specs: &[InputSpec], sample: usize) -> Result<Vec<Tensor>> {
    let mut found: Vec<Option<Tensor>> = vec![None; specs.len()];
    for arg in args {
        match arg.split_once('=') {
            Some((name, file)) => {
                let Some(i) = specs.iter().position(|s| s.name == name) else {
                    let names: Vec<_> = specs.iter().map(|s| s.name.as_str()).collect();
                    bail!(Usage(format!(
                        "the model has no input \"{name}\"; it has {names:?}"
                    )));
                };
                let samples = Samples::open(Path::new(file), &specs[i..=i], None)?;
                found[i] = samples
                    .get(pick(&samples, sample)?)?
                    .inputs
                    .into_iter()
                    .next();
            }
            None => {
                let samples = Samples::open(Path::new(arg), specs, None)?;
                let all = samples.get(pick(&samples, sample)?)?.inputs;
                for (slot, tensor) in found.iter_mut().zip(all) {
                    *slot = Some(tensor);
                }
            }
        }
    }
    let missing: Vec<_> = specs
        .iter()
        .zip(&found)
        .filter(|(_, f)| f.is_none())
        .map(|(s, _)| &s.name)
        .collect();
    if !missing.is_empty() {
        bail!(Usage(format!(
            "no value for input {missing:?}: give --input NAME=FILE.npy or --input FILE.npz"
        )));
    }
    Ok(found.into_iter().flatten().collect())
}

fn pick(samples: &Samples, sample: usize) -> Result<usize> {
    if sample >= samples.len() {
        bail!(Usage(format!(
            "there is no sample {sample}, only {}",
            samples.len()
        )));
    }
    Ok(sample)
}

/// Pseudo-random inputs for timing: deterministic, in a plausible range.
pub fn random(specs: &[InputSpec]) -> Result<Vec<Tensor>> {
    use redpoll_graph::{DType, Data};
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as u32
    };
    let mut out = Vec::new();
    for spec in specs {
        let n: usize = spec.shape.iter().product();
        let data = match spec.dtype {
            DType::F32 => Data::F32(
                (0..n)
                    .map(|_| next() as f32 / (1 << 24) as f32 * 2.0 - 1.0)
                    .collect(),
            ),
            DType::I8 => Data::I8((0..n).map(|_| next() as i8).collect()),
            DType::U8 => Data::U8((0..n).map(|_| next() as u8).collect()),
            DType::I32 => Data::I32((0..n).map(|_| (next() & 0xff) as i32).collect()),
            DType::I64 => Data::I64((0..n).map(|_| (next() & 0xff).into()).collect()),
            DType::Bool => Data::Bool((0..n).map(|_| next() & 1 == 1).collect()),
        };
        out.push(Tensor::new(spec.shape.clone(), data)?);
    }
    Ok(out)
}
