//! `redpoll bench --against`: engines in turn, each in a process of its own.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use redpoll_graph::Tensor;
use redpoll_pipeline::data::read_npz;
use serde_json::Value;

use super::agreement::Agreement;
use super::{Args, table};
use crate::backend::{self, Choice};
use crate::exit::Usage;
use crate::load::is_plan;

/// Time that an engine has to load a model and run it once.
const LOAD_LIMIT: Duration = Duration::from_secs(300);

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("redpoll-bench-{}", std::process::id()));
        std::fs::create_dir(&path).with_context(|| path.display().to_string())?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing is lost when it stays.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An engine in its process; the process ends with it.
struct Process {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    fn start(args: &Args, choice: &Choice, outputs: &Path) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg("bench")
            .arg(&args.model)
            .arg("--contender")
            .arg(outputs)
            .args(["--backend", &choice.to_string()])
            .args(["--threads", &args.threads.to_string()]);
        if let (Some(tier), Choice::Native) = (&args.tier, choice) {
            command.args(["--tier", tier]);
        }
        if let Some(path) = &args.library.path {
            command.arg("--ort-library").arg(path);
        }
        for input in &args.input {
            command.args(["--input", input]);
        }
        for dim in &args.dims.dims {
            command.args(["--dim", dim]);
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (sender, lines) = channel();
        let output = output.context("a process without standard output")?;
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self {
            input: input.context("a process without standard input")?,
            child,
            lines,
        })
    }

    /// The next line that it prints, or why there is none.
    fn answer(&mut self, limit: Duration) -> Result<Value> {
        match self.lines.recv_timeout(limit) {
            Ok(line) => Ok(serde_json::from_str(&line)?),
            Err(RecvTimeoutError::Timeout) => {
                bail!("it gave no answer in {} s", limit.as_secs())
            }
            Err(RecvTimeoutError::Disconnected) => {
                let mut said = String::new();
                if let Some(mut stderr) = self.child.stderr.take() {
                    use std::io::Read;
                    stderr.read_to_string(&mut said)?;
                }
                let said = said.trim().trim_start_matches("redpoll: ");
                let status = self.child.wait()?;
                if said.is_empty() {
                    bail!("it ended with {status}");
                }
                Err(anyhow!("{said}"))
            }
        }
    }

    fn round(&mut self, length: Duration) -> Result<Value> {
        writeln!(self.input, "{}", length.as_millis().max(1))?;
        self.input.flush()?;
        self.answer(length * 20 + LOAD_LIMIT)
    }
}

/// One engine and what was measured of it.
pub struct Contender {
    pub choice: Choice,
    /// What it said when it had loaded.
    pub ready: Value,
    /// Times of all runs, ns, a list a round.
    pub rounds: Vec<Vec<u64>>,
    pub peak_rss_bytes: Option<u64>,
    pub agreement: Option<Agreement>,
    /// Why it does not run the model.
    pub error: Option<String>,
    process: Option<Process>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let mut choices = vec![args.backend.clone()];
    for choice in &args.against {
        if choices.contains(choice) {
            bail!(Usage(format!("{choice} is named twice")));
        }
        choices.push(choice.clone());
    }
    if is_plan(&args.model) {
        bail!(Usage(format!(
            "{}: other engines read .onnx only; convert writes model.int8.onnx beside model.plan",
            args.model.display()
        )));
    }
    for choice in &choices {
        backend::check(choice, &args.library)?;
    }
    let folder = Folder::new()?;
    let mut contenders = Vec::new();
    for (i, choice) in choices.into_iter().enumerate() {
        contenders.push(load(args, choice, &folder.0.join(format!("{i}.npz")))?);
    }
    let Some(reason) = contenders.first().and_then(|c| c.error.clone()) else {
        agree(args, &mut contenders, &folder.0)?;
        measure(args, &mut contenders)?;
        return table::print(args, &contenders);
    };
    Err(refused(args, reason))
}

/// The engine that is to be compared does not run the model: as without `--against`.
fn refused(args: &Args, reason: String) -> anyhow::Error {
    match crate::load::load(&args.model, &args.dims, &args.how()) {
        Err(e) => e,
        Ok(_) => anyhow!(reason),
    }
}

/// Starts an engine. One that refuses the model is a result, not a failure of the command.
fn load(args: &Args, choice: Choice, outputs: &Path) -> Result<Contender> {
    let mut process = Process::start(args, &choice, outputs)?;
    let answer = process.answer(LOAD_LIMIT);
    let (ready, error) = match answer {
        Ok(ready) => (ready, None),
        Err(e) => (Value::Null, Some(format!("{e:#}"))),
    };
    Ok(Contender {
        choice,
        ready,
        rounds: Vec::new(),
        peak_rss_bytes: None,
        agreement: None,
        process: error.is_none().then_some(process),
        error,
    })
}

fn agree(args: &Args, contenders: &mut [Contender], folder: &Path) -> Result<()> {
    let outputs = |i: usize| -> Result<BTreeMap<String, Tensor>> {
        Ok(read_npz(&folder.join(format!("{i}.npz")))?
            .into_iter()
            .collect())
    };
    let quantized = is_quantized(&args.model)?;
    let ours = outputs(0)?;
    for (i, contender) in contenders.iter_mut().enumerate().skip(1) {
        if contender.error.is_none() {
            contender.agreement = Some(Agreement::of(&ours, &outputs(i)?, quantized));
        }
    }
    Ok(())
}

/// True when the model holds quantised tensors: engines may then differ by roundings.
fn is_quantized(path: &Path) -> Result<bool> {
    let model = redpoll_pipeline::source::read_model(path)?;
    Ok(model
        .graph()
        .node
        .iter()
        .any(|n| n.op_type.contains("Quantize") || n.op_type.starts_with("QLinear")))
}

/// All rounds, the engines in turn; who begins changes from round to round.
fn measure(args: &Args, contenders: &mut [Contender]) -> Result<()> {
    let length = args.budget() / args.rounds;
    let n = contenders.len();
    for round in 0..args.rounds as usize {
        for i in 0..n {
            let contender = &mut contenders[(round + i) % n];
            let Some(process) = &mut contender.process else {
                continue;
            };
            match process.round(length) {
                Ok(answer) => {
                    let times = answer["ns"].as_array().into_iter().flatten();
                    contender
                        .rounds
                        .push(times.filter_map(Value::as_u64).collect());
                    contender.peak_rss_bytes = answer["peak_rss_bytes"].as_u64();
                }
                Err(e) => {
                    contender.error = Some(format!("{e:#}"));
                    contender.process = None;
                }
            }
        }
    }
    if let Some(error) = &contenders[0].error {
        bail!("{error}");
    }
    Ok(())
}
