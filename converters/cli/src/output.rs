//! Standard output of the command.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write};

use crate::exit;

/// Prints a line to standard output, as `println!`, but a reader that went away (`| head`) is no failure.
macro_rules! say {
    ($($arguments:tt)*) => { $crate::output::line(format_args!($($arguments)*)) };
}

/// Writes one line. Ends the process with [`exit::IO`] when it cannot be written, say to a full disk.
pub fn line(text: Arguments<'_>) {
    let result = writeln!(std::io::stdout(), "{text}");
    if let Err(e) = result
        && e.kind() != ErrorKind::BrokenPipe
    {
        eprintln!("redpoll: standard output: {e}");
        std::process::exit(exit::IO.into());
    }
}
