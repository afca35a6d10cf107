//! The inner loops for the DSP extension and a single-precision floating-point unit: whole functions in assembly, so that
//! the procedure call standard says which floating-point registers they may change (`asm!` cannot, on these targets).
//!
//! Results are `saturate(rhe(f32(acc) · scale) + zero)`: VCVTR rounds half to even, as the mode after reset says, and
//! saturates; QADD saturates; SSAT ends at int8.

use super::job::{Line, Product, Sum};
use core::arch::{asm, naked_asm};

/// `saturate(rhe(v) + zero)`.
#[inline(always)]
pub(super) fn finish1(v: f32, zero: i32) -> i32 {
    let mut a = v.to_bits() as i32;
    // SAFETY: arithmetic; the floating-point register is put back.
    unsafe {
        asm!(
            "vpush {{s0}}",
            "vmov s0, {a}",
            "vcvtr.s32.f32 s0, s0",
            "vmov {a}, s0",
            "vpop {{s0}}",
            "qadd {a}, {a}, {z}",
            "ssat {a}, #8, {a}",
            a = inout(reg) a,
            z = in(reg) zero,
        );
    }
    a
}

/// See [`super::widen::widen`]: 4 instructions a quad, four quads a turn.
///
/// # Safety
/// As there.
#[inline(always)]
pub(super) unsafe fn widen(x: *const i8, quads: usize, to: *mut u32, pixels: usize) -> *mut u32 {
    // SAFETY: as the caller promises.
    unsafe {
        match pixels {
            3 => widen_every::<24>(x, quads, to),
            2 => widen_every::<16>(x, quads, to),
            _ => widen_every::<8>(x, quads, to),
        }
    }
}

macro_rules! widened {
    () => {
        "ldr {v}, [{x}], #4
        sxtb16 {e}, {v}
        sxtb16 {v}, {v}, ror #8
        strd {e}, {v}, [{to}], #{step}
        "
    };
}

#[inline(never)]
unsafe fn widen_every<const STEP: usize>(x: *const i8, quads: usize, to: *mut u32) -> *mut u32 {
    let mut behind = to;
    let (head, all) = (x.wrapping_add(quads % 4 * 4), x.wrapping_add(quads * 4));
    // SAFETY: as the caller promises.
    unsafe {
        asm!(
            "b 3f",
            "2:",
            widened!(),
            "3:",
            "cmp {x}, {head}",
            "bne 2b",
            "b 5f",
            "4:",
            widened!(), widened!(), widened!(), widened!(),
            "5:",
            "cmp {x}, {all}",
            "bne 4b",
            x = inout(reg) x => _,
            to = inout(reg) behind,
            v = out(reg) _,
            e = out(reg) _,
            head = in(reg) head,
            all = in(reg) all,
            step = const STEP,
            options(nostack),
        );
    }
    behind
}

/// Weights of a quad of two channels, widened: r12, lr and r6, r7.
macro_rules! weights2 {
    () => {
        "ldrd r12, r6, [r9], #64
        sxtb16 lr, r12, ror #8
        sxtb16 r12, r12
        sxtb16 r7, r6, ror #8
        sxtb16 r6, r6
        "
    };
}

/// A quad of one pixel times those weights.
macro_rules! pixel {
    ($a:literal, $b:literal) => {
        concat!(
            "ldrd r10, r11, [r8], #8\n",
            "smlad ",
            $a,
            ", r10, r12, ",
            $a,
            "\n",
            "smlad ",
            $b,
            ", r10, r6, ",
            $b,
            "\n",
            "smlad ",
            $a,
            ", r11, lr, ",
            $a,
            "\n",
            "smlad ",
            $b,
            ", r11, r7, ",
            $b,
            "\n",
        )
    };
}

/// Quads up to the address at sp, then four at a time up to that behind it; `$quad` advances r8.
macro_rules! turns {
    ($($quad:expr),*) => {
        concat!(
            "b 3f\n",
            "2:\n",
            $($quad,)*
            "3:\n",
            "ldr r10, [sp]\n",
            "cmp r8, r10\n",
            "bne 2b\n",
            "b 5f\n",
            "4:\n",
            $($quad,)* $($quad,)* $($quad,)* $($quad,)*
            "5:\n",
            "ldr r10, [sp, #4]\n",
            "cmp r8, r10\n",
            "bne 4b\n",
        )
    };
}

/// What the assembler must be told: of whole functions it does not know the target's extensions.
#[cfg(not(cortex_m_v8))]
macro_rules! unit {
    () => {
        ".fpu fpv4-sp-d16\n"
    };
}
#[cfg(cortex_m_v8)]
macro_rules! unit {
    () => {
        ".cpu cortex-m33\n"
    };
}

/// The job lies on the stack: see [`Product`] for its words.
macro_rules! enter {
    () => {
        concat!(
            unit!(),
            "push {{r4-r11, lr}}
        ldm r0, {{r1-r10}}
        push {{r1-r10}}
        "
        )
    };
}

macro_rules! leave {
    () => {
        "add sp, #40
        pop {{r4-r11, pc}}
        "
    };
}

/// Sums of a channel pair of one pixel to results.
macro_rules! finish {
    ($a:literal, $b:literal, $s:literal, $t:literal, $zero:literal) => {
        concat!(
            "vmov s0, s1, ",
            $a,
            ", ",
            $b,
            "\n",
            "vcvt.f32.s32 s0, s0\n",
            "vcvt.f32.s32 s1, s1\n",
            "vmul.f32 s0, s0, ",
            $s,
            "\n",
            "vmul.f32 s1, s1, ",
            $t,
            "\n",
            "vcvtr.s32.f32 s0, s0\n",
            "vcvtr.s32.f32 s1, s1\n",
            "vmov ",
            $a,
            ", ",
            $b,
            ", s0, s1\n",
            "qadd ",
            $a,
            ", ",
            $a,
            ", ",
            $zero,
            "\n",
            "qadd ",
            $b,
            ", ",
            $b,
            ", ",
            $zero,
            "\n",
            "ssat ",
            $a,
            ", #8, ",
            $a,
            "\n",
            "ssat ",
            $b,
            ", #8, ",
            $b,
            "\n",
        )
    };
}

/// Starts a channel pair: x, weights; bias in r0 and r1, scales in s2 and s3.
macro_rules! pair {
    () => {
        "ldrd r8, r9, [sp, #8]
        ldrd r10, r11, [sp, #16]
        vldmia r11!, {{s2, s3}}
        ldrd r0, r1, [r10], #8
        strd r10, r11, [sp, #16]
        mov r2, r0
        mov r3, r1
        "
    };
}

/// Goes on to the next pair: r8 is y, r11 the channels left.
macro_rules! next_pair {
    () => {
        "ldr r9, [sp, #12]
        add r8, r8, #2
        add r9, r9, #8
        str r8, [sp, #24]
        str r9, [sp, #12]
        subs r11, r11, #2
        str r11, [sp, #36]
        bne 1b
        "
    };
}

/// Three pixels × two channels at a time, for the channels of a block: 20 instructions for 24 products.
///
/// # Safety
/// See [`Product`].
#[unsafe(naked)]
pub(super) unsafe extern "C" fn product_3x2(job: *const Product) {
    naked_asm!(
        enter!(),
        "1:",
        pair!(),
        "mov r4, r0",
        "mov r5, r1",
        turns!(
            weights2!(),
            pixel!("r0", "r1"),
            pixel!("r2", "r3"),
            pixel!("r4", "r5")
        ),
        "ldrd r8, r9, [sp, #24]",
        "ldrd r10, r11, [sp, #32]",
        finish!("r0", "r1", "s2", "s3", "r10"),
        finish!("r2", "r3", "s2", "s3", "r10"),
        finish!("r4", "r5", "s2", "s3", "r10"),
        "add r12, r8, r9",
        "add lr, r12, r9",
        "strb r0, [r8]",
        "strb r2, [r12]",
        "strb r4, [lr]",
        "cmp r11, #1",
        "beq 6f",
        "strb r1, [r8, #1]",
        "strb r3, [r12, #1]",
        "strb r5, [lr, #1]",
        next_pair!(),
        "6:",
        leave!(),
    )
}

/// Two pixels × two channels at a time, for the channels of a block: 15 instructions for 16 products.
///
/// # Safety
/// See [`Product`].
#[unsafe(naked)]
pub(super) unsafe extern "C" fn product_2x2(job: *const Product) {
    naked_asm!(
        enter!(),
        "1:",
        pair!(),
        turns!(weights2!(), pixel!("r0", "r1"), pixel!("r2", "r3")),
        "ldrd r8, r9, [sp, #24]",
        "ldrd r10, r11, [sp, #32]",
        finish!("r0", "r1", "s2", "s3", "r10"),
        finish!("r2", "r3", "s2", "s3", "r10"),
        "add r12, r8, r9",
        "strb r0, [r8]",
        "strb r2, [r12]",
        "cmp r11, #1",
        "beq 6f",
        "strb r1, [r8, #1]",
        "strb r3, [r12, #1]",
        next_pair!(),
        "6:",
        leave!(),
    )
}

/// Inputs of a quad of one pixel, widened: r10, r11; weights of four channels: r4, r5, r12, lr.
macro_rules! quad4 {
    () => {
        "ldr r10, [r8], #4
        ldrd r12, lr, [r9, #8]
        ldrd r4, r5, [r9], #64
        sxtb16 r11, r10, ror #8
        sxtb16 r10, r10
        "
    };
}

/// The products of one channel.
macro_rules! channel {
    ($w:literal, $a:literal) => {
        concat!(
            "sxtb16 r6, ",
            $w,
            ", ror #8\n",
            "sxtb16 ",
            $w,
            ", ",
            $w,
            "\n",
            "smlad ",
            $a,
            ", r11, r6, ",
            $a,
            "\n",
            "smlad ",
            $a,
            ", r10, ",
            $w,
            ", ",
            $a,
            "\n",
        )
    };
}

/// One pixel, whose inputs are bytes, × four channels at a time, for the channels of a block: 21 instructions for 16
/// products.
///
/// # Safety
/// See [`Product`].
#[unsafe(naked)]
pub(super) unsafe extern "C" fn product_1x4(job: *const Product) {
    naked_asm!(
        enter!(),
        "1:",
        "ldrd r8, r9, [sp, #8]",
        "ldrd r10, r11, [sp, #16]",
        "vldmia r11!, {{s4-s7}}",
        "ldm r10!, {{r0-r3}}",
        "strd r10, r11, [sp, #16]",
        turns!(
            quad4!(),
            channel!("r4", "r0"),
            channel!("r5", "r1"),
            channel!("r12", "r2"),
            channel!("lr", "r3")
        ),
        "ldr r8, [sp, #24]",
        "ldrd r10, r11, [sp, #32]",
        finish!("r0", "r1", "s4", "s5", "r10"),
        finish!("r2", "r3", "s6", "s7", "r10"),
        "strb r0, [r8], #1",
        "subs r11, r11, #1",
        "beq 6f",
        "strb r1, [r8], #1",
        "subs r11, r11, #1",
        "beq 6f",
        "strb r2, [r8], #1",
        "subs r11, r11, #1",
        "beq 6f",
        "strb r3, [r8], #1",
        "ldr r9, [sp, #12]",
        "add r9, r9, #16",
        "str r8, [sp, #24]",
        "str r9, [sp, #12]",
        "subs r11, r11, #1",
        "str r11, [sp, #36]",
        "bne 1b",
        "6:",
        leave!(),
    )
}

/// A row of a 3 × 3 window under two neighbours, one pixel apart: x = (x0, x1), (x2, x3); w = (w0, w1), (w1, w2).
macro_rules! row1 {
    ($p:literal, $u:literal, $v:literal) => {
        concat!(
            "ldrd r12, r0, [",
            $p,
            "], #4\n",
            "smlad r6, r12, ",
            $u,
            ", r6\n",
            "smlabt r6, r0, ",
            $v,
            ", r6\n",
            "smlatb lr, r12, ",
            $u,
            ", lr\n",
            "smlad lr, r0, ",
            $v,
            ", lr\n",
        )
    };
}

/// The same two pixels apart: x4 is the next pair's first.
macro_rules! row2 {
    ($p:literal, $u:literal, $v:literal) => {
        concat!(
            "ldrd r12, r0, [",
            $p,
            "], #8\n",
            "smlad r6, r12, ",
            $u,
            ", r6\n",
            "ldr r12, [",
            $p,
            "]\n",
            "smlabt r6, r0, ",
            $v,
            ", r6\n",
            "smlad lr, r0, ",
            $u,
            ", lr\n",
            "smlabt lr, r12, ",
            $v,
            ", lr\n",
        )
    };
}

/// A row under one pixel.
macro_rules! row {
    ($p:literal, $u:literal, $v:literal) => {
        concat!(
            "ldrd r12, r0, [",
            $p,
            "]\n",
            "smlad r6, r12, ",
            $u,
            ", r6\n",
            "smlabt r6, r0, ",
            $v,
            ", r6\n",
        )
    };
}

/// Pairs of results, then one more if the job says so. Weights in r4, r5; r8, r9; r10, r11; zero in r7; scale in s2, place
/// and step of the results in s4 and s5, the bias twice in s6 and s7, the end of the pairs in s8, "one more" in s9.
macro_rules! line {
    ($row:ident) => {
        naked_asm!(
            unit!(),
            "push {{r4-r11, lr}}",
            "ldm r0!, {{r4, r5, r7, r8, r9, r10, r11}}",
            "vldmia r0, {{s2-s9}}",
            "b 3f",
            "2:",
            "vmov r6, lr, s6, s7",
            $row!("r1", "r4", "r5"),
            $row!("r2", "r8", "r9"),
            $row!("r3", "r10", "r11"),
            finish!("r6", "lr", "s2", "s2", "r7"),
            "vmov r12, r0, s4, s5",
            "strb r6, [r12]",
            "strb lr, [r12, r0]",
            "add r12, r12, r0, lsl #1",
            "vmov s4, r12",
            "3:",
            "vmov r0, s8",
            "cmp r1, r0",
            "bne 2b",
            "vmov r0, s9",
            "cbz r0, 4f",
            "vmov r6, lr, s6, s7",
            row!("r1", "r4", "r5"),
            row!("r2", "r8", "r9"),
            row!("r3", "r10", "r11"),
            finish!("r6", "lr", "s2", "s2", "r7"),
            "vmov r12, s4",
            "strb r6, [r12]",
            "4:",
            "pop {{r4-r11, pc}}",
        )
    };
}

/// One line of one channel, stride 1: 37 instructions for two results.
///
/// # Safety
/// See [`Line`].
#[unsafe(naked)]
pub(super) unsafe extern "C" fn line_by_1(
    job: *const Line,
    a: *const u32,
    b: *const u32,
    c: *const u32,
) {
    line!(row1)
}

/// One line of one channel, stride 2: 40 instructions for two results.
///
/// # Safety
/// See [`Line`].
#[unsafe(naked)]
pub(super) unsafe extern "C" fn line_by_2(
    job: *const Line,
    a: *const u32,
    b: *const u32,
    c: *const u32,
) {
    line!(row2)
}

/// Sums of two dense operands: 17 instructions an element.
///
/// # Safety
/// See [`Sum`].
#[unsafe(naked)]
pub(super) unsafe extern "C" fn sum(job: *const Sum) {
    naked_asm!(
        unit!(),
        "push {{r4-r8, lr}}",
        "vldr s2, [r0, #28]",
        "vldr s3, [r0, #32]",
        "ldm r0, {{r1-r7}}",
        "b 3f",
        "2:",
        "ldrsb r8, [r1], #1",
        "ldrsb r12, [r2], #1",
        "sub r8, r8, r5",
        "sub r12, r12, r6",
        "vmov s0, s1, r8, r12",
        "vcvt.f32.s32 s0, s0",
        "vcvt.f32.s32 s1, s1",
        "vmul.f32 s0, s0, s2",
        "vmul.f32 s1, s1, s3",
        "vadd.f32 s0, s0, s1",
        "vcvtr.s32.f32 s0, s0",
        "vmov r8, s0",
        "qadd r8, r8, r7",
        "ssat r8, #8, r8",
        "strb r8, [r3], #1",
        "3:",
        "cmp r3, r4",
        "bne 2b",
        "pop {{r4-r8, pc}}",
    )
}
