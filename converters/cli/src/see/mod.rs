//! `redpoll see`: what is in a picture.

mod answer;
mod model;
mod read_text;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail};
use clap::builder::TypedValueParser as _;
use redpoll_vision::{
    Classify, Detect, Faces, Nms, Picture, Pose, Segment, Suppress, Task, is_picture,
};
use serde_json::json;

pub use answer::Answer;
pub use model::{Described, Seer};
use read_text::TextReader;

use crate::exit::Usage;
use crate::load::Dims;

/// `--task` by its name.
fn task_names() -> impl clap::builder::TypedValueParser<Value = Task> {
    let names = clap::builder::PossibleValuesParser::new(Task::ALL.map(Task::name));
    names.try_map(|name| {
        let task = Task::ALL.into_iter().find(|task| task.name() == name);
        task.ok_or("no such task")
    })
}

/// Say what is in pictures
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  redpoll see models/fashion/sample.png --model models/fashion/fashion.onnx
  redpoll see photo.jpg --model mobilenet_v2.onnx --task classify --preset imagenet --json
  redpoll see party.jpg --model yunet.onnx --task faces --draw found.png
  redpoll see frames/ --model ssd.tflite --task detect --draw drawn/
  redpoll see page.png --task text --model det.onnx --rec rec.onnx
  redpoll see imagenet/ --model out/model.plan --labels     (top-1 over files named CLASS_….jpg)

A folder is gone through in the order of the names, say the frames of a video. --json prints an object a picture and one with the
mean times; docs/vision.md says how pictures become inputs.")]
pub struct Args {
    /// A picture (JPEG, PNG, BMP), or a folder of them
    picture: PathBuf,
    /// A .plan, .onnx or .tflite
    #[arg(short, long)]
    model: PathBuf,
    /// What the model is for; else what its description says
    #[arg(short, long, value_parser = task_names())]
    task: Option<Task>,
    /// The recogniser of --task text
    #[arg(long, value_name = "FILE.onnx")]
    rec: Option<PathBuf>,
    #[command(flatten)]
    described: Described,
    /// A file with the name of a class a line
    #[arg(long, value_name = "FILE.txt")]
    classes: Option<PathBuf>,
    /// Classes that are told
    #[arg(long, default_value_t = 5)]
    top: usize,
    /// Least score of what is found, 0 to 1; default 0.5, for faces 0.6
    #[arg(long)]
    score: Option<f32>,
    /// Most overlap of two boxes (intersection over union)
    #[arg(long, default_value_t = 0.45)]
    overlap: f32,
    /// Writes the picture with what was found drawn on it; a folder for a folder
    #[arg(long, value_name = "OUT")]
    draw: Option<PathBuf>,
    /// File names begin with the right class: tells top-1
    #[arg(long)]
    labels: bool,
    /// Prints JSON, a line a picture
    #[arg(long)]
    json: bool,
    /// Threads that compute
    #[arg(long, default_value_t = 1)]
    threads: usize,
    #[command(flatten)]
    dims: Dims,
}

/// Seconds that each part took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timing {
    pub decode: f64,
    pub pre: f64,
    pub model: f64,
    pub post: f64,
}

impl Timing {
    fn json(&self, n: usize) -> serde_json::Value {
        let ms = |s: f64| s * 1e3 / n.max(1) as f64;
        json!({"decode": ms(self.decode), "pre": ms(self.pre), "model": ms(self.model), "post": ms(self.post)})
    }
}

/// The pictures that a path names.
pub fn pictures(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut all = Vec::new();
    let entries = std::fs::read_dir(path)
        .map_err(|e| anyhow::Error::new(e).context(path.display().to_string()))?;
    for entry in entries {
        let file = entry?.path();
        if file.is_file() && is_picture(&file) {
            all.push(file);
        }
    }
    all.sort();
    if all.is_empty() {
        bail!(Usage(format!(
            "{}: no pictures (jpg, jpeg, png, bmp)",
            path.display()
        )));
    }
    Ok(all)
}

enum Eye {
    One(Box<Seer>),
    Text(Box<TextReader>),
}

struct Reading {
    task: Task,
    top: usize,
    nms: Nms,
}

impl Reading {
    fn answer(&self, eye: &mut Eye, picture: &Picture, timing: &mut Timing) -> Result<Answer> {
        let seer = match eye {
            Eye::Text(reader) => return Ok(Answer::Lines(reader.read(picture, timing)?)),
            Eye::One(seer) => seer,
        };
        let (outputs, placement) = seer.look(picture, timing)?;
        let start = Instant::now();
        let nms = self.nms;
        let named = |all: Vec<redpoll_vision::Detection>, fixed: Option<&str>| {
            let name = |class: usize| fixed.map_or_else(|| seer.class(class), str::to_owned);
            Answer::Boxes(all.into_iter().map(|d| (name(d.class), d)).collect())
        };
        let answer = match self.task {
            Task::Detect => named(Detect { nms }.read(&outputs, &placement)?, None),
            Task::Faces => named(Faces { nms }.read(&outputs, &placement)?, Some("face")),
            Task::Pose => named(Pose { nms }.read(&outputs, &placement)?, Some("body")),
            Task::Segment => Answer::Map(
                Segment {
                    threshold: nms.least_score,
                }
                .read(&outputs)?,
                placement,
            ),
            _ => {
                let ranked = Classify { top: self.top }.read(&outputs)?;
                Answer::Classes(
                    ranked
                        .into_iter()
                        .map(|r| (seer.class(r.class), r))
                        .collect(),
                )
            }
        };
        timing.post += start.elapsed().as_secs_f64();
        Ok(answer)
    }
}

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

fn open(args: &Args) -> Result<(Eye, Reading)> {
    let asked = args.task;
    let score = |default: f32| args.score.unwrap_or(default);
    let mut reading = Reading {
        task: Task::Text,
        top: args.top,
        nms: Nms {
            suppress: Suppress::Hard(args.overlap),
            least_score: score(0.5),
            ..Nms::default()
        },
    };
    if asked == Some(Task::Text) {
        let reader = TextReader::new(&args.model, args.rec.as_deref(), args.threads, score(0.5))?;
        return Ok((Eye::Text(Box::new(reader)), reading));
    }
    let mut seer = Seer::open(
        &args.model,
        &args.dims,
        args.threads,
        &args.described,
        asked,
    )?;
    if let Some(path) = &args.classes {
        let text = std::fs::read_to_string(path)
            .map_err(|e| anyhow::Error::new(e).context(path.display().to_string()))?;
        seer.description.classes = text.lines().map(str::to_owned).collect();
    }
    let Some(task) = seer.description.task else {
        bail!(Usage(format!(
            "{}: its description names no task: give --task",
            args.model.display()
        )));
    };
    reading.task = task;
    if task == Task::Faces {
        reading.nms.least_score = score(0.6);
        reading.nms.suppress = Suppress::Hard(args.overlap.min(0.3));
    }
    Ok((Eye::One(Box::new(seer)), reading))
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let files = pictures(&args.picture)?;
    let folder = args.picture.is_dir();
    let (mut eye, reading) = open(args)?;
    let (mut total, mut seen, mut right, mut failed) = (Timing::default(), 0, 0, None);
    for file in &files {
        let start = Instant::now();
        let picture = match Picture::open(file) {
            Ok(picture) => picture,
            Err(e) if folder => {
                eprintln!("redpoll: {e}");
                failed = Some(e);
                continue;
            }
            Err(e) => return Err(e.into()),
        };
        let mut timing = Timing {
            decode: start.elapsed().as_secs_f64(),
            ..Timing::default()
        };
        let answer = reading.answer(&mut eye, &picture, &mut timing)?;
        seen += 1;
        if args.labels {
            let best = match &answer {
                Answer::Classes(all) => all.first().map(|a| a.1.class),
                _ => bail!(Usage("--labels goes with --task classify".into())),
            };
            right += usize::from(best == Some(label(file)?));
        }
        if args.json {
            say!(
                "{}",
                json!({"file": file, "found": answer.json(), "ms": timing.json(1)})
            );
        } else if !(args.labels && folder) {
            if folder {
                say!("{}", file.display());
            }
            answer.lines().iter().for_each(|line| say!("{line}"));
        }
        if let Some(out) = &args.draw {
            let target = if folder {
                std::fs::create_dir_all(out)?;
                out.join(file.file_stem().unwrap_or_default())
                    .with_extension("png")
            } else {
                out.clone()
            };
            answer.draw(&picture).save(&target)?;
        }
        total.decode += timing.decode;
        total.pre += timing.pre;
        total.model += timing.model;
        total.post += timing.post;
    }
    let top1 = (args.labels && seen > 0).then(|| right as f64 / seen as f64 * 100.0);
    let ms = total.json(seen);
    if args.json {
        say!("{}", json!({"pictures": seen, "top1": top1, "ms": ms}));
    } else if folder {
        if let Some(top1) = top1 {
            say!("top-1 {top1:.2} % ({right} of {seen})");
        }
        let part = |name: &str| format!("{name} {:.2}", ms[name].as_f64().unwrap_or(0.0));
        say!(
            "{seen} pictures; mean ms: {}",
            ["decode", "pre", "model", "post"].map(part).join(", ")
        );
    }
    failed.map_or(Ok(()), |e| Err(e.into()))
}
