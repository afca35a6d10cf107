//! Samples from a folder of images.

use std::path::{Path, PathBuf};

use image::imageops::FilterType;
use image::{ImageReader, RgbImage};
use redpoll_graph::{DType, Data, Tensor};

use super::preprocess::{ColorOrder, Filter, Labels, Layout, Preprocess, ResizeRule};
use super::{InputSpec, Sample, invalid, io_error};
use crate::Error;

/// Largest width or height read.
const MAX_SIDE: u32 = 16_384;
/// Most memory that one image may take while it is decoded.
const MAX_DECODE_BYTES: u64 = 512 << 20;

#[derive(Debug)]
pub(super) struct Images {
    files: Vec<(PathBuf, Option<usize>)>,
    description: Preprocess,
}

fn is_image(path: &Path) -> bool {
    let extension = path
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or("")
        .to_ascii_lowercase();
    matches!(extension.as_str(), "jpg" | "jpeg" | "png" | "bmp")
}

fn list(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = std::fs::read_dir(path).map_err(|e| io_error(path, e))?;
    let mut out = Vec::new();
    for entry in entries {
        out.push(entry.map_err(|e| io_error(path, e))?.path());
    }
    out.sort();
    Ok(out)
}

/// True when the folder, or a folder in it, holds images.
pub(super) fn has_images(path: &Path) -> Result<bool, Error> {
    for entry in list(path)? {
        if is_image(&entry) || (entry.is_dir() && list(&entry)?.iter().any(|p| is_image(p))) {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Images {
    pub(super) fn open(
        path: &Path,
        description: Preprocess,
        specs: &[InputSpec],
    ) -> Result<Self, Error> {
        let shape = description.shape();
        match specs {
            [s] if s.shape == shape && s.dtype == DType::F32 => {}
            [s] => {
                return Err(invalid(
                    path,
                    format!(
                        "the preprocessing makes f32 {shape:?}, the model wants {} {:?}",
                        s.dtype, s.shape
                    ),
                ));
            }
            _ => return Err(invalid(path, "images serve models with one input")),
        }
        let mut files = Vec::new();
        let mut class = 0;
        for entry in list(path)? {
            if entry.is_dir() {
                let inside: Vec<_> = list(&entry)?.into_iter().filter(|p| is_image(p)).collect();
                if !inside.is_empty() {
                    files.extend(inside.into_iter().map(|p| (p, Some(class))));
                    class += 1;
                }
            } else if is_image(&entry) {
                files.push((entry, None));
            }
        }
        for (file, label) in &mut files {
            *label = match description.labels {
                Labels::None => None,
                Labels::Folder => Some(
                    label.ok_or_else(|| invalid(file, "labels = \"folder\", but it is in none"))?
                        + description.label_offset,
                ),
                Labels::Prefix => {
                    let name = file.file_name().and_then(|n| n.to_str()).unwrap_or("");
                    let digits = name.split('_').next().unwrap_or("");
                    let number: usize = digits.parse().map_err(|_| {
                        invalid(
                            file,
                            "labels = \"prefix\", but the name begins with no number",
                        )
                    })?;
                    Some(number + description.label_offset)
                }
            };
        }
        Ok(Self { files, description })
    }

    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    pub(super) fn has_labels(&self) -> bool {
        self.files.iter().all(|(_, label)| label.is_some())
    }

    pub(super) fn description(&self) -> &Preprocess {
        &self.description
    }

    pub(super) fn get(&self, index: usize, _specs: &[InputSpec]) -> Result<Sample, Error> {
        let (path, label) = &self.files[index];
        let mut reader = ImageReader::open(path)
            .and_then(ImageReader::with_guessed_format)
            .map_err(|e| io_error(path, e))?;
        let mut limits = image::Limits::default();
        limits.max_image_width = Some(MAX_SIDE);
        limits.max_image_height = Some(MAX_SIDE);
        limits.max_alloc = Some(MAX_DECODE_BYTES);
        reader.limits(limits);
        let rgb = reader.decode().map_err(|e| invalid(path, e))?.to_rgb8();
        let data = Data::F32(to_values(
            &to_size(rgb, &self.description),
            &self.description,
        ));
        let tensor = Tensor::new(self.description.shape(), data).map_err(|e| invalid(path, e))?;
        Ok(Sample {
            inputs: vec![tensor],
            label: *label,
        })
    }
}

/// Crops and scales to the description's size.
fn to_size(image: RgbImage, d: &Preprocess) -> RgbImage {
    let [h, w] = d.size;
    let filter = match d.filter {
        Filter::Nearest => FilterType::Nearest,
        Filter::Bilinear => FilterType::Triangle,
        Filter::Bicubic => FilterType::CatmullRom,
    };
    let cropped = match d.resize {
        ResizeRule::Stretch => image,
        ResizeRule::Crop => {
            // The centre that, scaled, is the fraction of the short side, in the aspect of the result.
            let (iw, ih) = (f64::from(image.width()), f64::from(image.height()));
            let fraction = f64::from(d.crop_fraction);
            let scale = (iw / f64::from(w)).min(ih / f64::from(h)) * fraction;
            let side =
                |n: u32, limit: f64| ((f64::from(n) * scale).round().min(limit) as u32).max(1);
            let (cw, ch) = (side(w, iw), side(h, ih));
            let (x, y) = ((image.width() - cw) / 2, (image.height() - ch) / 2);
            image::imageops::crop_imm(&image, x, y, cw, ch).to_image()
        }
    };
    if cropped.dimensions() == (w, h) {
        return cropped;
    }
    image::imageops::resize(&cropped, w, h, filter)
}

fn to_values(image: &RgbImage, d: &Preprocess) -> Vec<f32> {
    let channels = d.channels();
    let pixel = |p: &image::Rgb<u8>, c: usize| match d.color {
        ColorOrder::Rgb => p.0[c],
        ColorOrder::Bgr => p.0[2 - c],
        // ITU-R BT.601, rounded, as Pillow's mode L.
        ColorOrder::Gray => {
            let [r, g, b] = p.0.map(u32::from);
            ((r * 19_595 + g * 38_470 + b * 7_471 + 0x8000) >> 16) as u8
        }
    };
    match d.layout {
        Layout::Nhwc => image
            .pixels()
            .flat_map(|p| (0..channels).map(move |c| d.normalize(pixel(p, c), c)))
            .collect(),
        Layout::Nchw => (0..channels)
            .flat_map(|c| image.pixels().map(move |p| d.normalize(pixel(p, c), c)))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_becomes_the_described_tensor() {
        let dir = std::env::temp_dir().join(format!("redpoll-img-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let mut image = RgbImage::new(4, 2);
        for (i, p) in image.pixels_mut().enumerate() {
            p.0 = [i as u8, 100, 200];
        }
        image.save(dir.join("0007_x.png")).unwrap();
        let toml = "size = [2, 2]\nresize = 'crop'\ncolor = 'bgr'\nlayout = 'nchw'\nscale = 0.5\nmean = [1.0]\nlabels = 'prefix'";
        std::fs::write(dir.join("preprocess.toml"), toml).unwrap();
        let spec = InputSpec {
            name: "x".into(),
            dtype: DType::F32,
            shape: vec![1, 3, 2, 2],
        };
        let samples = super::super::Samples::open(&dir, &[spec], None).unwrap();
        assert_eq!((samples.len(), samples.has_labels()), (1, true));
        let sample = samples.get(0).unwrap();
        assert_eq!(sample.label, Some(7));
        // The middle two columns of both rows; blue, green, red planes.
        let expected: Vec<f32> = [200, 200, 200, 200, 100, 100, 100, 100, 1, 2, 5, 6]
            .iter()
            .map(|&p| p as f32 * 0.5 - 1.0)
            .collect();
        assert_eq!(sample.inputs[0].as_f32().unwrap(), expected);
        std::fs::write(
            dir.join("preprocess.toml"),
            "size = [2, 2]\nresise = 'crop'",
        )
        .unwrap();
        let wrong = Preprocess::read(&dir.join("preprocess.toml")).unwrap_err();
        assert!(wrong.to_string().contains("resise"));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
