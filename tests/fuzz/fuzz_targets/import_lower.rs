//! Imports hostile bytes as an ONNX model, optimises and lowers what was taken, and runs what is little work on every tier.
#![no_main]

use libfuzzer_sys::fuzz_target;
use redpoll_fuzz::{MOST_WORK, run, work};
use redpoll_onnx::{Limits, Model};
use redpoll_pipeline::import::{ImportOptions, import};
use redpoll_pipeline::lower::{LowerOptions, lower};
use redpoll_pipeline::optimize::optimize;
use redpoll_pipeline::{Error, ErrorKind};
use redpoll_plan::Plan;
use redpoll_session::{Aligned, Options, Session, tiers};

/// A stage may refuse a model, but not break its own promise.
fn accepted<T>(result: Result<T, Error>) -> Option<T> {
    result
        .inspect_err(|e| assert_ne!(e.kind(), ErrorKind::Internal, "{e}"))
        .ok()
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(model) = Model::from_bytes(bytes, &Limits::default()) else {
        return;
    };
    let Some(imported) = accepted(import(&model, &ImportOptions::default())) else {
        return;
    };
    redpoll_graph::verify(imported.graph()).expect("what is imported is sound");
    let Some(optimized) = accepted(optimize(imported)) else {
        return;
    };
    let Some(lowered) = accepted(lower(optimized.graph(), &LowerOptions::default())) else {
        return;
    };
    let file = Aligned::copy_of(lowered.plan());
    let plan = Plan::from_bytes(&file).expect("what is lowered is a plan");
    let total = plan.steps().fold(0u64, |sum, step| sum.saturating_add(work(&step.op)));
    if total > MOST_WORK {
        return;
    }
    let mut results = Vec::new();
    for tier in tiers() {
        let options = Options::default().tier(tier).memory_limit(1 << 26);
        let Ok(mut session) = Session::from_bytes(&file, &options) else {
            return;
        };
        results.push(run(&mut session));
    }
    assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "the same bits on every tier");
});
