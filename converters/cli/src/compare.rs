//! `redpoll compare`: two models, or one model on two tiers, on the same input.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, bail};
use redpoll_graph::{Data, Tensor};
use redpoll_pipeline::measure::{Runner, sqnr_db};
use redpoll_pipeline::quantize::equalized_values;
use redpoll_pipeline::report::PlanSummary;
use serde_json::json;

use crate::backend::{Choice, Library};
use crate::exit::Usage;
use crate::load::{Dims, How, Loaded, load};
use crate::{inputs, text};

/// Compare two models, or one model on two tiers, on the same input
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  redpoll compare model.onnx out/model.plan --input test.npz
  redpoll compare out/model.plan out/model.int8.onnx --input test.npz --layers
  redpoll compare out/model.plan --tiers scalar,avx2 --input test.npz
  redpoll compare out/model.int8.onnx --backend native,ort --input test.npz
  redpoll compare out/model.plan out/model.int8.onnx --backend native,tract --input test.npz

Prints for every output whether all bits are equal, how many elements differ, the largest difference, the largest
distance in units in the last place (of the float, or of the integer), and the signal to noise ratio of B against A.")]
pub struct Args {
    /// First model: .plan, .onnx or .tflite
    a: PathBuf,
    /// Second model; the first again when left out
    b: Option<PathBuf>,
    /// NAME=FILE.npy, or FILE.npz. Repeatable
    #[arg(long, required = true, value_name = "NAME=FILE|FILE.npz")]
    input: Vec<String>,
    /// Which sample, where the arrays hold several
    #[arg(long, default_value_t = 0)]
    sample: usize,
    /// Tiers of A and of B
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    tiers: Vec<String>,
    /// Threads of A and of B
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    threads: Vec<usize>,
    /// Engines of A and of B: native, tract, ort, ort:PROVIDER[+cpu]
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    backend: Vec<Choice>,
    #[command(flatten)]
    library: Library,
    /// Also every step that both have by name
    #[arg(long)]
    layers: bool,
    /// Prints JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    dims: Dims,
}

/// Differences of one output.
#[derive(Clone, Debug, Default, PartialEq)]
struct Difference {
    elements: usize,
    differing: usize,
    max_abs: f64,
    max_ulp: u64,
    sqnr_db: Option<f64>,
}

/// Position of a float on the number line of all floats.
fn ordinal(v: f32) -> i64 {
    let bits = i64::from(v.to_bits() as i32);
    if bits < 0 {
        i64::from(i32::MIN) - bits
    } else {
        bits
    }
}

fn difference(a: &Tensor, a_real: &[f32], b: &Tensor, b_real: &[f32]) -> Difference {
    let mut d = Difference {
        elements: a_real.len(),
        sqnr_db: sqnr_db(a_real, b_real),
        ..Difference::default()
    };
    let integers = match (a.data(), b.data()) {
        (Data::F32(_), _) | (_, Data::F32(_)) => None,
        _ => a.to_i64().zip(b.to_i64()),
    };
    for (i, (&x, &y)) in a_real.iter().zip(b_real).enumerate() {
        let ulp = match &integers {
            Some((qa, qb)) => qa[i].abs_diff(qb[i]),
            None => ordinal(x).abs_diff(ordinal(y)),
        };
        if ulp > 0 {
            d.differing += 1;
            d.max_ulp = d.max_ulp.max(ulp);
            d.max_abs = d.max_abs.max((f64::from(x) - f64::from(y)).abs());
        }
    }
    d
}

fn outputs(loaded: &mut Loaded, inputs: &[Tensor]) -> Result<Vec<(String, Tensor, Vec<f32>)>> {
    let real = loaded.running.run(inputs)?;
    let raw = loaded.running.outputs()?;
    Ok(raw
        .into_iter()
        .zip(real)
        .map(|((name, tensor), real)| (name, tensor, real))
        .collect())
}

/// The value for side `i` of those given: its own, or the only one.
fn of_side<T: Clone>(values: &[T], i: usize) -> Option<T> {
    values.get(i).or(values.last()).cloned()
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let settings = [args.tiers.len(), args.threads.len(), args.backend.len()];
    if args.b.is_none() && settings == [0; 3] {
        bail!(Usage(
            "give a second model, or two tiers with --tiers A,B, or --threads A,B, or --backend A,B".into()
        ));
    }
    if settings.iter().any(|&n| n > 2) {
        bail!(Usage(
            "--tiers, --threads and --backend take one value, or one for A and one for B".into()
        ));
    }
    let side = |i: usize, path: &PathBuf| {
        let how = How {
            tier: of_side(&args.tiers, i),
            threads: of_side(&args.threads, i).unwrap_or(1),
            backend: of_side(&args.backend, i).unwrap_or_default(),
            library: args.library.clone(),
        };
        load(path, &args.dims, &how)
    };
    let mut a = side(0, &args.a)?;
    let mut b = side(1, args.b.as_ref().unwrap_or(&args.a))?;
    let input_a = inputs::read(&args.input, &a.specs, args.sample)?;
    let input_b = inputs::read(&args.input, &b.specs, args.sample)?;
    let (out_a, out_b) = (outputs(&mut a, &input_a)?, outputs(&mut b, &input_b)?);
    if out_a.len() != out_b.len() {
        bail!(Usage(format!(
            "A has {} outputs, B {}",
            out_a.len(),
            out_b.len()
        )));
    }
    let mut found = Vec::new();
    for ((name, ta, ra), (_, tb, rb)) in out_a.iter().zip(&out_b) {
        if ra.len() != rb.len() {
            bail!(Usage(format!(
                "output \"{name}\": {} elements against {}",
                ra.len(),
                rb.len()
            )));
        }
        found.push((name.clone(), difference(ta, ra, tb, rb)));
    }
    let layers = if args.layers {
        layers(&mut a, &input_a, &mut b, &input_b)?
    } else {
        Vec::new()
    };
    if args.json {
        let outputs: Vec<_> = found
            .iter()
            .map(|(name, d)| json!({"name": name, "equal": d.differing == 0, "elements": d.elements, "differing": d.differing,
                "max_abs": d.max_abs, "max_ulp": d.max_ulp, "sqnr_db": d.sqnr_db}))
            .collect();
        let layers: Vec<_> = layers
            .iter()
            .map(|l| json!({"name": l.name, "op": l.op, "sqnr_db": l.sqnr_db, "note": l.scaled.then_some(SCALED)}))
            .collect();
        say!(
            "{}",
            serde_json::to_string_pretty(&json!({"outputs": outputs, "layers": layers}))?
        );
        return Ok(());
    }
    for (name, d) in &found {
        if d.differing == 0 {
            say!("{name}: all {} elements equal, bit for bit", d.elements);
        } else {
            say!(
                "{name}: {} of {} elements differ, largest difference {:.3e} ({} ULP), SQNR {}",
                d.differing,
                d.elements,
                d.max_abs,
                d.max_ulp,
                text::decibel(d.sqnr_db)
            );
        }
    }
    for l in &layers {
        let db = match (l.scaled, l.sqnr_db) {
            (true, _) => "scaled".into(),
            (false, None) => "equal".into(),
            (false, Some(db)) => format!("{db:.1} dB"),
        };
        say!("  {db:>9}  {:14} {}", l.op, l.name);
    }
    if layers.iter().any(|l| l.scaled) {
        say!("  scaled: {SCALED}");
    }
    Ok(())
}

/// Why a layer has no ratio.
const SCALED: &str = "its channels are equalised in one of the models only, so its numbers stand for others; \
                      report.json of the conversion has the ratio against the equalised float model";

/// A step of B beside the step of A that makes the tensor of the same name.
struct Layer {
    name: String,
    op: &'static str,
    /// `None` when equal, or not comparable.
    sqnr_db: Option<f64>,
    /// True when the channels are scaled in one of the models, or in both by other factors.
    scaled: bool,
}

/// The values whose channels are scaled, with the mark of their factors.
fn scaled(runner: &mut Runner) -> Result<BTreeMap<String, String>> {
    let metadata = PlanSummary::read(runner.session().plan_bytes())?.metadata;
    let pairs = metadata.iter().map(|(k, v)| (k.as_str(), v.as_str()));
    let values = equalized_values(pairs).into_iter();
    Ok(values
        .map(|(name, mark)| (name.to_owned(), mark.to_owned()))
        .collect())
}

/// The name of the value that a tensor stands for: the exported int8 ONNX calls its integers `NAME_quantized`.
fn value_name(tensor: &str) -> &str {
    tensor.strip_suffix("_quantized").unwrap_or(tensor)
}

/// Every step of B that A has as well.
fn layers(
    a: &mut Loaded,
    input_a: &[Tensor],
    b: &mut Loaded,
    input_b: &[Tensor],
) -> Result<Vec<Layer>> {
    let (Some(a), Some(b)) = (a.running.native(), b.running.native()) else {
        bail!(Usage(
            "--layers needs the native engine on both sides".into()
        ));
    };
    let (scaled_a, scaled_b) = (scaled(a)?, scaled(b)?);
    let expected: BTreeMap<String, Vec<f32>> = a
        .layers(input_a)?
        .into_iter()
        .map(|l| (value_name(&l.name).to_owned(), l.values))
        .collect();
    let mut out = Vec::new();
    for layer in b.layers(input_b)? {
        let name = value_name(&layer.name);
        if let Some(e) = expected.get(name).filter(|e| e.len() == layer.values.len()) {
            let scaled = scaled_a.get(name) != scaled_b.get(name);
            out.push(Layer {
                op: layer.op,
                sqnr_db: sqnr_db(e, &layer.values).filter(|_| !scaled),
                scaled,
                name: name.to_owned(),
            });
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ulps_cross_zero() {
        assert_eq!(ordinal(0.0), ordinal(-0.0));
        assert_eq!(
            ordinal(f32::from_bits(1)).abs_diff(ordinal(-f32::from_bits(1))),
            2
        );
        assert_eq!(ordinal(1.0).abs_diff(ordinal(1.0 + f32::EPSILON)), 1);
    }
}
