//! Runs the plan that the emulator put into memory and prints a hash of all outputs: once with the kernels for
//! microcontrollers, once with the definitions. `run.py` builds and starts it.
//!
//! The bundle, written by `run.py`, little-endian, every part from a multiple of 64 bytes on:
//!
//! ```text
//! "RPBUNDLE"  u32 bytes of the plan  u32 bytes of the inputs  │  plan  │  inputs: samples one after the other
//! ```
//! What is left of the memory behind it is the arena and the scratch. A line of output: `run TIER SHA-256`.
#![no_std]
#![no_main]

mod hash;

use core::ptr;
use core::slice;

use cortex_m_rt::{ExceptionFrame, entry, exception};
use cortex_m_semihosting::{debug, hprintln};
use redpoll_engine::{Engine, EngineError, Inline};
use redpoll_kernels::arm::CortexM;
use redpoll_kernels::{Scalar, Tier};
use redpoll_plan::{Plan, PlanError};

include!(concat!(env!("OUT_DIR"), "/place.rs"));

static KERNELS: CortexM = CortexM::new();
static DEFINITIONS: Scalar = Scalar;

const MAGIC: &[u8] = b"RPBUNDLE";
const ALIGN: usize = 64;

/// Why there is no hash.
#[derive(Debug)]
#[allow(dead_code, reason = "printed")]
enum Failure {
    Bundle,
    Plan(PlanError),
    Engine(EngineError),
    Memory { needed: usize, left: usize },
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

/// A plan, its inputs, and the memory behind them.
struct Bundle {
    plan: &'static [u8],
    inputs: &'static [u8],
    rest: &'static mut [u8],
}

impl Bundle {
    /// Takes the bundle and the memory behind it.
    fn take() -> Option<Self> {
        // SAFETY: memory of the board that the linker does not know; taken once.
        let memory = unsafe {
            slice::from_raw_parts_mut(ptr::with_exposed_provenance_mut::<u8>(BUNDLE), BUNDLE_BYTES)
        };
        let (head, memory) = memory.split_at_mut_checked(ALIGN)?;
        let word =
            |at: usize| Some(u32::from_le_bytes(head.get(at..at + 4)?.try_into().ok()?) as usize);
        let (plan, inputs) = (word(8)?, word(12)?);
        if head.get(..MAGIC.len())? != MAGIC {
            return None;
        }
        let (plan, memory) = part(memory, plan)?;
        let (inputs, rest) = part(memory, inputs)?;
        Some(Self { plan, inputs, rest })
    }
}

/// The first `bytes` bytes, and what begins at the next multiple of the alignment.
fn part(memory: &mut [u8], bytes: usize) -> Option<(&mut [u8], &mut [u8])> {
    let (first, rest) = memory.split_at_mut_checked(bytes.checked_next_multiple_of(ALIGN)?)?;
    Some((first.get_mut(..bytes)?, rest))
}

/// SHA-256 of the outputs of all samples.
fn run(
    plan: Plan<'_>,
    inputs: &[u8],
    memory: &mut [u8],
    tier: &dyn Tier,
) -> Result<hash::Hex, Failure> {
    let engine = Engine::new(plan, tier);
    let (arena_bytes, scratch_bytes) = (engine.arena_bytes(), engine.scratch_bytes(1));
    let left = memory.len();
    let small = Failure::Memory {
        needed: arena_bytes + scratch_bytes,
        left,
    };
    let Some((arena, memory)) = part(memory, arena_bytes) else {
        return Err(small);
    };
    let Some((scratch, _)) = part(memory, scratch_bytes) else {
        return Err(small);
    };
    engine.reset_state(arena)?;
    let mut hash = hash::Hash::new();
    let mut rest = inputs;
    while !rest.is_empty() {
        for index in 0..engine.plan().inputs().count() {
            let input = engine.input_mut(arena, index)?;
            let (bytes, after) = rest.split_at_checked(input.len()).ok_or(Failure::Bundle)?;
            input.copy_from_slice(bytes);
            rest = after;
        }
        engine.run(arena, scratch, &Inline, None)?;
        for index in 0..engine.plan().outputs().count() {
            hash.update(engine.output(arena, index)?);
        }
    }
    Ok(hash.finish())
}

fn all() -> Result<(), Failure> {
    let Bundle { plan, inputs, rest } = Bundle::take().ok_or(Failure::Bundle)?;
    let plan = Plan::from_bytes(plan).map_err(Failure::Plan)?;
    for tier in [&KERNELS as &dyn Tier, &DEFINITIONS] {
        let hash = run(plan, inputs, rest, tier)?;
        hprintln!("run {} {}", tier.name(), hash);
    }
    Ok(())
}

#[entry]
fn main() -> ! {
    #[cfg(no_unaligned)]
    trap_unaligned();
    let status = match all() {
        Ok(()) => debug::EXIT_SUCCESS,
        Err(failure) => {
            hprintln!("failed: {:?}", failure);
            debug::EXIT_FAILURE
        }
    };
    stop(status)
}

/// A Cortex-M0 cannot read words at odd places: makes the emulated core, which could, stop there as well.
#[cfg(no_unaligned)]
fn trap_unaligned() {
    const CCR: *mut u32 = ptr::with_exposed_provenance_mut(0xE000_ED14);
    const UNALIGN_TRP: u32 = 1 << 3;
    // SAFETY: a register of every core that has the bit.
    unsafe { CCR.write_volatile(CCR.read_volatile() | UNALIGN_TRP) };
    cortex_m::asm::dsb();
    cortex_m::asm::isb();
}

fn stop(status: debug::ExitStatus) -> ! {
    debug::exit(status);
    loop {
        cortex_m::asm::wfi();
    }
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    hprintln!("{}", info);
    stop(debug::EXIT_FAILURE)
}

#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    hprintln!("{:?}", frame);
    stop(debug::EXIT_FAILURE)
}
