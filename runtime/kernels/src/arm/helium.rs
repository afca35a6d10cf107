//! The inner loops of convolution for Helium, the vectors of Armv8.1-M: whole functions in assembly, as in `dsp.rs`.
//!
//! Sums first, as int32 into a buffer; then results, four at a time. VMLADAVA adds sixteen products to a register of the
//! core. Weights lie as `[K/4][16][4]` bytes, so a gathering load fetches four quads of one channel, 64 bytes apart; inputs
//! lie in a row. Loops end in the middle of a vector by tail predication: nothing behind a row is read.
//!
//! Results are `saturate(rhe(f32(acc) · scale) + zero)`: VCVTN rounds half to even and saturates. Helium flushes denormal
//! floats to zero; a product that small rounds to 0 anyway.

use core::arch::naked_asm;

/// Sums of three pixels with the channels of a block of 16, or of one pixel.
///
/// Each of `x` is readable for `4 · quads` bytes; `w` for a word a channel every 16, a quad each, all 16 channels; `bias`
/// for 16 values. `sums` is writable for 16 values a pixel. `quads` is not 0, `channels` from 1 to 16.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Sums {
    pub(super) x: [*const i8; 3],
    pub(super) bias: *const i32,
    pub(super) w: *const u32,
    pub(super) sums: *mut i32,
    pub(super) quads: usize,
    pub(super) channels: usize,
}

/// Weights of the block of 16 channels: q3 holds the places of four quads of the next channel, less one turn.
macro_rules! places {
    () => {
        "mov r4, #0
        vidup.u32 q3, r4, #8
        vshl.i32 q3, q3, #3
        sub r4, r12, #256
        vadd.i32 q3, q3, r4
        "
    };
}

/// Three pixels × two channels at a time: 12 instructions for 96 products.
///
/// # Safety
/// See [`Sums`].
#[unsafe(naked)]
pub(super) unsafe extern "C" fn sums_3x2(job: *const Sums) {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r4-r11, lr}}",
        "sub sp, #28",
        // x0, x1, x2 and quads at sp, sp + 4, sp + 8, sp + 12.
        "ldm r0!, {{r1, r3, r5, r11, r12}}",
        "ldm r0, {{r7, r8, r9}}",
        "stm sp, {{r1, r3, r5, r8}}",
        "1:",
        places!(),
        "ldr r4, [sp, #12]",
        "ldm sp, {{r1, r3, r5}}",
        "dlstp.32 lr, r4",
        "ldrd r0, r2, [r11], #8",
        "mov r4, r0",
        "mov r6, r2",
        "mov r8, r0",
        "mov r10, r2",
        "2:",
        "vldrw.u32 q0, [q3, #256]!",
        "vldrw.u32 q1, [q3, #4]",
        "vldrb.u8 q2, [r1], #16",
        "vmladava.s8 r0, q2, q0",
        "vmladava.s8 r2, q2, q1",
        "vldrb.u8 q2, [r3], #16",
        "vmladava.s8 r4, q2, q0",
        "vmladava.s8 r6, q2, q1",
        "vldrb.u8 q2, [r5], #16",
        "vmladava.s8 r8, q2, q0",
        "vmladava.s8 r10, q2, q1",
        "letp lr, 2b",
        "strd r4, r6, [r7, #64]",
        "strd r8, r10, [r7, #128]",
        "strd r0, r2, [r7], #8",
        "add r12, r12, #8",
        "subs r9, r9, #2",
        "bgt 1b",
        "add sp, #28",
        "pop {{r4-r11, pc}}",
    )
}

/// One pixel × four channels at a time: 10 instructions for 64 products.
///
/// # Safety
/// See [`Sums`].
#[unsafe(naked)]
pub(super) unsafe extern "C" fn sums_1x4(job: *const Sums) {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r4-r11, lr}}",
        "ldr r10, [r0]",
        "add r0, r0, #12",
        "ldm r0, {{r11, r12}}",
        "ldr r7, [r0, #8]",
        "ldr r8, [r0, #12]",
        "ldr r9, [r0, #16]",
        "1:",
        places!(),
        "mov r1, r10",
        "dlstp.32 lr, r8",
        "ldrd r0, r2, [r11], #8",
        "ldrd r4, r6, [r11], #8",
        "2:",
        "vldrw.u32 q0, [q3, #256]!",
        "vldrb.u8 q2, [r1], #16",
        "vldrw.u32 q1, [q3, #4]",
        "vmladava.s8 r0, q2, q0",
        "vldrw.u32 q0, [q3, #8]",
        "vmladava.s8 r2, q2, q1",
        "vldrw.u32 q1, [q3, #12]",
        "vmladava.s8 r4, q2, q0",
        "vmladava.s8 r6, q2, q1",
        "letp lr, 2b",
        "strd r0, r2, [r7], #8",
        "strd r4, r6, [r7], #8",
        "add r12, r12, #16",
        "subs r9, r9, #4",
        "bgt 1b",
        "pop {{r4-r11, pc}}",
    )
}

/// `count` sums to results: 10 instructions for four.
///
/// # Safety
/// `sums` and `scale` are readable and `y` is writable for `count` values, which are not 0.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn finish(
    sums: *const i32,
    scale: *const f32,
    y: *mut i8,
    count: usize,
    zero: i32,
) {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r4, lr}}",
        "ldr r4, [sp, #8]",
        "vmov.i32 q2, #127",
        "vmvn.i32 q3, #127",
        "dlstp.32 lr, r3",
        "2:",
        "vldrw.u32 q0, [r0], #16",
        "vcvt.f32.s32 q0, q0",
        "vldrw.u32 q1, [r1], #16",
        "vmul.f32 q0, q0, q1",
        "vcvtn.s32.f32 q0, q0",
        "vqadd.s32 q0, q0, r4",
        "vmin.s32 q0, q0, q2",
        "vmax.s32 q0, q0, q3",
        "vstrb.32 q0, [r2], #4",
        "letp lr, 2b",
        "pop {{r4, pc}}",
    )
}

/// Copies bytes: 3 instructions for sixteen.
///
/// # Safety
/// `from` is readable and `to` writable for `count` bytes, which are not 0; they do not overlap.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn copy(from: *const i8, to: *mut i8, count: usize) {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r4, lr}}",
        "dlstp.8 lr, r2",
        "2:",
        "vldrb.u8 q0, [r0], #16",
        "vstrb.8 q0, [r1], #16",
        "letp lr, 2b",
        "pop {{r4, pc}}",
    )
}

/// Sets bytes: 2 instructions for sixteen.
///
/// # Safety
/// `to` is writable for `count` bytes, which are not 0.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn fill(value: i32, to: *mut i8, count: usize) {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r4, lr}}",
        "vdup.8 q0, r0",
        "dlstp.8 lr, r2",
        "2:",
        "vstrb.8 q0, [r1], #16",
        "letp lr, 2b",
        "pop {{r4, pc}}",
    )
}
