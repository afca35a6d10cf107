//! Runs the model in `model/` once from flash and compares its outputs with what the host computed.
//!
//! Prints memory and result on the debugger's console; `measure.py` counts instructions between the markers.
#![no_std]
#![no_main]

use cortex_m_qemu::console::{hex, line, number};
use cortex_m_qemu::{TIER, begin, end, stack};
use cortex_m_rt::entry;
use redpoll_engine::Inline;

/// Marks for the instruction counter; each differs, so that no two become one function.
macro_rules! marks {
    ($($name:ident $number:literal)*) => {$(
        #[unsafe(no_mangle)]
        #[inline(never)]
        extern "C" fn $name() {
            // SAFETY: sets a register that is free.
            unsafe { core::arch::asm!(concat!("movs r0, #", $number), out("r0") _, options(nomem, nostack)) };
        }
    )*};
}
marks!(boot_start 1 boot_stop 2 bench_start 3 bench_stop 4);

/// All that an application does: open the plan, write the inputs, run.
fn infer(arena: &mut model::Arena, scratch: &mut model::Scratch) -> Option<()> {
    boot_start();
    let engine = model::engine(&TIER);
    boot_stop();
    let engine = engine.ok()?;
    let mut rest = model::check::INPUTS;
    for index in 0..model::INPUT_BYTES.len() {
        let input = engine.input_mut(&mut arena.0, index).ok()?;
        let (bytes, after) = rest.split_at_checked(input.len())?;
        // Of equal length; `copy_from_slice` could panic.
        input
            .iter_mut()
            .zip(bytes)
            .for_each(|(to, &from)| *to = from);
        rest = after;
    }
    bench_start();
    let ran = engine.run(&mut arena.0, &mut scratch.0, &Inline, None);
    bench_stop();
    ran.ok()
}

/// FNV-1a.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |h, &b| {
        (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

#[entry]
fn main() -> ! {
    static mut ARENA: model::Arena = model::Arena::new();
    static mut SCRATCH: model::Scratch = model::Scratch::new();
    begin();
    let ran = infer(ARENA, SCRATCH);
    let stack_bytes = stack::used();
    number("arena bytes", model::ARENA_BYTES);
    number("scratch bytes", model::SCRATCH_BYTES);
    number("stack bytes", stack_bytes);

    let mut same = ran.is_some();
    if let Ok(engine) = model::engine(&TIER) {
        line(engine.tier());
        let mut expected = model::check::OUTPUTS;
        for index in 0..model::OUTPUT_BYTES.len() {
            let output = engine.output(&ARENA.0, index).unwrap_or_default();
            hex("output", hash(output));
            match expected.split_at_checked(output.len()) {
                Some((bytes, after)) => {
                    same &= output == bytes;
                    expected = after;
                }
                None => same = false,
            }
        }
        same &= expected.is_empty();
    } else {
        same = false;
    }
    line(if same {
        "same bits as the host"
    } else {
        "DIFFERENT from the host"
    });
    end(same)
}
