//! Writes plans and inputs for the matrix of devices: `NAME.plan` and `NAME.in` for every model that is there.
//!
//! `cargo run --release -p redpoll-tests --example target_suite -- FOLDER [--large]`
//!
//! Always our own models, a layer of LSTM, a softmax and a layer normalisation; with the shared folder the small real models as
//! well, and with `--large` the large ones too. States that a model hands from run to run are states of its plan.

use std::path::Path;
use std::sync::Arc;

use redpoll_graph::{Data, Graph, Tensor};
use redpoll_onnx::{Limits, Model};
use redpoll_pipeline::Optimized;
use redpoll_pipeline::calibrate::{CalibrateOptions, Engine, Method, calibrate};
use redpoll_pipeline::import::import;
use redpoll_pipeline::lower::{LowerOptions, StatePair, lower};
use redpoll_pipeline::optimize::optimize;
use redpoll_pipeline::quantize::{Rounding, Scheme, quantize};
use redpoll_tests::build::{Random, tensor};
use redpoll_tests::equality::bytes;
use redpoll_tests::one_node::{Case, Operand};
use redpoll_tests::samples::samples;
use redpoll_tests::zoo;

type Failure = Box<dyn std::error::Error>;

/// Models of `models/`, with how many samples are run.
const OWN: [(&str, usize); 3] = [("fashion", 4), ("digits", 2), ("xray", 2)];

/// Models of the shared folder that run on anything in seconds, softmax and LSTM among them.
const SMALL: [&str; 8] = [
    "kws/tiny_kws_f32",
    "vision/tiny_ic_resnet8_f32",
    "vision/tiny_ic_resnet8_int8_qdq",
    "anomaly/tiny_ad_f32",
    "vad/pulsevad_f32",
    "vad/pulsevad_int8_qdq",
    "vision/tiny_vww_f32",
    SILERO,
];

/// Hears speech by an LSTM whose state goes from window to window.
const SILERO: &str = "vad/silero_vad_16k_op15_f32";

/// Models that take a while where a processor is emulated.
const LARGE: [&str; 6] = [
    "vision/mobilenet_v2_f32",
    "vision/efficientnet_lite0_f32",
    "vision/yunet_n_320_f32",
    "wake/speech_embedding_f32",
    "text/magika_f32",
    "speaker/resemblyzer_f32",
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
    for (name, count) in OWN {
        let own = format!(
            "{}/../models/{name}/{name}.onnx",
            env!("CARGO_MANIFEST_DIR")
        );
        write(
            folder,
            name,
            &read(name, Model::read(own, &limits)?)?,
            count,
        )?;
    }
    let layers = [
        ("lstm", lstm()),
        ("layer_norm", normalization("LayerNormalization")),
        ("softmax", normalization("Softmax")),
    ];
    for (name, bytes) in layers {
        write(
            folder,
            name,
            &read(name, Model::from_bytes(&bytes, &limits)?)?,
            2,
        )?;
    }
    let small = SMALL.iter().map(|name| (*name, 2));
    let large = LARGE.iter().filter(|_| large).map(|name| (*name, 1));
    for (name, count) in small.chain(large) {
        if let Some(path) = zoo::path(name) {
            let model =
                read(name, Model::read(path, &limits)?).map_err(|e| format!("{name}: {e}"))?;
            write(folder, name, &model, count)?;
        }
    }
    Ok(())
}

fn read(name: &str, model: Model) -> Result<Optimized, Failure> {
    Ok(optimize(import(&model, &zoo::options(name))?)?)
}

/// What a model hands from an output to an input of the next run.
fn states(name: &str) -> Vec<StatePair> {
    let pairs: &[(&str, &str)] = if name == SILERO {
        &[("stateN", "state")]
    } else {
        &[]
    };
    let pair = |&(output, input): &(&str, &str)| StatePair {
        output: output.to_owned(),
        input: input.to_owned(),
    };
    pairs.iter().map(pair).collect()
}

/// Rows of 48 numbers, normalised.
fn normalization(op: &str) -> Vec<u8> {
    let (rows, width) = (20, 48);
    let mut random = Random::new(6);
    let mut scaled = |shape: &[usize], size: f32| {
        let numbers = (0..shape.iter().product()).map(|_| random.float(size));
        tensor(shape, Data::F32(numbers.collect()))
    };
    let mut case = Case::new(op);
    case.operands = vec![Operand::Input(scaled(&[1, rows, width], 3.0))];
    if op == "LayerNormalization" {
        case.operands.push(Operand::Constant(scaled(&[width], 1.5)));
        case.operands.push(Operand::Constant(scaled(&[width], 0.5)));
    }
    case.model().0
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
    let (inputs, _) = samples(name, model.graph(), 4);
    let written = Suite {
        folder,
        name,
        samples: &inputs[..count],
    };
    if model.is_quantized() {
        return written.put("qdq", model.graph());
    }
    written.put("f32", model.graph())?;
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
    written.put("int8", int8.graph())
}

/// What is written of one model.
struct Suite<'a> {
    folder: &'a Path,
    name: &'a str,
    samples: &'a [Vec<Tensor>],
}

impl Suite<'_> {
    /// Writes the plan and its inputs: those that are no states.
    fn put(&self, kind: &str, graph: &Graph) -> Result<(), Failure> {
        let file = self.name.rsplit('/').next().unwrap_or(self.name);
        let stem = file.trim_end_matches("_f32").trim_end_matches("_int8_qdq");
        let name = format!("{stem}.{kind}");
        let options = LowerOptions {
            states: states(self.name),
            ..LowerOptions::default()
        };
        let lowered = lower(graph, &options)?;
        let given = |i: usize| {
            let name = &graph.value(graph.inputs[i]).name;
            options.states.iter().all(|pair| pair.input != *name)
        };
        let sample = |tensors: &Vec<Tensor>| -> Vec<u8> {
            let kept = tensors.iter().enumerate().filter(|&(i, _)| given(i));
            kept.flat_map(|(_, tensor)| bytes(tensor)).collect()
        };
        let inputs: Vec<u8> = self.samples.iter().flat_map(sample).collect();
        std::fs::write(self.folder.join(format!("{name}.plan")), lowered.plan())?;
        std::fs::write(self.folder.join(format!("{name}.in")), inputs)?;
        println!("{name}");
        Ok(())
    }
}
