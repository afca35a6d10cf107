//! Every tier of this CPU equals the scalar definition bit for bit, and the definition equals the formulas.
#![cfg(feature = "std")]

mod conv;
mod depthwise;
mod elementwise;
mod heavy;
mod naive;
mod random;
mod recurrent;
mod windows;

use redpoll_kernels::arm::CortexM;
use redpoll_kernels::{Tier, tiers};

/// The tiers to test: all but scalar itself, and that for microcontrollers, whose loops are plain Rust here.
fn others() -> impl Iterator<Item = &'static dyn Tier> {
    let here = tiers().iter().copied().filter(|t| t.name() != "scalar");
    here.chain([&CORTEX_M as &dyn Tier])
}

static CORTEX_M: CortexM = CortexM::new();

/// Fails unless the bits are equal; NaN of any payload equals NaN.
#[track_caller]
fn same(want: &[f32], got: &[f32], what: &str) {
    assert_eq!(want.len(), got.len());
    for (i, (a, b)) in want.iter().zip(got).enumerate() {
        let equal = a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
        assert!(equal, "{what}: element {i}: {a:e} and {b:e}");
    }
}

#[test]
fn scalar_is_the_last_tier_and_names_find_tiers() {
    let last = tiers().last().map(|t| t.name());
    assert_eq!(last, Some("scalar"));
    for tier in tiers() {
        let found = redpoll_kernels::tier_by_name(tier.name());
        assert_eq!(found.map(|t| t.name()), Some(tier.name()));
    }
}
