//! Tells the code whether the target has the DSP extension and single-precision floats in hardware: stable compilers do
//! not say so by `cfg(target_feature)`.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(cortex_m_dsp)");
    let get = |name: &str| env::var(name).unwrap_or_default();
    // Cortex-M4F and M7. Of Armv8-M targets (M33, M55) the name does not tell.
    if get("TARGET").starts_with("thumbv7em") && get("CARGO_CFG_TARGET_ABI") == "eabihf" {
        println!("cargo::rustc-cfg=cortex_m_dsp");
    }
}
