//! `detect`: the tiers found on this CPU are the ones it has, and asking for another is an error, not a crash.

use std::path::Path;

use redpoll_session::{ErrorKind, Options, Session, tiers};

use crate::Failure;
use crate::run::hash;

/// Names of tiers of any CPU.
const ALL: [&str; 9] = [
    "amx",
    "avx512vnni",
    "avxvnni",
    "avx2",
    "i8mm",
    "dotprod",
    "neon",
    "simd128",
    "scalar",
];

/// Runs the command: the default tier and every one found give the same hash of `plan`.
pub fn detect(plan: &str, expected: &str) -> Result<(), Failure> {
    let plan = Path::new(plan);
    let found = tiers();
    let expected: Vec<&str> = expected.split(',').collect();
    if found != expected {
        return Err(format!("this CPU has the tiers {expected:?}, found {found:?}").into());
    }
    let default = hash(plan, &Options::default())?;
    let bytes = std::fs::read(plan)?;
    for tier in ALL {
        let options = Options::default().tier(tier);
        if found.contains(&tier) {
            let got = hash(plan, &options)?;
            if got != default {
                return Err(format!("{tier} gives {got}, the default {default}").into());
            }
            continue;
        }
        match Session::from_bytes(&bytes, &options) {
            Err(e) if e.kind() == ErrorKind::Tier => {}
            Err(e) => return Err(format!("{tier}: refused for another reason: {e}").into()),
            Ok(_) => return Err(format!("{tier} is not among {found:?} but was given").into()),
        }
    }
    println!(
        "{}: all others are refused, hash {default}",
        found.join(", ")
    );
    Ok(())
}
