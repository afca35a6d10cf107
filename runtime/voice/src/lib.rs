//! From samples to events: what runs between a microphone and an answer.
//!
//! | wanted | use | needs |
//! |---|---|---|
//! | log-mel, MFCC, PCEN of a stream | [`FrontEnd`] with a [`Spec`] | `alloc` |
//! | features of microWakeWord and TFLite Micro models, bit for bit | [`MicroFrontEnd`] | nothing |
//! | spectra and back | [`RealFft`]; of a stream: [`Stft`] | `alloc` |
//! | another sample rate | [`Resampler`] | `alloc` |
//! | text from a speech recogniser's rows | [`ctc_greedy`], [`ctc_beam`] | `alloc` |
//! | stretches of speech from probabilities | [`Segmenter`] | nothing |
//! | models: voice activity, wake words, keywords, enhancement, speakers | [`task`] | `std` |
//! | a voice assistant: wake word, command, answer | [`assistant`] | `std` |
//! | what words mean | [`grammar`] | `grammar` |
//! | WAV and FLAC files | [`audio`] | `files` |
//! | the last seconds of a stream | [`Ring`] | `alloc` |
//!
//! Every front end takes any number of samples at a time and gives the same bits as if it had got all of them at once;
//! after it was made it allocates nothing. All arithmetic is plain Rust and the crate `libm`: the same bits on every
//! target.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;

#[cfg(feature = "std")]
pub mod assistant;
#[cfg(feature = "files")]
pub mod audio;
#[cfg(feature = "alloc")]
mod compress;
#[cfg(feature = "alloc")]
mod ctc;
#[cfg(feature = "alloc")]
mod dct;
mod emphasis;
#[cfg(feature = "alloc")]
mod fft;
#[cfg(feature = "alloc")]
mod framer;
#[cfg(feature = "alloc")]
mod front_end;
#[cfg(feature = "grammar")]
pub mod grammar;
#[cfg(feature = "alloc")]
mod mel;
pub mod micro;
#[cfg(feature = "alloc")]
mod presets;
#[cfg(feature = "alloc")]
mod resample;
#[cfg(feature = "alloc")]
mod ring;
mod segment;
#[cfg(feature = "alloc")]
mod spec;
#[cfg(feature = "alloc")]
mod stft;
#[cfg(feature = "std")]
pub mod task;
mod window;

#[cfg(feature = "alloc")]
pub use compress::{Compression, Pcen};
#[cfg(feature = "alloc")]
pub use ctc::{Decoded, WordList, ctc_beam, ctc_greedy};
pub use emphasis::Emphasis;
#[cfg(feature = "alloc")]
pub use fft::{Complex, RealFft};
#[cfg(feature = "alloc")]
pub use front_end::FrontEnd;
#[cfg(feature = "alloc")]
pub use mel::{Mel, MelBank, MelScale, Norm, Triangles};
pub use micro::MicroFrontEnd;
#[cfg(feature = "alloc")]
pub use presets::whisper_normalize;
#[cfg(feature = "alloc")]
pub use resample::Resampler;
#[cfg(feature = "alloc")]
pub use ring::Ring;
pub use segment::{Edge, SegmentOptions, Segmenter};
#[cfg(feature = "alloc")]
pub use spec::{Mfcc, Padding, Placement, Spec, SpecError, Spectrum};
#[cfg(feature = "alloc")]
pub use stft::Stft;
pub use window::Window;
