//! Plans of earlier versions are read as they were meant. A new minor version adds a file here and changes none.
//!
//! `REDPOLL_BLESS=1 cargo test -p redpoll-plan --test golden` writes the file of the present version.

mod sample;

use std::path::Path;

use redpoll_plan::Plan;
use sample::{Aligned, builder};

const GOLDEN: &str = "tests/data/v1.0.plan";

#[test]
fn version_1_0() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(GOLDEN);
    let now = builder().finish().unwrap();
    if std::env::var_os("REDPOLL_BLESS").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let golden = Aligned::new(&std::fs::read(path).unwrap());
    let plan = Plan::from_bytes(&golden).unwrap();
    assert_eq!(plan.version(), (1, 0));
    assert_eq!(plan.hash(), 13_828_196_203_721_525_608);
    let now = Aligned::new(&now);
    let expected = Plan::from_bytes(&now).unwrap();
    assert!(plan.steps().eq(expected.steps()));
    assert!(plan.metadata().eq(expected.metadata()));
    assert_eq!(*golden, *now, "the writer still writes version 1.0");
}

/// The same file as a program holds it: sizes and the hash are constants.
#[test]
fn sizes_are_constants() {
    use redpoll_plan::embed::{arena_bytes, is_intact, scratch_bytes};
    const PLAN: &[u8] = redpoll_plan::include_plan!("data/v1.0.plan");
    const ARENA: usize = arena_bytes(PLAN);
    const SCRATCH: usize = scratch_bytes(PLAN);
    const { assert!(is_intact(PLAN)) };
    let plan = Plan::from_flash(PLAN).unwrap();
    assert_eq!(ARENA, plan.arena_bytes());
    assert_eq!(SCRATCH, plan.scratch_bytes().next_multiple_of(64));

    let mut damaged = Aligned::new(PLAN);
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    assert!(!is_intact(&damaged));
    assert!(Plan::from_bytes(&damaged).is_err());
    assert!(Plan::from_flash(&damaged).is_ok(), "only the hash differs");
    for wrong in [&PLAN[..20], &PLAN[1..], b"".as_slice()] {
        assert_eq!(arena_bytes(wrong), 0);
        assert!(!is_intact(wrong));
    }
}
