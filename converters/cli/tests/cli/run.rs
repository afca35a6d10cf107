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
