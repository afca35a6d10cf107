//! Memory of the emulated boards: the linker script of cortex-m-rt includes it.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let target = env::var("TARGET").unwrap_or_default();
    // Four MB each on Arm's MPS2 boards; the tightly coupled memories of the MPS3 board with a Cortex-M55.
    let memory = if target.starts_with("thumbv8m.main") {
        "MEMORY { FLASH : ORIGIN = 0x10000000, LENGTH = 512K RAM : ORIGIN = 0x30000000, LENGTH = 512K }\n"
    } else {
        "MEMORY { FLASH : ORIGIN = 0x00000000, LENGTH = 4M RAM : ORIGIN = 0x20000000, LENGTH = 4M }\n"
    };
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    if fs::write(out.join("memory.x"), memory).is_err() {
        println!("cargo:warning=cannot write memory.x");
    }
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg=-Tlink.x");
    println!("cargo:rerun-if-changed=build.rs");
}
