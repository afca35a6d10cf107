//! Samples for calibration and evaluation: .npz, folders of .npy, folders of images with a preprocessing
//! description.
//!
//! [`Samples::open`] looks at the path: a `.npz` or `.npy` file, a folder with `.npy` files, or a folder with images
//! and a `preprocess.toml` (or one given beside it): `redpoll-vision` reads and prepares them, as on the device. Samples are produced one at a time, in a fixed order.

mod arrays;
mod images;
mod npy;

use std::path::Path;

use redpoll_graph::{DType, Tensor};

pub use npy::{read_npy, read_npz, write_npz};
pub use redpoll_vision::{ColorOrder, Filter, Layout, Preprocess, ResizeRule};

use crate::{Error, ErrorKind};

/// What a model wants at one of its inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputSpec {
    /// Name in the model.
    pub name: String,
    /// Element type.
    pub dtype: DType,
    /// Shape with a batch of 1 in front.
    pub shape: Vec<usize>,
}

impl InputSpec {
    /// The inputs of a graph.
    pub fn of(graph: &redpoll_graph::Graph) -> Vec<Self> {
        let spec = |&id: &redpoll_graph::ValueId| {
            let v = graph.value(id);
            Self {
                name: v.name.clone(),
                dtype: v.dtype,
                shape: v.shape.clone(),
            }
        };
        graph.inputs.iter().map(spec).collect()
    }
}

/// One sample: a tensor for each input of the model, and the class where it is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// In the order of the model's inputs.
    pub inputs: Vec<Tensor>,
    /// Index of the right class.
    pub label: Option<usize>,
}

#[derive(Debug)]
enum Source {
    Arrays(arrays::Arrays),
    Images(images::Images),
}

/// A list of samples that can be read by index.
#[derive(Debug)]
pub struct Samples {
    source: Source,
    specs: Vec<InputSpec>,
}

impl Samples {
    /// Opens the samples at `path` for a model with the inputs `specs`. `preprocess` describes how images become
    /// tensors; without it a `preprocess.toml` in the folder is read.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when files cannot be read, [`ErrorKind::Invalid`] when they do not fit the model.
    pub fn open(
        path: &Path,
        specs: &[InputSpec],
        preprocess: Option<&Preprocess>,
    ) -> Result<Self, Error> {
        let source = if path.is_dir() && images::has_images(path)? {
            let own = path.join("preprocess.toml");
            let description = match preprocess {
                Some(p) => p.clone(),
                None if own.is_file() => Preprocess::read(&own)?,
                None => {
                    return Err(Error::new(
                        ErrorKind::Invalid,
                        format!(
                            "{}: a folder of images needs a description of the preprocessing: \
                             give --preprocess FILE.toml or put preprocess.toml into the folder",
                            path.display()
                        ),
                    ));
                }
            };
            Source::Images(images::Images::open(path, description, specs)?)
        } else {
            Source::Arrays(arrays::Arrays::open(path, specs)?)
        };
        let samples = Self {
            source,
            specs: specs.to_vec(),
        };
        if samples.is_empty() {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("{}: no samples", path.display()),
            ));
        }
        Ok(samples)
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        match &self.source {
            Source::Arrays(a) => a.len(),
            Source::Images(i) => i.len(),
        }
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True when every sample has a label.
    pub fn has_labels(&self) -> bool {
        match &self.source {
            Source::Arrays(a) => a.has_labels(),
            Source::Images(i) => i.has_labels(),
        }
    }

    /// Sample `index`.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] or [`ErrorKind::Invalid`] when the file of this sample cannot be read or does not fit.
    pub fn get(&self, index: usize) -> Result<Sample, Error> {
        match &self.source {
            Source::Arrays(a) => a.get(index, &self.specs),
            Source::Images(i) => i.get(index, &self.specs),
        }
    }

    /// The description of the preprocessing, for folders of images.
    pub fn preprocess(&self) -> Option<&Preprocess> {
        match &self.source {
            Source::Arrays(_) => None,
            Source::Images(i) => Some(i.description()),
        }
    }
}

pub(crate) fn io_error(path: &Path, e: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Io, format!("{}: {e}", path.display()))
}

pub(crate) fn invalid(path: &Path, e: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Invalid, format!("{}: {e}", path.display()))
}
