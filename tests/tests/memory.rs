//! Working memory of real models, float and int8: what the planner asked for is what a run touches, and it is near the
//! lower bound. The table of docs/memory.md comes from here: `REDPOLL_WRITE_DOCS=1` writes it.

use std::fmt::Write;
use std::path::Path;

use redpoll_graph::Graph;
use redpoll_onnx::{Limits, Model};
use redpoll_pipeline::import::{ImportOptions, import};
use redpoll_pipeline::lower::{LowerOptions, lower};
use redpoll_pipeline::optimize::optimize;
use redpoll_pipeline::quantize::{Rounding, Scheme};
use redpoll_session::{Options, Session};
use redpoll_tests::build::Random;
use redpoll_tests::equality::set_inputs;
use redpoll_tests::models::{MODELS, optimized, quantize_on_noise, quantized};

/// Most that the arena may exceed the sum of live tensors at the worst step.
const MOST_RATIO: f64 = 1.15;
/// Arenas are whole multiples of this many bytes; the last tensor need not fill the last one.
const ALIGNMENT: usize = 64;

const MARK: &str = "<!-- table -->\n";

/// Checks one form of a model and adds its line to the table.
fn check(table: &mut String, name: &str, form: &str, graph: &Graph) {
    let lowered = lower(graph, &LowerOptions::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
    let memory = lowered.memory();
    let (live, arena) = (memory.live_bytes, memory.arena_bytes);
    let mut random = Random::new(7);
    let inputs = graph.inputs.iter().map(|&id| random.fitting(graph, id));
    let inputs: Vec<_> = inputs.collect();
    let options = Options::default().threads(2);
    let mut session = Session::from_bytes(lowered.plan(), &options).expect("a plan that loads");
    set_inputs(&mut session, &inputs);
    let touched = session.measure_peak().expect("a run that ends");
    let ratio = arena as f64 / live as f64;
    let name = name.rsplit('/').next().unwrap_or(name);
    println!("{name:28} {form:5} live {live:>9} arena {arena:>9} touched {touched:>9} {ratio:.3}");
    assert_eq!(session.arena_bytes(), arena, "{name} {form}");
    assert!(
        touched <= arena && arena - touched < ALIGNMENT,
        "{name} {form}: a run touches {touched} of {arena} bytes"
    );
    assert!(
        arena >= live && ratio <= MOST_RATIO,
        "{name} {form}: {ratio}"
    );
    let scratch = session.plan().scratch_bytes();
    let sizes = format!("{live} | {arena} | {touched} | {ratio:.3} | {scratch}");
    writeln!(table, "| {name} | {form} | {sizes} |").expect("text grows");
}

#[test]
fn the_planned_arena_is_the_peak_and_near_the_lower_bound() {
    let mut table = String::new();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/fashion/fashion.onnx");
    let model = Model::read(own, &Limits::default()).expect("the bundled model");
    let imported = import(&model, &ImportOptions::default()).expect("a supported model");
    let model = optimize(imported).expect("a sound model");
    let scheme = Scheme {
        rounding: Rounding::Nearest,
        ..Scheme::default()
    };
    check(&mut table, "fashion", "float", model.graph());
    check(
        &mut table,
        "fashion",
        "int8",
        &quantize_on_noise("fashion", &model, &scheme),
    );
    let mut all = true;
    for name in MODELS {
        let Some(model) = optimized(name) else {
            all = false;
            continue;
        };
        if !model.is_quantized() {
            check(&mut table, name, "float", model.graph());
        }
        let int8 = quantized(name, &scheme).expect("the model is there");
        check(&mut table, name, "int8", &int8);
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/memory.md");
    let text = std::fs::read_to_string(&path).expect("docs/memory.md");
    let (head, old) = text.split_once(MARK).expect("the place of the table");
    let columns = "| model | form | live bytes | arena bytes | touched bytes | arena / live | scratch bytes a thread |\n";
    let table = format!("{columns}|---|---|---:|---:|---:|---:|---:|\n{table}");
    if std::env::var_os("REDPOLL_WRITE_DOCS").is_some() && all {
        std::fs::write(&path, format!("{head}{MARK}{table}")).expect("docs/memory.md");
    } else if all && old != table {
        println!("docs/memory.md is not up to date: write it anew with REDPOLL_WRITE_DOCS=1");
    }
}
