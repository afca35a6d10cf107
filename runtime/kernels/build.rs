//! Tells the code whether the target has the DSP extension and single-precision floats in hardware, and Helium: stable
//! compilers do not say so by `cfg(target_feature)`.

use std::env;

/// Processors of Armv8-M with the DSP extension; the names of targets do not tell.
const DSP: [&str; 5] = [
    "cortex-m33",
    "cortex-m35p",
    "cortex-m52",
    "cortex-m55",
    "cortex-m85",
];
/// Those that have Helium as well.
const HELIUM: [&str; 3] = ["cortex-m52", "cortex-m55", "cortex-m85"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(cortex_m_dsp)");
    println!("cargo::rustc-check-cfg=cfg(cortex_m_v8)");
    println!("cargo::rustc-check-cfg=cfg(cortex_m_helium)");
    let get = |name: &str| env::var(name).unwrap_or_default();
    if get("CARGO_CFG_TARGET_ABI") != "eabihf" {
        return;
    }
    let (target, flags) = (get("TARGET"), get("CARGO_ENCODED_RUSTFLAGS"));
    let named = |processors: &[&str]| {
        let is = |flag: &str| {
            let processor = flag.rsplit_once("target-cpu=").map(|(_, name)| name);
            processor.is_some_and(|name| processors.contains(&name))
        };
        target.starts_with("thumbv8m.main") && flags.split('\u{1f}').any(is)
    };
    // Cortex-M4F and M7 always; of Armv8-M those that `-C target-cpu` names, unless an extension is taken away.
    if target.starts_with("thumbv7em") || (named(&DSP) && !flags.contains("-dsp")) {
        println!("cargo::rustc-cfg=cortex_m_dsp");
        if target.starts_with("thumbv8m") {
            println!("cargo::rustc-cfg=cortex_m_v8");
        }
        if named(&HELIUM) && !flags.contains("-mve") {
            println!("cargo::rustc-cfg=cortex_m_helium");
        }
    }
}
