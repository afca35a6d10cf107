//! Damaged files: an error value or a sound graph, never a panic.

use std::path::PathBuf;

use redpoll_onnx::{Limits, Model};

use super::super::{ImportOptions, import};
use crate::optimize::optimize;

/// Files of different kinds, small enough to be read hundreds of times.
fn files() -> Vec<Vec<u8>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let shared = match std::env::var_os("REDPOLL_SHARED") {
        Some(folder) => PathBuf::from(folder),
        None => root.join("../../../shared"),
    };
    let names = [
        "models/kws/tiny_kws_f32.onnx",
        "models/vad/pulsevad_int8_qdq.onnx",
        "models/vision/tiny_ic_resnet8_int8_qdq.onnx",
    ];
    let own = root.join("../../models/fashion/fashion.onnx");
    let paths = names.iter().map(|n| shared.join(n)).chain([own]);
    let read = |path: PathBuf| match std::fs::read(&path) {
        Ok(bytes) => Some(bytes),
        Err(_) => {
            println!("skipped: {} not present", path.display());
            None
        }
    };
    paths.filter_map(read).collect()
}

/// Numbers of no pattern, the same each time.
struct Noise(u64);

impl Noise {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % n.max(1)
    }
}

/// Flips bits and overwrites bytes, mostly where the structure is and not the weights; or cuts the file short.
fn damage(bytes: &mut Vec<u8>, noise: &mut Noise) {
    if noise.below(8) == 0 {
        bytes.truncate(noise.below(bytes.len()));
        return;
    }
    for _ in 0..=noise.below(4) {
        let structure = noise.below(2) == 0;
        let at = noise.below(if structure {
            bytes.len().min(6000)
        } else {
            bytes.len()
        });
        match noise.below(3) {
            0 => bytes[at] ^= 1 << noise.below(8),
            1 => bytes[at] = 0xff,
            _ => bytes[at] = noise.below(256) as u8,
        }
    }
}

#[test]
fn damaged_models_never_panic() {
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    let rounds = std::env::var("REDPOLL_ROUNDS")
        .ok()
        .and_then(|r| r.parse().ok());
    let (mut sound, mut refused) = (0, 0);
    for original in files() {
        for _ in 0..rounds.unwrap_or(60) {
            let mut bytes = original.clone();
            damage(&mut bytes, &mut noise);
            let result = Model::from_bytes(&bytes, &Limits::default())
                .map_err(|e| e.to_string())
                .and_then(|m| import(&m, &ImportOptions::default()).map_err(|e| e.to_string()))
                .and_then(|imported| optimize(imported).map_err(|e| e.to_string()));
            match result {
                Ok(optimized) => {
                    redpoll_graph::verify(optimized.graph()).expect("sound");
                    sound += 1;
                }
                Err(message) => {
                    assert!(
                        !message.contains("rule \""),
                        "a rule broke its promise: {message}"
                    );
                    refused += 1;
                }
            }
        }
    }
    println!("{sound} sound, {refused} refused");
}
