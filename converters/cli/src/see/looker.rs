//! From a picture to what is seen in it: model, task, and the same things from frame to frame.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, bail};
use redpoll_vision::{
    Classify, Detect, Detection, Faces, Nms, Picture, Pose, Segment, Suppress, Task, Tracker,
};
use serde_json::json;

use super::answer::{Answer, Thing};
use super::read_text::TextReader;
use super::source::Raw;
use super::{Args, Seer};
use crate::exit::Usage;

/// Seconds that each part took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timing {
    pub decode: f64,
    pub pre: f64,
    pub model: f64,
    pub post: f64,
}

impl Timing {
    /// Milliseconds, means of `n` pictures.
    pub fn json(&self, n: usize) -> serde_json::Value {
        let ms = |s: f64| s * 1e3 / n.max(1) as f64;
        json!({"decode": ms(self.decode), "pre": ms(self.pre), "model": ms(self.model), "post": ms(self.post)})
    }

    pub fn add(&mut self, other: &Self) {
        self.decode += other.decode;
        self.pre += other.pre;
        self.model += other.model;
        self.post += other.post;
    }
}

enum Eye {
    One(Box<Seer>),
    Text(Box<TextReader>),
}

/// A model with its task.
pub struct Looker {
    eye: Eye,
    pub task: Task,
    top: usize,
    nms: Nms,
    tracker: Option<Tracker>,
}

impl Looker {
    /// Loads what the command line names.
    pub fn open(args: &Args) -> Result<Self> {
        let score = |default: f32| args.score.unwrap_or(default);
        let nms = Nms {
            suppress: Suppress::Hard(args.overlap),
            least_score: score(0.5),
            ..Nms::default()
        };
        let (model, rec) = (&args.model, args.rec.as_deref());
        let (eye, task) = if args.task == Some(Task::Text) {
            let reader = TextReader::new(model, rec, args.threads, score(0.5))?;
            (Eye::Text(Box::new(reader)), Task::Text)
        } else {
            let mut seer = Seer::open(model, &args.dims, args.threads, &args.described, args.task)?;
            if let Some(path) = &args.classes {
                seer.description.classes = lines(path)?;
            }
            let Some(task) = seer.description.task else {
                bail!(Usage(format!(
                    "{}: its description names no task: give --task",
                    model.display()
                )));
            };
            (Eye::One(Box::new(seer)), task)
        };
        let mut looker = Self {
            eye,
            task,
            top: args.top,
            nms,
            tracker: args.track.then(Tracker::default),
        };
        if task == Task::Faces {
            looker.nms.least_score = score(0.6);
            looker.nms.suppress = Suppress::Hard(args.overlap.min(0.3));
        }
        if args.track && !matches!(task, Task::Detect | Task::Faces | Task::Pose) {
            bail!(Usage(format!(
                "--track follows boxes (detect, faces, pose); the task is {}",
                task.name()
            )));
        }
        Ok(looker)
    }

    /// Decodes a picture and looks at it.
    pub fn look(&mut self, raw: Raw) -> Result<(Picture, Answer, Timing)> {
        let start = Instant::now();
        let picture = raw.decode()?;
        let mut timing = Timing {
            decode: start.elapsed().as_secs_f64(),
            ..Timing::default()
        };
        let answer = self.answer(&picture, &mut timing)?;
        Ok((picture, answer, timing))
    }

    fn answer(&mut self, picture: &Picture, timing: &mut Timing) -> Result<Answer> {
        let seer = match &mut self.eye {
            Eye::Text(reader) => return Ok(Answer::Lines(reader.read(picture, timing)?)),
            Eye::One(seer) => seer,
        };
        let (outputs, placement) = seer.look(picture, timing)?;
        let start = Instant::now();
        let nms = self.nms;
        let threshold = nms.least_score;
        let (tracker, name) = (&mut self.tracker, |class| seer.class(class));
        let face = |_| "face".to_owned();
        let body = |_| "body".to_owned();
        let answer = match self.task {
            Task::Detect => things(Detect { nms }.read(&outputs, &placement)?, tracker, name),
            Task::Faces => things(Faces { nms }.read(&outputs, &placement)?, tracker, face),
            Task::Pose => things(Pose { nms }.read(&outputs, &placement)?, tracker, body),
            Task::Segment => {
                let map = Segment { threshold }.read(&outputs)?;
                let mut names = seer.description.classes.clone();
                if let [_] = names[..] {
                    // A map of one share: all else is class 0.
                    names.insert(0, "background".to_owned());
                }
                Answer::Map(map, placement, names)
            }
            _ => {
                let ranked = Classify { top: self.top }.read(&outputs)?;
                Answer::Classes(ranked.into_iter().map(|r| (name(r.class), r)).collect())
            }
        };
        timing.post += start.elapsed().as_secs_f64();
        Ok(answer)
    }
}

/// Boxes with their names, and their numbers where they are followed.
fn things(
    found: Vec<Detection>,
    tracker: &mut Option<Tracker>,
    name: impl Fn(usize) -> String,
) -> Answer {
    let thing = |found: Detection, id| Thing {
        name: name(found.class),
        found,
        id,
    };
    Answer::Boxes(match tracker {
        None => found.into_iter().map(|d| thing(d, None)).collect(),
        Some(tracker) => {
            let here = tracker.push(&found).iter().filter(|t| t.lost == 0);
            here.map(|t| thing(t.found.clone(), Some(t.id))).collect()
        }
    })
}

fn lines(path: &Path) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| anyhow::Error::new(e).context(path.display().to_string()))?;
    Ok(text.lines().map(str::to_owned).collect())
}
