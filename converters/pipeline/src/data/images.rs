//! Samples from a folder of images.

use std::path::{Path, PathBuf};

use redpoll_graph::{DType, Data, Tensor};
use redpoll_vision::{
    Input, Labels, Picture, Preprocess, Preprocessor, Target, Values, is_picture,
};

use super::{InputSpec, Sample, invalid, io_error};
use crate::Error;

#[derive(Debug)]
pub(super) struct Images {
    files: Vec<(PathBuf, Option<usize>)>,
    description: Preprocess,
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
        if is_picture(&entry) || (entry.is_dir() && list(&entry)?.iter().any(|p| is_picture(p))) {
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
            [s] if s.shape == shape && target(&description, s.dtype).is_some() => {}
            [s] => {
                let made = match description.values {
                    Values::Real => "f32",
                    Values::Bytes => "f32, u8 or i8",
                };
                return Err(invalid(
                    path,
                    format!(
                        "the preprocessing makes {made} {shape:?}, the model wants {} {:?}",
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
                let inside: Vec<_> = list(&entry)?
                    .into_iter()
                    .filter(|p| is_picture(p))
                    .collect();
                if !inside.is_empty() {
                    files.extend(inside.into_iter().map(|p| (p, Some(class))));
                    class += 1;
                }
            } else if is_picture(&entry) {
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

    pub(super) fn get(&self, index: usize, specs: &[InputSpec]) -> Result<Sample, Error> {
        let (path, label) = &self.files[index];
        let picture = Picture::open(path)?;
        let dtype = specs.first().map_or(DType::F32, |s| s.dtype);
        let target = target(&self.description, dtype).unwrap_or(Target::F32);
        let size = (picture.width(), picture.height());
        let mut prepare =
            Preprocessor::new(&self.description, size, target).map_err(|e| invalid(path, e))?;
        let frame = picture.frame();
        let n = prepare.len();
        let data = match dtype {
            DType::U8 => {
                let mut out = vec![0; n];
                prepare
                    .fill(&frame, Input::U8(&mut out))
                    .map(|()| Data::U8(out))
            }
            DType::I8 => {
                let mut out = vec![0; n];
                prepare
                    .fill(&frame, Input::I8(&mut out))
                    .map(|()| Data::I8(out))
            }
            _ => {
                let mut out = vec![0.0; n];
                prepare
                    .fill(&frame, Input::F32(&mut out))
                    .map(|()| Data::F32(out))
            }
        };
        let data = data.map_err(|e| invalid(path, e))?;
        let shape = self.description.shape().to_vec();
        let tensor = Tensor::new(shape, data).map_err(|e| invalid(path, e))?;
        Ok(Sample {
            inputs: vec![tensor],
            label: *label,
        })
    }
}

/// What pictures become for an input of this type; bytes only as they are, for their scale is not known here.
fn target(description: &Preprocess, dtype: DType) -> Option<Target> {
    let bytes = description.values == Values::Bytes;
    match dtype {
        DType::F32 => Some(Target::F32),
        DType::U8 if bytes => Some(Target::U8 {
            scale: 0.0,
            zero_point: 0,
        }),
        DType::I8 if bytes => Some(Target::I8 {
            scale: 0.0,
            zero_point: 0,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_becomes_the_described_tensor() {
        let dir = std::env::temp_dir().join(format!("redpoll-img-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let pixels = (0..8).flat_map(|i| [i, 100, 200]).collect();
        let image = Picture::from_rgb(4, 2, pixels).unwrap();
        image.save(&dir.join("0007_x.png")).unwrap();
        let toml = "size = [2, 2]\nresize = 'crop'\ncolor = 'bgr'\nlayout = 'nchw'\nscale = 0.5\nmean = [1.0]\nlabels = 'prefix'";
        std::fs::write(dir.join("preprocess.toml"), toml).unwrap();
        let spec = InputSpec {
            name: "x".into(),
            dtype: DType::F32,
            shape: vec![1, 3, 2, 2],
        };
        let samples = super::super::Samples::open(&dir, std::slice::from_ref(&spec), None).unwrap();
        assert_eq!((samples.len(), samples.has_labels()), (1, true));
        let sample = samples.get(0).unwrap();
        assert_eq!(sample.label, Some(7));
        // The middle two columns of both rows; blue, green, red planes.
        let expected: Vec<f32> = [200, 200, 200, 200, 100, 100, 100, 100, 1, 2, 5, 6]
            .iter()
            .map(|&p| p as f32 * 0.5 - 1.0)
            .collect();
        assert_eq!(sample.inputs[0].as_f32().unwrap(), expected);
        let bytes = InputSpec {
            dtype: DType::U8,
            ..spec.clone()
        };
        let refused =
            super::super::Samples::open(&dir, std::slice::from_ref(&bytes), None).unwrap_err();
        assert!(refused.to_string().contains("wants u8"), "{refused}");
        std::fs::write(
            dir.join("preprocess.toml"),
            format!("{toml}\nvalues = 'bytes'"),
        )
        .unwrap();
        let samples = super::super::Samples::open(&dir, &[bytes], None).unwrap();
        let expected = [200, 200, 200, 200, 100, 100, 100, 100, 1, 2, 5, 6];
        assert_eq!(
            samples.get(0).unwrap().inputs[0].data(),
            &Data::U8(expected.to_vec())
        );
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
