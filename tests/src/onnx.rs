//! From ONNX files to sessions of our engine and of ONNX Runtime, for the tests that compare the two.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use redpoll_backend_ort::{Optimization, Options, OrtSession, find};
use redpoll_graph::{Graph, Tensor};
use redpoll_onnx::{Limits, Model};
use redpoll_pipeline::calibrate::{CalibrateOptions, Engine, calibrate};
use redpoll_pipeline::import::{ImportOptions, import};
use redpoll_pipeline::lower::{LowerOptions, lower};
use redpoll_pipeline::optimize::optimize;
use redpoll_pipeline::quantize::{Scheme, keep, quantize};
use redpoll_pipeline::{Optimized, Quantized};
use redpoll_session::Session;

use crate::models::shared;
use crate::peer::{Difference, run};

/// Float models.
pub const FLOAT: [&str; 13] = [
    "fashion",
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
];

/// Models that arrive quantised.
pub const QUANTIZED: [&str; 2] = ["vision/tiny_ic_resnet8_int8_qdq", "vad/pulsevad_int8_qdq"];

fn or_fail<T, E: Display>(what: &dyn Display, result: Result<T, E>) -> T {
    result.unwrap_or_else(|e| panic!("{what}: {e}"))
}

/// The file of a model, if it is there: our own one, or one of the shared ones.
pub fn file(name: &str) -> Option<PathBuf> {
    if name == "fashion" {
        return Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/fashion/fashion.onnx"));
    }
    shared(&format!("models/{name}.onnx"))
}

/// False, with a line that says so, where there is no library of ONNX Runtime.
pub fn ort_is_present() -> bool {
    find(None).inspect_err(|e| println!("skipped: {e}")).is_ok()
}

/// A model, imported and optimised.
///
/// # Panics
/// When it cannot be: the test fails. So do the others here.
pub fn optimized(path: &Path) -> Optimized {
    let what = path.display();
    let model = or_fail(&what, Model::read(path, &Limits::default()));
    let imported = or_fail(&what, import(&model, &ImportOptions::default()));
    or_fail(&what, optimize(imported))
}

/// A model in int8: quantised by the default scheme on `samples`, or as it arrived.
pub fn int8(model: &Optimized, samples: Vec<Vec<Tensor>>) -> Quantized {
    let what = &model.graph().name;
    if model.is_quantized() {
        return or_fail(what, keep(model));
    }
    let engine = Engine::default();
    let options = CalibrateOptions::default();
    let calibrated = calibrate(model, samples.into(), &options, &engine, &mut |_, _| {});
    let calibrated = or_fail(what, calibrated);
    let scheme = Scheme::default();
    or_fail(
        what,
        quantize(&calibrated, &scheme, &engine, &mut |_, _| {}),
    )
}

/// The graph on our engine.
pub fn ours(graph: &Graph) -> Session {
    let lowered = or_fail(&graph.name, lower(graph, &LowerOptions::default()));
    let options = redpoll_session::Options::default();
    or_fail(&graph.name, Session::from_bytes(lowered.plan(), &options))
}

/// The bytes of an ONNX file in ONNX Runtime, with the shapes of the graph's inputs.
pub fn theirs(onnx: &[u8], graph: &Graph, optimization: Optimization) -> OrtSession {
    let mut options = Options::default().optimization(optimization);
    for &id in &graph.inputs {
        let value = graph.value(id);
        options = options.input_shape(value.name.as_str(), &value.shape);
    }
    or_fail(&graph.name, OrtSession::from_bytes(onnx, &options))
}

/// What the outputs differ in, each over all samples.
pub fn differences(
    ours: &mut Session,
    theirs: &mut OrtSession,
    samples: &[Vec<Tensor>],
) -> Vec<Difference> {
    let mut found = vec![Difference::default(); ours.outputs().len()];
    for sample in samples {
        let a = or_fail(&"our run", run(ours, sample));
        let b = or_fail(&"ONNX Runtime's run", run(theirs, sample));
        assert_eq!(a.len(), b.len(), "outputs");
        for ((difference, a), b) in found.iter_mut().zip(&a).zip(&b) {
            difference.add(a, b);
        }
    }
    found
}
