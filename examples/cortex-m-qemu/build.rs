//! Memory of the emulated boards, which the linker script of cortex-m-rt includes; the frames of features that `listen` hears.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use redpoll_voice::{FrontEnd, Spec};

/// Four digits by a speaker that training never heard.
const RECORDING: &str = "../../models/digits/sample.wav";
/// Bytes of a WAV file before its samples.
const HEADER: usize = 44;

fn main() -> Result<(), Box<dyn Error>> {
    let target = env::var("TARGET").unwrap_or_default();
    // Four MB each on Arm's MPS2 boards, elsewhere on that with a Cortex-M33 (`measure.py` names the board); the tightly
    // coupled memories of the MPS3 board with a Cortex-M55.
    println!("cargo:rerun-if-env-changed=REDPOLL_BOARD");
    let board = env::var("REDPOLL_BOARD").unwrap_or_default();
    let memory = if board == "mps2-an505" {
        "MEMORY { FLASH : ORIGIN = 0x10000000, LENGTH = 4M RAM : ORIGIN = 0x38000000, LENGTH = 4M }\n"
    } else if target.starts_with("thumbv8m.main") {
        "MEMORY { FLASH : ORIGIN = 0x10000000, LENGTH = 512K RAM : ORIGIN = 0x30000000, LENGTH = 512K }\n"
    } else {
        "MEMORY { FLASH : ORIGIN = 0x00000000, LENGTH = 4M RAM : ORIGIN = 0x20000000, LENGTH = 4M }\n"
    };
    // A Cortex-M0 cannot read words at odd places; the emulated core that stands in for it can be told so.
    println!("cargo:rustc-check-cfg=cfg(no_unaligned)");
    if target.starts_with("thumbv6m") {
        println!("cargo:rustc-cfg=no_unaligned");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    fs::write(out.join("memory.x"), memory)?;
    fs::write(out.join("frames.bin"), frames(Path::new(RECORDING))?)?;
    println!("cargo:rerun-if-changed={RECORDING}");
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg=-Tlink.x");
    println!("cargo:rerun-if-changed=build.rs");
    Ok(())
}

/// f32 features, a frame after the other, of the recording and half a second of silence, as `redpoll listen` hears it.
fn frames(recording: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    let bytes = fs::read(recording)?;
    if bytes.get(36..40) != Some(b"data") {
        return Err(format!("{}: samples are elsewhere", recording.display()).into());
    }
    let (pairs, _) = bytes[HEADER..].as_chunks::<2>();
    let samples = pairs
        .iter()
        .map(|&pair| f32::from(i16::from_le_bytes(pair)) / 32768.0);
    let spec = Spec::digits();
    let silence = vec![0.0; spec.sample_rate as usize / 2];
    let samples: Vec<f32> = samples.chain(silence).collect();
    let mut frames = Vec::new();
    let mut front = FrontEnd::new(&spec)?;
    front.push(&samples, |frame| {
        frames.extend(frame.iter().flat_map(|x| x.to_le_bytes()));
    });
    Ok(frames)
}
