//! `redpoll info`: what this CPU offers, what is built in, and which other engines can be used.

use anyhow::Result;
use serde_json::{Value, json};

use crate::backend::{Library, describe};

/// Show what this CPU offers, which tiers and backends are built in
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  redpoll info
  redpoll info --tiers
  redpoll info --json
  redpoll info --ort-library venv/    # what this library of ONNX Runtime offers")]
pub struct Args {
    /// Prints only the names of the tiers that run here, best first
    #[arg(long)]
    tiers: bool,
    /// Prints JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    library: Library,
}

/// Instruction-set extensions that matter to the kernels, with whether this CPU has them.
fn features() -> Vec<(&'static str, bool)> {
    macro_rules! detect {
        ($macro:ident: $($name:tt),*) => { vec![$(($name, std::arch::$macro!($name))),*] };
    }
    #[cfg(target_arch = "x86_64")]
    return detect!(is_x86_feature_detected: "sse4.1", "avx", "avx2", "fma", "f16c", "avxvnni", "avx512f", "avx512bw", "avx512vl", "avx512vnni");
    #[cfg(target_arch = "aarch64")]
    return detect!(is_aarch64_feature_detected: "neon", "dotprod", "i8mm", "fp16");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        macro_rules! none {
            () => {
                Vec::new()
            };
        }
        none!()
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let tiers = redpoll_session::tiers();
    if args.tiers {
        say!("{}", tiers.join("\n"));
        return Ok(());
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let features = features();
    if args.json {
        let map: serde_json::Map<_, _> = features
            .iter()
            .map(|&(n, has)| (n.to_owned(), has.into()))
            .collect();
        let all = json!({
            "version": env!("CARGO_PKG_VERSION"), "arch": std::env::consts::ARCH, "os": std::env::consts::OS,
            "cores": cores, "tiers": tiers, "features": map,
            "backends": describe(&args.library),
        });
        say!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    say!(
        "redpoll {} on {} {}, {cores} core(s)",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH
    );
    say!("tiers that run here, best first: {}", tiers.join(", "));
    for (name, has) in features {
        say!("  {name:12} {}", if has { "yes" } else { "no" });
    }
    if !cfg!(target_arch = "x86_64") && !cfg!(target_arch = "aarch64") {
        say!(
            "float results on CPUs without fused multiply-add are computed by software: the same bits, slowly"
        );
    }
    backends(&describe(&args.library));
    Ok(())
}

fn backends(all: &Value) {
    say!("backends:");
    say!("  native       yes");
    for name in ["tract", "ort"] {
        let about = &all[name];
        if about["built_in"] != true {
            say!("  {name:12} not built in (feature \"{name}\" of redpoll-cli)");
        } else if let Some(error) = about["error"].as_str() {
            say!("  {name:12} built in, cannot be used: {error}");
        } else {
            say!("  {name:12} yes");
        }
    }
    let ort = &all["ort"];
    if let Some(library) = ort["library"].as_str() {
        let offered = ort["providers"].as_array().into_iter().flatten();
        let names: Vec<_> = offered.filter_map(Value::as_str).collect();
        say!("    library    {library}");
        say!("    providers  {}", names.join(", "));
        say!(
            "    build      {}",
            ort["version"].as_str().unwrap_or_default()
        );
    }
}
