//! Descriptions as TOML.

use std::path::Path;

use super::{FileError, FileErrorKind};
use crate::Preprocess;

impl Preprocess {
    /// Reads and checks a description file.
    ///
    /// # Errors
    /// [`FileErrorKind::Io`]; [`FileErrorKind::Description`] when a field is unknown or out of range.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let text = std::fs::read_to_string(path)
            .map_err(|e| FileError::new(FileErrorKind::Io, e.to_string()).at(path))?;
        Self::from_toml(&text).map_err(|e| e.at(path))
    }

    /// Reads and checks a description.
    ///
    /// # Errors
    /// [`FileErrorKind::Description`].
    pub fn from_toml(text: &str) -> Result<Self, FileError> {
        let description =
            |e: &dyn std::fmt::Display| FileError::new(FileErrorKind::Description, e.to_string());
        let parsed: Self = toml::from_str(text).map_err(|e| description(&e))?;
        parsed.check().map_err(|e| description(&e))?;
        Ok(parsed)
    }

    /// The description as TOML.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Filter, Task};

    #[test]
    fn text_and_description_are_one_to_one() {
        let text = "size = [2, 3]\nfilter = 'pil_bicubic'\ntask = 'detect'\nclasses = ['a', 'b']";
        let read = Preprocess::from_toml(text).unwrap();
        let expected = Preprocess {
            filter: Filter::Bicubic,
            task: Some(Task::Detect),
            classes: vec!["a".into(), "b".into()],
            ..Preprocess::new([2, 3])
        };
        assert_eq!(read, expected);
        assert_eq!(Preprocess::from_toml(&read.to_toml()).unwrap(), read);
    }

    #[test]
    fn errors_name_the_field() {
        for (text, part) in [
            ("size = [2, 2]\nresise = 'crop'", "resise"),
            ("size = [0, 2]", "size"),
            ("size = [2, 2]\nfilter = 'sharp'", "sharp"),
            ("size = [2, 2]\nstd = [0.0]", "std"),
            ("size = [2, 2]\nmean = [1, 2]", "mean"),
            ("size = [2, 2]\nscale = inf", "scale"),
            ("size = [2, 2]\nresize = 'shorter'", "shorter"),
            ("size = [2, 2]\nfill = 256", "fill"),
        ] {
            let e = Preprocess::from_toml(text).unwrap_err();
            assert_eq!(e.kind(), FileErrorKind::Description);
            assert!(e.to_string().contains(part), "{text}: {e}");
        }
    }
}
