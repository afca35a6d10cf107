//! The whole conversion: a model file and samples in, int8 ONNX, plan and report out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use redpoll_graph::{DType, Graph, Op};
use redpoll_session::Options;

use crate::calibrate::{Engine, Method, Ranges, SampleSet, with_ranges};
use crate::compile::{CompileOptions, read};
use crate::data::{InputSpec, Preprocess, Samples};
use crate::emit::emit;
use crate::lower::{LowerOptions, lower};
use crate::measure::{Difference, Evaluation, Runner, evaluate, evaluate_alone, time};
use crate::optimize::optimize;
use crate::quantize::{Scheme, Searched, quantize, search};
use crate::report::{Layer, PlanSummary, Report};
use crate::source::{is_tflite, read_model};
use crate::stream::{StreamOptions, stream};
use crate::{Error, ErrorKind, Lowered, Optimized, Quantized};

/// Most samples that calibration uses; more add little and cost time.
pub const MAX_CALIBRATION_SAMPLES: usize = 128;
/// Samples that the SQNR of each layer is measured on.
const LAYER_SAMPLES: usize = 8;
/// Time spent on measuring the latency of one form.
const TIMING_BUDGET: Duration = Duration::from_millis(300);

/// What to convert and how.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The ONNX or TFLite file.
    pub model: PathBuf,
    /// Samples for calibration; without them the plan stays as the model is (float, or its own quantisation).
    pub calibrate: Option<PathBuf>,
    /// Samples for evaluation; the calibration samples when absent.
    pub evaluate: Option<PathBuf>,
    /// Ranges to use instead of calibrating.
    pub ranges: Option<Ranges>,
    /// How images become tensors.
    pub preprocess: Option<Preprocess>,
    /// Sizes of symbolic dimensions.
    pub compile: CompileOptions,
    /// Calibration method; chosen on samples held out when absent.
    pub method: Option<Method>,
    /// Quantisation choices; whether and how channels are equalised is chosen on samples held out.
    pub scheme: Scheme,
    /// Lowering choices.
    pub lower: LowerOptions,
    /// Makes the plan one of a step over a stream; accuracy is that of the offline model.
    pub stream: Option<StreamOptions>,
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Conversion {
    /// The int8 ONNX model, when the model was quantised here or arrived as a quantised TFLite file.
    pub int8_onnx: Option<Vec<u8>>,
    /// The ranges that calibration found.
    pub ranges: Option<Ranges>,
    /// The plan.
    pub lowered: Lowered,
    /// The report.
    pub report: Report,
}

/// Which part of the work is going on, with how much of how much is done.
pub type Progress<'a> = &'a mut dyn FnMut(&'static str, usize, usize);

/// Converts a model.
///
/// # Errors
/// Any stage's error: files, gaps of the model, samples that do not fit.
pub fn convert(request: &Request, progress: Progress<'_>) -> Result<Conversion, Error> {
    let start = Instant::now();
    let optimized = optimize(read(&request.model, &request.compile)?)?;
    let specs = InputSpec::of(optimized.graph());
    let open = |path: &Path| Samples::open(path, &specs, request.preprocess.as_ref());
    let calibration = request.calibrate.as_deref().map(open).transpose()?;
    let evaluation = request.evaluate.as_deref().map(open).transpose()?;

    let mut report = Report {
        model: request
            .model
            .file_stem()
            .and_then(|s| s.to_str())
            .unwrap_or("model")
            .to_owned(),
        converter: env!("CARGO_PKG_VERSION").to_owned(),
        float_onnx_bytes: file_len(&request.model)?,
        arrived_int8: optimized.is_quantized(),
        passes: optimized.log().to_vec(),
        ..Report::default()
    };
    let quantized = match (&calibration, &request.ranges) {
        _ if optimized.is_quantized() => None,
        (None, None) => None,
        _ => Some(quantize_model(
            request,
            &optimized,
            calibration.as_ref(),
            &mut report,
            progress,
        )?),
    };

    let graph = quantized
        .as_ref()
        .map_or(optimized.graph(), |(q, _)| q.graph());
    let mut graph = graph.clone();
    let of_samples = calibration
        .as_ref()
        .or(evaluation.as_ref())
        .and_then(Samples::preprocess);
    if let Some(p) = request.preprocess.as_ref().or(of_samples) {
        graph.metadata.insert("preprocess".into(), p.to_toml());
    }
    let streamed = request
        .stream
        .as_ref()
        .map(|options| stream(&graph, options));
    let streamed = streamed.transpose()?;
    let lowered = match &streamed {
        None => lower(&graph, &request.lower)?,
        Some(made) => {
            let mut options = request.lower.clone();
            options.states.extend(made.states.iter().cloned());
            lower(&made.graph, &options)?
        }
    };
    let int8_onnx = match &quantized {
        Some((q, _)) => Some(emit(q)?),
        None if optimized.is_quantized() && is_tflite(&request.model) => {
            Some(read_model(&request.model)?.to_bytes()?)
        }
        None => None,
    };
    report.quantized_here = quantized.is_some();
    report.int8_onnx_bytes = match report.quantized_here {
        true => int8_onnx.as_ref().map_or(0, Vec::len),
        false => 0,
    };
    if report.arrived_int8 {
        std::mem::swap(&mut report.float_onnx_bytes, &mut report.int8_onnx_bytes);
    }
    describe(&mut report, &graph, &lowered)?;
    if let (Some((q, _)), Some(samples)) =
        (&quantized, calibration.as_ref().or(evaluation.as_ref()))
    {
        layer_report(&mut report, &optimized, q, samples, progress)?;
    }
    if let Some(samples) = evaluation.as_ref().or(calibration.as_ref()) {
        // Samples hold all inputs: states are given like the others.
        let open = LowerOptions {
            states: Vec::new(),
            own_states: false,
            ..request.lower.clone()
        };
        let stateful = lowered.memory().state_bytes > 0 || streamed.is_some();
        let measured = match stateful {
            false => None,
            true => Some(lower(&graph, &open)?),
        };
        let measured = measured.as_ref().unwrap_or(&lowered);
        measure(&mut report, &optimized, measured, samples, progress)?;
    }
    report.seconds = start.elapsed().as_secs_f64();
    Ok(Conversion {
        int8_onnx,
        ranges: quantized.map(|(_, r)| r),
        lowered,
        report,
    })
}

fn quantize_model(
    request: &Request,
    optimized: &Optimized,
    samples: Option<&Samples>,
    report: &mut Report,
    progress: Progress<'_>,
) -> Result<(Quantized, Ranges), Error> {
    let executors = Engine::default();
    let (calibrated, scheme) = match (&request.ranges, samples) {
        (Some(ranges), _) => (
            with_ranges(optimized, ranges.clone())?,
            request.scheme.clone(),
        ),
        (None, Some(samples)) => {
            let set = calibration_set(samples)?;
            let (method, scheme) = (request.method, &request.scheme);
            let Searched {
                calibrated,
                scheme,
                candidates,
                held_out,
            } = search(optimized, &set, method, scheme, &executors, progress)?;
            report.candidates = candidates;
            report.held_out_samples = held_out;
            (calibrated, scheme)
        }
        (None, None) => {
            return Err(Error::new(
                ErrorKind::Invalid,
                "quantising needs samples or ranges",
            ));
        }
    };
    report.method = calibrated.ranges().method.clone();
    report.calibration_samples = calibrated.ranges().samples;
    let quantized = quantize(&calibrated, &scheme, &executors, &mut |done, total| {
        progress("quantize", done, total);
    })?;
    Ok((quantized, calibrated.ranges))
}

/// The samples that calibration uses: all, or [`MAX_CALIBRATION_SAMPLES`] spread evenly.
///
/// # Errors
/// When a sample cannot be read.
pub fn calibration_set(samples: &Samples) -> Result<SampleSet, Error> {
    let n = samples.len().min(MAX_CALIBRATION_SAMPLES);
    let set: Result<Vec<_>, Error> = (0..n)
        .map(|i| Ok(samples.get(i * samples.len() / n)?.inputs))
        .collect();
    Ok(set?.into())
}

/// Sizes, work and memory, read back from the plan itself.
fn describe(report: &mut Report, graph: &Graph, lowered: &Lowered) -> Result<(), Error> {
    let plan = PlanSummary::read(lowered.plan())?;
    report.arena_bytes = plan.arena_bytes;
    report.live_bytes = plan.live_bytes;
    report.scratch_bytes = plan.scratch_bytes;
    report.weight_bytes = plan.weight_bytes;
    report.plan_bytes = plan.plan_bytes;
    report.macs = plan.macs;
    report.steps = plan.steps.into_iter().map(|s| s.name).collect();
    report.memory = plan.memory;
    report.layers = graph
        .nodes
        .iter()
        .map(|node| {
            let value = graph.value(node.output);
            Layer {
                name: node.name.clone(),
                op: node.op.name().to_owned(),
                shape: value.shape.clone(),
                macs: graph.macs(node),
                sqnr_db: None,
                // A result that is only dequantised at the border was computed in int8.
                kept_float: value.dtype == DType::F32 && node.op != Op::Dequantize,
                reason: None,
            }
        })
        .collect();
    Ok(())
}

/// Adds to each layer how far its int8 result is from float, over a few samples.
fn layer_report(
    report: &mut Report,
    optimized: &Optimized,
    quantized: &Quantized,
    samples: &Samples,
    progress: Progress<'_>,
) -> Result<(), Error> {
    // Values inside an equalised model are scaled: they are held against the float model that was equalised.
    let original = quantized.float_graph().unwrap_or(optimized.graph());
    let float = lower(original, &LowerOptions::default())?;
    let int8 = lower(quantized.graph(), &LowerOptions::default())?;
    let mut float = Runner::new(float.plan(), &Options::default())?;
    let mut int8 = Runner::new(int8.plan(), &Options::default())?;
    let mut noise: BTreeMap<String, Difference> = BTreeMap::new();
    let n = samples.len().min(LAYER_SAMPLES);
    for i in 0..n {
        let inputs = samples.get(i)?.inputs;
        let expected: BTreeMap<_, _> = float
            .layers(&inputs)?
            .into_iter()
            .map(|l| (l.name, l.values))
            .collect();
        for layer in int8.layers(&inputs)? {
            if let Some(e) = expected
                .get(&layer.name)
                .filter(|e| e.len() == layer.values.len())
            {
                noise.entry(layer.name).or_default().add(e, &layer.values);
            }
        }
        progress("layers", i + 1, n);
    }
    let graph = quantized.graph();
    let reasons: BTreeMap<_, _> = quantized.log().kept_float.iter().cloned().collect();
    for (layer, node) in report.layers.iter_mut().zip(&graph.nodes) {
        layer.sqnr_db = noise
            .get(&graph.value(node.output).name)
            .and_then(Difference::sqnr_db);
        layer.reason = reasons.get(&layer.name).cloned();
    }
    Ok(())
}

/// Accuracy of the plan against the float plan, and the latency of both; of the plan alone when there is no other form.
fn measure(
    report: &mut Report,
    optimized: &Optimized,
    lowered: &Lowered,
    samples: &Samples,
    progress: Progress<'_>,
) -> Result<(), Error> {
    let options = Options::default();
    let first = samples.get(0)?.inputs;
    if !report.quantized_here {
        let mut runner = Runner::new(lowered.plan(), &options)?;
        let mut score = evaluate_alone(&mut runner, samples, &mut |done, total| {
            progress("evaluate", done, total)
        })?;
        score.p50_us = Some(time(&mut runner, &first, TIMING_BUDGET, 5)?.p50_us);
        report.evaluation_samples = samples.len();
        report.tier = runner.session().tier().to_owned();
        match report.arrived_int8 {
            true => report.int8 = score,
            false => report.float = score,
        }
        return Ok(());
    }
    let float_plan = lower(optimized.graph(), &LowerOptions::default())?;
    let mut float = Runner::new(float_plan.plan(), &options)?;
    let mut int8 = Runner::new(lowered.plan(), &options)?;
    let evaluation = evaluate(&mut float, &mut int8, samples, &mut |done, total| {
        progress("evaluate", done, total)
    })?;
    let Evaluation {
        samples: n,
        float: float_score,
        int8: int8_score,
        sqnr_db,
    } = evaluation;
    report.evaluation_samples = n;
    report.float = float_score;
    report.int8 = int8_score;
    report.sqnr_db = sqnr_db;
    report.float.p50_us = Some(time(&mut float, &first, TIMING_BUDGET, 5)?.p50_us);
    report.int8.p50_us = Some(time(&mut int8, &first, TIMING_BUDGET, 5)?.p50_us);
    report.tier = int8.session().tier().to_owned();
    Ok(())
}

fn file_len(path: &Path) -> Result<usize, Error> {
    let meta = std::fs::metadata(path)
        .map_err(|e| Error::new(ErrorKind::Io, format!("{}: {e}", path.display())))?;
    Ok(meta.len() as usize)
}
