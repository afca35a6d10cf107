//! Front ends against librosa, formulas of Kaldi and TensorFlow in numpy, pymicro-features, and themselves cut to pieces.

mod fft;
mod micro;
mod references;
mod signal;
mod streaming;
