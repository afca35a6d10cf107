//! The `no_std` crate around a plan.

use super::{Embedded, Port, SourceFile, described};

const RUNTIME: [&str; 3] = ["redpoll-engine", "redpoll-kernels", "redpoll-plan"];

pub(super) fn files(e: &Embedded, runtime: Option<&str>) -> Vec<SourceFile> {
    let mut files = vec![
        ("Cargo.toml", manifest(e, runtime).into_bytes()),
        ("src/lib.rs", library(e).into_bytes()),
        ("model.plan", e.plan.clone()),
    ];
    let all = |ports: &[Port]| ports.iter().flat_map(|p| p.check.clone()).collect();
    files.push(("check/inputs.bin", all(&e.inputs)));
    files.push(("check/outputs.bin", all(&e.outputs)));
    files
}

fn manifest(e: &Embedded, runtime: Option<&str>) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let dependency = |name: &str| match runtime {
        // A TOML string: backslashes and quotes escaped.
        Some(folder) => format!(
            "{name} = {{ path = {:?} }}\n",
            format!("{folder}/runtime/{}", name.trim_start_matches("redpoll-"))
        ),
        None => format!("{name} = \"{version}\"\n"),
    };
    let dependencies: String = RUNTIME.iter().map(|name| dependency(name)).collect();
    format!(
        "# Made by redpoll {version}; make it again rather than edit it.\n\
         [package]\nname = \"{}\"\nversion = \"0.1.0\"\nedition = \"2024\"\nrust-version = \"1.89\"\npublish = false\n\n\
         [dependencies]\n{dependencies}",
        e.name
    )
}

/// Constants and functions of the ports.
fn ports(kind: &str, list: &[Port]) -> String {
    let lengths: Vec<_> = list.iter().map(|p| p.bytes.to_string()).collect();
    let table: String = list
        .iter()
        .enumerate()
        .map(|(i, p)| format!("/// {i}. `{}`: {}\n", p.name, described(p)))
        .collect();
    format!(
        "/// Bytes of the {kind}s:\n///\n{table}pub const {}_BYTES: [usize; {}] = [{}];\n",
        kind.to_uppercase(),
        list.len(),
        lengths.join(", ")
    )
}

fn library(e: &Embedded) -> String {
    let ops: Vec<_> = e.ops.iter().copied().collect();
    format!(
        r#"//! The model `{name}`: {macs} multiply-accumulates, {weights} bytes of weights, {arena} bytes of working memory.
//!
//! Made by redpoll {version}. The plan stays in flash; memory and operations are exactly what it needs.
//!
//! ```ignore
//! static ARENA: {name}::Arena = {name}::Arena::new();     // and SCRATCH: {name}::Scratch
//! let engine = {name}::engine(&redpoll_kernels::SCALAR)?;
//! engine.input_mut(arena, 0)?.copy_from_slice(&input);
//! engine.run(arena, scratch, &redpoll_engine::Inline, None)?;
//! let output = engine.output(arena, 0)?;
//! ```
#![no_std]
#![forbid(unsafe_code)]

pub use redpoll_engine::{{Engine, EngineError}};
pub use redpoll_kernels::Tier;
pub use redpoll_plan::{{Plan, PlanError}};

use redpoll_plan::embed::{{Memory, arena_bytes, is_intact, scratch_bytes}};

/// The plan.
pub const PLAN: &[u8] = redpoll_plan::include_plan!("../model.plan");

// Checked when the program is built, so that the device need not.
#[allow(long_running_const_eval)]
const _: () = assert!(is_intact(PLAN), "model.plan is damaged");

/// Bytes of working memory.
pub const ARENA_BYTES: usize = arena_bytes(PLAN);
/// Bytes of scratch.
pub const SCRATCH_BYTES: usize = scratch_bytes(PLAN);

/// Working memory: inputs, outputs and everything between.
pub type Arena = Memory<ARENA_BYTES>;
/// Scratch of the kernels; its content means nothing between runs.
pub type Scratch = Memory<SCRATCH_BYTES>;

{inputs}{outputs}
redpoll_engine::ops!(
    /// The operations of the plan, and no others.
    pub Ops: {ops}
);

/// The engine: checks the plan once, computes nothing.
///
/// # Errors
/// When the plan's bytes are no valid plan of this runtime's version.
pub fn engine<T: Tier + ?Sized>(tier: &'static T) -> Result<Engine<'static, T, Ops>, PlanError> {{
    Engine::from_flash(PLAN, tier)
}}

/// Pseudo-random inputs and the outputs that every device must compute from them, all one after another.
pub mod check {{
    /// The inputs.
    pub static INPUTS: &[u8] = include_bytes!("../check/inputs.bin");
    /// The outputs.
    pub static OUTPUTS: &[u8] = include_bytes!("../check/outputs.bin");
}}
"#,
        name = e.name,
        macs = e.macs,
        weights = e.weight_bytes,
        arena = e.arena_bytes,
        version = env!("CARGO_PKG_VERSION"),
        inputs = ports("input", &e.inputs),
        outputs = ports("output", &e.outputs),
        ops = ops.join(", "),
    )
}
