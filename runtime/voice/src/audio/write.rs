//! Writes mono WAV files of 16 bits.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use super::AudioError;

/// A WAV file that is being written.
pub struct Writer(hound::WavWriter<BufWriter<File>>);

fn failed(e: hound::Error) -> AudioError {
    match e {
        hound::Error::IoError(e) => AudioError::Io(e),
        e => AudioError::Broken {
            kind: "WAV",
            why: e.to_string(),
        },
    }
}

impl Writer {
    /// Creates a file for samples at `rate`; one that is there is replaced.
    ///
    /// # Errors
    ///
    /// [`AudioError::Io`].
    pub fn create(path: &Path, rate: u32) -> Result<Self, AudioError> {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        hound::WavWriter::create(path, spec)
            .map(Self)
            .map_err(failed)
    }

    /// Adds samples in −1..1; what lies outside is cut off.
    ///
    /// # Errors
    ///
    /// [`AudioError::Io`].
    pub fn write(&mut self, samples: &[f32]) -> Result<(), AudioError> {
        for x in samples {
            let value = (x * 32768.0).round_ties_even() as i16;
            self.0.write_sample(value).map_err(failed)?;
        }
        Ok(())
    }

    /// Completes the file: its header tells how many samples there are.
    ///
    /// # Errors
    ///
    /// [`AudioError::Io`].
    pub fn finish(self) -> Result<(), AudioError> {
        self.0.finalize().map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let path = std::env::temp_dir().join(format!("redpoll-write-{}.wav", std::process::id()));
        let mut writer = Writer::create(&path, 8000).unwrap();
        writer.write(&[0.5, -0.25, 1.5]).unwrap();
        writer.write(&[-2.0]).unwrap();
        writer.finish().unwrap();
        let mut samples = Vec::new();
        super::super::read_file(&path, 8000, |piece| {
            samples.extend_from_slice(piece);
            true
        })
        .unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(samples, [0.5, -0.25, 32767.0 / 32768.0, -1.0]);
        assert!(matches!(
            Writer::create(Path::new("/no/such/folder/a.wav"), 8000),
            Err(AudioError::Io(_))
        ));
    }
}
