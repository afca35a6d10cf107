//! The engine on the lowered plan gives the bits of the reference evaluator on the graph.

use std::collections::HashMap;

use redpoll_graph::{DType, Data, Graph, Tensor, eval};
use redpoll_pipeline::lower::{Keep, LowerOptions, lower};
use redpoll_plan::{OutputSize, SIZES};
use redpoll_session::{Options, Session, Value, tiers};

/// Bytes of the elements, floats as their bits.
pub fn bytes(tensor: &Tensor) -> Vec<u8> {
    match tensor.data() {
        Data::F32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::I8(v) => v.iter().map(|x| x.cast_unsigned()).collect(),
        Data::U8(v) => v.clone(),
        Data::I32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::I64(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::Bool(v) => v.iter().map(|&x| x.into()).collect(),
    }
}

/// Writes the inputs of a session, in the model's order.
pub fn set_inputs(session: &mut Session, inputs: &[Tensor]) {
    for (i, input) in inputs.iter().enumerate() {
        let bytes = bytes(input);
        let done = match input.data() {
            Data::F32(v) => session.set_input(i, v),
            Data::I8(v) => session.set_input(i, v),
            Data::U8(v) => session.set_input(i, v),
            Data::I32(v) => session.set_input(i, v),
            Data::I64(v) => session.set_input(i, v),
            Data::Bool(_) => session.set_value(i, Value::Bool(&bytes)),
        };
        done.expect("an input that fits");
    }
}

/// The bytes of every output of one run.
pub fn run(plan: &[u8], inputs: &[Tensor], tier: &str, threads: usize) -> Vec<Vec<u8>> {
    let options = Options::default().tier(tier).threads(threads);
    let mut session = Session::from_bytes(plan, &options).expect("a plan that loads");
    set_inputs(&mut session, inputs);
    session.run().expect("a run that ends");
    (0..session.outputs().len())
        .map(|i| {
            session
                .output_value(i)
                .expect("an output")
                .as_bytes()
                .to_vec()
        })
        .collect()
}

/// The outputs of the evaluator as a session gives them: where the run finds a size, the elements that are meant.
///
/// # Panics
/// When a size is not what the graph says: the test fails.
pub fn exact(graph: &Graph, outputs: &[Tensor]) -> Vec<Tensor> {
    let text = graph.metadata.get(SIZES).map_or("", String::as_str);
    let sizes: Vec<OutputSize> = OutputSize::parse(text).collect();
    let kept = (0..outputs.len()).filter(|i| !sizes.iter().any(|s| s.length == *i));
    kept.map(|i| {
        let mut tensor = outputs[i].clone();
        for size in sizes.iter().filter(|s| s.output == i) {
            let length = outputs[size.length].to_i64().expect("a size")[0];
            let mut shape = tensor.shape().to_vec();
            shape[size.axis] = usize::try_from(length)
                .expect("a size")
                .min(shape[size.axis]);
            let n = shape.iter().product();
            let data = match tensor.data() {
                Data::F32(v) => Data::F32(v[..n].to_vec()),
                Data::I8(v) => Data::I8(v[..n].to_vec()),
                Data::U8(v) => Data::U8(v[..n].to_vec()),
                Data::I32(v) => Data::I32(v[..n].to_vec()),
                Data::I64(v) => Data::I64(v[..n].to_vec()),
                Data::Bool(v) => Data::Bool(v[..n].to_vec()),
            };
            tensor = Tensor::new(shape, data).expect("a tensor");
        }
        tensor
    })
    .collect()
}

/// Demands equal bits of evaluator and engine for every tier of this CPU, with 1 and 2 threads. NaN equals NaN: which
/// of its bits an operation gives is not the same on every machine.
///
/// # Panics
/// When they differ: the test fails.
pub fn assert_same_bits(what: &str, graph: &Graph, inputs: &[Tensor]) {
    let expected = eval::run(graph, inputs).unwrap_or_else(|e| panic!("{what}: evaluator: {e}"));
    let expected = exact(graph, &expected);
    let lowered = lower(graph, &LowerOptions::default()).unwrap_or_else(|e| panic!("{what}: {e}"));
    assert!(
        lowered.memory().arena_bytes >= lowered.memory().live_bytes,
        "{what}"
    );
    for tier in tiers() {
        for threads in [1, 2] {
            let actual = run(lowered.plan(), inputs, tier, threads);
            for (i, (actual, expected)) in actual.iter().zip(&expected).enumerate() {
                assert_equal(
                    &format!("{what}: {tier}, {threads} threads, output {i}"),
                    expected,
                    actual,
                );
            }
        }
    }
}

/// Demands that every value of the graph, kept to the end of the run, is the evaluator's. uint8 values are int8 inside.
///
/// # Panics
/// When they differ: the test fails.
pub fn assert_same_values(what: &str, graph: &Graph, inputs: &[Tensor]) {
    let mut expected = HashMap::new();
    let mut keep = |id, tensor: &Tensor| {
        expected.insert(graph.value(id).name.clone(), tensor.clone());
    };
    eval::run_with(graph, inputs, &mut keep).unwrap_or_else(|e| panic!("{what}: evaluator: {e}"));
    let options = LowerOptions {
        keep: Keep::All,
        alignment: 16,
        scratch_rows: 3,
        ..LowerOptions::default()
    };
    let lowered = lower(graph, &options).unwrap_or_else(|e| panic!("{what}: {e}"));
    let mut session =
        Session::from_bytes(lowered.plan(), &Options::default()).expect("a plan that loads");
    set_inputs(&mut session, inputs);
    session.run().expect("a run that ends");
    for (i, info) in session.outputs().iter().enumerate() {
        let expected = &expected[&info.name];
        let value = session.output_value(i).expect("an output");
        let shifted = expected.dtype() == DType::U8 && matches!(value, Value::I8(_));
        let flip = if shifted { 0x80 } else { 0 };
        let actual: Vec<u8> = value.as_bytes().iter().map(|b| b ^ flip).collect();
        assert_equal(
            &format!("{what}: value \"{}\"", info.name),
            expected,
            &actual,
        );
    }
}

/// Demands that `actual` are the bytes of `expected`.
///
/// # Panics
/// When they differ: the test fails.
pub fn assert_equal(what: &str, expected: &Tensor, actual: &[u8]) {
    let wanted = bytes(expected);
    assert_eq!(wanted.len(), actual.len(), "{what}: bytes");
    if wanted == actual {
        return;
    }
    let size = expected.dtype().size();
    let pairs = wanted.chunks(size).zip(actual.chunks(size));
    let differing = pairs
        .enumerate()
        .filter(|(_, (a, b))| a != b && !both_nan(expected, a, b));
    let differing: Vec<_> = differing.collect();
    assert!(
        differing.is_empty(),
        "{what}: {} of {} elements differ, the first at {}: evaluator {:?}, engine {:?}",
        differing.len(),
        expected.len(),
        differing[0].0,
        differing[0].1.0,
        differing[0].1.1,
    );
}

fn both_nan(tensor: &Tensor, a: &[u8], b: &[u8]) -> bool {
    let nan = |b: &[u8]| b.try_into().is_ok_and(|b| f32::from_le_bytes(b).is_nan());
    matches!(tensor.data(), Data::F32(_)) && nan(a) && nan(b)
}
