//! A made signal and reference files, as tests/oracle/make.py has them.

use std::fs;
use std::path::{Path, PathBuf};

/// A chirp and noise, loud and soft in turn, in whole numbers.
pub fn made(n: usize) -> Vec<i16> {
    let (mut state, mut phase, mut step) = (1u32, 0u32, 1u32 << 24);
    let mut sample = |t: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (state >> 16) as i32 - 32768;
        phase = phase.wrapping_add(step);
        step = step.wrapping_add(60_000);
        let triangle = ((phase >> 16) as i32 - 32768).abs() - 16384;
        let x = triangle + noise.div_euclid(8);
        (if t % 5000 < 1500 { x.div_euclid(64) } else { x }) as i16
    };
    (0..n).map(&mut sample).collect()
}

/// The same in −1..1.
pub fn real(samples: &[i16]) -> Vec<f32> {
    samples.iter().map(|&x| f32::from(x) / 32768.0).collect()
}

/// A file of tests/reference.
pub fn reference(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/reference")
        .join(name);
    fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A file of f32 of tests/reference.
pub fn floats(name: &str) -> Vec<f32> {
    let bytes = reference(name);
    let value = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    bytes.chunks_exact(4).map(value).collect()
}

/// The folder of shared data or models, or `None` with a line that says what is skipped.
pub fn shared(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("REDPOLL_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let path = root.join(folder);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is not present", path.display());
    None
}
