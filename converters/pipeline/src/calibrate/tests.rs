//! Properties of histograms and calibration methods on made-up distributions.

use std::sync::Arc;

use redpoll_graph::op::{Clamp, UnaryFn};
use redpoll_graph::{DType, Graph, Op, Tensor};

use super::*;

/// Repeatable numbers, uniform in [0, 1).
struct Uniform(u64);

impl Uniform {
    fn next(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }

    /// Bell-shaped around 0, deviation 1.
    fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.next()).sum::<f32>() - 6.0
    }
}

fn statistics(elements: &[f32]) -> ValueStatistics {
    let mut value = ValueStatistics::default();
    for block in elements.chunks(1000) {
        value.add(block, 1);
        value.end_sample();
    }
    value
}

fn mean_squared_error(elements: &[f32], range: Range) -> f64 {
    let (lo, hi) = (range.min.min(0.0), range.max.max(0.0));
    let scale = (hi - lo) / 255.0;
    let zero = (-lo / scale).round();
    let error = |v: f32| {
        f64::from(((v / scale).round() + zero).clamp(0.0, 255.0) - zero) * f64::from(scale)
            - f64::from(v)
    };
    elements.iter().map(|&v| error(v).powi(2)).sum::<f64>() / elements.len() as f64
}

const METHODS: [Method; 5] = [
    Method::MinMax,
    Method::MovingAverage,
    Method::PERCENTILE,
    Method::Entropy,
    Method::MeanSquaredError,
];

#[test]
fn guarding_clipped_elements_widens_the_range() {
    let mut value = ValueStatistics::default();
    let mut state = 1u64;
    let mut uniform = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 40) as f32 / (1u64 << 24) as f32
    };
    // A long tail: both methods clip, the guarded one less.
    let v: Vec<f32> = (0..20_000)
        .map(|_| -(1.0 - uniform()).ln() * (0.2 + uniform()))
        .collect();
    value.add(&v, 1);
    value.end_sample();
    let max = |m: Method| m.range(&value).max;
    let (mse, guarded, all) = (
        max(Method::MeanSquaredError),
        max(Method::Guarded),
        max(Method::MinMax),
    );
    assert!(mse < guarded && guarded < all, "{mse} {guarded} {all}");
    assert_eq!("guarded".parse::<Method>().unwrap(), Method::Guarded);
    assert_eq!(Method::Guarded.to_string(), "guarded");
}

#[test]
fn a_histogram_keeps_every_count_while_it_grows_both_ways() {
    let mut h = Histogram::default();
    h.add(&[0.0, 0.0]);
    h.add(&[0.5]);
    h.add(&[-1000.0, 3e6, 0.25, f32::NAN, f32::INFINITY]);
    h.add(&[-4e6]);
    assert_eq!((h.total(), h.zeros()), (7, 2));
    assert_eq!((h.min(), h.max()), (-4e6, 3e6));
    assert_eq!(h.bins().map(|(_, n)| n).sum::<u64>(), 5);
}

#[test]
fn quantiles_of_a_uniform_distribution_are_where_they_should_be() {
    let mut u = Uniform(1);
    let elements: Vec<f32> = (0..50_000).map(|_| u.next() * 4.0 - 1.0).collect();
    let value = statistics(&elements);
    for p in [0.01, 0.25, 0.5, 0.9] {
        let q = f64::from(value.histogram.quantile(p));
        assert!((q - (4.0 * p - 1.0)).abs() < 0.03, "{p}: {q}");
    }
}

#[test]
fn every_method_stays_within_the_extremes() {
    let mut u = Uniform(2);
    for shift in [-2.0, 0.0, 9.0] {
        let elements: Vec<f32> = (0..5000).map(|_| u.normal() + shift).collect();
        let value = statistics(&elements);
        for method in METHODS {
            let r = method.range(&value);
            let (lo, hi) = (
                value.histogram.min().min(0.0),
                value.histogram.max().max(0.0),
            );
            assert!(
                lo <= r.min && r.min <= r.max && r.max <= hi,
                "{method}: {r:?}"
            );
        }
    }
}

#[test]
fn outliers_are_cut_by_the_robust_methods_only() {
    let mut u = Uniform(3);
    let mut elements: Vec<f32> = (0..60_000).map(|_| u.normal()).collect();
    elements[777] = 60.0;
    let value = statistics(&elements);
    assert_eq!(Method::MinMax.range(&value).max, 60.0);
    for method in [Method::PERCENTILE, Method::Entropy] {
        let r = method.range(&value);
        assert!(r.max < 30.0 && r.max > 2.0, "{method}: {r:?}");
    }
}

#[test]
fn the_search_beats_all_other_methods_in_squared_error() {
    let mut u = Uniform(4);
    let heavy: Vec<f32> = (0..40_000)
        .map(|_| u.normal() * (3.0 * u.next()).exp())
        .collect();
    let one_sided: Vec<f32> = (0..40_000)
        .map(|_| (u.normal() * 2.0).clamp(0.0, 6.0))
        .collect();
    let skewed: Vec<f32> = (0..40_000)
        .map(|_| (2.0 * u.normal()).exp() - 1.0)
        .collect();
    for elements in [heavy, one_sided, skewed] {
        let value = statistics(&elements);
        let best = mean_squared_error(&elements, Method::MeanSquaredError.range(&value));
        for method in METHODS {
            let e = mean_squared_error(&elements, method.range(&value));
            assert!(best <= e * 1.01, "{method}: {e} against {best}");
        }
    }
}

#[test]
fn a_constant_value_and_an_all_zero_one_have_ranges() {
    for elements in [vec![0.0; 10], vec![-3.0; 10], vec![1e-30; 4]] {
        let value = statistics(&elements);
        for method in METHODS {
            let r = method.range(&value);
            assert!(
                r.min.is_finite() && r.max.is_finite() && r.min <= r.max,
                "{method}: {r:?}"
            );
        }
    }
}

#[test]
fn methods_are_read_back_as_written() {
    for method in METHODS {
        assert_eq!(method.to_string().parse::<Method>().unwrap(), method);
    }
    assert!("percentile=7".parse::<Method>().is_err());
    assert!(
        "kl".parse::<Method>()
            .unwrap_err()
            .to_string()
            .contains("entropy")
    );
}

fn model() -> Optimized {
    let mut graph = Graph::new("tiny");
    let x = graph.add_input("x", DType::F32, vec![1, 3]);
    let y = graph
        .add_node("y", Op::Unary(UnaryFn::Clamp(Clamp::RELU)), &[x])
        .unwrap();
    graph.outputs.push(y);
    Optimized {
        graph,
        log: Vec::new(),
    }
}

fn sample(v: [f32; 3]) -> Vec<Tensor> {
    vec![Tensor::new(vec![1, 3], redpoll_graph::Data::F32(v.to_vec())).unwrap()]
}

#[test]
fn ranges_of_a_model_survive_json_and_can_be_used_again() {
    let samples: SampleSet = Arc::new([sample([-1.0, 0.0, 2.0]), sample([-3.0, 1.0, 1.0])]);
    let options = CalibrateOptions {
        method: Method::MinMax,
    };
    let mut seen = Vec::new();
    let calibrated = calibrate(&model(), samples, &options, &Reference, &mut |d, n| {
        seen.push((d, n))
    })
    .unwrap();
    assert_eq!(seen, [(1, 2), (2, 2)]);
    assert_eq!(
        calibrated.ranges().values["x"],
        Range {
            min: -3.0,
            max: 2.0
        }
    );
    assert_eq!(
        calibrated.ranges().values["y"],
        Range { min: 0.0, max: 2.0 }
    );

    let mut ranges = Ranges::from_json(&calibrated.ranges().to_json().unwrap()).unwrap();
    assert_eq!(&ranges, calibrated.ranges());
    assert_eq!(
        with_ranges(&model(), ranges.clone()).unwrap().ranges(),
        &ranges
    );
    ranges.values.remove("y");
    let missing = with_ranges(&model(), ranges.clone()).unwrap_err();
    assert!(missing.to_string().contains("\"y\""), "{missing}");
    let upside_down = r#"{"method":"mse","samples":1,"values":{"x":{"min":1.0,"max":0.0}}}"#;
    assert_eq!(
        Ranges::from_json(upside_down).unwrap_err().kind(),
        ErrorKind::Invalid
    );
}

#[test]
fn no_samples_and_no_finite_element_are_errors() {
    let options = CalibrateOptions::default();
    let none = calibrate(&model(), Arc::new([]), &options, &Reference, &mut |_, _| {});
    assert_eq!(none.unwrap_err().kind(), ErrorKind::Invalid);
    let nan: SampleSet = Arc::new([sample([f32::NAN; 3])]);
    let e = calibrate(&model(), nan, &options, &Reference, &mut |_, _| {}).unwrap_err();
    assert!(e.to_string().contains("\"x\""), "{e}");
}
