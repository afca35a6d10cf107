//! Writes plans and inputs for the matrix of devices: `NAME.plan` and `NAME.in` for every model that is there.
//!
//! `cargo run --release -p redpoll-tests --example target_suite -- FOLDER [--large]`
//!
//! Always our own models and a layer of LSTM; with the shared folder the small real models as well, and with `--large` the large ones too.

use std::path::Path;
use std::sync::Arc;

use redpoll_graph::{Data, Graph, Tensor};
use redpoll_onnx::{Limits, Model};
use redpoll_pipeline::Optimized;
use redpoll_pipeline::calibrate::{CalibrateOptions, Engine, Method, calibrate};
use redpoll_pipeline::import::{ImportOptions, import};
use redpoll_pipeline::lower::{LowerOptions, lower};
use redpoll_pipeline::optimize::optimize;
use redpoll_pipeline::quantize::{Rounding, Scheme, quantize};
use redpoll_tests::build::{Random, tensor};
use redpoll_tests::equality::bytes;
use redpoll_tests::models::shared;
use redpoll_tests::one_node::{Case, Operand};
use redpoll_tests::samples::samples;

type Failure = Box<dyn std::error::Error>;

/// Models of the shared folder that run on anything in seconds, softmax among them.
const SMALL: [&str; 7] = [
    "kws/tiny_kws_f32",
    "vision/tiny_ic_resnet8_f32",
    "vision/tiny_ic_resnet8_int8_qdq",
    "anomaly/tiny_ad_f32",
    "vad/pulsevad_f32",
    "vad/pulsevad_int8_qdq",
    "vision/tiny_vww_f32",
];

/// Models that take a while where a processor is emulated.
const LARGE: [&str; 5] = [
    "vision/mobilenet_v2_f32",
    "vision/efficientnet_lite0_f32",
    "vision/yunet_n_320_f32",
    "wake/speech_embedding_f32",
    "text/magika_f32",
];

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (folder, large) = match args.as_slice() {
        [folder] => (Path::new(folder), false),
        [folder, flag] if flag == "--large" => (Path::new(folder), true),
        _ => return Err("usage: target_suite FOLDER [--large]".into()),
    };
    std::fs::create_dir_all(folder)?;
    let limits = Limits::default();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/fashion/fashion.onnx");
    write(folder, "fashion", &read(Model::read(own, &limits)?)?, 4)?;
    write(
        folder,
        "lstm",
        &read(Model::from_bytes(&lstm(), &limits)?)?,
        2,
    )?;
    let small = SMALL.iter().map(|name| (*name, 2));
    let large = LARGE.iter().filter(|_| large).map(|name| (*name, 1));
    for (name, count) in small.chain(large) {
        if let Some(path) = shared(&format!("models/{name}.onnx")) {
            let model = read(Model::read(path, &limits)?).map_err(|e| format!("{name}: {e}"))?;
            write(folder, name, &model, count)?;
        }
    }
    Ok(())
}

fn read(model: Model) -> Result<Optimized, Failure> {
    Ok(optimize(import(&model, &ImportOptions::default())?)?)
}

/// A layer of LSTM in both directions: 20 steps of 40 numbers, 48 hidden.
fn lstm() -> Vec<u8> {
    let (directions, inputs, hidden) = (2, 40, 48);
    let mut random = Random::new(5);
    let mut scaled = |shape: &[usize], size: f32| {
        let numbers = (0..shape.iter().product()).map(|_| random.float(size));
        tensor(shape, Data::F32(numbers.collect()))
    };
    let mut case = Case::new("LSTM");
    case.node = case
        .node
        .with_int("hidden_size", hidden as i64)
        .with_string("direction", "bidirectional");
    case.operands = vec![
        Operand::Input(scaled(&[20, 1, inputs], 1.0)),
        Operand::Constant(scaled(&[directions, 4 * hidden, inputs], 0.4)),
        Operand::Constant(scaled(&[directions, 4 * hidden, hidden], 0.3)),
        Operand::Constant(scaled(&[directions, 8 * hidden], 0.5)),
    ];
    case.model().0
}

/// Writes the model as float and as int8, or as it is if it arrived quantised, with `count` samples.
fn write(folder: &Path, name: &str, model: &Optimized, count: usize) -> Result<(), Failure> {
    let file = name.rsplit('/').next().unwrap_or(name);
    let stem = file.trim_end_matches("_f32").trim_end_matches("_int8_qdq");
    let (inputs, _) = samples(name, model.graph(), 4);
    if model.is_quantized() {
        return put(
            folder,
            &format!("{stem}.qdq"),
            model.graph(),
            &inputs[..count],
        );
    }
    put(
        folder,
        &format!("{stem}.f32"),
        model.graph(),
        &inputs[..count],
    )?;
    let calibration: Arc<[_]> = inputs.clone().into();
    let executors = Engine::default();
    let options = CalibrateOptions {
        method: Method::MinMax,
    };
    let calibrated = calibrate(model, calibration, &options, &executors, &mut |_, _| {})?;
    let scheme = Scheme {
        rounding: Rounding::Nearest,
        ..Scheme::default()
    };
    let int8 = quantize(&calibrated, &scheme, &executors, &mut |_, _| {})?;
    put(
        folder,
        &format!("{stem}.int8"),
        int8.graph(),
        &inputs[..count],
    )
}

fn put(folder: &Path, name: &str, graph: &Graph, samples: &[Vec<Tensor>]) -> Result<(), Failure> {
    let lowered = lower(graph, &LowerOptions::default())?;
    let inputs: Vec<u8> = samples.iter().flatten().flat_map(bytes).collect();
    std::fs::write(folder.join(format!("{name}.plan")), lowered.plan())?;
    std::fs::write(folder.join(format!("{name}.in")), inputs)?;
    println!("{name}");
    Ok(())
}
