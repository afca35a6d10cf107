//! WAV and FLAC as streams of mono samples at the rate that is wanted.
//!
//! Lengths in headers are not believed: samples are read as they come, a piece at a time, so a file that promises
//! gigabytes costs no memory.

mod write;

pub use write::Writer;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use crate::Resampler;

/// Samples handed on at a time, at most.
const PIECE: usize = 4096;
/// Channels that are mixed; files with more are refused.
const MOST_CHANNELS: u32 = 64;

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AudioError {
    /// The file cannot be opened or read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is neither WAV nor FLAC.
    #[error("neither WAV nor FLAC: it begins with {0:02x?}")]
    Format([u8; 4]),
    /// It is broken or of an unusual kind.
    #[error("{kind}: {why}")]
    Broken {
        /// WAV or FLAC.
        kind: &'static str,
        /// What is wrong.
        why: String,
    },
    /// Its sample rate cannot be changed to the one that is wanted.
    #[error("{found} samples a second cannot be changed to {wanted}")]
    Rate {
        /// The recording's.
        found: u32,
        /// What the task wants.
        wanted: u32,
    },
}

/// Reads a file: mono samples in −1..1 at `rate`, handed to `each` in pieces until it returns `false`.
///
/// # Errors
///
/// [`AudioError`]; what was handed on before a broken place stays handed on.
pub fn read_file(
    path: &Path,
    rate: u32,
    each: impl FnMut(&[f32]) -> bool,
) -> Result<(), AudioError> {
    read(BufReader::new(File::open(path)?), rate, each)
}

/// Reads WAV or FLAC from anything, as [`read_file`].
///
/// # Errors
///
/// [`AudioError`].
pub fn read(
    mut input: impl Read,
    rate: u32,
    mut each: impl FnMut(&[f32]) -> bool,
) -> Result<(), AudioError> {
    let mut head = [0; 4];
    input.read_exact(&mut head)?;
    let whole = io::Cursor::new(head).chain(input);
    match &head {
        b"RIFF" => wav(whole, rate, &mut each),
        b"fLaC" => flac(whole, rate, &mut each),
        _ => Err(AudioError::Format(head)),
    }
}

/// Reads samples of 16 bits, little-endian, mono, at `from` a second, as [`read_file`].
///
/// # Errors
///
/// [`AudioError`].
pub fn read_raw(
    mut input: impl Read,
    from: u32,
    rate: u32,
    mut each: impl FnMut(&[f32]) -> bool,
) -> Result<(), AudioError> {
    let mut out = Mixer::new(1, from, rate)?;
    let mut bytes = [0; 2 * 1600];
    loop {
        // Whole samples: what is read is filled up to an even number of bytes.
        let mut n = input.read(&mut bytes)?;
        if n == 0 {
            return out.finish(&mut each);
        }
        if n % 2 == 1 && input.read_exact(&mut bytes[n..=n]).is_ok() {
            n += 1;
        }
        for pair in bytes[..n].chunks_exact(2) {
            out.push(f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32768.0);
        }
        if !out.flush(&mut each) {
            return Ok(());
        }
    }
}

/// Averages channels and changes the rate.
struct Mixer {
    channels: u32,
    at: u32,
    sum: f32,
    mono: Vec<f32>,
    resampler: Resampler,
    resampled: Vec<f32>,
}

impl Mixer {
    fn new(channels: u32, found: u32, wanted: u32) -> Result<Self, AudioError> {
        let resampler = Resampler::new(found, wanted).ok_or(AudioError::Rate { found, wanted })?;
        Ok(Self {
            channels,
            at: 0,
            sum: 0.0,
            mono: Vec::with_capacity(PIECE),
            resampler,
            resampled: Vec::new(),
        })
    }

    /// The next sample of the next channel; true when a piece is full.
    fn push(&mut self, sample: f32) -> bool {
        self.sum += sample;
        self.at += 1;
        if self.at == self.channels {
            self.mono.push(self.sum / self.channels as f32);
            (self.at, self.sum) = (0, 0.0);
        }
        self.mono.len() >= PIECE
    }

    fn flush(&mut self, each: &mut impl FnMut(&[f32]) -> bool) -> bool {
        self.resampler.push(&self.mono, &mut self.resampled);
        self.mono.clear();
        self.hand_on(each)
    }

    fn finish(&mut self, each: &mut impl FnMut(&[f32]) -> bool) -> Result<(), AudioError> {
        if self.flush(each) {
            self.resampler.finish(&mut self.resampled);
            self.hand_on(each);
        }
        Ok(())
    }

    fn hand_on(&mut self, each: &mut impl FnMut(&[f32]) -> bool) -> bool {
        let more = self.resampled.chunks(PIECE).all(each);
        self.resampled.clear();
        more
    }
}

fn check_channels(kind: &'static str, channels: u32) -> Result<(), AudioError> {
    if (1..=MOST_CHANNELS).contains(&channels) {
        return Ok(());
    }
    let why = format!("{channels} channels, from 1 to {MOST_CHANNELS} can be mixed");
    Err(AudioError::Broken { kind, why })
}

fn wav(
    input: impl Read,
    rate: u32,
    each: &mut impl FnMut(&[f32]) -> bool,
) -> Result<(), AudioError> {
    let broken = |e: hound::Error| AudioError::Broken {
        kind: "WAV",
        why: e.to_string(),
    };
    let mut reader = hound::WavReader::new(input).map_err(broken)?;
    let spec = reader.spec();
    check_channels("WAV", spec.channels.into())?;
    let mut out = Mixer::new(spec.channels.into(), spec.sample_rate, rate)?;
    match spec.sample_format {
        hound::SampleFormat::Float => {
            for sample in reader.samples::<f32>() {
                let sample = sample.map_err(broken)?;
                let sample = if sample.is_finite() {
                    sample.clamp(-1.0, 1.0)
                } else {
                    0.0
                };
                if out.push(sample) && !out.flush(each) {
                    return Ok(());
                }
            }
        }
        hound::SampleFormat::Int => {
            let scale = 1.0 / (1u64 << (spec.bits_per_sample.clamp(1, 32) - 1)) as f32;
            for sample in reader.samples::<i32>() {
                let sample = sample.map_err(broken)? as f32 * scale;
                if out.push(sample) && !out.flush(each) {
                    return Ok(());
                }
            }
        }
    }
    out.finish(each)
}

fn flac(
    input: impl Read,
    rate: u32,
    each: &mut impl FnMut(&[f32]) -> bool,
) -> Result<(), AudioError> {
    let broken = |e: claxon::Error| AudioError::Broken {
        kind: "FLAC",
        why: e.to_string(),
    };
    // Tags and pictures are not read.
    let options = claxon::FlacReaderOptions {
        metadata_only: false,
        read_vorbis_comment: false,
    };
    let mut reader = claxon::FlacReader::new_ext(input, options).map_err(broken)?;
    let info = reader.streaminfo();
    check_channels("FLAC", info.channels)?;
    let mut out = Mixer::new(info.channels, info.sample_rate, rate)?;
    let scale = 1.0 / (1u64 << (info.bits_per_sample.clamp(1, 32) - 1)) as f32;
    for sample in reader.samples() {
        let sample = sample.map_err(broken)? as f32 * scale;
        if out.push(sample) && !out.flush(each) {
            return Ok(());
        }
    }
    out.finish(each)
}
