//! `redpoll explain`: which pixels of a picture mattered for its class.

use std::path::PathBuf;

use anyhow::{Result, bail};
use redpoll_vision::{Classify, Occlusion, Picture, Ranked, Saliency, Task};
use serde_json::json;

use crate::exit::Usage;
use crate::load::Dims;
use crate::progress;
use crate::see::{Described, Seer, Timing};

/// Most squares that are tried: a run of the model each.
const MAX_SQUARES: usize = 100_000;
/// Pictures smaller than this are written enlarged, whole pixels at a time.
const LEAST_SIDE: u32 = 224;

/// Show which pixels mattered for the class of a picture
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  redpoll explain models/fashion/sample.png --model models/fashion/fashion.onnx -o why.png
  redpoll explain xray.png --model models/xray/xray.onnx --class pneumonia -o why.png
  redpoll explain dog.jpg --model mobilenet_v2.onnx --preset imagenet --patch 40 --stride 10 -o why.png --json

Squares of the picture are covered with its mean colour, one after the other, and the class is asked for again: where its probability
falls, the pixels were needed (red); where it rises, they spoke against it (blue). It shows what the model looked at, not whether that is right.")]
pub struct Args {
    /// A picture (JPEG, PNG, BMP)
    picture: PathBuf,
    /// A classifier: .plan, .onnx or .tflite
    #[arg(short, long)]
    model: PathBuf,
    /// The class to explain, its name or number; else the likeliest
    #[arg(short, long)]
    class: Option<String>,
    #[command(flatten)]
    described: Described,
    /// Side of a square, pixels; else a sixth of the shorter side
    #[arg(long)]
    patch: Option<u32>,
    /// Pixels from a square to the next; else a third of its side
    #[arg(long)]
    stride: Option<u32>,
    /// The picture to write (PNG), coloured
    #[arg(short, long, value_name = "OUT.png")]
    output: PathBuf,
    /// Prints JSON
    #[arg(long)]
    json: bool,
    /// Threads that compute
    #[arg(long, default_value_t = 1)]
    threads: usize,
    #[command(flatten)]
    dims: Dims,
}

/// The probabilities of all classes.
fn scores(seer: &mut Seer, picture: &Picture) -> Result<Vec<Ranked>> {
    let (outputs, _) = seer.look(picture, &mut Timing::default())?;
    Ok(Classify { top: usize::MAX }.read(&outputs)?)
}

fn score_of(all: &[Ranked], class: usize) -> f32 {
    all.iter()
        .find(|r| r.class == class)
        .map_or(0.0, |r| r.score)
}

/// The class that was asked for.
fn wanted(asked: Option<&str>, all: &[Ranked], seer: &Seer) -> Result<usize> {
    let Some(asked) = asked else {
        return Ok(all.first().map_or(0, |r| r.class));
    };
    let mut classes = all.iter().map(|r| r.class);
    match classes.find(|&c| seer.class(c) == asked || c.to_string() == asked) {
        Some(class) => Ok(class),
        None => {
            let mut names: Vec<_> = all.iter().map(|r| r.class).take(20).collect();
            names.sort_unstable();
            let names: Vec<_> = names.into_iter().map(|c| seer.class(c)).collect();
            bail!(Usage(format!(
                "no class \"{asked}\" among {}: {}",
                all.len(),
                names.join(", ")
            )))
        }
    }
}

/// The mean colour.
fn mean(pixels: &[u8]) -> [u8; 3] {
    let mut sums = [0u64; 3];
    for pixel in pixels.chunks_exact(3) {
        for (sum, &p) in sums.iter_mut().zip(pixel) {
            *sum += u64::from(p);
        }
    }
    sums.map(|s| (s / (pixels.len() as u64 / 3).max(1)) as u8)
}

/// The picture with its colours, at least [`LEAST_SIDE`] pixels on its shorter side.
fn drawing(rgb: &Picture, map: &Saliency) -> Option<Picture> {
    let mut pixels = rgb.pixels().to_vec();
    map.tint(&mut pixels);
    let (width, height) = (rgb.width(), rgb.height());
    let times = LEAST_SIDE.div_ceil(width.min(height).max(1)).max(1);
    let mut large = Vec::with_capacity(pixels.len() * (times * times) as usize);
    for row in pixels.chunks_exact(width as usize * 3) {
        let wide: Vec<u8> = row
            .chunks_exact(3)
            .flat_map(|pixel| pixel.repeat(times as usize))
            .collect();
        (0..times).for_each(|_| large.extend_from_slice(&wide));
    }
    Picture::from_rgb(width * times, height * times, large)
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let rgb = Picture::open(&args.picture)?.to_rgb();
    let mut seer = Seer::open(
        &args.model,
        &args.dims,
        args.threads,
        &args.described,
        Some(Task::Classify),
    )?;
    let (width, height) = (rgb.width(), rgb.height());
    let patch = args.patch.unwrap_or((width.min(height) / 6).max(1));
    let stride = args.stride.unwrap_or((patch / 3).max(1));
    let Some(occlusion) = Occlusion::new(width, height, patch, stride) else {
        bail!(Usage(format!(
            "--patch {patch} --stride {stride}: expected 1 ≤ stride ≤ patch ≤ sides of the picture, {width} and {height}"
        )));
    };
    let squares = occlusion.squares().count();
    if squares > MAX_SQUARES {
        bail!(Usage(format!(
            "{squares} squares are more than {MAX_SQUARES}: give a larger --patch or --stride"
        )));
    }
    let all = scores(&mut seer, &rgb)?;
    let class = wanted(args.class.as_deref(), &all, &seer)?;
    let (before, color) = (score_of(&all, class), mean(rgb.pixels()));
    let mut covered = rgb.to_rgb();
    let mut falls = Vec::with_capacity(squares);
    let bar = progress::bar("squares");
    for (done, at) in occlusion.squares().enumerate() {
        occlusion.cover(rgb.pixels(), covered.pixels_mut(), at, color);
        falls.push(before - score_of(&scores(&mut seer, &covered)?, class));
        progress::update(&bar, done + 1, squares);
    }
    bar.finish_and_clear();
    let map = occlusion.map(&falls);
    let Some(drawn) = drawing(&rgb, &map) else {
        bail!("a picture has three bytes a pixel");
    };
    drawn.save(&args.output)?;
    let (x, y, fall) = map.peak();
    let name = seer.class(class);
    if args.json {
        let rows: Vec<_> = map.falls.chunks(map.width).collect();
        say!(
            "{}",
            json!({"class": name, "score": before, "squares": squares, "patch": patch, "stride": stride,
                   "peak": {"x": x, "y": y, "fall": fall}, "falls": rows})
        );
    } else {
        say!("{name} {:.2} %", before * 100.0);
        say!(
            "{squares} squares of {patch} pixels covered; the probability falls most, by {:.2} points, around ({x}, {y})",
            fall * 100.0
        );
        say!("wrote {}", args.output.display());
    }
    Ok(())
}
