//! Opens hostile bytes as a plan, behind the content hash, and runs what is accepted on every tier.
#![no_main]

use libfuzzer_sys::fuzz_target;
use redpoll_fuzz::{MOST_WORK, run, work};
use redpoll_plan::{Plan, seal};
use redpoll_session::{Aligned, Options, Session, tiers};

fuzz_target!(|bytes: &[u8]| {
    let mut file = bytes.to_vec();
    seal(&mut file);
    let file = Aligned::copy_of(&file);
    let Ok(plan) = Plan::from_bytes(&file) else {
        return;
    };
    let work = plan.steps().fold(0u64, |sum, step| sum.saturating_add(work(&step.op)));
    if work > MOST_WORK {
        return;
    }
    for tier in tiers() {
        let options = Options::default().tier(tier).memory_limit(1 << 24);
        let Ok(mut session) = Session::from_bytes(&file, &options) else {
            return;
        };
        run(&mut session);
    }
});
