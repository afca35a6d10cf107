//! `redpoll convert --target cortex-m --emit`: plans for microcontrollers give the same bits, sources compile and hold the plan.

use std::path::Path;
use std::process::Command;

use crate::redpoll;
use crate::setting::{bundled, converted, folder, report};

/// Converts with the ranges of the shared conversion, so that only the target differs.
fn convert(out: &Path, target: &str) {
    let ranges = converted().file("ranges.json");
    let (rust, c) = (out.join("rust"), out.join("c"));
    redpoll!(
        "convert",
        bundled("fashion.onnx"),
        "--ranges",
        ranges,
        "--target",
        target,
        "--name",
        "Fashion-1",
        "--emit",
        "rust",
        rust,
        "--emit",
        "c",
        c,
        "-o",
        out
    )
    .ok();
}

#[test]
fn plans_for_microcontrollers_are_small_and_give_the_same_bits() {
    let out = folder("target");
    let (host, small) = (out.join("host"), out.join("small"));
    convert(&host, "host");
    convert(&small, "cortex-m");
    let hash = |folder: &Path| {
        let input = &converted().evaluate;
        let plan = folder.join("model.plan");
        redpoll!("run", plan, "--input", input, "--hash").ok()
    };
    assert_eq!(hash(&host), hash(&small));
    let size = |folder: &Path, name: &str| report(folder)[name].as_u64().unwrap();
    assert!(size(&small, "plan_bytes") < size(&host, "plan_bytes"));
    assert!(size(&small, "scratch_bytes") < size(&host, "scratch_bytes"));
    let live = size(&small, "live_bytes");
    let used = size(&small, "arena_bytes") + size(&small, "scratch_bytes");
    assert!(used <= live + live / 20, "{used} of {live} bytes");
}

#[test]
fn emitted_sources_hold_the_plan_and_compile() {
    let out = folder("emit");
    convert(&out, "cortex-m");
    let plan = std::fs::read(out.join("model.plan")).unwrap();
    assert_eq!(std::fs::read(out.join("rust/model.plan")).unwrap(), plan);
    let library = std::fs::read_to_string(out.join("rust/src/lib.rs")).unwrap();
    assert!(library.contains("pub Ops: ") && library.contains("#![no_std]"));
    let manifest = std::fs::read_to_string(out.join("rust/Cargo.toml")).unwrap();
    assert!(manifest.contains("name = \"fashion_1\""), "{manifest}");
    assert!(manifest.contains("redpoll-engine = \""), "{manifest}");

    let source = std::fs::read_to_string(out.join("c/model.c")).unwrap();
    let list = source.split_once("fashion_1_plan").unwrap().1;
    let list = list.split_once('{').unwrap().1.split_once('}').unwrap().0;
    let bytes: Vec<u8> = list
        .split(',')
        .filter_map(|v| v.trim().parse().ok())
        .collect();
    assert_eq!(bytes, plan);
    for (compiler, language) in [("cc", "c11"), ("c++", "c++17")] {
        let mut command = Command::new(compiler);
        if language == "c++17" {
            command.args(["-x", "c++"]);
        }
        let compiled = command
            .arg(format!("-std={language}"))
            .args([
                "-Wall", "-Wextra", "-Werror", "-c", "model.c", "-o", "model.o",
            ])
            .current_dir(out.join("c"))
            .output();
        match compiled {
            Ok(output) => assert!(output.status.success(), "{output:?}"),
            Err(e) => println!("skipped: {compiler}: {e}"),
        }
    }
}

#[test]
fn unknown_languages_are_named() {
    let out = folder("emit-error");
    let finished = redpoll!(
        "convert",
        bundled("fashion.onnx"),
        "--emit",
        "pascal",
        out,
        "-o",
        out
    );
    assert!(finished.fails(1).contains("pascal"));
}
