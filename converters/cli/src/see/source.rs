//! Where pictures come from: files, folders, videos, standard input, a camera; before they are decoded.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use redpoll_vision::{FileError, MotionJpeg, Picture, Y4m, is_picture};

use crate::exit::Usage;

/// A picture before it is decoded.
pub enum Raw {
    File(PathBuf),
    Jpeg(Vec<u8>),
    Pixels(Picture),
}

impl Raw {
    /// The pixels.
    pub fn decode(self) -> Result<Picture, FileError> {
        match self {
            Self::File(path) => Picture::open(&path),
            Self::Jpeg(bytes) => Picture::from_jpeg_frame(bytes),
            Self::Pixels(picture) => Ok(picture),
        }
    }
}

/// Pictures one after the other. Errors of the kinds Picture and TooLarge are of one picture only.
pub type Frames = Box<dyn Iterator<Item = Result<Raw, FileError>> + Send>;

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Picture,
    Folder,
    Video,
    /// Standard input.
    Piped,
    Camera,
}

/// Something that gives pictures.
#[derive(Clone, Debug)]
pub struct Source {
    pub path: PathBuf,
    pub kind: Kind,
    /// The pictures of a folder.
    pub files: Vec<PathBuf>,
}

/// The pictures in a folder, by name.
pub fn pictures(path: &Path) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    let entries = std::fs::read_dir(path).with_context(|| path.display().to_string())?;
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

fn is_video(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
    let extension = extension.to_ascii_lowercase();
    matches!(extension.as_str(), "y4m" | "mjpeg" | "mjpg")
}

/// Frames of a stream, whose first byte says what it is; frames a second where it tells.
fn video(mut stream: impl BufRead + Send + 'static) -> Result<(Frames, Option<f64>), FileError> {
    // The first bytes without taking them. A pipe may give no more than one at once; errors come again when it is read.
    if stream.fill_buf().is_ok_and(|b| b.starts_with(b"Y")) {
        let video = Y4m::open(stream)?;
        let rate = video.frames_per_second();
        return Ok((Box::new(video.map(|f| f.map(Raw::Pixels))), rate));
    }
    let frames = MotionJpeg::new(stream);
    Ok((Box::new(frames.map(|f| f.map(Raw::Jpeg))), None))
}

impl Source {
    /// Looks at what `path` names; `-` is standard input.
    pub fn of(path: &Path) -> Result<Self> {
        let camera = cfg!(unix) && path.starts_with("/dev") && !path.is_file();
        let kind = if path == Path::new("-") {
            Kind::Piped
        } else if path.is_dir() {
            Kind::Folder
        } else if camera {
            Kind::Camera
        } else if is_video(path) {
            Kind::Video
        } else {
            Kind::Picture
        };
        let files = match kind {
            Kind::Folder => pictures(path)?,
            Kind::Picture => vec![path.to_owned()],
            _ => Vec::new(),
        };
        Ok(Self {
            path: path.to_owned(),
            kind,
            files,
        })
    }

    /// True when it can be gone through again.
    pub fn repeats(&self) -> bool {
        !matches!(self.kind, Kind::Piped | Kind::Camera)
    }

    /// Begins; with the frames a second that a video was made with.
    pub fn frames(&self) -> Result<(Frames, Option<f64>)> {
        let named = |e: FileError| e.at(&self.path);
        Ok(match self.kind {
            Kind::Picture | Kind::Folder => {
                let files = self.files.clone().into_iter();
                (Box::new(files.map(|f| Ok(Raw::File(f)))), None)
            }
            Kind::Video => {
                let file =
                    File::open(&self.path).with_context(|| self.path.display().to_string())?;
                video(BufReader::new(file)).map_err(named)?
            }
            Kind::Piped => video(BufReader::new(std::io::stdin())).map_err(named)?,
            Kind::Camera => (super::camera::open(&self.path)?, None),
        })
    }
}
