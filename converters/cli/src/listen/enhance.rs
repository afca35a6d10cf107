//! `redpoll listen --task enhance`: noise out of speech.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use redpoll_voice::audio::Writer;
use redpoll_voice::task::Enhance;

use super::input::Source;
use super::model::Choices;
use super::print;
use crate::exit::Usage;

/// Runs the command.
pub fn run(
    source: &Source<'_>,
    choices: &Choices<'_>,
    output: Option<&Path>,
    time: bool,
    as_json: bool,
) -> Result<()> {
    let Some(output) = output else {
        bail!(Usage("--task enhance: give -o OUT.wav".into()));
    };
    let mut task = Enhance::new(choices.session()?).map_err(|e| choices.named(e))?;
    let rate = task.sample_rate();
    let failed = || output.display().to_string();
    let mut writer = Writer::create(output, rate).with_context(failed)?;
    let (mut ready, mut samples, mut busy) = (Vec::new(), 0u64, 0.0);
    let mut result = Ok(());
    let read = source.read(rate, |piece| {
        samples += piece.len() as u64;
        ready.clear();
        let start = Instant::now();
        let pushed = task.push(piece, &mut ready);
        busy += start.elapsed().as_secs_f64();
        result = pushed
            .map_err(anyhow::Error::from)
            .and_then(|()| writer.write(&ready).with_context(failed));
        result.is_ok()
    });
    result?;
    ready.clear();
    let start = Instant::now();
    task.finish(&mut ready)?;
    busy += start.elapsed().as_secs_f64();
    writer.write(&ready).with_context(failed)?;
    writer.finish().with_context(failed)?;
    read?;
    if time {
        print::time(busy, samples as f64 / f64::from(rate), as_json);
    }
    Ok(())
}
