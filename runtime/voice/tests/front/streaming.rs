//! A stream cut anywhere gives the bits of the whole; frames are those of the padded signal.

use redpoll_voice::{Compression, FrontEnd, MicroFrontEnd, Padding, Pcen, Spec, SpecError};

use crate::signal::{made, real};

fn specs() -> Vec<Spec> {
    let pcen = Spec {
        compression: Compression::Pcen(Pcen::with_time_constant(100.0, 0.4)),
        ..Spec::librosa_mel(16_000, 400, 160, 40)
    };
    let sparse = Spec {
        hop_samples: 1000,
        ..Spec::kaldi_fbank(16_000, 40)
    };
    vec![
        Spec::whisper(80),
        Spec::kaldi_mfcc(16_000),
        Spec::speech_commands_mfcc(),
        pcen,
        sparse,
    ]
}

#[test]
fn pieces_give_the_bits_of_the_whole() {
    let samples = real(&made(6000));
    for spec in specs() {
        let mut whole = Vec::new();
        let mut front = FrontEnd::new(&spec).unwrap();
        front.push(&samples, |frame| whole.push(frame.to_vec()));
        front.finish(|frame| whole.push(frame.to_vec()));
        for piece in [1, 7, 160, 401, 1000, 5999] {
            // The same front end again: finishing began a new stream.
            let mut got = Vec::new();
            for part in samples.chunks(piece) {
                front.push(part, |frame| got.push(frame.to_vec()));
            }
            front.finish(|frame| got.push(frame.to_vec()));
            assert!(got == whole, "{spec:?} in pieces of {piece}");
        }
        front.push(&samples[..333], |_| {});
        front.reset();
        let mut again = Vec::new();
        front.push(&samples, |frame| again.push(frame.to_vec()));
        front.finish(|frame| again.push(frame.to_vec()));
        assert!(again == whole, "after a reset");
    }
}

#[test]
fn frames_are_those_of_the_signal_padded_by_hand() {
    let samples = real(&made(3000));
    for (padding, name) in [(Padding::Reflect, "reflect"), (Padding::Zeros, "zeros")] {
        for hop in [100, 160, 250, 399, 700] {
            let spec = Spec {
                padding,
                hop_samples: hop,
                ..Spec::whisper(80)
            };
            let side = |reflected: Vec<f32>| match padding {
                Padding::Reflect => reflected,
                _ => vec![0.0; 200],
            };
            let before = side(samples[1..=200].iter().rev().copied().collect());
            let after = side(samples[2799..2999].iter().rev().copied().collect());
            let padded = [before, samples.clone(), after].concat();
            let plain = Spec {
                padding: Padding::None,
                ..spec
            };
            let (mut want, mut got) = (Vec::new(), Vec::new());
            let mut front = FrontEnd::new(&plain).unwrap();
            front.push(&padded, |frame| want.push(frame.to_vec()));
            let mut front = FrontEnd::new(&spec).unwrap();
            front.push(&samples, |frame| got.push(frame.to_vec()));
            front.finish(|frame| got.push(frame.to_vec()));
            assert_eq!(got.len(), 1 + 3000 / hop);
            assert!(got == want, "{name}, hop {hop}");
        }
    }
}

#[test]
fn micro_in_pieces() {
    let samples = made(9000);
    for hop in [160, 320, 480] {
        let mut whole = Vec::new();
        MicroFrontEnd::new(hop).push(&samples, |frame| whole.push(*frame));
        assert_eq!(whole.len(), 1 + (9000 - 480) / hop);
        let mut front = MicroFrontEnd::new(hop);
        for piece in [1, 159, 160, 777, 9000] {
            let mut got = Vec::new();
            for part in samples.chunks(piece) {
                front.push(part, |frame| got.push(*frame));
            }
            assert!(got == whole);
            front.reset();
        }
    }
}

#[test]
fn streams_shorter_than_a_frame_give_nothing() {
    for spec in specs() {
        let mut front = FrontEnd::new(&spec).unwrap();
        front.push(&[0.5; 100], |_| panic!("no frame yet"));
        front.finish(|_| panic!("no frame at all"));
    }
}

#[test]
fn descriptions_that_make_no_sense_are_refused() {
    let refused = |change: fn(&mut Spec)| {
        let mut spec = Spec::speech_commands_mfcc();
        change(&mut spec);
        FrontEnd::new(&spec).map(|_| ()).unwrap_err()
    };
    assert_eq!(refused(|s| s.fft_samples = 511), SpecError::FftLength);
    assert_eq!(refused(|s| s.fft_samples = 1 << 40), SpecError::FftLength);
    assert_eq!(refused(|s| s.window_samples = 513), SpecError::WindowLength);
    assert_eq!(refused(|s| s.window_samples = 0), SpecError::WindowLength);
    assert_eq!(refused(|s| s.hop_samples = 0), SpecError::HopLength);
    assert_eq!(refused(|s| s.mel.bands = 0), SpecError::Bands);
    assert_eq!(refused(|s| s.mel.bands = usize::MAX), SpecError::Bands);
    assert_eq!(refused(|s| s.mel.low_hz = 5000.0), SpecError::Range);
    assert_eq!(refused(|s| s.mel.high_hz = f64::NAN), SpecError::Range);
    assert_eq!(refused(|s| s.sample_rate = 0), SpecError::Range);
    let coefficients = refused(|s| s.mel.bands = 9);
    assert_eq!(coefficients, SpecError::Coefficients);
}
