//! Reading text: a detector of lines (PP-OCR), then a recogniser for each line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail};
use redpoll_vision::{
    Anchor, ColorOrder, Db, Filter, Misfit, Picture, Preprocess, ResizeRule, TextBox, Values,
    ctc_greedy,
};

use super::Timing;
use super::model::{Described, Seer};
use crate::exit::Usage;
use crate::load::{Dims, is_plan};

/// Short side that pictures get at least, and what their sides are multiples of.
const LEAST_SIDE: f64 = 736.0;
const STEP: f64 = 32.0;
/// Longest side after scaling, pixels.
const MOST_SIDE: u32 = 2016;
/// Height of lines, and the widths that the recogniser is compiled for.
const LINE_HEIGHT: u32 = 48;
const LINE_WIDTHS: [u32; 6] = [320, 480, 640, 960, 1440, 2400];

/// Both models; compiled for a size when it is first met.
pub struct TextReader {
    detector: PathBuf,
    recogniser: PathBuf,
    threads: usize,
    detectors: BTreeMap<(u32, u32), Seer>,
    recognisers: BTreeMap<u32, Seer>,
    letters: Vec<String>,
    least_score: f32,
}

/// A model compiled for pictures of `width` × `height` in BGR from −1 to 1.
fn compiled(path: &Path, width: u32, height: u32, threads: usize) -> Result<Seer> {
    if is_plan(path) {
        bail!(Usage(format!(
            "{}: text is read with the .onnx files, which are compiled for each size",
            path.display()
        )));
    }
    let model = redpoll_onnx::Model::read(path, &redpoll_onnx::Limits::default())?;
    let first = model.graph().input.first();
    let input = first.map_or("", |i| i.name.as_str());
    let dims = Dims {
        shapes: vec![format!("{input}=1,3,{height},{width}")],
        ..Dims::default()
    };
    let mut seer = Seer::open(
        path,
        &dims,
        threads,
        &Described::default(),
        Some(redpoll_vision::Task::Text),
    )?;
    seer.description = Preprocess {
        color: ColorOrder::Bgr,
        filter: Filter::CvLinear,
        values: Values::Real,
        scale: 1.0 / 255.0,
        mean: vec![0.5],
        std: vec![0.5],
        ..Preprocess::new([height, width])
    };
    Ok(seer)
}

/// Width and height that a picture is detected at.
fn detect_size(width: u32, height: u32) -> (u32, u32) {
    let (w, h) = (f64::from(width), f64::from(height));
    let mut scale = (LEAST_SIDE / w.min(h)).max(1.0);
    scale = scale.min(f64::from(MOST_SIDE) / w.max(h));
    let side =
        |n: f64| ((n * scale / STEP).round() * STEP).clamp(STEP, f64::from(MOST_SIDE)) as u32;
    (side(w), side(h))
}

/// The pixels of a line, upright: `width` × `height` points between its corners.
fn cut(picture: &Picture, b: &TextBox) -> Option<Picture> {
    let [tl, tr, br, bl] = b.corners;
    let length = |a: (f32, f32), b: (f32, f32)| ((a.0 - b.0).powi(2) + (a.1 - b.1).powi(2)).sqrt();
    let width = length(tl, tr)
        .max(length(bl, br))
        .round()
        .clamp(1.0, 16_384.0) as u32;
    let height = length(tl, bl)
        .max(length(tr, br))
        .round()
        .clamp(1.0, 16_384.0) as u32;
    let frame = picture.frame();
    let most = (frame.width() as f32 - 1.0, frame.height() as f32 - 1.0);
    let mut pixels = Vec::with_capacity(width as usize * height as usize * 3);
    for y in 0..height {
        for x in 0..width {
            let (s, t) = (x as f32 / width as f32, y as f32 / height as f32);
            let at = |tl: f32, tr: f32, br: f32, bl: f32| {
                (tl * (1.0 - s) + tr * s) * (1.0 - t) + (bl * (1.0 - s) + br * s) * t
            };
            let (px, py) = (
                at(tl.0, tr.0, br.0, bl.0).clamp(0.0, most.0),
                at(tl.1, tr.1, br.1, bl.1).clamp(0.0, most.1),
            );
            let (fx, fy) = (px.fract(), py.fract());
            let pixel = |dx: u32, dy: u32| {
                frame
                    .pixel(
                        (px as u32 + dx).min(most.0 as u32),
                        (py as u32 + dy).min(most.1 as u32),
                    )
                    .unwrap_or_default()
            };
            let (a, b, c, d) = (pixel(0, 0), pixel(1, 0), pixel(0, 1), pixel(1, 1));
            for i in 0..3 {
                let [a, b, c, d] = [a, b, c, d].map(|p| f32::from(p[i]));
                let value = (a * (1.0 - fx) + b * fx) * (1.0 - fy) + (c * (1.0 - fx) + d * fx) * fy;
                pixels.push(value.round() as u8);
            }
        }
    }
    Picture::from_rgb(width, height, pixels)
}

impl TextReader {
    /// Remembers the models' paths.
    pub fn new(
        detector: &Path,
        recogniser: Option<&Path>,
        threads: usize,
        least_score: f32,
    ) -> Result<Self> {
        let Some(recogniser) = recogniser else {
            bail!(Usage(
                "--task text needs two models: --model DETECTOR.onnx --rec RECOGNISER.onnx".into()
            ));
        };
        Ok(Self {
            detector: detector.into(),
            recogniser: recogniser.into(),
            threads,
            detectors: BTreeMap::new(),
            recognisers: BTreeMap::new(),
            letters: Vec::new(),
            least_score,
        })
    }

    /// Lines of text from top to bottom, with their places in pixels of the picture.
    pub fn read(
        &mut self,
        picture: &Picture,
        timing: &mut Timing,
    ) -> Result<Vec<(TextBox, String, f32)>> {
        let size = detect_size(picture.width(), picture.height());
        if !self.detectors.contains_key(&size) {
            self.detectors.insert(
                size,
                compiled(&self.detector, size.0, size.1, self.threads)?,
            );
        }
        let Some(detector) = self.detectors.get_mut(&size) else {
            bail!("inserted above")
        };
        let (outputs, placement) = detector.look(picture, timing)?;
        let start = Instant::now();
        let (width, height) = (size.0 as usize, size.1 as usize);
        let Some(map) = outputs.first().filter(|o| o.values.len() == width * height) else {
            bail!(Misfit::new(
                "a map [1, 1, height, width] of the input's size (PP-OCR det)",
                &outputs
            ));
        };
        let mut boxes = Db::default().boxes(width, height, &map.values);
        for b in &mut boxes {
            b.corners = b.corners.map(|(x, y)| placement.to_picture(x, y));
        }
        boxes.sort_by(|a, b| a.corners[0].1.total_cmp(&b.corners[0].1));
        timing.post += start.elapsed().as_secs_f64();
        let mut lines = Vec::new();
        for b in boxes {
            let Some(line) = cut(picture, &b) else {
                continue;
            };
            let wanted =
                f64::from(LINE_HEIGHT) * f64::from(line.width()) / f64::from(line.height());
            let width = LINE_WIDTHS
                .into_iter()
                .find(|&w| f64::from(w) >= wanted)
                .unwrap_or(LINE_WIDTHS[5]);
            if !self.recognisers.contains_key(&width) {
                let mut seer = compiled(&self.recogniser, width, LINE_HEIGHT, self.threads)?;
                seer.description.resize = ResizeRule::Letterbox;
                seer.description.anchor = Anchor::TopLeft;
                // 0 after normalising.
                seer.description.fill = 127.5;
                let Some((_, text)) = seer.metadata.iter().find(|(k, _)| k == "character") else {
                    bail!(Usage(format!(
                        "{}: its metadata has no alphabet (\"character\", a letter a line), as PP-OCR's recognisers have",
                        self.recogniser.display()
                    )));
                };
                self.letters = text.lines().map(str::to_owned).collect();
                self.recognisers.insert(width, seer);
            }
            let Some(recogniser) = self.recognisers.get_mut(&width) else {
                bail!("inserted above")
            };
            let (outputs, _) = recogniser.look(&line, timing)?;
            let start = Instant::now();
            let steps = outputs
                .first()
                .filter(|o| o.shape.len() == 3 && o.shape[2] > 1);
            let Some(steps) = steps else {
                bail!(Misfit::new(
                    "probabilities [1, steps, letters] (PP-OCR rec)",
                    &outputs
                ));
            };
            let read = ctc_greedy(&steps.values, steps.shape[2], &self.letters);
            timing.post += start.elapsed().as_secs_f64();
            if read.score >= self.least_score && !read.text.is_empty() {
                lines.push((b, read.text, read.score));
            }
        }
        Ok(lines)
    }
}
