//! The search over ways to quantise, with the reference evaluator.

use std::sync::Arc;

use redpoll_graph::{Graph, Tensor, eval};

use super::nets::{residual_net, samples};
use crate::calibrate::{CalibrateOptions, Method, Reference, SampleSet, calibrate};
use crate::quantize::{Candidate, Scheme, Searched, equalized_values, quantize, search};
use crate::{Optimized, Quantized};

fn model() -> Optimized {
    Optimized {
        graph: residual_net(),
        log: Vec::new(),
    }
}

fn run(set: &SampleSet, method: Option<Method>, scheme: &Scheme) -> Searched {
    search(&model(), set, method, scheme, &Reference, &mut |_, _, _| {}).unwrap()
}

fn finish(found: &Searched) -> Quantized {
    quantize(&found.calibrated, &found.scheme, &Reference, &mut |_, _| {}).unwrap()
}

#[test]
fn the_best_on_held_out_samples_is_made_with_all() {
    let set = samples(&model().graph, 24, 1);
    let found = run(&set, None, &Scheme::default());
    let methods: Vec<_> = found.candidates.iter().map(|c| c.method.as_str()).collect();
    assert_eq!(
        methods[..4],
        ["min-max", "guarded", "mse", "percentile=99.99"]
    );
    assert_eq!((found.candidates.len(), found.held_out), (6, 8));
    let chosen: Vec<&Candidate> = found.candidates.iter().filter(|c| c.chosen).collect();
    let [chosen] = chosen[..] else {
        panic!("{:?}", found.candidates)
    };
    for c in &found.candidates {
        assert!(c.held_out_sqnr_db.unwrap() > 15.0, "{c:?}");
        // No other is clearly better, and no headroom is better at all.
        let margin = if c.equalize_headroom.is_some() {
            0.0
        } else {
            0.5
        };
        let (a, b) = (
            c.held_out_sqnr_db.unwrap(),
            chosen.held_out_sqnr_db.unwrap(),
        );
        assert!(a <= b + margin, "{c:?}");
    }
    let ranges = found.calibrated.ranges();
    assert_eq!((&ranges.method, ranges.samples), (&chosen.method, 24));
    assert_eq!(found.scheme.equalize, chosen.equalize_headroom.is_some());
    assert_eq!(found.scheme.rounding, Scheme::default().rounding);
    // All samples come back, each once.
    let mut left: Vec<&Vec<Tensor>> = set.iter().collect();
    for sample in found.calibrated.samples.as_ref().unwrap().iter() {
        left.swap_remove(left.iter().position(|s| *s == sample).unwrap());
    }
    assert!(left.is_empty());
    // The same again: nothing is left to chance.
    let again = run(&set, None, &Scheme::default());
    assert_eq!(again.candidates, found.candidates);
    assert_eq!(finish(&again).graph(), finish(&found).graph());
}

#[test]
fn what_is_asked_for_is_not_tried_otherwise() {
    let set = samples(&model().graph, 12, 1);
    let without = Scheme {
        equalize: false,
        ..Scheme::default()
    };
    let found = run(&set, Some(Method::MinMax), &without);
    assert_eq!(found.candidates.len(), 1);
    assert_eq!(found.calibrated.ranges().method, "min-max");
    assert_eq!(finish(&found).float_graph(), None);
    // Too few samples to hold some out: the defaults.
    let few: SampleSet = Arc::from(&set[..7]);
    let found = run(&few, None, &without);
    assert_eq!((found.candidates.len(), found.held_out), (0, 0));
    assert_eq!(
        found.calibrated.ranges().method,
        Method::default().to_string()
    );
}

#[test]
fn candidates_are_measured_on_samples_that_they_never_saw() {
    let set = samples(&model().graph, 12, 5);
    let plain = super::plain();
    let found = run(&set, Some(Method::MinMax), &plain);
    // By hand: every third sample is held out, the logits that the softmax reads are compared, less their mean.
    let (held, fit): (Vec<_>, Vec<_>) = set
        .iter()
        .cloned()
        .enumerate()
        .partition(|(i, _)| i % 3 == 2);
    let fit: SampleSet = fit.into_iter().map(|(_, s)| s).collect();
    let options = CalibrateOptions {
        method: Method::MinMax,
    };
    let calibrated = calibrate(&model(), fit, &options, &Reference, &mut |_, _| {}).unwrap();
    let int8 = quantize(&calibrated, &plain, &Reference, &mut |_, _| {}).unwrap();
    let logits = |graph: &Graph, sample: &[Tensor]| {
        let read = graph.nodes.last().unwrap().inputs[0];
        let mut seen = Vec::new();
        eval::run_with(graph, sample, &mut |id, tensor| {
            if id == read {
                seen = tensor
                    .as_f32()
                    .unwrap()
                    .iter()
                    .map(|&v| f64::from(v))
                    .collect();
            }
        })
        .unwrap();
        let mean = seen.iter().sum::<f64>() / seen.len() as f64;
        seen.iter().map(|v| v - mean).collect::<Vec<f64>>()
    };
    let db = |(_, sample): &(usize, Vec<Tensor>)| {
        let (a, b) = (logits(&model().graph, sample), logits(int8.graph(), sample));
        let signal: f64 = a.iter().map(|a| a * a).sum();
        let noise: f64 = a.iter().zip(&b).map(|(a, b)| (a - b).powi(2)).sum();
        10.0 * (signal / noise).log10()
    };
    let expected = held.iter().map(db).sum::<f64>() / held.len() as f64;
    let got = found.candidates[0].held_out_sqnr_db.unwrap();
    assert!(
        (got - expected).abs() < 1e-9,
        "{got} dB, by hand {expected} dB"
    );
}

#[test]
fn scaled_values_are_named_in_the_metadata() {
    let float = model().graph;
    let q = super::convert(&float, &Scheme::default());
    let metadata = &q.graph().metadata;
    let scaled = equalized_values(metadata.iter().map(|(k, v)| (k.as_str(), v.as_str())));
    assert!(!scaled.is_empty());
    let equalised = q.float_graph().unwrap();
    for node in &float.nodes {
        // A value is named exactly if the weights that make it were scaled up.
        let weights = |g: &Graph| {
            let node = g.nodes.iter().find(|n| n.name == node.name)?;
            let bias = g.constant(*node.inputs.get(2)?)?;
            Some(bias.as_f32()?.to_vec())
        };
        let changed = weights(&float) != weights(equalised);
        let name = float.value(node.output).name.as_str();
        assert_eq!(scaled.contains_key(name), changed, "{name}");
    }
    let without = Scheme {
        equalize: false,
        ..Scheme::default()
    };
    assert!(super::convert(&float, &without).graph().metadata.is_empty());
}
