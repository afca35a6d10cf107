//! One case through import, optimisation, lowering and the engine, or else through the reference evaluator.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use redpoll_graph::{Data, Graph, Tensor, eval};
use redpoll_onnx::proto::{ModelProto, TensorProto};
use redpoll_onnx::{Model, TensorData};
use redpoll_pipeline::import::{ImportOptions, import, tensor};
use redpoll_pipeline::lower::{LowerOptions, lower};
use redpoll_pipeline::optimize::optimize;
use redpoll_session::tiers;

use super::case::Case;
use super::freeze::{drop_initialised, freeze, frozen, single_numbers, small_integers};
use crate::equality;

/// Where a case passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// In a plan, on the fastest tier and on scalar.
    Engine,
    /// Computed while converting: all inputs are parameters.
    Folded,
    /// In the reference evaluator only.
    Reference,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Engine => "engine",
            Self::Folded => "folded",
            Self::Reference => "reference",
        })
    }
}

impl Place {
    /// From its name in the list.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Engine, Self::Folded, Self::Reference]
            .into_iter()
            .find(|p| p.to_string() == text)
    }
}

/// What became of a case.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Where it passed, or why it did not.
    pub result: Result<Place, String>,
    /// Why the engine did not take it, where the reference evaluator did.
    pub not_lowered: Option<String>,
    /// The largest difference of a float relative to `max(1, |expected|)`.
    pub largest: f64,
}

/// Runs one case. A panic is a failure of that case.
pub fn run(case: &Case) -> Outcome {
    let attempt = catch_unwind(AssertUnwindSafe(|| all_sets(case)));
    attempt.unwrap_or_else(|_| failed("panicked"))
}

fn failed(reason: impl Into<String>) -> Outcome {
    Outcome {
        result: Err(reason.into()),
        not_lowered: None,
        largest: 0.0,
    }
}

fn all_sets(case: &Case) -> Outcome {
    let mut model = case.model();
    if let Some(graph) = &mut model.graph {
        drop_initialised(graph);
    }
    let sets = match case.data() {
        Ok(sets) if !sets.is_empty() => sets,
        Ok(_) => return failed("there is no data"),
        Err(e) => return failed(e),
    };
    let mut all = Outcome {
        result: Ok(Place::Engine),
        not_lowered: None,
        largest: 0.0,
    };
    for (inputs, outputs) in &sets {
        let one = one_set(&model, inputs, outputs);
        all.largest = all.largest.max(one.largest);
        all.not_lowered = all.not_lowered.or(one.not_lowered);
        all.result = match (all.result, one.result) {
            (Ok(a), Ok(b)) => Ok(a.max(b)),
            (Err(e), _) | (_, Err(e)) => Err(e),
        };
    }
    all
}

fn one_set(model: &ModelProto, inputs: &[TensorProto], outputs: &[TensorProto]) -> Outcome {
    let Some(graph) = &model.graph else {
        return failed("no graph");
    };
    if inputs.len() != graph.input.len() {
        return failed("inputs that are left out");
    }
    let mut names = frozen(graph);
    let mut prepared = prepare(model, inputs, &names);
    if let Err(e) = &prepared
        && e.contains("must be a constant")
    {
        names.extend(small_integers(graph, inputs));
        prepared = prepare(model, inputs, &names);
        if prepared
            .as_ref()
            .is_err_and(|e| e.contains("must be a constant"))
        {
            names.extend(single_numbers(graph, inputs));
            prepared = prepare(model, inputs, &names);
        }
    }
    let (graph, inputs) = match prepared {
        Ok(prepared) => prepared,
        Err(e) => return failed(e),
    };
    let expected = match outputs.iter().map(decode).collect::<Result<Vec<_>, _>>() {
        Ok(expected) => expected,
        Err(e) => return failed(e),
    };
    execute(&graph, &inputs, &expected)
}

/// The optimised graph and its inputs.
fn prepare(
    model: &ModelProto,
    inputs: &[TensorProto],
    names: &[String],
) -> Result<(Graph, Vec<Tensor>), String> {
    let mut proto = model.clone();
    let Some(graph) = &mut proto.graph else {
        return Err("no graph".into());
    };
    let left = freeze(graph, inputs, names);
    let tensors = left.iter().map(decode).collect::<Result<Vec<_>, _>>()?;
    let model = Model::from_proto(proto).map_err(|e| e.to_string())?;
    let imported = import(&model, &ImportOptions::default()).map_err(|e| e.to_string())?;
    let optimized = optimize(imported).map_err(|e| e.to_string())?;
    Ok((optimized.graph().clone(), tensors))
}

fn decode(proto: &TensorProto) -> Result<Tensor, String> {
    let model = Model::from_proto(ModelProto {
        ir_version: 10,
        opset_import: vec![redpoll_onnx::proto::OperatorSetIdProto {
            domain: String::new(),
            version: 17,
        }],
        graph: Some(redpoll_onnx::proto::GraphProto::default()),
        ..ModelProto::default()
    });
    let data: TensorData = model
        .and_then(|m| m.tensor(proto))
        .map_err(|e| e.to_string())?;
    tensor(&data).map_err(|e| e.to_string())
}

fn execute(graph: &Graph, inputs: &[Tensor], expected: &[Tensor]) -> Outcome {
    let mut outcome = failed("");
    let reference = match eval::run(graph, inputs) {
        Ok(outputs) => equality::exact(graph, &outputs),
        Err(e) => return failed(format!("reference: {e}")),
    };
    match compare(&reference, expected) {
        Ok(largest) => outcome.largest = largest,
        Err(e) => return failed(e),
    }
    let lowered = match lower(graph, &LowerOptions::default()) {
        Ok(lowered) => lowered,
        Err(e) => {
            outcome.not_lowered = Some(e.to_string());
            outcome.result = Ok(Place::Reference);
            return outcome;
        }
    };
    let chosen = [tiers().first().copied(), Some("scalar")];
    for tier in chosen.into_iter().flatten() {
        let actual = equality::run(lowered.plan(), inputs, tier, 1);
        for (actual, expected) in actual.iter().zip(&reference) {
            equality::assert_equal(tier, expected, actual);
        }
    }
    outcome.result = Ok(if inputs.is_empty() {
        Place::Folded
    } else {
        Place::Engine
    });
    outcome
}

/// The largest relative difference; an error where outputs are not equal within ONNX's own bounds.
fn compare(actual: &[Tensor], expected: &[Tensor]) -> Result<f64, String> {
    if actual.len() != expected.len() {
        return Err(format!("{} outputs for {}", actual.len(), expected.len()));
    }
    let mut largest = 0.0f64;
    for (i, (a, e)) in actual.iter().zip(expected).enumerate() {
        if a.shape() != e.shape() || a.dtype() != e.dtype() {
            return Err(format!(
                "output {i} is {} {:?}, expected {} {:?}",
                a.dtype(),
                a.shape(),
                e.dtype(),
                e.shape()
            ));
        }
        match (a.data(), e.data()) {
            (Data::F32(a), Data::F32(e)) => {
                for (&a, &e) in a.iter().zip(e) {
                    largest = largest.max(
                        difference(a, e)
                            .map_err(|_| format!("output {i}: {a} where {e} is expected"))?,
                    );
                }
            }
            (a, e) if a == e => {}
            _ => return Err(format!("output {i}: integers differ")),
        }
    }
    Ok(largest)
}

/// ONNX's runner: `|a − e| ≤ 1e-7 + 1e-3 · |e|`.
fn difference(a: f32, e: f32) -> Result<f64, ()> {
    if a == e || (a.is_nan() && e.is_nan()) {
        return Ok(0.0);
    }
    let (a, e) = (f64::from(a), f64::from(e));
    let distance = (a - e).abs();
    if distance <= 1e-7 + 1e-3 * e.abs() {
        Ok(distance / e.abs().max(1.0))
    } else {
        Err(())
    }
}
