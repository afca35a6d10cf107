//! Lines on the debugger's console without the formatting machinery of `core`, which is larger than the engine.

use cortex_m_semihosting::nr;
use cortex_m_semihosting::syscall1;

/// Bytes of a line, the zero at its end included.
const LENGTH: usize = 64;

/// Most digits of a number.
const MOST: usize = 20;

struct Line {
    bytes: [u8; LENGTH],
    used: usize,
}

impl Line {
    fn new() -> Self {
        Self {
            bytes: [0; LENGTH],
            used: 0,
        }
    }

    /// Adds text; what does not fit is cut.
    fn text(mut self, text: &str) -> Self {
        for &byte in text.as_bytes() {
            self = self.byte(byte);
        }
        self
    }

    fn byte(mut self, byte: u8) -> Self {
        if self.used + 1 < LENGTH
            && let Some(slot) = self.bytes.get_mut(self.used)
        {
            *slot = byte;
            self.used += 1;
        }
        self
    }

    /// Adds digits, `BASE` to the power of which is at most 2⁶⁴ for [`MOST`] of them.
    fn digits<const BASE: u64>(mut self, mut value: u64, least: usize) -> Self {
        let mut digits = [b'0'; MOST];
        let mut count = 0;
        for slot in digits.iter_mut() {
            if value == 0 && count >= least {
                break;
            }
            let digit = (value % BASE) as u8;
            *slot = if digit < 10 {
                b'0' + digit
            } else {
                b'a' - 10 + digit
            };
            value /= BASE;
            count += 1;
        }
        for &digit in digits.iter().take(count).rev() {
            self = self.byte(digit);
        }
        self
    }

    fn print(self) {
        let line = self.byte(b'\n');
        // SAFETY: WRITE0 reads bytes up to the first zero; the last of them is never written.
        unsafe { syscall1(nr::WRITE0, line.bytes.as_ptr() as usize) };
    }
}

/// Prints a line.
pub fn line(text: &str) {
    Line::new().text(text).print();
}

/// Prints a name and a decimal number.
pub fn number(name: &str, value: usize) {
    Line::new()
        .text(name)
        .byte(b' ')
        .digits::<10>(value as u64, 1)
        .print();
}

/// Prints a name and 16 hexadecimal digits.
pub fn hex(name: &str, value: u64) {
    Line::new()
        .text(name)
        .byte(b' ')
        .digits::<16>(value, 16)
        .print();
}
