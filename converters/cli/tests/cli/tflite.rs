//! A `.tflite` in every subcommand that takes a model, as LiteRT computes it.

use std::path::{Path, PathBuf};

use redpoll_graph::{Data, Tensor};
use redpoll_pipeline::data::{read_npz, write_npz};
use redpoll_session::{Options, Session};

use crate::redpoll;
use crate::setting::folder;

/// A layer with memory of five steps, what it read and what LiteRT gave in its second run.
fn with_memory() -> (PathBuf, PathBuf) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/litert");
    let name = "unidirectional_sequence_rnn_true";
    let file = |ending: &str| folder.join(format!("{name}.{ending}"));
    (file("tflite"), file("npz"))
}

/// A model of the shared folder, if that is here.
fn shared(name: &str) -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("REDPOLL_SHARED").map_or(here, PathBuf::from);
    let path = folder.join(name);
    if path.is_file() {
        return Some(path);
    }
    println!("skipped: {name} is not present");
    None
}

#[test]
fn a_model_with_memory_converts_and_goes_on_from_run_to_run() {
    let (model, arrays) = with_memory();
    let out = folder("tflite_memory");
    redpoll!("convert", model, "-o", out).ok();
    let plan = redpoll!("inspect", out.join("model.plan"), "--json").json();
    assert_eq!(plan["inputs"].as_array().map(Vec::len), Some(1), "{plan}");
    assert_eq!(plan["outputs"].as_array().map(Vec::len), Some(1), "{plan}");
    // `[2, 4]` floats.
    assert_eq!(plan["state_bytes"], 32, "{plan}");
    let arrays = read_npz(&arrays).unwrap();
    let plan = std::fs::read(out.join("model.plan")).unwrap();
    let mut session = Session::from_bytes(&plan, &Options::default()).unwrap();
    for _ in 0..2 {
        let x = arrays["in0"].as_f32().unwrap();
        session.set_input(0, x).unwrap();
        session.run().unwrap();
    }
    let theirs = arrays["out0"].as_f32().unwrap();
    let ours = session.output::<f32>(0).unwrap();
    assert_eq!(ours.len(), theirs.len());
    for (a, b) in ours.iter().zip(theirs) {
        assert!((a - b).abs() <= 1e-5, "{a} {b}");
    }
}

/// A wake word in the recordings in which pymicro-wakeword hears it, and in no other that it can read
/// (`benches/accuracy/wake_words.py` wrote down which).
#[test]
fn a_wake_word_is_heard_where_another_engine_hears_it() {
    let Some(model) = shared("models/wake/mww_alexa_int8.tflite") else {
        return;
    };
    let Some(first) = shared("data/wake/alexa/0.flac") else {
        return;
    };
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches/results/wake_words.json");
    let found: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(found).unwrap()).unwrap();
    let names = |key: &str| -> Vec<String> {
        let list = found[0][key].as_array().unwrap();
        list.iter()
            .map(|v| v.as_str().unwrap().to_owned())
            .collect()
    };
    let (heard, not_decoded) = (names("heard"), names("not_decoded"));
    assert_eq!(heard.len() + not_decoded.len(), 40);
    for clip in std::fs::read_dir(first.parent().unwrap()).unwrap() {
        let clip = clip.unwrap().path();
        let name = clip.file_name().unwrap().to_str().unwrap().to_owned();
        if not_decoded.contains(&name) {
            continue;
        }
        let task = redpoll!("listen", clip, "--task", "wake", "--model", model, "--json");
        let ours = task.ok().contains("\"wake\"");
        assert_eq!(ours, heard.contains(&name), "{name}");
    }
}

#[test]
fn a_quantised_model_runs_compares_and_is_inspected() {
    let Some(model) = shared("models/kws/tiny_kws_int8.tflite") else {
        return;
    };
    let out = folder("tflite_int8");
    redpoll!("convert", model, "-o", out).ok();
    let (plan, onnx) = (out.join("model.plan"), out.join("model.int8.onnx"));
    let about = redpoll!("inspect", plan, "--json").json();
    assert_eq!(about["inputs"][0]["dtype"], "i8", "{about}");
    assert_eq!(
        about["inputs"][0]["shape"],
        serde_json::json!([1, 49, 10, 1])
    );
    let steps = about["steps"].as_array().unwrap();
    let float = |op: &str| op.contains("F32") || op.ends_with("uantize");
    assert!(
        steps.iter().all(|s| !float(s["op"].as_str().unwrap())),
        "{about}"
    );
    let printed = redpoll!("inspect", model).ok();
    assert!(
        printed.contains("ConvI8") && printed.contains("SoftmaxI8"),
        "{printed}"
    );

    let x: Vec<i8> = (0..490).map(|i: i32| (i * 37 % 251 - 125) as i8).collect();
    let x = Tensor::new(vec![1, 1, 49, 10, 1], Data::I8(x)).unwrap();
    let input = out.join("in.npz");
    write_npz(&input, &[("x".into(), x)]).unwrap();
    let run = |model: &Path| redpoll!("run", model, "--input", input, "--hash").ok();
    let hash = |text: String| text.rsplit(' ').next().map(str::to_owned);
    assert_eq!(hash(run(&model)), hash(run(&plan)));
    for other in [&plan, &onnx] {
        let both = redpoll!("compare", model, other, "--input", input, "--json").json();
        assert_eq!(both["outputs"][0]["equal"], true, "{both}");
        assert_eq!(both["outputs"][0]["elements"], 12);
    }
}
