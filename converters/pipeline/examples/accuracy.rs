//! Measures the quantiser on samples: `accuracy MODEL.onnx FOLDER [OPTION…]`, FOLDER with calibrate.npz and evaluate.npz.
//!
//! Options: `--method M` (calibration method, else the best on samples held out), `--nearest`, `--no-bias`, `--no-equalize`, `--calibrate N` (samples). Prints one line: top-1 of float and int8, agreement, SQNR of the outputs, seconds.

use std::path::Path;
use std::time::Instant;

use redpoll_graph::Tensor;
use redpoll_onnx::{Limits, Model};
use redpoll_pipeline::calibrate::Engine;
use redpoll_pipeline::data::{InputSpec, Samples};
use redpoll_pipeline::lower::{LowerOptions, lower_optimized, lower_quantized};
use redpoll_pipeline::measure::{Runner, evaluate};
use redpoll_pipeline::quantize::{Rounding, Scheme, quantize, search};
use redpoll_pipeline::{Error, import, optimize};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|a| a == name)?;
        arguments.get(at + 1)
    };
    let has = |name: &str| arguments.iter().any(|a| a == name);
    let [path, folder, ..] = arguments.as_slice() else {
        return Err("accuracy MODEL.onnx FOLDER".into());
    };
    let folder = Path::new(folder);
    let model = Model::read(Path::new(path), &Limits::default())?;
    let model = optimize::optimize(import::import(&model, &import::ImportOptions::default())?)?;
    let specs = InputSpec::of(model.graph());
    let calibration = Samples::open(&folder.join("calibrate.npz"), &specs, None)?;
    let n = value("--calibrate").map_or(Ok(128), |v| v.parse())?;
    let set = (0..calibration.len().min(n)).map(|i| Ok(calibration.get(i)?.inputs));
    let set: Vec<Vec<Tensor>> = set.collect::<Result<_, Error>>()?;

    let start = Instant::now();
    let engine = Engine::default();
    let method = value("--method").map(|m| m.parse()).transpose()?;
    let mut scheme = Scheme::default();
    if has("--nearest") {
        scheme.rounding = Rounding::Nearest;
    }
    if has("--no-bias") {
        scheme.bias_correction = false;
    }
    if has("--no-equalize") {
        scheme.equalize = false;
    }
    let found = search(
        &model,
        &set.into(),
        method,
        &scheme,
        &engine,
        &mut |_, _, _| {},
    )?;
    let calibrate_s = start.elapsed().as_secs_f64();
    let (calibrated, scheme) = (found.calibrated, found.scheme);
    let quantized = quantize(&calibrated, &scheme, &engine, &mut |_, _| {})?;
    let total_s = start.elapsed().as_secs_f64();

    let mut float = Runner::new(
        lower_optimized(&model, &LowerOptions::default())?.plan(),
        &engine.options,
    )?;
    let mut int8 = Runner::new(
        lower_quantized(&quantized, &LowerOptions::default())?.plan(),
        &engine.options,
    )?;
    let samples = Samples::open(&folder.join("evaluate.npz"), &specs, None)?;
    let e = evaluate(&mut float, &mut int8, &samples, &mut |_, _| {})?;
    let percent = |v: Option<f64>| v.map_or(f64::NAN, |v| v * 100.0);
    println!(
        "{:24} n {:4}  float {:6.2}  int8 {:6.2}  agree {:6.2}  SQNR {:6.2} dB  choose {calibrate_s:.1} s  all {total_s:.1} s  {}",
        folder
            .file_name()
            .map_or_else(String::new, |n| n.to_string_lossy().into_owned()),
        e.samples,
        percent(e.float.top1),
        percent(e.int8.top1),
        percent(e.int8.agreement),
        e.sqnr_db.unwrap_or(f64::INFINITY),
        arguments[2..].join(" "),
    );
    for c in &found.candidates {
        let db = c.held_out_sqnr_db.unwrap_or(f64::NAN);
        let mark = if c.chosen { "*" } else { "" };
        println!(
            "  {:14} headroom {:?}: {db:.2} dB {mark}",
            c.method, c.equalize_headroom
        );
    }
    for (node, why) in &quantized.log().kept_float {
        println!("  float: {node}: {why}");
    }
    Ok(())
}
