//! Runs a plan as a microcontroller does: no session, no names, no heap in the loop; memory that was sized beforehand.
//!
//! On a device the plan is `include_bytes!` in flash and the arena a `static`; here the plan comes from a file.
//!
//! ```text
//! cargo run --release -p redpoll-examples --example embed -- out/model.plan
//! ```

use anyhow::{Context, Result, ensure};
use redpoll::{Aligned, Engine, Inline, Plan, SCALAR};

/// Working memory of this "device": the converter tells beforehand whether a plan fits.
const ARENA_BYTES: usize = 4 << 20;
/// Scratch of the convolutions.
const SCRATCH_BYTES: usize = 256 << 10;

#[repr(align(64))]
struct Memory<const N: usize>([u8; N]);

fn main() -> Result<()> {
    let path = std::env::args().nth(1).context("usage: embed PLAN")?;
    let file = Aligned::copy_of(&std::fs::read(&path).context(path)?);

    let plan = Plan::from_bytes(&file)?;
    ensure!(
        plan.arena_bytes() <= ARENA_BYTES,
        "needs an arena of {} bytes",
        plan.arena_bytes()
    );
    ensure!(
        plan.scratch_bytes() <= SCRATCH_BYTES,
        "needs a scratch of {} bytes",
        plan.scratch_bytes()
    );
    let mut arena = Box::new(Memory([0; ARENA_BYTES]));
    let mut scratch = Box::new(Memory([0; SCRATCH_BYTES]));

    let engine = Engine::new(plan, &SCALAR);
    engine.input_mut(&mut arena.0, 0)?.fill(0);
    engine.run(&mut arena.0, &mut scratch.0, &Inline, None)?;
    let output = engine.output(&arena.0, 0)?;
    println!(
        "{} of {ARENA_BYTES} arena bytes used, first output bytes {:?}",
        engine.arena_bytes(),
        &output[..output.len().min(16)]
    );
    Ok(())
}
