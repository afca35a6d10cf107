//! Plans of earlier versions are read as they were meant. A new minor version adds a file here and changes none.
//!
//! `REDPOLL_BLESS=1 cargo test -p redpoll-plan --test golden` writes the file of the present version.

mod sample;

use std::path::Path;

use redpoll_plan::Plan;
use sample::{Aligned, builder};

fn read(version: &str) -> Aligned {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/v{version}.plan"));
    Aligned::new(&std::fs::read(path).unwrap())
}

/// The plan that every version wrote.
fn check(version: &str, numbers: (u16, u16)) {
    let golden = read(version);
    let plan = Plan::from_bytes(&golden).unwrap();
    assert_eq!(plan.version(), numbers);
    let now = Aligned::new(&builder().finish().unwrap());
    let expected = Plan::from_bytes(&now).unwrap();
    assert!(plan.steps().eq(expected.steps()));
    assert!(plan.metadata().eq(expected.metadata()));
}

#[test]
fn version_2_0() {
    let now = builder().finish().unwrap();
    if std::env::var_os("REDPOLL_BLESS").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/v2.0.plan");
        std::fs::write(path, &now).unwrap();
    }
    check("2.0", (2, 0));
    assert_eq!(*read("2.0"), *now, "the writer still writes version 2.0");
    let golden = read("2.0");
    let hash = Plan::from_bytes(&golden).unwrap().hash();
    assert_eq!(hash, 16_444_723_699_458_551_675);
}

/// The same file as a program holds it: sizes and the hash are constants.
#[test]
fn sizes_are_constants() {
    use redpoll_plan::AllOps;
    use redpoll_plan::embed::{arena_bytes, is_intact, scratch_bytes};
    const PLAN: &[u8] = redpoll_plan::include_plan!("data/v2.0.plan");
    const ARENA: usize = arena_bytes(PLAN);
    const SCRATCH: usize = scratch_bytes(PLAN);
    const { assert!(is_intact(PLAN)) };
    let plan = Plan::from_flash::<AllOps>(PLAN).unwrap();
    assert_eq!(ARENA, plan.arena_bytes());
    assert_eq!(SCRATCH, plan.scratch_bytes().next_multiple_of(64));

    let mut damaged = Aligned::new(PLAN);
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    assert!(!is_intact(&damaged));
    assert!(Plan::from_bytes(&damaged).is_err());
    assert!(
        Plan::from_flash::<AllOps>(&damaged).is_ok(),
        "only the hash differs"
    );
    for wrong in [&PLAN[..20], &PLAN[1..], b"".as_slice()] {
        assert_eq!(arena_bytes(wrong), 0);
        assert!(!is_intact(wrong));
    }
}
