//! Tells the code whether the target has the DSP extension and single-precision floats in hardware: stable compilers do
//! not say so by `cfg(target_feature)`.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(cortex_m_dsp)");
    let get = |name: &str| env::var(name).unwrap_or_default();
    let (target, features) = (get("TARGET"), get("CARGO_CFG_TARGET_FEATURE"));
    // Cortex-M4 and M7 by name; others (M33, M55) by -C target-cpu where the compiler tells.
    let dsp = target.starts_with("thumbv7em")
        || (target.starts_with("thumb") && features.split(',').any(|f| f == "dsp"));
    if dsp && get("CARGO_CFG_TARGET_ABI") == "eabihf" {
        println!("cargo::rustc-cfg=cortex_m_dsp");
    }
}
