//! `redpoll inspect`: what a model or plan holds.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use redpoll_graph::Graph;
use redpoll_pipeline::compile;
use redpoll_pipeline::lower::{LowerOptions, lower};
use redpoll_pipeline::optimize::optimize;
use redpoll_pipeline::quantize::quantize;
use redpoll_pipeline::report::PlanSummary;
use serde_json::json;

use crate::backend::{Library, advise};
use crate::exit::Usage;
use crate::load::{Dims, is_plan};
use crate::text;

/// Show what a model or plan holds: graph, shapes, work, memory over time
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  redpoll inspect out/model.plan
  redpoll inspect model.onnx
  redpoll inspect model.tflite --stage import
  redpoll inspect model.onnx --stage import
  redpoll inspect out/model.int8.onnx --stage optimize
  redpoll inspect out/model.plan --json

For an .onnx or .tflite the stages are: import (the graph as read), optimize (after the rewrite rules; an int8 model is in integers
here), lower (the steps of the plan that it compiles to; the default). The stages calibrate and quantize need samples:
add --calibrate FILE.npz.")]
pub struct Args {
    /// A .plan, an .onnx or a .tflite
    model: PathBuf,
    /// Which stage of a model to print
    #[arg(long, value_enum)]
    stage: Option<Stage>,
    /// Samples for the stages calibrate and quantize
    #[arg(long, value_name = "DATA")]
    calibrate: Option<PathBuf>,
    /// Prints JSON (plans, and the stages lower and calibrate)
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    dims: Dims,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Stage {
    Import,
    Optimize,
    Calibrate,
    Quantize,
    Lower,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    if is_plan(&args.model) {
        if args.stage.is_some() {
            bail!(Usage("a plan has no stages: give the .onnx".into()));
        }
        let bytes = std::fs::read(&args.model).with_context(|| args.model.display().to_string())?;
        return print_plan(&bytes, &args.model, args.json);
    }
    let imported = compile::read(&args.model, &args.dims.options()?)
        .map_err(|e| advise(&args.model, &args.dims, &Library::default(), e))?;
    let stage = args.stage.unwrap_or(Stage::Lower);
    if stage == Stage::Import {
        return print_graph(imported.graph());
    }
    let optimized = optimize(imported)?;
    match stage {
        Stage::Import | Stage::Optimize => {
            print_graph(optimized.graph())?;
            for (rule, n) in optimized.log() {
                say!("# rule {rule}: {n}");
            }
            Ok(())
        }
        Stage::Lower => {
            let lowered = lower(optimized.graph(), &LowerOptions::default())?;
            print_plan(lowered.plan(), &args.model, args.json)
        }
        Stage::Calibrate | Stage::Quantize => {
            let Some(samples) = &args.calibrate else {
                bail!(Usage(
                    "this stage needs samples: --calibrate FILE.npz".into()
                ));
            };
            let calibrated = crate::convert::calibrate_only(&optimized, samples)?;
            if stage == Stage::Calibrate {
                say!("{}", serde_json::to_string_pretty(calibrated.ranges())?);
                return Ok(());
            }
            let engine = redpoll_pipeline::calibrate::Engine::default();
            let quantized = quantize(&calibrated, &Default::default(), &engine, &mut |_, _| {})?;
            print_graph(quantized.graph())?;
            for (node, reason) in &quantized.log().kept_float {
                say!("# kept float: {node}: {reason}");
            }
            Ok(())
        }
    }
}

fn print_graph(graph: &Graph) -> Result<()> {
    say!("{}", redpoll_graph::print::print(graph).trim_end());
    let macs: u64 = graph.nodes.iter().map(|n| graph.macs(n)).sum();
    say!(
        "# {} nodes, {:.3} MMAC",
        graph.nodes.len(),
        macs as f64 / 1e6
    );
    Ok(())
}

fn print_plan(bytes: &[u8], path: &Path, as_json: bool) -> Result<()> {
    let plan = PlanSummary::read(bytes).with_context(|| path.display().to_string())?;
    if as_json {
        say!("{}", serde_json::to_string_pretty(&json!(plan))?);
        return Ok(());
    }
    say!(
        "{} · plan format {}, hash {}",
        path.display(),
        plan.version,
        plan.hash
    );
    for (kind, ports) in [("input", &plan.inputs), ("output", &plan.outputs)] {
        for p in ports {
            let quantized = if p.scale != 0.0 {
                format!(" scale {} zero {}", p.scale, p.zero_point)
            } else {
                String::new()
            };
            say!("  {kind} {}: {}{:?}{quantized}", p.name, p.dtype, p.shape);
        }
    }
    for (key, value) in &plan.metadata {
        say!("  {key}: {}", value.replace('\n', "; "));
    }
    say!(
        "  {} steps, {:.3} MMAC; weights {}, arena {} (live at the worst step {}, ratio {:.2}), scratch {} a thread, file {}",
        plan.steps.len(),
        plan.macs as f64 / 1e6,
        text::bytes(plan.weight_bytes),
        text::bytes(plan.arena_bytes),
        text::bytes(plan.live_bytes),
        plan.arena_bytes as f64 / plan.live_bytes.max(1) as f64,
        text::bytes(plan.scratch_bytes),
        text::bytes(plan.plan_bytes)
    );
    if plan.state_bytes > 0 {
        say!(
            "  {} of the arena are state, kept from one run to the next",
            text::bytes(plan.state_bytes)
        );
    }
    say!(
        "\n  {:>4}  {:14} {:>11} {:>10}  {:24} {:22} step",
        "step",
        "kind",
        "MAC",
        "live",
        "working memory",
        "result"
    );
    for (i, s) in plan.steps.iter().enumerate() {
        let filled = s.live_bytes * 24 / plan.arena_bytes.max(1);
        say!(
            "  {i:>4}  {:14} {:>11} {:>10}  {:24} {:22} {}",
            s.op,
            s.macs,
            text::bytes(s.live_bytes),
            "█".repeat(filled.min(24)),
            s.result,
            s.name
        );
    }
    Ok(())
}
