//! A model that takes pictures: loaded, with the description of its input.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use redpoll_pipeline::measure::Runner;
use redpoll_session::{DType, TensorInfo};
use redpoll_vision::{
    ColorOrder, Filter, Input, Layout, Output, Picture, Placement, Preprocess, Preprocessor,
    ResizeRule, Target, Task, Values,
};

use super::Timing;
use crate::backend::{Choice, Library};
use crate::exit::Usage;
use crate::load::{Dims, How, load};

/// Preparations with a name.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// torchvision's: short side to size / 0.875, centre, mean .485 .456 .406, std .229 .224 .225
    Imagenet,
    /// The same cut, values from −1 to 1
    Half,
    /// Stretched, values from 0 to 1
    Unit,
    /// Stretched, pixels as they are
    Raw,
}

/// Where the description comes from.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Described {
    /// How pictures become the model's input; else the plan's own description, or preprocess.toml beside the model
    #[arg(long, value_name = "FILE.toml", conflicts_with = "preset")]
    pub preprocess: Option<PathBuf>,
    /// A preparation by name, for models without a description
    #[arg(long)]
    pub preset: Option<Preset>,
}

/// A loaded model.
pub struct Seer {
    runner: Box<Runner>,
    info: TensorInfo,
    pub description: Preprocess,
    prepared: Option<((u32, u32), Preprocessor)>,
    pub metadata: Vec<(String, String)>,
}

impl Preset {
    fn apply(self, d: Preprocess) -> Preprocess {
        let cut = |d: Preprocess| {
            let side = *d.size.iter().max().unwrap_or(&1);
            Preprocess {
                resize: ResizeRule::Shorter,
                shorter: (f64::from(side) / 0.875).round() as u32,
                scale: 1.0 / 255.0,
                ..d
            }
        };
        match self {
            Self::Imagenet => Preprocess {
                mean: vec![0.485, 0.456, 0.406],
                std: vec![0.229, 0.224, 0.225],
                ..cut(d)
            },
            Self::Half => Preprocess {
                mean: vec![0.5],
                std: vec![0.5],
                ..cut(d)
            },
            Self::Unit => Preprocess {
                scale: 1.0 / 255.0,
                ..d
            },
            Self::Raw => d,
        }
    }
}

/// Pixels as they are for an input of this shape.
fn plain(path: &Path, info: &TensorInfo) -> Result<Preprocess> {
    let small = |c: usize| c == 1 || c == 3;
    let (size, channels, layout) = match *info.shape.as_slice() {
        [1, c, h, w] if small(c) => ([h, w], c, Layout::Nchw),
        [1, h, w, c] if small(c) => ([h, w], c, Layout::Nhwc),
        _ => bail!(Usage(format!(
            "{}: expected a model of pictures, an input [1, 1 or 3, height, width] or [1, height, width, 1 or 3]; found \"{}\" {:?}",
            path.display(),
            info.name,
            info.shape
        ))),
    };
    let mut d = Preprocess::new(size.map(|n| u32::try_from(n).unwrap_or(u32::MAX)));
    d.layout = layout;
    if channels == 1 {
        d.color = ColorOrder::Gray;
    }
    Ok(d)
}

impl Seer {
    /// Loads `path`. `dims` gives sizes that the model leaves open.
    pub fn open(
        path: &Path,
        dims: &Dims,
        threads: usize,
        described: &Described,
        task: Option<Task>,
    ) -> Result<Self> {
        let how = How {
            threads,
            tier: None,
            backend: Choice::Native,
            library: Library::default(),
        };
        let loaded = load(path, dims, &how)?;
        let crate::backend::Running::Native(mut runner) = loaded.running else {
            bail!("the native engine was asked for");
        };
        let session = runner.session();
        let [info] = session.inputs() else {
            bail!(Usage(format!(
                "{}: the model has {} inputs, pictures fill one",
                path.display(),
                session.inputs().len()
            )));
        };
        let info = info.clone();
        let metadata: Vec<_> = session
            .plan()
            .metadata()
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect();
        let beside = path.with_file_name("preprocess.toml");
        let plain = plain(path, &info)?;
        let mut description = if let Some(file) = &described.preprocess {
            Preprocess::read(file)?
        } else if let Some(preset) = described.preset {
            preset.apply(plain.clone())
        } else if let Some((_, text)) = metadata.iter().find(|(k, _)| k == "preprocess") {
            Preprocess::from_toml(text).with_context(|| path.display().to_string())?
        } else if beside.is_file() {
            Preprocess::read(&beside)?
        } else {
            match task {
                // YuNet takes what OpenCV gives it.
                Some(Task::Faces) => Preprocess {
                    color: ColorOrder::Bgr,
                    filter: Filter::CvLinear,
                    resize: ResizeRule::Letterbox,
                    ..plain.clone()
                },
                Some(Task::Text) => plain.clone(),
                _ if matches!(info.dtype, DType::U8 | DType::I8) => Preprocess {
                    values: Values::Bytes,
                    ..plain.clone()
                },
                _ => bail!(Usage(format!(
                    "{}: nothing says how pictures become its input {:?}: give --preset imagenet, half, unit or raw, --preprocess FILE.toml, \
                     or put preprocess.toml beside it (docs/samples.md)",
                    path.display(),
                    info.shape
                ))),
            }
        };
        if description.shape()[..] != info.shape[..] {
            bail!(Usage(format!(
                "{}: the description makes {:?}, the model wants {:?}",
                path.display(),
                description.shape(),
                info.shape
            )));
        }
        description.task = task.or(description.task);
        if description.classes.is_empty() {
            description.classes = super::labels::of(path);
        }
        Ok(Self {
            runner,
            info,
            description,
            prepared: None,
            metadata,
        })
    }

    fn target(&self) -> Result<Target> {
        let (scale, zero_point) = (self.info.scale, self.info.zero_point);
        Ok(match self.info.dtype {
            DType::F32 => Target::F32,
            DType::U8 => Target::U8 { scale, zero_point },
            DType::I8 => Target::I8 { scale, zero_point },
            other => bail!(Usage(format!(
                "input \"{}\" holds {other:?}, pictures make f32, u8 or i8",
                self.info.name
            ))),
        })
    }

    /// The outputs for a picture, and where it lies in the input.
    pub fn look(
        &mut self,
        picture: &Picture,
        timing: &mut Timing,
    ) -> Result<(Vec<Output>, Placement)> {
        let start = Instant::now();
        let size = (picture.width(), picture.height());
        if self.prepared.as_ref().is_none_or(|(s, _)| *s != size) {
            self.prepared = Some((
                size,
                Preprocessor::new(&self.description, size, self.target()?)?,
            ));
        }
        let Some((_, prepare)) = &mut self.prepared else {
            bail!("prepared above");
        };
        let placement = *prepare.placement();
        let (frame, session) = (picture.frame(), self.runner.session());
        // Straight into the plan's memory.
        match self.info.dtype {
            DType::U8 => prepare.fill(&frame, Input::U8(session.input_mut(0)?))?,
            DType::I8 => prepare.fill(&frame, Input::I8(session.input_mut(0)?))?,
            _ => prepare.fill(&frame, Input::F32(session.input_mut(0)?))?,
        }
        timing.pre += start.elapsed().as_secs_f64();
        let start = Instant::now();
        session.run()?;
        timing.model += start.elapsed().as_secs_f64();
        let infos = session.outputs().to_vec();
        let outputs = infos.into_iter().enumerate().map(|(i, info)| {
            Ok(Output {
                name: info.name,
                shape: info.shape,
                values: self.runner.real(i)?,
            })
        });
        Ok((outputs.collect::<Result<_>>()?, placement))
    }

    /// The name of a class.
    pub fn class(&self, index: usize) -> String {
        self.description
            .classes
            .get(index)
            .cloned()
            .unwrap_or_else(|| index.to_string())
    }
}
