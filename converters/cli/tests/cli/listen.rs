//! `redpoll listen`: what is heard in real recordings, and what is said where nothing can be.

use std::path::{Path, PathBuf};

use redpoll_voice::audio::{Writer, read_file};
use serde_json::Value;

use crate::redpoll;

pub fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// A file of the shared folder, or `None` with a line that says what is skipped.
pub fn shared(path: &str) -> Option<PathBuf> {
    let root =
        std::env::var_os("REDPOLL_SHARED").map_or_else(|| repository("../shared"), PathBuf::from);
    let path = root.join(path);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is not present", path.display());
    None
}

/// Some files of it, if all are there.
pub fn all<const N: usize>(paths: [&str; N]) -> Option<[PathBuf; N]> {
    let found: Option<Vec<PathBuf>> = paths.into_iter().map(shared).collect();
    found?.try_into().ok()
}

/// The samples of a sound file, mono at 16 kHz.
pub fn samples(path: &Path) -> Vec<f32> {
    let mut out = Vec::new();
    read_file(path, 16_000, |piece| {
        out.extend_from_slice(piece);
        true
    })
    .unwrap();
    out
}

/// Writes a WAV of 16 kHz.
pub fn write(path: &Path, samples: &[f32]) {
    let mut writer = Writer::create(path, 16_000).unwrap();
    writer.write(samples).unwrap();
    writer.finish().unwrap();
}

pub fn events(printed: &str) -> Vec<Value> {
    let line = |l: &str| serde_json::from_str(l).expect("a JSON object a line");
    printed.lines().map(line).collect()
}

#[test]
fn bundled_digits_are_heard() {
    let (sound, model) = (
        repository("models/digits/sample.wav"),
        repository("models/digits/digits.onnx"),
    );
    let printed = redpoll!(
        "listen", sound, "--task", "digits", "--model", model, "--json"
    )
    .ok();
    let heard: Vec<_> = events(&printed)
        .iter()
        .map(|e| e["label"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(heard, ["four", "two", "seven", "zero"]);
    let text = redpoll!(
        "listen", sound, "--task", "digits", "--model", model, "--time"
    )
    .ok();
    assert!(
        text.contains("seven (0.") && text.contains("of real time"),
        "{text}"
    );
}

#[test]
fn names_of_classes_come_from_the_model_and_the_index_repeats_them() {
    let index = std::fs::read_to_string(repository("models/index.toml")).unwrap();
    let digits = index
        .split("[[model]]")
        .find(|m| m.contains("name = \"digits\""))
        .unwrap();
    let classes = digits
        .lines()
        .find_map(|line| line.strip_prefix("classes = "))
        .unwrap();
    let listed: Vec<String> = serde_json::from_str(classes).unwrap();
    let path = repository("models/digits/digits.onnx");
    let compiled = redpoll_pipeline::compile::compile(&path, &Default::default()).unwrap();
    let session =
        redpoll_session::Session::from_bytes(compiled.plan(), &Default::default()).unwrap();
    let own: Vec<_> = session
        .plan()
        .metadata()
        .filter(|(key, _)| *key == "labels")
        .collect();
    assert_eq!(own, [("labels", listed.join("\n").as_str())]);
}

#[test]
fn silero_says_what_onnx_runtime_says() {
    let Some(sound) = shared("data/vad15/testset-audio-03.wav") else {
        return;
    };
    // Made by ONNX Runtime 1.32 with the op15 model, 512 new samples and 64 of context a run.
    let bytes = include_bytes!("../listen/silero_testset-audio-03.f32");
    let want: Vec<f32> = bytes
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect();
    for model in ["16k_op15", "16k_sequence", "op18"] {
        let Some(model) = shared(&format!("models/vad/silero_vad_{model}_f32.onnx")) else {
            return;
        };
        let printed = redpoll!(
            "listen",
            sound,
            "--task",
            "vad",
            "--model",
            model,
            "--json",
            "--probabilities"
        )
        .ok();
        let events = events(&printed);
        let got: Vec<f32> = events
            .iter()
            .filter(|e| e["event"] == "probability")
            .map(|e| e["probability"].as_f64().unwrap() as f32)
            .collect();
        assert!(got.len() >= want.len() && got.len() <= want.len() + 1);
        let worst = got
            .iter()
            .zip(&want)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0f32, f32::max);
        assert!(worst < 1e-4, "{worst}");
        let edges: Vec<_> = events
            .iter()
            .filter(|e| e["event"] != "probability")
            .collect();
        assert!(edges.len() >= 4 && edges.len() % 2 == 0);
        for pair in edges.chunks(2) {
            assert_eq!(
                (&pair[0]["event"], &pair[1]["event"]),
                (&"speech_start".into(), &"speech_end".into())
            );
            assert!(pair[0]["t"].as_f64() < pair[1]["t"].as_f64());
        }
    }
}

#[test]
fn a_model_for_something_else_is_named() {
    let model = repository("models/digits/digits.onnx");
    let sound = repository("models/digits/sample.wav");
    for (task, part) in [
        ("vad", "576 samples"),
        ("wake", "[1, frames, 40]"),
        ("kws", "frames of 10 features"),
    ] {
        let why = redpoll!("listen", sound, "--task", task, "--model", model).fails(1);
        assert!(
            why.contains("expected") && why.contains(part) && why.contains("[1, 1, 61, 32]"),
            "{why}"
        );
    }
}

#[test]
fn what_cannot_be_heard_is_told() {
    let model = repository("models/digits/digits.onnx");
    let listen = |input: &str| redpoll!("listen", input, "--task", "digits", "--model", model);
    // One who cannot be started, one who records nothing, and one who does.
    let recorded = |recorder: &str| {
        redpoll!(
            "listen",
            "mic",
            "--recorder",
            recorder,
            "--rate",
            "8000",
            "--task",
            "digits",
            "--model",
            model
        )
    };
    let none = recorded("no-such-recorder -x").fails(1);
    assert!(
        none.contains("no microphone") && none.contains("no-such-recorder"),
        "{none}"
    );
    assert!(recorded("true").fails(1).contains("recorded nothing"));
    let sample = repository("models/digits/sample.wav");
    let heard = recorded(&format!("tail -c +45 {}", sample.display())).ok();
    assert!(
        heard.contains("four (0.") && heard.contains("zero (0."),
        "{heard}"
    );
    assert!(
        listen("no/such/file.wav")
            .fails(4)
            .contains("no/such/file.wav")
    );
    let text = repository("Cargo.toml");
    assert!(
        listen(text.to_str().unwrap())
            .fails(4)
            .contains("neither WAV nor FLAC")
    );
    let folder = std::env::temp_dir().join(format!("redpoll-listen-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut wav = std::fs::read(repository("models/digits/sample.wav")).unwrap();
    let cut = folder.join("cut.wav");
    std::fs::write(&cut, &wav[..wav.len() / 2]).unwrap();
    // What lies before the end is heard.
    let output = listen(cut.to_str().unwrap());
    assert!(output.stdout.contains("two"), "{}", output.stdout);
    output.fails(4);
    wav[24..28].copy_from_slice(&7u32.to_le_bytes());
    wav[28..32].copy_from_slice(&14u32.to_le_bytes());
    let slow = folder.join("slow.wav");
    std::fs::write(&slow, &wav).unwrap();
    assert!(
        listen(slow.to_str().unwrap())
            .fails(4)
            .contains("7 samples a second")
    );
    std::fs::remove_dir_all(&folder).unwrap();
    let threshold = redpoll!(
        "listen",
        slow,
        "--task",
        "digits",
        "--model",
        model,
        "--threshold",
        "3"
    );
    assert!(threshold.fails(1).contains("--threshold"));
}
