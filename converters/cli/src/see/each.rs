//! Every picture, one after the other: lines or JSON, drawings, share that is right, mean times.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use redpoll_vision::FileErrorKind;
use serde_json::json;

use super::looker::{Looker, Timing};
use super::source::{Kind, Raw, Source};
use super::{Answer, Args};
use crate::exit::Usage;

/// The number before the first `_` of a file's name.
fn label(path: &Path) -> Result<usize> {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
    let digits = name.split('_').next().unwrap_or("");
    digits.parse().map_err(|_| {
        Usage(format!(
            "{}: --labels, but the name begins with no number",
            path.display()
        ))
        .into()
    })
}

/// Where the drawing of a picture goes.
fn target(out: &Path, source: &Source, file: Option<&Path>, number: usize) -> Result<PathBuf> {
    if source.kind == Kind::Picture {
        return Ok(out.to_owned());
    }
    std::fs::create_dir_all(out)?;
    let stem = file.and_then(Path::file_stem).map(PathBuf::from);
    let name = stem.unwrap_or_else(|| format!("{number:06}").into());
    Ok(out.join(name).with_extension("png"))
}

/// Goes through `source`.
pub fn run(args: &Args, source: &Source, looker: &mut Looker) -> Result<()> {
    let many = source.kind != Kind::Picture;
    let (frames, _) = source.frames()?;
    let (mut total, mut seen, mut right, mut failed) = (Timing::default(), 0, 0, None);
    let most = args.frames.unwrap_or(usize::MAX);
    for (i, raw) in frames.take(most).enumerate() {
        let number = i + 1;
        let file = match &raw {
            Ok(Raw::File(file)) => Some(file.clone()),
            _ => None,
        };
        let looked = raw
            .map_err(|e| e.at(&source.path).into())
            .and_then(|raw| looker.look(raw));
        let (picture, answer, timing) = match looked {
            Ok(looked) => looked,
            // One damaged picture of many is no reason to stop.
            Err(e) if many && one_is_damaged(&e) => {
                eprintln!("redpoll: {e:#}");
                failed = Some(e);
                continue;
            }
            Err(e) => return Err(e),
        };
        seen += 1;
        let name = file.as_deref().unwrap_or(&source.path);
        if args.labels {
            let best = match &answer {
                Answer::Classes(all) => all.first().map(|a| a.1.class),
                _ => bail!(Usage("--labels goes with --task classify".into())),
            };
            right += usize::from(best == Some(label(name)?));
        }
        let frame = file.is_none().then_some(number);
        if args.json {
            let mut line = json!({"file": name, "found": answer.json(), "ms": timing.json(1)});
            if let Some(frame) = frame {
                line["frame"] = frame.into();
            }
            say!("{line}");
        } else if !(args.labels && many) {
            match frame {
                _ if !many => {}
                Some(frame) => say!("frame {frame}"),
                None => say!("{}", name.display()),
            }
            answer.lines().iter().for_each(|line| say!("{line}"));
        }
        if let Some(out) = &args.draw {
            let target = target(out, source, file.as_deref(), number)?;
            answer.draw(&picture).save(&target)?;
        }
        total.add(&timing);
    }
    let top1 = (args.labels && seen > 0).then(|| right as f64 / seen as f64 * 100.0);
    let ms = total.json(seen);
    if args.json {
        say!("{}", json!({"pictures": seen, "top1": top1, "ms": ms}));
    } else if many {
        if let Some(top1) = top1 {
            say!("top-1 {top1:.2} % ({right} of {seen})");
        }
        let part = |name: &str| format!("{name} {:.2}", ms[name].as_f64().unwrap_or(0.0));
        say!(
            "{seen} pictures; mean ms: {}",
            ["decode", "pre", "model", "post"].map(part).join(", ")
        );
    }
    failed.map_or(Ok(()), Err)
}

/// True for an error of one picture's bytes.
pub fn one_is_damaged(e: &anyhow::Error) -> bool {
    let file = e.downcast_ref::<redpoll_vision::FileError>();
    file.is_some_and(|e| e.kind() != FileErrorKind::Description)
}
