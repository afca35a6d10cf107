//! `redpoll listen`: events in a recording or a stream.

mod assist;
mod enhance;
mod input;
mod model;
mod models;
mod print;
mod serve;
mod speaker;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, bail};
use redpoll_voice::task::Event;

use crate::exit::Usage;
use crate::load::Dims;
use input::Source;
use model::{Choices, Kind};

/// Listen to a recording or a stream and print what was heard
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  redpoll listen talk.flac --task vad --model silero_vad_16k_op15.onnx
  redpoll listen kitchen.wav --task wake --model alexa.tflite --json
  redpoll listen numbers.wav --task digits --model models/digits/digits.onnx
  arecord -q -f S16_LE -r 16000 -t raw | redpoll listen - --task wake --model hey_jarvis.tflite
  redpoll listen --wyoming 10400 --wake alexa=alexa.tflite --vad silero_vad_16k_op15.onnx
  redpoll listen models/digits/sample.wav --task assistant --wake-word four --words models/digits/digits.onnx
  redpoll listen noisy.wav --task enhance --model nsnet2-20ms-baseline.onnx -o clean.wav
  redpoll listen anna.wav --task speaker --model resemblyzer.onnx --compare who.wav

Tasks and the models that they take (.onnx, .tflite or .plan):
  vad      silero_vad for 16 kHz: 576 samples in, a probability out
  wake     microWakeWord: int8 [1, frames, 40] in, a probability out; openWakeWord with --mel and --embedding
  kws      MLPerf Tiny keyword spotting: 49 x 10 coefficients in, 12 classes out
  digits   models/digits: 61 x 32 log-mel in, 12 classes out
  enhance  NSNet2 for 16 kHz: 161 logarithms of powers to 161 gains; writes -o
  speaker  resemblyzer: frames of 40 mel bands to a vector
  assistant  --wake or --wake-word, --words, and --vad if wanted; --grammar says what words mean

WAV and FLAC of any rate and number of channels; - is WAV, FLAC or, without their header, 16-bit mono samples at --rate.
Times are in seconds from the beginning. With --json a line an event.")]
pub struct Args {
    /// A WAV or FLAC file, - for standard input, or mic for a microphone
    #[arg(required_unless_present = "wyoming")]
    input: Option<PathBuf>,
    /// What to listen for
    #[arg(long, value_enum, required_unless_present = "wyoming")]
    task: Option<Kind>,
    /// The model
    #[arg(long, value_name = "FILE", required_unless_present_any = ["wyoming", "words"])]
    model: Option<PathBuf>,
    /// Probability from which something counts; each task has its own default
    #[arg(long, value_name = "P")]
    threshold: Option<f32>,
    /// Samples a second of a microphone, and of standard input without a header
    #[arg(long, default_value_t = 16_000, value_name = "HZ")]
    rate: u32,
    /// Prints a JSON object a line
    #[arg(long)]
    json: bool,
    /// Prints every probability of the model too (vad, wake)
    #[arg(long)]
    probabilities: bool,
    /// Prints at the end how long it took, as a share of the recording's length
    #[arg(long)]
    time: bool,
    #[command(flatten)]
    dims: Dims,
    /// Program that records for the input mic: 16-bit mono samples at --rate on its standard output
    #[arg(long, value_name = "PROGRAM")]
    recorder: Option<String>,
    #[command(flatten)]
    models: models::Models,
    #[command(flatten)]
    assistant: assist::Assisting,
    #[command(flatten)]
    voices: speaker::Voices,
    #[command(flatten)]
    server: serve::Serving,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let (models, dims, threshold) = (&args.models, &args.dims, args.threshold);
    if let Some(address) = &args.server.wyoming {
        return serve::run(address, &args.server, models, threshold, dims, args.json);
    }
    let (Some(path), Some(kind)) = (&args.input, args.task) else {
        bail!(Usage("listen: expected a recording and --task".into()));
    };
    let source = Source {
        path,
        raw_rate: args.rate,
        recorder: args.recorder.as_deref(),
    };
    if kind == Kind::Assistant {
        return assist::run(&source, &args.assistant, models, threshold, dims, args.json);
    }
    if models.any() || args.assistant.any() {
        bail!(Usage("--wake, --vad, --words and what an assistant does go with --wyoming or --task assistant".into()));
    }
    let Some(model) = &args.model else {
        bail!(Usage("listen: expected --model".into()));
    };
    let choices = Choices {
        kind,
        model,
        threshold: args.threshold,
        telling: args.probabilities,
        dims: &args.dims,
        features: models.features(),
    };
    match kind {
        Kind::Enhance => {
            let output = args.voices.output.as_deref();
            return enhance::run(&source, &choices, output, args.time, args.json);
        }
        Kind::Speaker => {
            return speaker::run(&source, &choices, &args.voices, args.time, args.json);
        }
        _ => {}
    }
    let prepared = choices.open()?;
    let mut task = prepared.task()?;
    let rate = task.sample_rate();
    let (mut events, mut samples, mut busy) = (Vec::new(), 0u64, 0.0);
    let name = model.file_stem().unwrap_or_default().to_string_lossy();
    let tell = |events: &mut Vec<Event>| {
        for event in events.drain(..) {
            print::event(&event, rate, &prepared.labels, &name, args.json);
        }
    };
    let mut result = Ok(());
    let read = source.read(rate, |piece| {
        samples += piece.len() as u64;
        let start = Instant::now();
        result = task.push(piece, &mut events);
        busy += start.elapsed().as_secs_f64();
        tell(&mut events);
        result.is_ok()
    });
    result?;
    // What was heard before a broken place counts.
    if samples > 0 {
        let start = Instant::now();
        task.finish(&mut events)?;
        busy += start.elapsed().as_secs_f64();
        tell(&mut events);
    }
    read?;
    if args.time {
        print::time(busy, samples as f64 / f64::from(rate), args.json);
    }
    Ok(())
}
