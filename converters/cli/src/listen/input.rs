//! Where samples come from.

use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use redpoll_voice::audio;

use crate::exit::Usage;

/// A recording, standard input, or a microphone.
pub struct Source<'a> {
    pub path: &'a Path,
    /// Samples a second where no header tells.
    pub raw_rate: u32,
    /// The program that records, with its arguments.
    pub recorder: Option<&'a str>,
}

impl Source<'_> {
    /// Hands mono samples at `rate` to `each` until it returns false.
    pub fn read(&self, rate: u32, each: impl FnMut(&[f32]) -> bool) -> Result<()> {
        if self.path == Path::new("-") {
            return self.standard_input(rate, each);
        }
        if self.path == Path::new("mic") {
            return self.microphone(rate, each);
        }
        audio::read_file(self.path, rate, each).with_context(|| self.path.display().to_string())
    }

    fn standard_input(&self, rate: u32, each: impl FnMut(&[f32]) -> bool) -> Result<()> {
        let mut input = io::stdin().lock();
        let mut head = Vec::with_capacity(4);
        input.by_ref().take(4).read_to_end(&mut head)?;
        let known = matches!(head.as_slice(), b"RIFF" | b"fLaC");
        let whole = Cursor::new(head).chain(input);
        if known {
            audio::read(BufReader::new(whole), rate, each).context("standard input")
        } else {
            // Not buffered: a live stream is heard as it comes.
            audio::read_raw(whole, self.raw_rate, rate, each).context("standard input")
        }
    }

    /// What a program records, until it ends.
    fn microphone(&self, rate: u32, each: impl FnMut(&[f32]) -> bool) -> Result<()> {
        let usual = format!("arecord -q -f S16_LE -c 1 -r {} -t raw", self.raw_rate);
        let recorder = self.recorder.unwrap_or(&usual);
        let mut words = recorder.split_whitespace();
        let program = words.next().unwrap_or_default();
        let started = Command::new(program)
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = match started {
            Ok(child) => child,
            Err(e) => bail!(Usage(format!(
                "no microphone: `{recorder}` cannot be started: {e}; install it (Debian: alsa-utils), or give another \
                 with --recorder that writes 16-bit mono samples, or pipe one into `redpoll listen -` (a file of that \
                 name is ./mic)"
            ))),
        };
        let mut taken = 0u64;
        let mut each = each;
        let read = match child.stdout.take() {
            Some(output) => audio::read_raw(output, self.raw_rate, rate, |piece| {
                taken += piece.len() as u64;
                each(piece)
            }),
            None => Ok(()),
        };
        // Where nobody listens any more it has no reason to go on.
        let _ = child.kill();
        let status = child.wait()?;
        read.with_context(|| recorder.to_owned())?;
        if taken == 0 {
            bail!(Usage(format!(
                "no microphone: `{recorder}` recorded nothing and ended with {status}; what it says is above"
            )));
        }
        Ok(())
    }
}
