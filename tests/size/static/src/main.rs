//! Loads the plan of a vision model, runs it on a picture's elements, prints the best classes:
//! `static-linux PLAN INPUT [OUTPUT]`. INPUT is a `.npy` file or the bare elements; the bytes of the first output go to OUTPUT.
//!
//! It knows the operations of MobileNets and the kernels that it names: what it does not name is not in the file.

mod memory;
mod ops;
mod top;

use std::fs::File;
use std::process::ExitCode;

use memmap2::Mmap;
use redpoll_engine::{Engine, Inline};
use redpoll_kernels::{SCALAR, Tier};

use crate::memory::Memory;
use crate::ops::MobileNet;

/// How many classes are printed.
const SHOWN: usize = 5;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match words.as_slice() {
        [plan, input] => start(plan, input, None),
        [plan, input, output] => start(plan, input, Some(output)),
        _ => Err("usage: static-linux PLAN INPUT [OUTPUT]".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// Runs with the best of the kernels that this CPU has. Each tier is named as a type: the linker drops the kernels that the
/// operations do not call, and the tiers that are not named.
fn start(plan: &str, input: &str, output: Option<&String>) -> Result<(), String> {
    #[cfg(target_arch = "x86_64")]
    {
        use redpoll_kernels::x86_64;
        #[cfg(feature = "avx512")]
        if let Some(tier) = x86_64::avx512vnni::Avx512Vnni::detect() {
            return run(tier, plan, input, output);
        }
        if let Some(tier) = x86_64::avxvnni::AvxVnni::detect() {
            return run(tier, plan, input, output);
        }
        if let Some(tier) = x86_64::avx2::Avx2::detect() {
            return run(tier, plan, input, output);
        }
    }
    run(&SCALAR, plan, input, output)
}

fn run<T: Tier>(tier: &T, plan: &str, input: &str, output: Option<&String>) -> Result<(), String> {
    let (plan, input) = (map(plan)?, map(input)?);
    let engine = Engine::<_, MobileNet>::from_bytes(&plan, tier)
        .map_err(|e| format!("the plan is refused: {e}"))?;
    let mut arena = Memory::zeroed(engine.arena_bytes());
    let mut scratch = Memory::zeroed(engine.scratch_bytes(1));
    let (arena, scratch) = (arena.bytes_mut(), scratch.bytes_mut());
    let to = engine.input_mut(arena, 0).map_err(|e| e.to_string())?;
    let from = elements(&input);
    let from = from.get(..to.len()).ok_or_else(|| {
        format!(
            "the input has {} bytes, {} are needed",
            from.len(),
            to.len()
        )
    })?;
    to.copy_from_slice(from);
    engine
        .run(arena, scratch, &Inline, None)
        .map_err(|e| e.to_string())?;
    let bytes = engine.output(arena, 0).map_err(|e| e.to_string())?;
    if let Some(path) = output {
        std::fs::write(path, bytes).map_err(|e| format!("{path}: {e}"))?;
    }
    println!("{}", engine.tier());
    for (class, score) in top::classes(engine.plan(), bytes, SHOWN) {
        println!("class {class}: {score:.4}");
    }
    Ok(())
}

/// The bytes of a file, which nobody changes while it is mapped.
fn map(path: &str) -> Result<Mmap, String> {
    let file = File::open(path).map_err(|e| format!("{path}: {e}"))?;
    // SAFETY: plans and inputs are written once; the documentation asks for files that nobody changes in place.
    unsafe { Mmap::map(&file) }.map_err(|e| format!("{path}: {e}"))
}

/// What follows the header of a `.npy` file; everything of any other.
fn elements(file: &[u8]) -> &[u8] {
    match file {
        [
            0x93,
            b'N',
            b'U',
            b'M',
            b'P',
            b'Y',
            _,
            _,
            low,
            high,
            rest @ ..,
        ] => {
            let header = usize::from(u16::from_le_bytes([*low, *high]));
            rest.get(header..).unwrap_or_default()
        }
        _ => file,
    }
}
