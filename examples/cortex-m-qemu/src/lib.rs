//! What the programs share: kernels, console, the stack's high-water mark, how they begin and end.
#![no_std]

pub mod console;
pub mod stack;

use cortex_m_semihosting::debug;

/// The kernels: those for Cortex-M, or with feature `scalar` the definitions.
#[cfg(not(feature = "scalar"))]
pub static TIER: redpoll_kernels::arm::CortexM = redpoll_kernels::arm::CortexM::new();
/// The kernels: those for Cortex-M, or with feature `scalar` the definitions.
#[cfg(feature = "scalar")]
pub static TIER: redpoll_kernels::Scalar = redpoll_kernels::Scalar;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    cortex_m::asm::udf()
}

/// Paints the stack; makes a core that stands in for a Cortex-M0 refuse words at odd places, as that would.
#[inline(always)]
pub fn begin() {
    #[cfg(no_unaligned)]
    {
        const CCR: *mut u32 = core::ptr::with_exposed_provenance_mut(0xE000_ED14);
        const UNALIGN_TRP: u32 = 1 << 3;
        // SAFETY: a register of every core that has the bit.
        unsafe { CCR.write_volatile(CCR.read_volatile() | UNALIGN_TRP) };
    }
    stack::paint();
}

/// Leaves the emulator, with an exit code that tells whether all was well.
pub fn end(well: bool) -> ! {
    debug::exit(if well {
        debug::EXIT_SUCCESS
    } else {
        debug::EXIT_FAILURE
    });
    loop {
        cortex_m::asm::wfi();
    }
}
