//! Every convention against the library or the formula that defines it.

use redpoll_voice::{
    Compression, FrontEnd, Mel, MelScale, Norm, Pcen, Spec, Spectrum, Triangles, whisper_normalize,
};

use crate::signal::{floats, made, real};

fn run(spec: &Spec, samples: &[f32]) -> Vec<f32> {
    let mut front = FrontEnd::new(spec).unwrap();
    let mut out = Vec::new();
    front.push(samples, |frame| out.extend_from_slice(frame));
    front.finish(|frame| out.extend_from_slice(frame));
    out
}

/// The largest difference, relative to `1 + |reference|`.
fn difference(name: &str, got: &[f32]) -> f32 {
    let want = floats(&format!("{name}.f32"));
    assert_eq!(got.len(), want.len(), "{name}");
    let pairs = got.iter().zip(&want);
    pairs.fold(0.0, |most: f32, (a, b)| {
        most.max((a - b).abs() / (1.0 + b.abs()))
    })
}

fn check(name: &str, spec: &Spec, bound: f32) {
    let got = difference(name, &run(spec, &real(&made(6000))));
    assert!(got < bound, "{name}: {got}");
}

// The references are computed in f64, so what is left is the rounding of f32: of energies, which in soft bands are small
// beside the frame's, and then of their logarithms.

#[test]
fn librosa_slaney() {
    check(
        "librosa_slaney",
        &Spec::librosa_mel(16_000, 400, 160, 40),
        1e-6,
    );
}

#[test]
fn librosa_htk_with_a_short_window() {
    let spec = Spec::librosa_mel(16_000, 400, 160, 40);
    let spec = Spec {
        window_samples: 320,
        spectrum: Spectrum::Magnitude,
        mel: Mel {
            scale: MelScale::Htk,
            triangles: Triangles::Hertz,
            norm: Norm::Peak,
            ..spec.mel
        },
        ..spec
    };
    check("librosa_htk", &spec, 1e-5);
}

#[test]
fn whisper() {
    let mut got = run(&Spec::whisper(80), &real(&made(6000)));
    got.truncate(got.len() - 80);
    whisper_normalize(&mut got);
    let most = difference("whisper", &got);
    assert!(most < 1e-5, "{most}");
    assert_eq!(Spec::whisper(128).features(), 128);
}

#[test]
fn pcen_of_librosa() {
    let spec = Spec {
        gain: 2f32.powf(15.5),
        compression: Compression::Pcen(Pcen::with_time_constant(100.0, 0.4)),
        ..Spec::librosa_mel(16_000, 400, 160, 40)
    };
    check("pcen", &spec, 1e-4);
}

#[test]
fn kaldi_fbank() {
    check("kaldi_fbank", &Spec::kaldi_fbank(16_000, 80), 1e-4);
}

#[test]
fn kaldi_mfcc() {
    check("kaldi_mfcc", &Spec::kaldi_mfcc(16_000), 1e-4);
}

#[test]
fn htk() {
    check("htk", &Spec::htk(16_000, 26), 1e-5);
}

#[test]
fn speech_commands() {
    check("speech_commands", &Spec::speech_commands_mfcc(), 1e-4);
}
