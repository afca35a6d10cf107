//! `redpoll listen --task speaker`: whose voice it is.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use redpoll_voice::audio;
use redpoll_voice::task::{Speaker, similarity};
use serde_json::{Value, json};

use super::input::Source;
use super::model::Choices;
use super::print;
use crate::exit::Usage;

/// Two recordings are of one voice from here on: between what 40 recordings of ten people gave (docs/results.md).
const SAME: f32 = 0.75;
/// Longest recording of a voice.
const LONGEST_SECONDS: usize = 600;
/// Bytes of a stored voice at most.
const LONGEST_FILE: u64 = 1 << 20;

/// Voices to keep and to compare with.
#[derive(clap::Args)]
#[command(next_help_heading = "Speakers and enhancement")]
pub struct Voices {
    /// Writes the voice (JSON), to be compared with later (--task speaker)
    #[arg(long, value_name = "OUT.json")]
    enrol: Option<PathBuf>,
    /// A recording or a written voice to compare with (--task speaker). Repeatable
    #[arg(long, value_name = "FILE")]
    compare: Vec<PathBuf>,
    /// The recording to write (--task enhance)
    #[arg(long, short, value_name = "OUT.wav")]
    pub output: Option<PathBuf>,
}

/// Runs the command.
pub fn run(
    source: &Source<'_>,
    choices: &Choices<'_>,
    args: &Voices,
    time: bool,
    as_json: bool,
) -> Result<()> {
    if args.enrol.is_none() && args.compare.is_empty() {
        bail!(Usage(
            "--task speaker: give --enrol OUT.json or --compare FILE".into()
        ));
    }
    let same = choices.threshold.unwrap_or(SAME);
    let mut task = Speaker::new(choices.session()?).map_err(|e| choices.named(e))?;
    let rate = task.sample_rate();
    let samples = collect(rate, |each| source.read(rate, each))?;
    let start = Instant::now();
    let voice = task.embed(&samples)?;
    let busy = start.elapsed().as_secs_f64();
    if let Some(path) = &args.enrol {
        let text = json!({"voice": voice}).to_string();
        std::fs::write(path, text).with_context(|| path.display().to_string())?;
    }
    for path in &args.compare {
        let other = match stored(path)? {
            Some(other) => other,
            None => {
                let read = |each: &mut dyn FnMut(&[f32]) -> bool| {
                    audio::read_file(path, rate, each).with_context(|| path.display().to_string())
                };
                task.embed(&collect(rate, read)?)?
            }
        };
        if other.len() != voice.len() {
            let (path, n, m) = (path.display(), other.len(), voice.len());
            bail!(Usage(format!(
                "{path}: a voice of {n} values, the model's have {m}"
            )));
        }
        let alike = similarity(&voice, &other);
        let verdict = if alike >= same {
            "the same voice"
        } else {
            "another voice"
        };
        let path = path.display().to_string();
        if as_json {
            say!(
                "{}",
                json!({"event": "speaker", "file": path, "similarity": alike, "same": alike >= same})
            );
        } else {
            say!("{alike:.3}  {verdict}  {path}");
        }
    }
    if time {
        print::time(busy, samples.len() as f64 / f64::from(rate), as_json);
    }
    Ok(())
}

/// All samples of a recording.
fn collect(
    rate: u32,
    read: impl FnOnce(&mut dyn FnMut(&[f32]) -> bool) -> Result<()>,
) -> Result<Vec<f32>> {
    let (mut samples, longest) = (Vec::new(), LONGEST_SECONDS * rate as usize);
    read(&mut |piece| {
        samples.extend_from_slice(piece);
        samples.len() <= longest
    })?;
    if samples.len() > longest {
        bail!(Usage(format!(
            "a voice is taken from {LONGEST_SECONDS} s at most"
        )));
    }
    Ok(samples)
}

/// A voice that was written; `None` for a file that is none, a recording.
fn stored(path: &Path) -> Result<Option<Vec<f32>>> {
    if path.extension().is_none_or(|e| e != "json") {
        return Ok(None);
    }
    let failed = || path.display().to_string();
    if std::fs::metadata(path).with_context(failed)?.len() > LONGEST_FILE {
        bail!(Usage(format!("{}: too long for a voice", path.display())));
    }
    let text = std::fs::read_to_string(path).with_context(failed)?;
    let voice = serde_json::from_str::<Value>(&text).ok().and_then(|value| {
        let values = value.get("voice")?.as_array()?.iter();
        values
            .map(|x| Some(x.as_f64()? as f32))
            .collect::<Option<Vec<f32>>>()
    });
    match voice {
        Some(voice) => Ok(Some(voice)),
        None => bail!(Usage(format!(
            "{}: no voice written by --enrol",
            path.display()
        ))),
    }
}
