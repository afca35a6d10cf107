//! Answers: recordings that are played, or written where they would be heard.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use redpoll_voice::audio;
use redpoll_voice::grammar::Grammar;

use crate::exit::Usage;

/// Samples a second of the written answers.
pub const RATE: u32 = 16_000;
/// Longest answer.
const LONGEST_SECONDS: usize = 60;

/// Gives answers.
pub struct Speaker {
    prompts: BTreeMap<String, (PathBuf, Vec<f32>)>,
    player: Option<Vec<String>>,
    playing: Option<Child>,
    writer: Option<audio::Writer>,
    /// The answer that is given, and how much of it was.
    current: Option<(String, usize)>,
    /// Samples of the stream that answers were written for.
    now: u64,
}

impl Speaker {
    /// With all recordings that `grammar` names, beside its file `path`.
    pub fn new(
        grammar: Option<(&Grammar, &Path)>,
        player: Option<&str>,
        output: Option<&Path>,
    ) -> Result<Self> {
        let mut prompts = BTreeMap::new();
        if let Some((grammar, path)) = grammar {
            let others = [&grammar.answers.unknown, &grammar.answers.nothing];
            let names = grammar.intents().iter().map(|intent| &intent.answer);
            for name in names.chain(others).flatten() {
                let file = path.with_file_name(name);
                let samples = read(&file)?;
                prompts.insert(name.clone(), (file, samples));
            }
        }
        let player = player.map(|text| text.split_whitespace().map(str::to_owned).collect());
        if player.as_ref().is_some_and(Vec::is_empty) {
            bail!(Usage("--player: expected a program".into()));
        }
        let create = |path: &Path| {
            audio::Writer::create(path, RATE).with_context(|| path.display().to_string())
        };
        Ok(Self {
            prompts,
            player,
            playing: None,
            writer: output.map(create).transpose()?,
            current: None,
            now: 0,
        })
    }

    /// Begins an answer; returns its length in samples.
    pub fn say(&mut self, name: &str) -> u64 {
        self.hush();
        let Some((path, samples)) = self.prompts.get(name) else {
            return 0;
        };
        if let Some([program, arguments @ ..]) = self.player.as_deref() {
            let child = Command::new(program)
                .args(arguments)
                .arg(path)
                .stdin(Stdio::null())
                .stdout(std::io::stderr())
                .spawn();
            match child {
                Ok(child) => self.playing = Some(child),
                Err(e) => eprintln!("redpoll: {program}: {e}"),
            }
        }
        self.current = Some((name.to_owned(), 0));
        samples.len() as u64
    }

    /// Ends the answer.
    pub fn hush(&mut self) {
        self.current = None;
        if let Some(mut child) = self.playing.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// The stream went on to `now`: what was heard of answers until then is written.
    pub fn go_on(&mut self, now: u64) -> Result<()> {
        let mut left = now.saturating_sub(self.now) as usize;
        self.now = self.now.max(now);
        if let Some((name, at)) = &mut self.current {
            let samples = self
                .prompts
                .get(name)
                .map_or(&[][..], |(_, samples)| samples);
            let part = &samples[*at..samples.len().min(*at + left)];
            left -= part.len();
            *at += part.len();
            if let Some(writer) = &mut self.writer {
                writer.write(part)?;
            }
        }
        while left > 0 {
            let n = left.min(1600);
            if let Some(writer) = &mut self.writer {
                writer.write(&[0.0; 1600][..n])?;
            }
            left -= n;
        }
        Ok(())
    }

    /// Waits for a player to end, and completes the written file.
    pub fn finish(mut self) -> Result<()> {
        if let Some(mut child) = self.playing.take() {
            // A player that failed has said so itself.
            let _ = child.wait();
        }
        match self.writer.take() {
            Some(writer) => Ok(writer.finish()?),
            None => Ok(()),
        }
    }
}

fn read(path: &Path) -> Result<Vec<f32>> {
    let (mut samples, longest) = (Vec::new(), LONGEST_SECONDS * RATE as usize);
    audio::read_file(path, RATE, |piece| {
        samples.extend_from_slice(piece);
        samples.len() <= longest
    })
    .with_context(|| path.display().to_string())?;
    if samples.len() > longest {
        let path = path.display();
        bail!(Usage(format!("{path}: longer than {LONGEST_SECONDS} s")));
    }
    Ok(samples)
}
