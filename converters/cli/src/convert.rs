//! `redpoll convert`: a trained model becomes int8 ONNX, a plan and a report.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use redpoll_graph::DType;
use redpoll_pipeline::calibrate::{CalibrateOptions, Engine, Method, Ranges, calibrate};
use redpoll_pipeline::convert::{Conversion, Request, calibration_set, convert};
use redpoll_pipeline::data::{InputSpec, Preprocess, Samples};
use redpoll_pipeline::lower::{LowerOptions, StatePair, WeightType};
use redpoll_pipeline::quantize::{Io, Scheme};
use redpoll_pipeline::report::{Report, to_html};
use redpoll_pipeline::stream::StreamOptions;
use redpoll_pipeline::{Calibrated, Optimized};

use crate::backend::{Library, advise};
use crate::exit::{AccuracyDrop, Usage};
use crate::load::{Dims, is_plan};
use crate::{embed, progress, text};

/// Convert a trained model to int8 ONNX and a plan, and measure what it costs
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  redpoll convert model.onnx --calibrate samples.npz --evaluate test.npz -o out/
  redpoll convert model.onnx --calibrate photos/ --preprocess imagenet.toml --max-drop 0.5 -o out/
  redpoll convert model.onnx --calibrate samples.npz --keep-float conv_7 --method percentile -o out/
  redpoll convert model.onnx --ranges out/ranges.json --evaluate test.npz -o out2/
  redpoll convert model.onnx --calibrate samples.npz --io int8 --target cortex-m --emit rust model/ -o out/
  redpoll convert model.onnx --weights f16 -o out/          # no samples: the plan stays float
  redpoll convert causal.onnx --dim T=100 --stream 1 -o out/   # axis 1 of the input is time: a plan of one step
  redpoll convert vad.onnx --dim sequence=576 --set sr=16000 --state stateN=state -o out/
  redpoll convert model.tflite -o out/                      # int8 with its own scales, variables as state

Writes OUT/model.plan, OUT/report.json, OUT/report.html and, when the model is quantised here, OUT/model.int8.onnx and
OUT/ranges.json (which can be edited and given back with --ranges). A model that arrives quantised keeps its own scales;
of a quantised .tflite, OUT/model.int8.onnx is written as well.")]
pub struct Args {
    /// The model: ONNX or TFLite
    model: PathBuf,
    /// Samples to calibrate with: .npz (x, or an array an input), folder of .npy, folder of images
    #[arg(long, value_name = "DATA")]
    calibrate: Option<PathBuf>,
    /// Other samples to measure the accuracy on (y: classes)
    #[arg(long, value_name = "DATA")]
    evaluate: Option<PathBuf>,
    /// Folder for the results
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// How ranges are found from what calibration saw; without it, what does best on samples held out
    #[arg(long, value_enum)]
    method: Option<MethodArg>,
    /// Ranges of an earlier conversion, instead of calibrating
    #[arg(long, value_name = "FILE.json")]
    ranges: Option<PathBuf>,
    /// Type of quantised activations
    #[arg(long, value_enum, default_value = "i8")]
    activations: ActivationArg,
    /// Type of the model's inputs and outputs
    #[arg(long, value_enum, default_value = "float")]
    io: IoArg,
    /// Leaves this node in float. Repeatable
    #[arg(long, value_name = "NODE")]
    keep_float: Vec<String>,
    /// Storage of the weights that stay float
    #[arg(long, value_enum, default_value = "f32")]
    weights: WeightArg,
    /// What the plan is laid out for; any plan runs everywhere
    #[arg(long, value_enum, default_value = "host")]
    target: TargetArg,
    /// Also writes source code that holds the plan: `rust DIR` a no_std crate, `c DIR` a header and an array. Repeatable
    #[arg(long, num_args = 2, value_names = ["LANGUAGE", "DIR"], action = clap::ArgAction::Append)]
    emit: Vec<String>,
    /// Name of the emitted crate or array; the model's file name when absent
    #[arg(long)]
    name: Option<String>,
    /// Folder of a checkout of redpoll that the emitted crate depends on, instead of the published runtime
    #[arg(long, value_name = "DIR")]
    runtime: Option<PathBuf>,
    /// Hands an output to an input of the next run: --state stateN=state. The plan keeps it; both vanish from its inputs and
    /// outputs. Repeatable
    #[arg(long, value_name = "OUTPUT=INPUT")]
    state: Vec<String>,
    /// Makes the plan one of a step over a stream: axis AXIS of the only input is time, or of the input named. A step takes FRAMES
    /// frames, the fewest that the model allows without; what it needs of those before is state. The model must be causal.
    /// Repeatable
    #[arg(long, value_name = "[INPUT=]AXIS[:FRAMES]")]
    stream: Vec<String>,
    /// How images become tensors
    #[arg(long, value_name = "FILE.toml")]
    preprocess: Option<PathBuf>,
    /// Fails with exit code 3 when top-1 falls by more points than this
    #[arg(long, value_name = "POINTS", allow_negative_numbers = true)]
    max_drop: Option<f64>,
    /// Prints the report as JSON instead of a summary
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    dims: Dims,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum MethodArg {
    MinMax,
    MovingAverage,
    Percentile,
    Entropy,
    Mse,
    Guarded,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ActivationArg {
    I8,
    U8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum IoArg {
    Float,
    Int8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TargetArg {
    /// Processors with caches
    Host,
    /// Microcontrollers: 16-byte alignment, no names, little scratch
    CortexM,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum WeightArg {
    F32,
    F16,
}

fn request(args: &Args) -> Result<Request> {
    let method = args.method.map(|method| match method {
        MethodArg::MinMax => Method::MinMax,
        MethodArg::MovingAverage => Method::MovingAverage,
        MethodArg::Percentile => Method::PERCENTILE,
        MethodArg::Entropy => Method::Entropy,
        MethodArg::Mse => Method::MeanSquaredError,
        MethodArg::Guarded => Method::Guarded,
    });
    let ranges = match &args.ranges {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
            Some(Ranges::from_json(&text)?)
        }
    };
    let mut scheme = Scheme {
        keep_float: args.keep_float.clone(),
        ..Scheme::default()
    };
    if args.activations == ActivationArg::U8 {
        scheme.activations = DType::U8;
    }
    if args.io == IoArg::Int8 {
        scheme.io = Io::Int8;
    }
    let mut lower = match args.target {
        TargetArg::Host => LowerOptions::default(),
        TargetArg::CortexM => LowerOptions::cortex_m(),
    };
    if args.weights == WeightArg::F16 {
        lower.weights = WeightType::F16;
    }
    for text in &args.state {
        let Some((output, input)) = text.split_once('=') else {
            bail!(Usage(format!("--state {text}: expected OUTPUT=INPUT")));
        };
        lower.states.push(StatePair {
            output: output.to_owned(),
            input: input.to_owned(),
        });
    }
    Ok(Request {
        model: args.model.clone(),
        calibrate: args.calibrate.clone(),
        evaluate: args.evaluate.clone(),
        ranges,
        preprocess: args
            .preprocess
            .as_deref()
            .map(Preprocess::read)
            .transpose()?,
        compile: args.dims.options()?,
        method,
        scheme,
        lower,
        stream: streamed(&args.stream)?,
    })
}

/// What `--stream` says.
fn streamed(texts: &[String]) -> Result<Option<StreamOptions>> {
    let mut options = StreamOptions::default();
    for text in texts {
        let (name, rest) = text.rsplit_once('=').unwrap_or(("", text));
        let (axis, frames) = match rest.split_once(':') {
            Some((axis, frames)) => (axis, Some(frames)),
            None => (rest, None),
        };
        let number = |v: &str| v.parse::<usize>().ok();
        let frames = frames.map(|v| number(v).filter(|&n| n > 0));
        let (Some(axis), None | Some(Some(_))) = (number(axis), frames) else {
            bail!(Usage(format!(
                "--stream {text}: expected AXIS, INPUT=AXIS or INPUT=AXIS:FRAMES"
            )));
        };
        options.inputs.push((name.to_owned(), axis));
        options.frames = frames.flatten().or(options.frames);
    }
    Ok((!texts.is_empty()).then_some(options))
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    if args.max_drop.is_some() && args.evaluate.is_none() {
        bail!(Usage("--max-drop needs --evaluate".into()));
    }
    if is_plan(&args.model) {
        bail!(Usage("a plan is converted already: give the .onnx".into()));
    }
    let languages = embed::languages(&args.emit)?;
    let request = request(args)?;
    std::fs::create_dir_all(&args.output).with_context(|| args.output.display().to_string())?;
    let bar = progress::bar("read");
    let result = convert(&request, &mut |what, done, total| {
        bar.set_message(what);
        progress::update(&bar, done, total);
    });
    bar.finish_and_clear();
    let conversion = result.map_err(|e| advise(&args.model, &args.dims, &Library::default(), e))?;
    write(&args.output, &conversion)?;
    let name = args.name.as_deref().unwrap_or(&conversion.report.model);
    embed::write(&languages, &conversion, name, args.runtime.as_deref())?;
    if args.json {
        say!("{}", conversion.report.to_json());
    } else {
        summary(&conversion.report, &args.output);
    }
    check(args.max_drop, &conversion.report)
}

fn write(out: &Path, c: &Conversion) -> Result<()> {
    let put = |name: &str, bytes: &[u8]| {
        let path = out.join(name);
        std::fs::write(&path, bytes).with_context(|| path.display().to_string())
    };
    put("model.plan", c.lowered.plan())?;
    if let Some(onnx) = &c.int8_onnx {
        put("model.int8.onnx", onnx)?;
    }
    if let Some(ranges) = &c.ranges {
        put(
            "ranges.json",
            serde_json::to_string_pretty(ranges)?.as_bytes(),
        )?;
    }
    put("report.json", c.report.to_json().as_bytes())?;
    put("report.html", to_html(&c.report).as_bytes())
}

fn check(bound: Option<f64>, r: &Report) -> Result<()> {
    let (Some(bound), Some(float), Some(int8)) = (bound, r.float.top1, r.int8.top1) else {
        if bound.is_some() && !r.quantized_here {
            bail!(Usage(
                "--max-drop compares int8 with float: this model was not quantised here".into()
            ));
        }
        if bound.is_some() {
            bail!(Usage(
                "--max-drop needs classes (y) in the evaluation samples".into()
            ));
        }
        return Ok(());
    };
    let drop = (float - int8) * 100.0;
    if drop > bound {
        bail!(AccuracyDrop { drop, bound });
    }
    Ok(())
}

/// The figures of a model that was not quantised here: it has one form only.
fn alone(r: &Report) {
    let (form, score) = match r.arrived_int8 {
        true => ("int8", &r.int8),
        false => ("float", &r.float),
    };
    say!("  not quantised here: the plan is the {form} model as it arrived");
    if let Some(top1) = score.top1 {
        let top1 = text::percent(Some(top1));
        say!("  top-1 {top1} on {} samples", r.evaluation_samples);
    }
    if let Some(us) = score.p50_us {
        say!("  latency p50 {}", text::micros(us));
    }
}

fn summary(r: &Report, out: &Path) {
    say!(
        "{}: {:.2} MMAC, {} layers",
        r.model,
        r.macs as f64 / 1e6,
        r.layers.len()
    );
    if r.calibration_samples > 0 {
        say!(
            "  calibrated on {} samples ({}), measured on {}",
            r.calibration_samples,
            r.method,
            r.evaluation_samples
        );
    }
    for c in &r.candidates {
        let headroom = c.equalize_headroom;
        say!(
            "    {} {:17} {:24} {:>9} on {} samples held out",
            if c.chosen { ">" } else { " " },
            c.method,
            headroom.map_or("not equalised".into(), |h| format!(
                "equalised, headroom {h}"
            )),
            text::decibel(c.held_out_sqnr_db),
            r.held_out_samples
        );
    }
    if !r.quantized_here {
        alone(r);
    } else if r.evaluation_samples > 0 {
        say!("  {:14} {:>12} {:>12}", "", "float", "int8");
        let row = |name: &str, f: String, q: String| say!("  {name:14} {f:>12} {q:>12}");
        if r.float.top1.is_some() {
            row(
                "top-1",
                text::percent(r.float.top1),
                text::percent(r.int8.top1),
            );
        }
        if r.float.top5.is_some() {
            row(
                "top-5",
                text::percent(r.float.top5),
                text::percent(r.int8.top5),
            );
        }
        if r.int8.agreement.is_some() {
            row(
                "same as float",
                text::percent(r.float.agreement),
                text::percent(r.int8.agreement),
            );
        }
        row("output SQNR", "–".into(), text::decibel(r.sqnr_db));
        let us = |v: Option<f64>| v.map_or("–".into(), text::micros);
        row("latency p50", us(r.float.p50_us), us(r.int8.p50_us));
        row(
            "ONNX file",
            text::bytes(r.float_onnx_bytes),
            text::bytes(r.int8_onnx_bytes),
        );
    }
    // The tier that was measured on, if any was.
    let tier = if r.tier.is_empty() {
        String::new()
    } else {
        format!("; tier {}", r.tier)
    };
    say!(
        "  plan {}, weights {}, arena {} (live at the worst step {}), scratch {} a thread{tier}",
        text::bytes(r.plan_bytes),
        text::bytes(r.weight_bytes),
        text::bytes(r.arena_bytes),
        text::bytes(r.live_bytes),
        text::bytes(r.scratch_bytes)
    );
    let mut worst: Vec<_> = r
        .layers
        .iter()
        .filter_map(|l| Some((l.sqnr_db?, &l.name)))
        .collect();
    worst.sort_by(|a, b| a.0.total_cmp(&b.0));
    if let [(db, name), ..] = worst[..] {
        say!("  layer furthest from float: {name} ({db:.1} dB)");
    }
    let kept = r.layers.iter().filter(|l| l.reason.is_some()).count();
    if kept > 0 {
        say!("  {kept} layer(s) stay in float, see the report for why");
    }
    let onnx = if r.quantized_here {
        "model.int8.onnx, "
    } else {
        ""
    };
    say!(
        "  wrote {}: {onnx}model.plan, report.json, report.html ({:.1} s)",
        out.display(),
        r.seconds
    );
}

/// Optimised model and samples to ranges, for `inspect`.
pub fn calibrate_only(optimized: &Optimized, samples: &Path) -> Result<Calibrated> {
    let samples = Samples::open(samples, &InputSpec::of(optimized.graph()), None)?;
    let bar = progress::bar("calibrate");
    let calibrated = calibrate(
        optimized,
        calibration_set(&samples)?,
        &CalibrateOptions::default(),
        &Engine::default(),
        &mut |done, total| progress::update(&bar, done, total),
    );
    bar.finish_and_clear();
    Ok(calibrated?)
}
