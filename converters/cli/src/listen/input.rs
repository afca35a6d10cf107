//! Where samples come from.

use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;

use anyhow::{Context, Result, bail};
use redpoll_voice::audio;

use crate::exit::Usage;

/// Hands mono samples at `rate` to `each` until it returns false.
pub fn read(path: &Path, raw_rate: u32, rate: u32, each: impl FnMut(&[f32]) -> bool) -> Result<()> {
    if path == Path::new("-") {
        return standard_input(raw_rate, rate, each);
    }
    if path == Path::new("mic") {
        bail!(Usage(
            "no microphone: this command records none itself; pipe one in, as in \
             `arecord -q -f S16_LE -r 16000 -t raw | redpoll listen - …` (a file of that name is ./mic)"
                .into()
        ));
    }
    audio::read_file(path, rate, each).with_context(|| path.display().to_string())
}

fn standard_input(raw_rate: u32, rate: u32, each: impl FnMut(&[f32]) -> bool) -> Result<()> {
    let mut input = io::stdin().lock();
    let mut head = Vec::with_capacity(4);
    input.by_ref().take(4).read_to_end(&mut head)?;
    let known = matches!(head.as_slice(), b"RIFF" | b"fLaC");
    let whole = Cursor::new(head).chain(input);
    if known {
        audio::read(BufReader::new(whole), rate, each).context("standard input")
    } else {
        // Not buffered: a live stream is heard as it comes.
        audio::read_raw(whole, raw_rate, rate, each).context("standard input")
    }
}
