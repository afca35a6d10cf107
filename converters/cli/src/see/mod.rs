//! `redpoll see`: what is in a picture.

mod answer;
mod camera;
mod each;
mod labels;
mod live;
mod looker;
mod model;
mod newest;
mod read_text;
mod serve;
mod source;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::builder::TypedValueParser as _;
use redpoll_vision::Task;

pub use answer::Answer;
use looker::Looker;
pub use looker::Timing;
pub use model::{Described, Seer};
use source::{Kind, Source};

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

fn fps(text: &str) -> Result<f64, String> {
    let fps = text.parse().ok().filter(|fps| (0.1..=240.0).contains(fps));
    fps.ok_or_else(|| "expected 0.1 to 240".to_owned())
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
  redpoll see frames/ --model ssd.tflite --task detect --track --serve 8080     (a page at http://127.0.0.1:8080/)
  redpoll see /dev/video0 --model yunet.onnx --task faces --serve 8080
  ffmpeg -i film.mp4 -pix_fmt yuv420p -f yuv4mpegpipe - | redpoll see - --model ssd.tflite --task detect --json

A folder is gone through in the order of the names, say the frames of a video. Videos are YUV4MPEG2 (.y4m) or motion JPEG
(.mjpeg), standard input (-) either of them. Every frame is looked at, but of cameras and with --serve only the newest: what is
too slow drops frames. --json prints an object a picture and, where they end, one with the mean times; docs/vision.md says how
pictures become inputs.")]
pub struct Args {
    /// A picture (JPEG, PNG, BMP), a folder of them, a video (.y4m, .mjpeg), - for a video from standard input, or a camera (/dev/video0)
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
    /// A file with the name of a class a line; else those of the description, or of the .tflite itself
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
    /// Writes the picture with what was found drawn on it; a folder for many
    #[arg(long, value_name = "OUT", conflicts_with = "serve")]
    draw: Option<PathBuf>,
    /// Numbers what is found, the same from frame to frame (detect, faces, pose)
    #[arg(long)]
    track: bool,
    /// Shows the newest frame on a page at PORT of this machine, or at IP:PORT; files are played again and again
    #[arg(long, value_name = "PORT", value_parser = serve::parse_address)]
    serve: Option<SocketAddr>,
    /// Frames a second that files are played at, 0.1 to 240; else the video's own, or 10
    #[arg(long, value_parser = fps, requires = "serve")]
    fps: Option<f64>,
    /// Ends after so many frames
    #[arg(long, value_name = "N")]
    frames: Option<usize>,
    /// File names begin with the right class: tells top-1
    #[arg(long, conflicts_with = "serve")]
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

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let source = Source::of(&args.picture)?;
    let live = args.serve.is_some() || source.kind == Kind::Camera;
    if live && (args.labels || args.draw.is_some()) {
        bail!(Usage("--labels and --draw go with files".into()));
    }
    let mut looker = Looker::open(args)?;
    if live {
        live::run(args, source, &mut looker)
    } else {
        each::run(args, &source, &mut looker)
    }
}
