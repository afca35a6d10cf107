//! The newest frame again and again: of a camera, of a pipe, of files played at their pace. What is too slow drops frames.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use redpoll_vision::{FileError, FileErrorKind};
use serde_json::json;

use super::Args;
use super::each::one_is_damaged;
use super::looker::{Looker, Timing};
use super::newest::Newest;
use super::serve::Page;
use super::source::{Kind, Raw, Source};

/// Frames a second of folders and videos that do not say.
const DEFAULT_FPS: f64 = 10.0;
/// Quality of the pictures on the page.
const JPEG_QUALITY: u8 = 80;

/// Means of the last frames.
#[derive(Default)]
struct Pace {
    last: Option<Instant>,
    seconds: f64,
    timing: Timing,
    draw: f64,
}

impl Pace {
    /// How much a new frame counts.
    const SHARE: f64 = 0.1;

    fn next(&mut self, timing: &Timing, draw: f64) {
        let now = Instant::now();
        let first = self.last.is_none();
        let mix = |old: &mut f64, new: f64| {
            *old = if first {
                new
            } else {
                *old + (new - *old) * Self::SHARE
            };
        };
        let since = self.last.map(|last| now.duration_since(last).as_secs_f64());
        if let Some(since) = since {
            self.seconds = if self.seconds == 0.0 {
                since
            } else {
                self.seconds + (since - self.seconds) * Self::SHARE
            };
        }
        mix(&mut self.timing.decode, timing.decode);
        mix(&mut self.timing.pre, timing.pre);
        mix(&mut self.timing.model, timing.model);
        mix(&mut self.timing.post, timing.post);
        mix(&mut self.draw, draw);
        self.last = Some(now);
    }

    fn fps(&self) -> Option<f64> {
        (self.seconds > 0.0).then(|| 1.0 / self.seconds)
    }

    fn ms(&self) -> serde_json::Value {
        let mut ms = self.timing.json(1);
        ms["draw"] = (self.draw * 1e3).into();
        ms
    }
}

type Frame = (u64, Result<Raw, FileError>);

/// Reads until the source is over. Files are played at their pace, again and again.
fn read(source: &Source, fps: Option<f64>, place: &Newest<Frame>) -> Result<()> {
    let (mut number, mut due) = (0, Instant::now());
    loop {
        let (frames, rate) = source.frames()?;
        let paced = source.repeats();
        let fps = fps.or(rate).unwrap_or(DEFAULT_FPS).clamp(0.1, 240.0);
        let each = Duration::from_secs_f64(1.0 / fps);
        let before = number;
        for frame in frames {
            if paced {
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                due += each;
            }
            number += 1;
            place.put((number, frame.map_err(|e| e.at(&source.path))));
        }
        if !paced || number == before {
            return Ok(());
        }
    }
}

/// Looks at the newest frame until there are no more.
pub fn run(args: &Args, source: Source, looker: &mut Looker) -> Result<()> {
    let page = args.serve.map(Page::listen).transpose()?;
    if let Some(page) = &page {
        eprintln!("redpoll: live page at http://{}/", page.address());
        if !page.address().ip().is_loopback() {
            eprintln!("redpoll: anyone who reaches this address sees the pictures");
        }
    }
    let place = Arc::new(Newest::default());
    let reader = {
        let (place, source, fps) = (Arc::clone(&place), source.clone(), args.fps);
        std::thread::spawn(move || {
            let result = read(&source, fps, &place);
            place.end();
            result
        })
    };
    let (mut pace, mut damaged, mut seen) = (Pace::default(), 0, 0);
    while let Some(((number, raw), dropped)) = place.take() {
        let file = match &raw {
            Ok(Raw::File(file)) => file.clone(),
            _ => source.path.clone(),
        };
        let looked = match raw {
            Err(e) if e.kind() == FileErrorKind::Io => return Err(e.into()),
            Err(e) => Err(e.into()),
            Ok(raw) => looker.look(raw),
        };
        let (picture, answer, timing) = match looked {
            Ok(looked) => looked,
            Err(e) if one_is_damaged(&e) && source.kind != Kind::Picture => {
                damaged += 1;
                // The first is told; a stream of nothing else would fill the terminal.
                if damaged == 1 {
                    eprintln!("redpoll: {e:#}");
                }
                continue;
            }
            Err(e) => return Err(e),
        };
        let start = Instant::now();
        let found = answer.json();
        let watched = page.as_ref().is_some_and(Page::is_watched);
        let jpeg = match watched {
            true => Some(answer.draw(&picture).to_jpeg(JPEG_QUALITY)?),
            false => None,
        };
        pace.next(&timing, start.elapsed().as_secs_f64());
        if let Some(page) = &page {
            let state = json!({
                "frame": number, "file": file, "model": args.model, "task": looker.task.name(),
                "size": [picture.width(), picture.height()], "found": found, "lines": answer.lines(),
                "ms": pace.ms(), "fps": pace.fps(), "dropped": dropped, "damaged": damaged,
            });
            page.show(jpeg, state.to_string());
        }
        if args.json {
            say!(
                "{}",
                json!({"file": file, "frame": number, "found": found, "ms": timing.json(1), "dropped": dropped})
            );
        } else if page.is_none() {
            say!("frame {number}");
            answer.lines().iter().for_each(|line| say!("{line}"));
        }
        seen += 1;
        if Some(seen) == args.frames {
            return Ok(());
        }
    }
    let read = reader.join();
    read.unwrap_or_else(|_| anyhow::bail!("the reader of frames ended"))
        .context("no more frames")
}
