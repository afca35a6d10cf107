//! The real models that tests read if they are there, and how they become graphs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use redpoll_graph::Graph;
use redpoll_onnx::{Limits, Model};
use redpoll_pipeline::Optimized;
use redpoll_pipeline::calibrate::{CalibrateOptions, Engine, Method, calibrate};
use redpoll_pipeline::import::{ImportOptions, import};
use redpoll_pipeline::optimize::optimize;
use redpoll_pipeline::quantize::{Scheme, quantize};

use crate::build::Random;

/// The models that the whole path is proved on, below `models` of the shared folder.
pub const MODELS: [&str; 14] = [
    "kws/tiny_kws_f32",
    "kws/tiny_sww_f32",
    "vision/tiny_vww_f32",
    "vision/tiny_ic_resnet8_f32",
    "vision/mobilenet_v1_025_f32",
    "vision/mobilenet_v2_f32",
    "vision/efficientnet_lite0_f32",
    "vision/yunet_n_320_f32",
    "anomaly/tiny_ad_f32",
    "vad/pulsevad_f32",
    "wake/speech_embedding_f32",
    "text/magika_f32",
    "vision/tiny_ic_resnet8_int8_qdq",
    "vad/pulsevad_int8_qdq",
];

/// The file `name` below `$REDPOLL_SHARED`, or below `../shared` seen from the repository root; `None`, with a line
/// that says so, when it is not there.
pub fn shared(name: &str) -> Option<PathBuf> {
    let shared = match std::env::var_os("REDPOLL_SHARED") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
    };
    let path = shared.join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {name} not present");
    None
}

/// A model after optimisation, if it is there.
///
/// # Panics
/// When it cannot be read, imported or optimised: the test fails.
pub fn optimized(name: &str) -> Option<Optimized> {
    let path = shared(&format!("models/{name}.onnx"))?;
    let model = Model::read(path, &Limits::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
    let imported = import(&model, &ImportOptions::default());
    let imported = imported.unwrap_or_else(|e| panic!("{name}: {e}"));
    Some(optimize(imported).unwrap_or_else(|e| panic!("{name}: {e}")))
}

/// The model `name` of the shared folder in int8, if it is there: see [`quantize_on_noise`].
///
/// # Panics
/// When a stage fails: the test fails.
pub fn quantized(name: &str, scheme: &Scheme) -> Option<Graph> {
    Some(quantize_on_noise(name, &optimized(name)?, scheme))
}

/// The model in int8, calibrated on noise: accuracy is not the matter here. A model that arrives quantised is as it is.
///
/// # Panics
/// When a stage fails: the test fails.
pub fn quantize_on_noise(name: &str, model: &Optimized, scheme: &Scheme) -> Graph {
    let graph = model.graph();
    if model.is_quantized() {
        return graph.clone();
    }
    let mut random = Random::new(3);
    let mut sample = || {
        graph
            .inputs
            .iter()
            .map(|&id| random.fitting(graph, id))
            .collect()
    };
    let samples: Arc<[Vec<_>]> = (0..2).map(|_| sample()).collect();
    let options = CalibrateOptions {
        method: Method::MinMax,
    };
    let executors = Engine::default();
    let calibrated = calibrate(model, samples, &options, &executors, &mut |_, _| {});
    let calibrated = calibrated.unwrap_or_else(|e| panic!("{name}: {e}"));
    let made = quantize(&calibrated, scheme, &executors, &mut |_, _| {});
    made.unwrap_or_else(|e| panic!("{name}: {e}"))
        .graph()
        .clone()
}
