//! Memory of the emulated boards: for the linker, and for the program where the emulator put the bundle.

use std::path::PathBuf;
use std::{env, fs};

/// A board of QEMU: what the linker is told, where the bundle lies, bytes there.
struct Board {
    name: &'static str,
    flash: (u32, &'static str),
    ram: (u32, &'static str),
    bundle: u32,
    bundle_bytes: u32,
}

const MEGABYTE: u32 = 1 << 20;

const BOARDS: [Board; 4] = [
    Board {
        name: "mps2",
        flash: (0x0000_0000, "4M"),
        ram: (0x2000_0000, "4M"),
        bundle: 0x2100_0000,
        bundle_bytes: 16 * MEGABYTE,
    },
    Board {
        name: "an500",
        flash: (0x0000_0000, "4M"),
        ram: (0x2000_0000, "4M"),
        bundle: 0x6000_0000,
        bundle_bytes: 16 * MEGABYTE,
    },
    Board {
        name: "an505",
        flash: (0x1000_0000, "4M"),
        ram: (0x3800_0000, "4M"),
        bundle: 0x8000_0000,
        bundle_bytes: 16 * MEGABYTE,
    },
    Board {
        name: "an547",
        flash: (0x1000_0000, "512K"),
        ram: (0x3000_0000, "512K"),
        bundle: 0x6000_0000,
        bundle_bytes: 256 * MEGABYTE,
    },
];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=REDPOLL_BOARD");
    println!("cargo:rustc-check-cfg=cfg(no_unaligned)");
    let wanted = env::var("REDPOLL_BOARD").unwrap_or_else(|_| "mps2".to_owned());
    let Some(board) = BOARDS.iter().find(|board| board.name == wanted) else {
        let names: Vec<_> = BOARDS.iter().map(|board| board.name).collect();
        panic!("REDPOLL_BOARD={wanted}: it is one of {}", names.join(", "));
    };
    let (flash, ram) = (board.flash, board.ram);
    let memory = format!(
        "MEMORY {{ FLASH : ORIGIN = {:#x}, LENGTH = {} RAM : ORIGIN = {:#x}, LENGTH = {} }}\n",
        flash.0, flash.1, ram.0, ram.1
    );
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(out.join("memory.x"), memory).expect("OUT_DIR is writable");
    let place = format!(
        "const BUNDLE: usize = {:#x};\nconst BUNDLE_BYTES: usize = {:#x};\n",
        board.bundle, board.bundle_bytes
    );
    fs::write(out.join("place.rs"), place).expect("OUT_DIR is writable");
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg=-Tlink.x");
    if env::var("TARGET").is_ok_and(|target| target.starts_with("thumbv6m")) {
        println!("cargo:rustc-cfg=no_unaligned");
    }
}
