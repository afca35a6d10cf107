//! A model of one step gives, one step after the other, the bits of the offline model: float and int8.

use redpoll_graph::{Data, Graph, Tensor};
use redpoll_onnx::proto::NodeProto;
use redpoll_onnx::{DataType, Dim, GraphBuilder, Limits, Model, ModelBuilder, TensorData};
use redpoll_pipeline::import::{ImportOptions, import};
use redpoll_pipeline::lower::{LowerOptions, lower};
use redpoll_pipeline::optimize::optimize;
use redpoll_pipeline::stream::{StreamOptions, Streamed, stream};
use redpoll_pipeline::{ErrorKind, Optimized};
use redpoll_session::{Options, Session, tiers};
use redpoll_tests::build::{Random, tensor};
use redpoll_tests::equality::set_inputs;
use redpoll_tests::models::shared;
use redpoll_tests::onnx::int8;

const FRAMES: usize = 48;

fn node(op: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto::new(op, "", inputs.iter().copied(), [output])
}

fn weights(graph: &mut GraphBuilder, random: &mut Random, name: &str, shape: &[usize]) {
    let w = random.floats(shape);
    let fan: usize = shape[1..].iter().product();
    let v: Vec<f32> = w
        .as_f32()
        .expect("floats")
        .iter()
        .map(|v| v / (fan as f32).sqrt())
        .collect();
    graph.initializer(name, &TensorData::from_f32(shape, &v).expect("weights"));
}

fn finish(mut graph: GraphBuilder, output: &str) -> Optimized {
    graph.output(output, DataType::F32, &[]);
    let model = ModelBuilder::new(17).build(graph).expect("a model");
    let imported = import(&model, &ImportOptions::default()).expect("an import");
    optimize(imported).expect("sound rules")
}

fn fixed(dims: &[usize]) -> Vec<Dim> {
    dims.iter().map(|&d| Dim::Fixed(d)).collect()
}

/// Dilated causal convolutions over `[1, 6, T]` with residuals, one with stride 2; `before` frames of border less than the
/// window reaches are missing.
fn temporal(missing: i64) -> Optimized {
    let mut random = Random::new(21);
    let mut graph = GraphBuilder::new("tcn");
    graph.input("x", DataType::F32, &fixed(&[1, 6, FRAMES]));
    let mut at = "x".to_owned();
    let mut channels = 6;
    for (i, (kernel, dilation, stride)) in [(3, 1, 1), (3, 2, 1), (4, 1, 2), (2, 4, 1)]
        .iter()
        .enumerate()
    {
        let (w, y) = (format!("w{i}"), format!("y{i}"));
        weights(
            &mut graph,
            &mut random,
            &w,
            &[8, channels, *kernel as usize],
        );
        let before = (kernel - 1) * dilation - (stride - 1) - missing;
        graph.node(
            node("Conv", &[&at, &w], &y)
                .with_ints("pads", &[before.max(0), missing])
                .with_ints("dilations", &[*dilation])
                .with_ints("strides", &[*stride]),
        );
        let (r, p, q) = (format!("r{i}"), format!("p{i}"), format!("q{i}"));
        graph.node(node("Relu", &[&y], &r));
        weights(&mut graph, &mut random, &p, &[8, 8, 1]);
        graph.node(node("Conv", &[&r, &p], &q));
        at = format!("z{i}");
        if *stride == 1 && channels == 8 {
            graph.node(node("Add", &[&q, &r], &at));
        } else {
            graph.node(node("Sigmoid", &[&q], &at));
        }
        channels = 8;
    }
    finish(graph, &at)
}

/// `[1, 1, T, 10]`: two axes, windows over time without a border and over frequency with one, pooling over frequency.
fn two_axes() -> Optimized {
    let mut random = Random::new(22);
    let mut graph = GraphBuilder::new("two");
    graph.input("x", DataType::F32, &fixed(&[1, 1, FRAMES, 10]));
    weights(&mut graph, &mut random, "a", &[8, 1, 3, 3]);
    weights(&mut graph, &mut random, "d", &[8, 1, 5, 3]);
    weights(&mut graph, &mut random, "f", &[40, 3]);
    graph.node(node("Conv", &["x", "a"], "c").with_ints("pads", &[0, 1, 0, 1]));
    graph.node(node("Relu", &["c"], "r"));
    graph.node(
        node("Conv", &["r", "d"], "e")
            .with_ints("pads", &[0, 1, 0, 1])
            .with_int("group", 8),
    );
    graph.node(
        node("MaxPool", &["e"], "p")
            .with_ints("kernel_shape", &[1, 2])
            .with_ints("strides", &[1, 2]),
    );
    graph.node(node("Transpose", &["p"], "t").with_ints("perm", &[0, 2, 1, 3]));
    let shape = TensorData::from_i64(&[3], &[1, FRAMES as i64 - 6, 40]).expect("numbers");
    graph.initializer("shape", &shape);
    graph.node(node("Reshape", &["t", "shape"], "flat"));
    graph.node(node("MatMul", &["flat", "f"], "m"));
    graph.node(node("Softmax", &["m"], "y").with_int("axis", 2));
    finish(graph, "y")
}

/// `[T, 1, 5]` through two recurrent layers.
fn recurrent(op: &str, direction: &str) -> Optimized {
    let mut random = Random::new(23);
    let gates = if op == "LSTM" { 4 } else { 3 };
    let mut graph = GraphBuilder::new("recurrent");
    graph.input("x", DataType::F32, &fixed(&[FRAMES, 1, 5]));
    weights(&mut graph, &mut random, "w", &[1, gates * 6, 5]);
    weights(&mut graph, &mut random, "r", &[1, gates * 6, 6]);
    graph.node(
        node(op, &["x", "w", "r"], "h")
            .with_int("hidden_size", 6)
            .with_string("direction", direction),
    );
    let axes = TensorData::from_i64(&[1], &[1]).expect("numbers");
    graph.initializer("axes", &axes);
    graph.node(node("Squeeze", &["h", "axes"], "s"));
    graph.node(node("Tanh", &["s"], "y"));
    finish(graph, "y")
}

/// Elements `start..start + len` of an axis.
fn part(x: &[u8], shape: &[usize], size: usize, axis: usize, frames: (usize, usize)) -> Vec<u8> {
    let inner: usize = shape[axis + 1..].iter().product::<usize>() * size;
    let outer: usize = shape[..axis].iter().product();
    let row = |o: usize, t: usize| &x[(o * shape[axis] + t) * inner..][..inner];
    let all = (0..outer).flat_map(|o| (frames.0..frames.0 + frames.1).map(move |t| (o, t)));
    all.flat_map(|(o, t)| row(o, t).to_vec()).collect()
}

/// Demands the offline bits of every frame; gives the step model.
fn check(what: &str, graph: &Graph, axis: usize, frames: Option<usize>) -> Streamed {
    let options = StreamOptions {
        inputs: vec![(String::new(), axis)],
        frames,
    };
    let made = stream(graph, &options).unwrap_or_else(|e| panic!("{what}: {e}"));
    let lowered = LowerOptions {
        states: made.states.clone(),
        ..LowerOptions::default()
    };
    let step_plan = lower(&made.graph, &lowered).unwrap_or_else(|e| panic!("{what}: {e}"));
    let plan = lower(graph, &LowerOptions::default()).unwrap_or_else(|e| panic!("{what}: {e}"));
    let shape = graph.value(graph.inputs[0]).shape.clone();
    let x = Random::new(31).floats(&shape);
    let bytes: Vec<u8> = x
        .as_f32()
        .expect("floats")
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    for tier in tiers() {
        let open = |plan: &[u8]| {
            Session::from_bytes(plan, &Options::default().tier(tier)).expect("a plan that loads")
        };
        let (mut offline, mut step) = (open(plan.plan()), open(step_plan.plan()));
        set_inputs(&mut offline, std::slice::from_ref(&x));
        offline.run().expect("a run");
        assert_eq!(step.inputs().len(), 1, "{what}: states are no inputs");
        assert_eq!(step.outputs().len(), offline.outputs().len(), "{what}");
        let mut compared = 0;
        for n in 0..shape[axis] / made.frames {
            let new = part(&bytes, &shape, 4, axis, (n * made.frames, made.frames));
            step.input_bytes_mut(0)
                .expect("an input")
                .copy_from_slice(&new);
            step.run().expect("a run");
            for output in &made.outputs {
                let info = offline.outputs().iter().find(|o| o.name == output.name);
                let (info, size) = (
                    info.expect("an output"),
                    info.expect("an output").dtype.size(),
                );
                let theirs = offline
                    .output_bytes(output.name.as_str())
                    .expect("an output");
                let ours = step.output_bytes(output.name.as_str()).expect("an output");
                let mut own = info.shape.clone();
                own[output.axis] = output.frames;
                for j in 0..output.frames {
                    let Some(i) = (n * output.frames + j).checked_sub(output.warm_up) else {
                        continue;
                    };
                    let a = part(ours, &own, size, output.axis, (j, 1));
                    let b = part(theirs, &info.shape, size, output.axis, (i, 1));
                    assert_eq!(a, b, "{what}: {tier}: {} frame {i}", output.name);
                    compared += 1;
                }
            }
        }
        let all: usize = made
            .outputs
            .iter()
            .map(|o| {
                graph
                    .value(graph.find_value(&o.name).expect("an output"))
                    .shape[o.axis]
            })
            .sum();
        assert_eq!(compared, all, "{what}: every frame of every output");
    }
    made
}

fn in_int8(model: &Optimized) -> Graph {
    let shape = model.graph().value(model.graph().inputs[0]).shape.clone();
    let mut random = Random::new(41);
    let samples = (0..8).map(|_| vec![random.floats(&shape)]).collect();
    int8(model, samples).graph().clone()
}

#[test]
fn causal_convolutions() {
    let model = temporal(0);
    for (what, graph) in [("float", model.graph().clone()), ("int8", in_int8(&model))] {
        let made = check(what, &graph, 2, None);
        assert_eq!((made.frames, made.outputs[0].warm_up), (2, 0), "{what}");
        assert_eq!(made.states.len(), 4, "{what}: a history a window");
        assert_eq!(check(what, &graph, 2, Some(12)).frames, 12);
    }
}

#[test]
fn windows_without_a_border_warm_up() {
    let model = two_axes();
    for (what, graph) in [("float", model.graph().clone()), ("int8", in_int8(&model))] {
        let made = check(what, &graph, 2, None);
        assert_eq!((made.frames, made.outputs[0].warm_up), (1, 6), "{what}");
        check(what, &graph, 2, Some(8));
    }
}

#[test]
fn recurrent_layers() {
    for op in ["LSTM", "GRU"] {
        let model = recurrent(op, "forward");
        let made = check(op, model.graph(), 0, None);
        assert_eq!(made.states.len(), if op == "LSTM" { 2 } else { 1 });
        check(op, model.graph(), 0, Some(6));
        check(op, &in_int8(&model), 0, None);
    }
}

#[test]
fn what_looks_ahead_is_refused() {
    let refused = |model: &Optimized, axis: usize| {
        let options = StreamOptions {
            inputs: vec![(String::new(), axis)],
            frames: None,
        };
        let e = stream(model.graph(), &options).map(drop).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Unsupported, "{e}");
        e.to_string()
    };
    let reason = refused(&temporal(1), 2);
    assert!(
        reason.contains("y0") && reason.contains("ahead"),
        "{reason}"
    );
    let reason = refused(&recurrent("GRU", "reverse"), 0);
    assert!(reason.contains("not causal"), "{reason}");
    // The axis of channels is no time.
    let reason = refused(&temporal(0), 1);
    assert!(
        reason.contains("no axis of its window") || reason.contains("along time"),
        "{reason}"
    );
    let none = StreamOptions {
        inputs: vec![("z".into(), 0)],
        frames: None,
    };
    assert_eq!(
        stream(temporal(0).graph(), &none)
            .map(drop)
            .unwrap_err()
            .kind(),
        ErrorKind::Invalid
    );
}

/// A stream that was saved goes on in another session; a new one begins anew.
#[test]
fn streams_fork() {
    let model = temporal(0);
    let options = StreamOptions {
        inputs: vec![(String::new(), 2)],
        frames: None,
    };
    let made = stream(model.graph(), &options).expect("a stream");
    let lowered = LowerOptions {
        states: made.states.clone(),
        ..LowerOptions::default()
    };
    let plan = lower(&made.graph, &lowered).expect("a plan");
    let open = || Session::from_bytes(plan.plan(), &Options::default()).expect("loads");
    let (mut a, mut b) = (open(), open());
    let mut random = Random::new(51);
    let step = |session: &mut Session, x: &Tensor| {
        set_inputs(session, std::slice::from_ref(x));
        session.run().expect("a run");
        session.output_bytes(0).expect("an output").to_vec()
    };
    let shape = made.graph.value(made.graph.inputs[0]).shape.clone();
    let frames: Vec<Tensor> = (0..6).map(|_| random.floats(&shape)).collect();
    let first: Vec<_> = frames.iter().map(|x| step(&mut a, x)).collect();
    a.reset_state().expect("a state");
    frames[..3].iter().for_each(|x| drop(step(&mut a, x)));
    b.restore_state(a.state().expect("a state"))
        .expect("the same plan");
    let other = tensor(&shape, Data::F32(vec![9.0; shape.iter().product()]));
    step(&mut a, &other);
    let rest: Vec<_> = frames[3..].iter().map(|x| step(&mut b, x)).collect();
    assert_eq!(rest, first[3..]);
}

/// Real weights: a wake word model over a second of spectra becomes one that answers after every frame.
#[test]
fn a_wake_word_model() {
    let Some(path) = shared("models/kws/tiny_sww_f32.onnx") else {
        return;
    };
    let model = Model::read(&path, &Limits::default()).expect("a model");
    let model = import(&model, &ImportOptions::default()).expect("an import");
    let model = optimize(model).expect("sound rules");
    for (what, graph) in [("float", model.graph().clone()), ("int8", in_int8(&model))] {
        let made = check(what, &graph, 1, None);
        assert_eq!((made.frames, made.outputs[0].warm_up), (1, 29), "{what}");
        check(what, &graph, 1, Some(5));
    }
}
