//! `redpoll listen --task enhance|speaker`, and wake words by openWakeWord.

use std::path::Path;

use redpoll_onnx::proto::NodeProto;
use redpoll_onnx::{DataType, Dim, GraphBuilder, ModelBuilder, TensorData};
use serde_json::Value;

use crate::listen::{all, events, repository, samples, write};
use crate::redpoll;
use crate::setting::folder;

fn save(path: &Path, graph: GraphBuilder) {
    let bytes = ModelBuilder::new(17)
        .build(graph)
        .unwrap()
        .to_bytes()
        .unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// A model of NSNet2's form whose gain for every frequency is a half.
fn halving(path: &Path) {
    let mut graph = GraphBuilder::new("halving");
    let zeros = |n: usize| TensorData::from_f32(&[161, n], &vec![0.0; 161 * n]).unwrap();
    graph
        .input(
            "input",
            DataType::F32,
            &[1.into(), Dim::Named("frames".into()), 161.into()],
        )
        .initializer("zero", &zeros(161))
        .node(NodeProto::new("MatMul", "logits", ["input", "zero"], ["z"]))
        .node(NodeProto::new("Sigmoid", "gains", ["z"], ["output"]))
        .output(
            "output",
            DataType::F32,
            &[1.into(), Dim::Named("frames".into()), 161.into()],
        );
    save(path, graph);
}

#[test]
fn gains_are_applied_to_every_window() {
    let folder = folder("enhance");
    let (model, sound, out) = (
        folder.join("half.onnx"),
        folder.join("in.wav"),
        folder.join("out.wav"),
    );
    halving(&model);
    let x: Vec<f32> = (0..20_001)
        .map(|i| 0.4 * (i as f32 * 0.07).sin() + 0.1 * (i as f32 * 0.9).sin())
        .collect();
    write(&sound, &x);
    let printed = redpoll!(
        "listen", sound, "--task", "enhance", "--model", model, "-o", out, "--time"
    )
    .ok();
    assert!(printed.contains("of real time"), "{printed}");
    let y = samples(&out);
    assert_eq!(y.len(), x.len());
    // The squares of NumPy's symmetric window, moved by its half, add up to 1 within 1 %.
    for (i, (x, y)) in x.iter().zip(&y).enumerate().skip(160) {
        assert!((0.5 * x - y).abs() < 0.006, "{i}: {x} {y}");
    }
    let none = redpoll!("listen", sound, "--task", "enhance", "--model", model);
    assert!(none.fails(1).contains("-o OUT.wav"));
    let digits = repository("models/digits/digits.onnx");
    for (task, part) in [("enhance", "-o"), ("speaker", "--enrol")] {
        let other = folder.join("other");
        let wrong = redpoll!(
            "listen", sound, "--task", task, "--model", digits, part, other
        );
        let why = wrong.fails(1);
        let wanted = if task == "enhance" {
            "NSNet2"
        } else {
            "resemblyzer"
        };
        assert!(why.contains(wanted) && why.contains("digits.onnx"), "{why}");
    }
    let nowhere = redpoll!(
        "listen",
        sound,
        "--task",
        "enhance",
        "--model",
        model,
        "-o",
        "/no/such/folder/a.wav"
    );
    assert!(nowhere.fails(4).contains("/no/such/folder"));
}

#[test]
fn voices_of_one_reader_are_alike() {
    let Some([model, first, second, other]) = all([
        "models/speaker/resemblyzer_f32.onnx",
        "data/librispeech40/1688-142285-0001.flac",
        "data/librispeech40/1688-142285-0005.flac",
        "data/librispeech40/1998-15444-0001.flac",
    ]) else {
        return;
    };
    let voice = folder("speaker").join("voice.json");
    let printed = redpoll!(
        "listen",
        first,
        "--task",
        "speaker",
        "--model",
        model,
        "--enrol",
        voice,
        "--compare",
        second,
        "--compare",
        other,
        "--compare",
        first,
        "--json"
    )
    .ok();
    let told = events(&printed);
    let alike: Vec<f64> = told
        .iter()
        .map(|e| e["similarity"].as_f64().unwrap())
        .collect();
    // By librosa and ONNX Runtime (runtime/voice/tests/oracle/voices.py).
    for (got, want) in alike.iter().zip([SAME_READER, OTHER_READER, 1.0]) {
        assert!((got - want).abs() < 1e-3, "{alike:?}");
    }
    assert_eq!(told[0]["same"], true);
    assert_eq!(told[1]["same"], false);
    // What was written is the voice.
    let again = redpoll!(
        "listen",
        first,
        "--task",
        "speaker",
        "--model",
        model,
        "--compare",
        voice
    )
    .ok();
    assert!(again.starts_with("1.000  the same voice"), "{again}");
    std::fs::write(&voice, "{\"voice\":[1.0]}").unwrap();
    let short = redpoll!(
        "listen",
        first,
        "--task",
        "speaker",
        "--model",
        model,
        "--compare",
        voice
    );
    assert!(short.fails(1).contains("a voice of 1 values"));
    std::fs::write(&voice, "[]").unwrap();
    let none = redpoll!(
        "listen",
        first,
        "--task",
        "speaker",
        "--model",
        model,
        "--compare",
        voice
    );
    assert!(none.fails(1).contains("no voice written by"));
}

/// Cosines of the first two comparisons above.
const SAME_READER: f64 = 0.909_289;
const OTHER_READER: f64 = 0.691_944;

#[test]
fn open_wake_word_says_what_onnx_runtime_says() {
    let Some([mel, embedding, sound]) = all([
        "models/wake/melspectrogram_f32.onnx",
        "models/wake/speech_embedding_f32.onnx",
        "data/vad15/testset-audio-03.wav",
    ]) else {
        return;
    };
    // A head of our own: a sum of all 16 embeddings with weights that are told here.
    let head = folder("open-wake").join("head.onnx");
    let weights: Vec<f32> = (0..1536)
        .map(|i| (f64::from(i).sin() * 0.03) as f32)
        .collect();
    let mut graph = GraphBuilder::new("head");
    graph
        .input("x", DataType::F32, &[1.into(), 16.into(), 96.into()])
        .initializer("w", &TensorData::from_f32(&[1536, 1], &weights).unwrap())
        .node(NodeProto::new("Flatten", "flat", ["x"], ["f"]))
        .node(NodeProto::new("MatMul", "sum", ["f", "w"], ["s"]))
        .node(NodeProto::new("Sigmoid", "gate", ["s"], ["y"]))
        .output("y", DataType::F32, &[1.into(), 1.into()]);
    save(&head, graph);
    let printed = redpoll!(
        "listen",
        sound,
        "--task",
        "wake",
        "--model",
        head,
        "--mel",
        mel,
        "--embedding",
        embedding,
        "--json",
        "--probabilities"
    )
    .ok();
    let got: Vec<f32> = events(&printed)
        .iter()
        .filter(|e| e["event"] == "probability")
        .map(|e: &Value| e["probability"].as_f64().unwrap() as f32)
        .collect();
    // Made by ONNX Runtime: runtime/voice/tests/oracle/open_wake.py.
    let bytes = include_bytes!("../listen/open_wake_testset-audio-03.f32");
    let want = bytes
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let pairs: Vec<(f32, f32)> = got.iter().copied().zip(want).collect();
    assert!(pairs.len() > 100 && pairs.iter().any(|(_, want)| *want > 0.6));
    for (i, (got, want)) in pairs.iter().enumerate() {
        assert!((got - want).abs() < 1e-3, "{i}: {got} {want}");
    }
    let wrong = redpoll!(
        "listen",
        sound,
        "--task",
        "wake",
        "--model",
        head,
        "--mel",
        mel,
        "--embedding",
        head
    );
    assert!(wrong.fails(1).contains("76 frames of 32 bands"));
}

/// Real recordings of the word, and noise: docs/results.md has the figures.
#[test]
fn alexa_is_heard_and_noise_is_not() {
    let Some([model, words, noise]) = all([
        "models/wake/mww_alexa_int8.tflite",
        "data/wake/alexa",
        "data/noise",
    ]) else {
        return;
    };
    let files = |folder: &Path| -> Vec<_> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let wakes = |sound: &Path| {
        let output = redpoll!("listen", sound, "--task", "wake", "--model", model);
        assert!([0, 4].contains(&output.code), "{}", output.stderr);
        output.stdout.lines().count()
    };
    let words = files(&words);
    let heard = words.iter().filter(|path| wakes(path) > 0).count();
    assert!(
        words.len() == 40 && heard >= 38,
        "{heard} of {}",
        words.len()
    );
    for path in files(&noise) {
        assert_eq!(wakes(&path), 0, "{}", path.display());
    }
}
