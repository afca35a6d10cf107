//! Every ONNX model of the shared folder: runs, and how far it is from ONNX Runtime. Writes the table of
//! `docs/models.md` with `REDPOLL_BLESS=1`; without, checks that the page lists each model as it is told.

use std::fmt::Write;
use std::path::Path;

use redpoll_backend_ort::Optimization;
use redpoll_graph::{DType, Graph};
use redpoll_pipeline::emit::emit_graph;
use redpoll_pipeline::quantize::Scheme;
use redpoll_tests::equality::assert_same_bits;
use redpoll_tests::models::quantize_on_noise;
use redpoll_tests::onnx::{differences, ort_is_present, ours, theirs};
use redpoll_tests::peer::step;
use redpoll_tests::samples::samples;
use redpoll_tests::zoo::{frozen, names, optimized, path, told};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/models.md");
/// The table is between these lines.
const BEGIN: &str = "| model | told | inputs | MMAC | arena | largest difference |";
/// Samples that a model is compared on.
const COMPARE: usize = 3;
/// Float models agree with ONNX Runtime to this, relative to their largest output.
const FLOAT: f64 = 1e-4;

/// True when some value is quantised: then steps are counted, and `docs/numerics.md` explains them.
fn is_quantized(graph: &Graph) -> bool {
    graph.values.iter().any(|v| v.is_quantized())
}

fn row(name: &str, path: &Path, with_ort: bool) -> Result<String, String> {
    let model = optimized(name, path).map_err(|e| e.to_string())?;
    let graph = model.graph();
    let mut session = ours(graph);
    let (samples, kind) = samples(name, graph, COMPARE);
    let macs: u64 = graph.nodes.iter().map(|n| graph.macs(n)).sum();
    let mut row = format!(
        "| {name} | {} | {kind} | {:.2} | {} |",
        told(name).join(" "),
        macs as f64 / 1e6,
        session.arena_bytes()
    );
    if !with_ort {
        return Ok(row);
    }
    let mut theirs = theirs(&frozen(name, path), graph, Optimization::All);
    let found = differences(&mut session, &mut theirs, &samples);
    let off = |i: usize| match step(graph, i) {
        Some(size) => format!("{:.0} steps", found[i].largest / size),
        None => format!("{:.1e}", found[i].relative()),
    };
    let worst = (0..found.len()).max_by(|&a, &b| {
        let (a, b) = (found[a].relative(), found[b].relative());
        a.total_cmp(&b)
    });
    let _ = write!(row, " {} |", worst.map_or("no output".into(), off));
    if !is_quantized(graph) {
        for (difference, &id) in found.iter().zip(&graph.outputs) {
            if graph.value(id).dtype == DType::F32 {
                let off = difference.relative();
                let output = &graph.value(id).name;
                assert!(off <= FLOAT, "{name}: output \"{output}\": {off:e}");
            }
        }
    }
    Ok(row)
}

/// Recurrent models quantise around their layers, which stay float: the engine gives the evaluator's bits, and ONNX Runtime
/// runs what we write.
#[test]
fn recurrent_models_in_int8() {
    let with_ort = ort_is_present();
    for name in ["vad/silero_vad_op18_f32", "denoise/dfn3_erb_dec_f32"] {
        let Some(path) = path(name) else { continue };
        let model = optimized(name, &path).unwrap_or_else(|e| panic!("{name}: {e}"));
        let graph = quantize_on_noise(name, &model, &Scheme::default());
        assert!(is_quantized(&graph), "{name}");
        let (samples, _) = samples(name, &graph, 1);
        assert_same_bits(name, &graph, &samples[0]);
        if with_ort {
            let onnx = emit_graph(&graph).unwrap_or_else(|e| panic!("{name}: {e}"));
            let mut theirs = theirs(&onnx, &graph, Optimization::None);
            for found in differences(&mut ours(&graph), &mut theirs, &samples) {
                println!("{name} in int8: {:.1e} relative", found.relative());
                assert!(found.relative() < 0.05, "{name}: {found:?}");
            }
        }
    }
}

#[test]
fn every_model() {
    let with_ort = ort_is_present();
    let mut table = format!("{BEGIN}\n|---|---|---|---|---|---|\n");
    let (mut all, mut run) = (0, 0);
    let page = std::fs::read_to_string(PAGE).unwrap_or_default();
    for name in names() {
        let Some(path) = path(&name) else { continue };
        all += 1;
        let row = match row(&name, &path, with_ort) {
            Ok(row) => {
                run += 1;
                row
            }
            Err(reason) => format!("| {name} | {} | | | | {reason} |", told(&name).join(" ")),
        };
        println!("{row}");
        // What does not change with every rule and kernel: the model, what it is told, its inputs; or why it does not run.
        let stable = match row.split(" | ").collect::<Vec<_>>()[..] {
            [name, told, kind, ..] if !row.contains("unsupported") => {
                format!("{name} | {told} | {kind} |")
            }
            _ => row.clone(),
        };
        if std::env::var_os("REDPOLL_BLESS").is_none() {
            assert!(page.contains(&stable), "docs/models.md does not say {row}");
        }
        table.push_str(&row);
        table.push('\n');
    }
    if all == 0 {
        return;
    }
    println!("{run} of {all} models run");
    if std::env::var_os("REDPOLL_BLESS").is_some() && with_ort {
        let (head, rest) = page.split_once(BEGIN).unwrap_or((&page, ""));
        let tail = rest.split_once("\n\n").map_or("", |(_, tail)| tail);
        let said = format!("{head}{table}\n{run} of {all} models run.\n");
        let tail = tail.split_once("models run.\n").map_or("", |(_, t)| t);
        std::fs::write(PAGE, said + tail).expect("a page that can be written");
    }
}
