//! State: silero over a whole recording, 512 samples a run, as ONNX Runtime hears it; reset, save, restore and fork.

use redpoll_backend_ort::{Optimization, OrtSession};
use redpoll_graph::{DType, Graph, Op, op};
use redpoll_pipeline::Lowered;
use redpoll_pipeline::lower::{LowerOptions, StatePair, lower};
use redpoll_session::{Backend, ErrorKind, Options, Session, Value};
use redpoll_tests::models::shared;
use redpoll_tests::onnx::{ort_is_present, theirs};
use redpoll_tests::zoo;

/// New samples of a run, and those before that it sees again.
const STEP: usize = 512;
const CONTEXT: usize = 64;

/// Samples of a 16-bit mono file, in −1..1.
fn recording(path: &std::path::Path) -> Vec<f32> {
    let bytes = std::fs::read(path).expect("a file that can be read");
    let mut at = 12;
    loop {
        let size = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().expect("four bytes"));
        if &bytes[at..at + 4] == b"data" {
            let data = &bytes[at + 8..][..size as usize];
            let sample = |b: &[u8]| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32768.0;
            return data.chunks_exact(2).map(sample).collect();
        }
        at += 8 + size as usize;
    }
}

fn lowered(graph: &Graph, states: &[(&str, &str)]) -> Lowered {
    let options = LowerOptions {
        states: states
            .iter()
            .map(|&(output, input)| StatePair {
                output: output.into(),
                input: input.into(),
            })
            .collect(),
        ..LowerOptions::default()
    };
    lower(graph, &options).unwrap_or_else(|e| panic!("{}: {e}", graph.name))
}

fn session(lowered: &Lowered) -> Session {
    Session::from_bytes(lowered.plan(), &Options::default()).expect("a plan that loads")
}

/// Runs ONNX Runtime on a window with the states that the last run left.
fn heard(
    theirs: &mut OrtSession,
    window: &[f32],
    states: &mut [(String, String, Vec<f32>)],
) -> f32 {
    let x = theirs.inputs().iter().position(|i| i.name == "input");
    theirs
        .set_input(x.expect("an input"), Value::F32(window))
        .expect("a window that fits");
    for (_, input, state) in states.iter() {
        let at = theirs.inputs().iter().position(|i| i.name == *input);
        theirs
            .set_input(at.expect("an input"), Value::F32(state))
            .expect("a state that fits");
    }
    theirs.run().expect("a run");
    let output = |theirs: &OrtSession, i: usize| match theirs.output(i).expect("an output") {
        Value::F32(v) => v.to_vec(),
        other => panic!("{:?}", other.dtype()),
    };
    let names: Vec<String> = theirs.outputs().iter().map(|o| o.name.clone()).collect();
    let mut probability = 0.0;
    for (i, name) in names.iter().enumerate() {
        match states.iter_mut().find(|(output, _, _)| output == name) {
            Some((_, _, state)) => *state = output(theirs, i),
            None => probability = output(theirs, i)[0],
        }
    }
    probability
}

#[test]
fn silero_over_a_recording() {
    let with_ort = ort_is_present();
    let Some(clip) = shared("data/vad15/testset-audio-01.wav") else {
        return;
    };
    let samples = recording(&clip);
    for (name, states) in [
        ("vad/silero_vad_16k_op15_f32", &[("stateN", "state")][..]),
        ("vad/silero_vad_op18_f32", &[("stateN", "state")]),
        (
            "vad/silero_vad_16k_sequence_f32",
            &[("hn", "h"), ("cn", "c")],
        ),
    ] {
        let Some(path) = zoo::path(name) else {
            continue;
        };
        // One window a run.
        let mut options = zoo::options(name);
        options.dims.insert("sequence_length".into(), 1);
        let model = redpoll_onnx::Model::read(&path, &redpoll_onnx::Limits::default());
        let imported = redpoll_pipeline::import::import(&model.expect("a model"), &options);
        let model = redpoll_pipeline::optimize::optimize(imported.expect("an import"));
        let model = model.expect("sound rules");
        let graph = model.graph();
        let lowered = lowered(graph, states);
        let bytes: usize = states
            .iter()
            .map(|(_, input)| {
                let id = graph.find_value(input).expect("the state");
                graph.value(id).bytes()
            })
            .sum();
        assert_eq!(lowered.memory().state_bytes, bytes, "{name}");
        let mut ours = session(&lowered);
        assert_eq!(ours.inputs().len(), 1, "{name}: only the samples are left");
        assert_eq!(
            ours.outputs().len(),
            1,
            "{name}: only the probability is left"
        );
        let mut theirs =
            with_ort.then(|| theirs(&zoo::frozen(name, &path), graph, Optimization::All));
        let mut handed: Vec<_> = states
            .iter()
            .map(|(output, input)| {
                let id = graph.find_value(input).expect("the state");
                let zeros = vec![0.0; graph.value(id).len()];
                ((*output).to_owned(), (*input).to_owned(), zeros)
            })
            .collect();
        let (mut window, mut worst) = (vec![0.0; CONTEXT + STEP], 0.0f32);
        let (mut loud, mut runs) = (0, 0);
        for new in samples.chunks_exact(STEP) {
            window.copy_within(STEP.., 0);
            window[CONTEXT..].copy_from_slice(new);
            ours.set_input(0, &window).expect("a window that fits");
            ours.run().expect("a run");
            let p = ours.output::<f32>(0).expect("an output")[0];
            runs += 1;
            loud += usize::from(p > 0.5);
            if let Some(theirs) = &mut theirs {
                worst = worst.max((p - heard(theirs, &window, &mut handed)).abs());
            }
        }
        println!("{name}: {runs} runs, {loud} above 0.5, largest difference {worst:.1e}");
        assert!(
            loud > 0 && loud < runs,
            "{name}: the recording has speech and pauses"
        );
        assert!(worst <= 1e-5, "{name}: {worst:e}");
    }
}

/// `y = h + x`, handed on: a running sum, and beside it the sum of one run before.
fn sums() -> Graph {
    let mut graph = Graph::new("sums");
    let x = graph.add_input("x", DType::F32, vec![4]);
    let h = graph.add_input("h", DType::F32, vec![4]);
    let before = graph.add_input("before", DType::F32, vec![4]);
    let add = |function| Op::Binary {
        function,
        clamp: None,
    };
    let y = graph
        .add_node("y", add(op::BinaryFn::Add), &[h, x])
        .expect("a node");
    let late = graph
        .add_node("late", add(op::BinaryFn::Sub), &[y, before])
        .expect("a node");
    let same = Op::Reshape { shape: vec![4] };
    let h_again = graph.add_node("h_again", same, &[h]).expect("a node");
    graph.outputs = vec![y, late, h_again];
    graph
}

#[test]
fn states_are_reset_saved_restored_and_forked() {
    let lowered = lowered(&sums(), &[("y", "h"), ("h_again", "before")]);
    assert_eq!(lowered.memory().state_bytes, 64 + 16);
    let mut one = session(&lowered);
    let outputs: Vec<_> = one.outputs().iter().map(|o| o.name.clone()).collect();
    assert_eq!(outputs, ["late"]);
    let go = |s: &mut Session, x: f32| {
        s.set_input(0, &[x; 4]).expect("four numbers");
        s.run().expect("a run");
        s.output::<f32>(0).expect("an output")[3]
    };
    // late = sum − sum two runs ago.
    assert_eq!(
        [1.0, 2.0, 3.0, 4.0].map(|x| go(&mut one, x)),
        [1.0, 3.0, 5.0, 7.0]
    );
    let saved = one.state().expect("states").to_vec();
    assert_eq!(saved.len(), one.state_bytes());
    let mut other = session(&lowered);
    other.restore_state(&saved).expect("states that fit");
    assert_eq!(go(&mut one, 5.0), 9.0);
    assert_eq!(go(&mut other, 50.0), 54.0);
    assert_eq!(go(&mut one, 6.0), 11.0);
    one.reset_state().expect("a reset");
    assert_eq!(go(&mut one, 1.0), 1.0);
    one.restore_state(&saved).expect("states that fit");
    assert_eq!(go(&mut one, 5.0), 9.0);
    let short = one.restore_state(&saved[1..]).unwrap_err();
    assert_eq!(short.kind(), ErrorKind::Length);
}

#[test]
fn states_that_do_not_fit_are_refused() {
    let refused = |output: &str, input: &str| {
        let options = LowerOptions {
            states: vec![StatePair {
                output: output.into(),
                input: input.into(),
            }],
            ..LowerOptions::default()
        };
        lower(&sums(), &options).unwrap_err().to_string()
    };
    assert!(refused("z", "h").contains("there is no output \"z\"; there are: y, late, h_again"));
    assert!(refused("y", "z").contains("there is no input \"z\""));
    let mut graph = sums();
    let wide = Op::Reshape { shape: vec![2, 2] };
    let y = graph.outputs[0];
    let w = graph.add_node("wide", wide, &[y]).expect("a node");
    graph.outputs.push(w);
    let options = LowerOptions {
        states: vec![StatePair {
            output: "wide".into(),
            input: "h".into(),
        }],
        ..LowerOptions::default()
    };
    let message = lower(&graph, &options).unwrap_err().to_string();
    assert!(message.contains("f32 [2, 2]"), "{message}");
}

/// An int8 state begins at its zero point, which stands for 0.
#[test]
fn quantized_states_begin_at_zero() {
    use redpoll_graph::QParams;
    let mut graph = Graph::new("int8");
    let q = Some(QParams::per_tensor(0.5, -7));
    let mut ids = ["x", "h"].map(|name| graph.add_input(name, DType::I8, vec![4]));
    for id in &mut ids {
        graph.value_mut(*id).qparams = q.clone();
    }
    let add = Op::Binary {
        function: op::BinaryFn::Add,
        clamp: None,
    };
    let y = graph
        .add_node_as("y", add, &ids, DType::I8, q)
        .expect("a node");
    let copy = Op::Reshape { shape: vec![4] };
    let out = graph.add_node("out", copy, &[y]).expect("a node");
    graph.outputs = vec![out, y];
    let lowered = lowered(&graph, &[("y", "h")]);
    let mut session = session(&lowered);
    for expected in [-7 + 3, -7 + 6, -7 + 9] {
        session.set_input(0, &[-7i8 + 3; 4]).expect("four numbers");
        session.run().expect("a run");
        assert_eq!(session.output::<i8>(0).expect("an output"), [expected; 4]);
    }
}
