//! `redpoll run` and `redpoll info`: outputs as a file, and one hash on every tier with any number of threads.

use redpoll_pipeline::data::read_npz;

use crate::redpoll;
use crate::setting::{bundled, converted, folder};

fn tiers() -> Vec<String> {
    let printed = redpoll!("info", "--tiers").ok();
    printed.lines().map(str::to_owned).collect()
}

#[test]
fn info_names_the_tiers() {
    assert_eq!(tiers().last().map(String::as_str), Some("scalar"));
    let info = redpoll!("info", "--json").json();
    assert_eq!(info["tiers"].as_array().unwrap().len(), tiers().len());
    assert!(redpoll!("info").ok().contains("scalar"));
}

#[test]
fn the_hash_is_one_value_on_every_tier_and_thread_count() {
    let converted = converted();
    for model in [converted.file("model.plan"), bundled("fashion.onnx")] {
        let mut lines = Vec::new();
        for tier in tiers() {
            for threads in ["1", "2"] {
                let printed = redpoll!(
                    "run",
                    model,
                    "--input",
                    converted.evaluate,
                    "--tier",
                    tier,
                    "--threads",
                    threads,
                    "--hash"
                );
                lines.push(printed.ok());
            }
        }
        let fields: Vec<_> = lines[0].split_whitespace().collect();
        let [name, dtype, shape, hash] = fields[..] else {
            panic!("not name, type, shape, hash: {}", lines[0]);
        };
        assert_eq!((name, dtype, shape), ("logits", "f32", "[1,10]"));
        assert!(hash.len() == 64 && hash.chars().all(|c| c.is_ascii_hexdigit()));
        assert!(lines.iter().all(|l| *l == lines[0]), "{lines:?}");
    }
}

#[test]
fn samples_are_chosen_and_outputs_written() {
    let converted = converted();
    let (plan, out) = (converted.file("model.plan"), folder("run").join("out.npz"));
    let mut previous = None;
    for sample in ["0", "7"] {
        let input = converted.evaluate.as_os_str().to_str().unwrap();
        let named = format!("image={input}");
        redpoll!("run", plan, "--input", named, "--sample", sample, "-o", out).ok();
        let arrays = read_npz(&out).unwrap();
        let logits = &arrays["logits"];
        assert_eq!(logits.shape(), [1, 10]);
        assert_ne!(previous.as_ref(), Some(logits));
        previous = Some(logits.clone());
    }
    let printed = redpoll!("run", plan, "--input", converted.evaluate).ok();
    assert!(printed.starts_with("logits: f32[1, 10] = ["), "{printed}");
}

#[test]
fn a_plan_of_integers_takes_real_numbers() {
    let converted = converted();
    let out = folder("io_int8");
    let (model, ranges) = (bundled("fashion.onnx"), converted.file("ranges.json"));
    for (activations, dtype) in [("i8", "i8"), ("u8", "u8")] {
        redpoll!(
            "convert",
            model,
            "--ranges",
            ranges,
            "--io",
            "int8",
            "--activations",
            activations,
            "-o",
            out
        )
        .ok();
        let plan = out.join("model.plan");
        let printed = redpoll!("run", plan, "--input", converted.evaluate, "--hash").ok();
        assert_eq!(printed.split_whitespace().nth(1), Some(dtype), "{printed}");
        let found = redpoll!(
            "compare",
            model,
            plan,
            "--input",
            converted.evaluate,
            "--json"
        )
        .json();
        let db = found["outputs"][0]["sqnr_db"].as_f64().unwrap();
        assert!(db > 20.0, "{activations}: {db} dB");
        let onnx = out.join("model.int8.onnx");
        let same = redpoll!(
            "compare",
            plan,
            onnx,
            "--input",
            converted.evaluate,
            "--json"
        )
        .json();
        assert_eq!(same["outputs"][0]["equal"], true, "{activations}");
    }
}
