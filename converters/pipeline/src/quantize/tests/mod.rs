//! Properties of quantised graphs, on small nets made by hand and run by the reference evaluator.

mod nets;
mod search;

use std::sync::Arc;

use redpoll_graph::op::{BinaryFn, UnaryFn};
use redpoll_graph::{DType, Data, Graph, Op, Tensor, eval};

use self::nets::{Numbers, residual_net, samples};
use super::*;
use crate::calibrate::{CalibrateOptions, Reference, calibrate};

fn convert(graph: &Graph, scheme: &Scheme) -> Quantized {
    let model = Optimized {
        graph: graph.clone(),
        log: Vec::new(),
    };
    let set = samples(graph, 24, 1);
    let calibrated = calibrate(
        &model,
        set,
        &CalibrateOptions::default(),
        &Reference,
        &mut |_, _| {},
    )
    .unwrap();
    quantize(&calibrated, scheme, &Reference, &mut |_, _| {}).unwrap()
}

/// Signal to noise of the first output over fresh samples, dB.
fn sqnr(float: &Graph, int8: &Graph) -> f64 {
    let (mut signal, mut noise) = (0.0, 0.0);
    for sample in samples(float, 24, 99).iter() {
        let a = eval::run(float, sample).unwrap();
        let b = eval::run(int8, sample).unwrap();
        for (&a, &b) in a[0].as_f32().unwrap().iter().zip(b[0].as_f32().unwrap()) {
            signal += f64::from(a).powi(2);
            noise += f64::from(a - b).powi(2);
        }
    }
    10.0 * (signal / noise).log10()
}

fn plain() -> Scheme {
    Scheme {
        rounding: Rounding::Nearest,
        bias_correction: false,
        equalize: false,
        ..Scheme::default()
    }
}

fn count(graph: &Graph, name: &str) -> usize {
    graph.nodes.iter().filter(|n| n.op.name() == name).count()
}

#[test]
fn a_residual_net_becomes_int8_from_end_to_end() {
    let float = residual_net();
    let q = convert(&float, &Scheme::default());
    let kept: Vec<_> = q.log.kept_float.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(kept, ["probabilities"]);
    assert_eq!(
        (count(&q.graph, "Quantize"), count(&q.graph, "Dequantize")),
        (1, 1)
    );
    assert_eq!(q.graph.value(q.graph.inputs[0]).dtype, DType::F32);
    assert_eq!(
        q.graph.value(q.graph.outputs[0]).name,
        float.value(float.outputs[0]).name
    );
    assert!(sqnr(&float, &q.graph) > 28.0, "{}", sqnr(&float, &q.graph));
    // ReLU6 is absorbed where saturation does it.
    for node in &q.graph.nodes {
        if let Op::Conv(c) = &node.op {
            assert_eq!(c.clamp, None, "{}", node.name);
        }
    }
}

#[test]
fn refinement_beats_rounding_to_the_nearest() {
    let float = residual_net();
    let (nearest, refined) = (
        convert(&float, &plain()),
        convert(&float, &Scheme::default()),
    );
    let (a, b) = (sqnr(&float, &nearest.graph), sqnr(&float, &refined.graph));
    assert!(b > a, "{b} dB refined, {a} dB to the nearest");
}

#[test]
fn unsigned_activations_give_the_same_numbers() {
    let float = residual_net();
    let signed = convert(&float, &plain());
    let unsigned = convert(
        &float,
        &Scheme {
            activations: DType::U8,
            ..plain()
        },
    );
    for sample in samples(&float, 5, 7).iter() {
        let (a, b) = (
            eval::run(&signed.graph, sample).unwrap(),
            eval::run(&unsigned.graph, sample).unwrap(),
        );
        assert_eq!(a, b);
    }
}

#[test]
fn integer_inputs_and_outputs_carry_their_scales() {
    let q = convert(
        &residual_net(),
        &Scheme {
            io: Io::Int8,
            ..plain()
        },
    );
    let input = q.graph.value(q.graph.inputs[0]);
    assert!(input.is_quantized() && input.name == "x");
    assert_eq!(count(&q.graph, "Quantize"), 0);
}

#[test]
fn a_node_kept_in_float_gets_one_border_each_way() {
    let scheme = Scheme {
        keep_float: vec!["depthwise".into()],
        ..plain()
    };
    let q = convert(&residual_net(), &scheme);
    assert!(
        q.log
            .kept_float
            .iter()
            .any(|(n, why)| n == "depthwise" && why.contains("asked"))
    );
    assert_eq!(
        (count(&q.graph, "Quantize"), count(&q.graph, "Dequantize")),
        (2, 2)
    );

    let graph = residual_net();
    let model = Optimized {
        graph: graph.clone(),
        log: Vec::new(),
    };
    let set = samples(&graph, 2, 1);
    let calibrated = calibrate(
        &model,
        set,
        &CalibrateOptions::default(),
        &Reference,
        &mut |_, _| {},
    )
    .unwrap();
    let scheme = Scheme {
        keep_float: vec!["nowhere".into()],
        ..plain()
    };
    let e = quantize(&calibrated, &scheme, &Reference, &mut |_, _| {}).unwrap_err();
    assert!(e.kind() == ErrorKind::Invalid && e.to_string().contains("nowhere"));
}

#[test]
fn joined_values_share_scale_and_zero_point() {
    let mut g = Graph::new("join");
    let x = g.add_input("x", DType::F32, vec![1, 8]);
    let mut r = Numbers::new(5);
    let a = nets::dense(&mut g, &mut r, "a", x, 4, 1.0);
    let b = nets::dense(&mut g, &mut r, "b", x, 4, 30.0);
    let joined = g
        .add_node("joined", Op::Concat { axis: 1 }, &[a, b])
        .unwrap();
    let shaped = g
        .add_node(
            "shaped",
            Op::Reshape {
                shape: vec![1, 2, 4],
            },
            &[joined],
        )
        .unwrap();
    g.outputs.push(shaped);
    let q = convert(&g, &plain());
    let of = |name: &str| {
        q.graph
            .value(q.graph.find_value(name).unwrap())
            .qparams
            .clone()
            .unwrap()
    };
    assert_eq!(of("a"), of("b"));
    assert_eq!(of("a"), of("joined"));
    // Few samples with bell-shaped elements: some fresh ones are clipped.
    assert!(sqnr(&g, &q.graph) > 20.0);
}

#[test]
fn an_accumulator_that_could_overflow_keeps_its_layer_in_float() {
    let mut g = Graph::new("wide");
    let inputs = 200_000;
    let x = g.add_input("x", DType::F32, vec![1, inputs]);
    let w = Tensor::new(vec![1, inputs], Data::F32(vec![1.0; inputs])).unwrap();
    let w = g.add_constant("w", w);
    let y = g.add_node("y", Op::Dense { clamp: None }, &[x, w]).unwrap();
    g.outputs.push(y);
    let q = convert(&g, &plain());
    assert!(
        q.log.kept_float[0].1.contains("overflow"),
        "{:?}",
        q.log.kept_float
    );
}

#[test]
fn a_large_bias_enlarges_the_scale_of_its_weights() {
    let layer = weights::quantize_layer(&[1e-9, -1e-9], Some(&[100.0]), 1, 1e-3, true);
    assert!(layer.bias[0].abs() <= 1 << 30);
    let back = f64::from(layer.bias[0]) * f64::from(layer.scales[0]) * 1e-3;
    assert!((back - 100.0).abs() < 1e-3, "{back}");
}

#[test]
fn a_normalisation_stays_float_as_a_whole() {
    let mut g = Graph::new("norm");
    let x = g.add_input("x", DType::F32, vec![1, 8]);
    let a = nets::dense(&mut g, &mut Numbers::new(3), "a", x, 8, 1.0);
    let mean = Op::Reduce {
        kind: redpoll_graph::op::ReduceKind::Mean,
        axes: vec![1],
        keep_dims: true,
    };
    let binary = |function| Op::Binary {
        function,
        clamp: None,
    };
    let m = g.add_node("m", mean.clone(), &[a]).unwrap();
    let d = g.add_node("d", binary(BinaryFn::Sub), &[a, m]).unwrap();
    let s = g.add_node("s", binary(BinaryFn::Mul), &[d, d]).unwrap();
    let v = g.add_node("v", mean, &[s]).unwrap();
    let root = g.add_node("root", Op::Unary(UnaryFn::Sqrt), &[v]).unwrap();
    let n = g.add_node("n", binary(BinaryFn::Div), &[d, root]).unwrap();
    let b = nets::dense(&mut g, &mut Numbers::new(4), "b", n, 4, 1.0);
    g.outputs.push(b);
    let q = convert(&g, &plain());
    let kept: Vec<_> = q.log.kept_float.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(kept, ["m", "d", "s", "v", "root", "n"]);
    // "a" is read three times in float, and dequantised once.
    assert_eq!(
        (count(&q.graph, "Quantize"), count(&q.graph, "Dequantize")),
        (2, 2)
    );
}

#[test]
fn zero_is_exact_and_scales_are_never_zero() {
    use crate::calibrate::Range;
    for (min, max) in [
        (0.0, 0.0),
        (-1.0, 3.0),
        (2.0, 5.0),
        (-7.0, -6.0),
        (0.0, 1e-38),
        (-1e30, 1e30),
    ] {
        for dtype in [DType::I8, DType::U8] {
            let q = activation_params(Range { min, max }, dtype);
            let (lo, hi) = dtype.quantized_range().unwrap();
            assert!(q.scale() > 0.0 && q.scale().is_finite());
            assert!((lo..=hi).contains(&q.zero_point()));
        }
    }
}

#[test]
fn ranges_from_a_file_are_quantised_without_refinement() {
    let graph = residual_net();
    let model = Optimized {
        graph: graph.clone(),
        log: Vec::new(),
    };
    let set = samples(&graph, 8, 1);
    let made = calibrate(
        &model,
        Arc::clone(&set),
        &CalibrateOptions::default(),
        &Reference,
        &mut |_, _| {},
    )
    .unwrap();
    let read = crate::calibrate::with_ranges(&model, made.ranges().clone()).unwrap();
    let q = quantize(&read, &Scheme::default(), &Reference, &mut |_, _| {}).unwrap();
    assert_eq!(
        q.graph,
        quantize(&made, &plain(), &Reference, &mut |_, _| {})
            .unwrap()
            .graph
    );
    assert_eq!(q.log.notes.len(), 1);
}

#[test]
fn equalised_channels_compute_the_same_on_the_samples() {
    let float = residual_net();
    let q = convert(&float, &Scheme::default());
    let equalised = q.float_graph().unwrap();
    assert!(q.log.notes[0].contains("scaled"), "{:?}", q.log.notes);
    assert_ne!(&float, equalised);
    for sample in samples(&float, 24, 1).iter() {
        let (a, b) = (
            eval::run(&float, sample).unwrap(),
            eval::run(equalised, sample).unwrap(),
        );
        for (a, b) in a[0].as_f32().unwrap().iter().zip(b[0].as_f32().unwrap()) {
            assert!((a - b).abs() <= 1e-5, "{a} and {b}");
        }
    }
    let without = Scheme {
        equalize: false,
        ..Scheme::default()
    };
    assert_eq!(convert(&float, &without).float_graph(), None);
}
