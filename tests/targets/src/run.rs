//! `run`: every plan of a folder, on every tier of this CPU, with several numbers of threads.

use std::io::Write;
use std::path::{Path, PathBuf};

use redpoll_session::{DType, Options, Session, Value, tiers};
use sha2::{Digest, Sha256};

use crate::Failure;
use crate::line::Line;

/// What the command line asks for.
struct Wanted<'a> {
    device: &'a str,
    threads: Vec<usize>,
    tiers: Vec<&'a str>,
    only: &'a str,
}

impl<'a> Wanted<'a> {
    fn read(options: &[&'a str]) -> Result<Self, Failure> {
        let mut wanted = Self {
            device: "",
            threads: vec![1, 2, 4],
            tiers: tiers(),
            only: "",
        };
        for pair in options.chunks(2) {
            match *pair {
                ["--device", name] => wanted.device = name,
                ["--threads", list] => {
                    let numbers: Result<_, _> = list.split(',').map(str::parse).collect();
                    wanted.threads = numbers?;
                }
                ["--tiers", list] => wanted.tiers = list.split(',').collect(),
                ["--only", part] => wanted.only = part,
                _ => return Err(format!("not understood: {}", pair.join(" ")).into()),
            }
        }
        if wanted.device.is_empty() {
            return Err("--device is missing".into());
        }
        Ok(wanted)
    }
}

/// Runs the command.
pub fn run(folder: &str, options: &[&str]) -> Result<(), Failure> {
    let wanted = Wanted::read(options)?;
    let mut plans: Vec<PathBuf> = std::fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_, std::io::Error>>()?;
    plans.retain(|path| path.extension().is_some_and(|e| e == "plan"));
    plans.sort();
    if plans.is_empty() {
        return Err(format!("no plans in {folder}").into());
    }
    for path in plans {
        let name = path.file_stem().and_then(|s| s.to_str());
        let name = name.ok_or_else(|| format!("{}: no name", path.display()))?;
        if !name.contains(wanted.only) {
            continue;
        }
        for tier in &wanted.tiers {
            for &threads in &wanted.threads {
                let options = Options::default().tier(*tier).threads(threads);
                let hash = hash(&path, &options).map_err(|e| format!("{name}, {tier}: {e}"))?;
                let line = Line {
                    device: wanted.device.to_owned(),
                    tier: (*tier).to_owned(),
                    threads,
                    model: name.to_owned(),
                    hash,
                };
                writeln!(std::io::stdout(), "{line}")?;
            }
        }
    }
    Ok(())
}

/// SHA-256 of the outputs of all samples beside the plan.
pub fn hash(plan: &Path, options: &Options) -> Result<String, Failure> {
    let mut session = Session::from_bytes(std::fs::read(plan)?, options)?;
    let (samples, sample_bytes) = samples(plan, &session)?;
    let mut hasher = Sha256::new();
    for sample in samples.chunks_exact(sample_bytes) {
        set_all(&mut session, sample)?;
        session.run()?;
        for i in 0..session.outputs().len() {
            hasher.update(session.output_value(i)?.as_bytes());
        }
    }
    let hash = hasher.finalize();
    Ok(hash.iter().map(|b| format!("{b:02x}")).collect())
}

/// Runs the first sample beside the plan `count` times.
pub fn repeat(plan: &str, tier: &str, count: &str) -> Result<(), Failure> {
    let (plan, count) = (Path::new(plan), count.parse::<usize>()?);
    let mut session = Session::from_bytes(std::fs::read(plan)?, &Options::default().tier(tier))?;
    let (samples, sample_bytes) = samples(plan, &session)?;
    for _ in 0..count {
        set_all(&mut session, &samples[..sample_bytes])?;
        session.run()?;
    }
    Ok(())
}

/// The samples beside the plan, at least one, and the bytes of each.
fn samples(plan: &Path, session: &Session) -> Result<(Vec<u8>, usize), Failure> {
    let samples = std::fs::read(plan.with_extension("in"))?;
    let bytes: usize = session.inputs().iter().map(|i| i.bytes).sum();
    if bytes == 0 || samples.is_empty() || !samples.len().is_multiple_of(bytes) {
        let length = samples.len();
        return Err(format!("{length} bytes of inputs are not whole samples of {bytes}").into());
    }
    Ok((samples, bytes))
}

/// Writes all inputs of one sample.
fn set_all(session: &mut Session, sample: &[u8]) -> Result<(), Failure> {
    let inputs: Vec<_> = session
        .inputs()
        .iter()
        .map(|i| (i.dtype, i.bytes))
        .collect();
    let mut left = sample;
    for (i, (dtype, bytes)) in inputs.into_iter().enumerate() {
        let (this, rest) = left.split_at(bytes);
        set(session, i, dtype, this)?;
        left = rest;
    }
    Ok(())
}

/// Writes an input from bytes at any address.
fn set(session: &mut Session, input: usize, dtype: DType, bytes: &[u8]) -> Result<(), Failure> {
    // Elements in a vector of the widest type are aligned for every type.
    let mut aligned = vec![0i64; bytes.len().div_ceil(8)];
    for (word, bytes) in aligned.iter_mut().zip(bytes.chunks(8)) {
        let mut padded = [0; 8];
        padded[..bytes.len()].copy_from_slice(bytes);
        *word = i64::from_ne_bytes(padded);
    }
    let aligned = &Value::I64(&aligned).as_bytes()[..bytes.len()];
    let value = Value::from_bytes(dtype, aligned).ok_or("elements are cut off")?;
    Ok(session.set_value(input, value)?)
}
