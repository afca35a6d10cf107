//! Damaged plans: each gives an error or runs, and none panics.

mod net;

use std::panic::{AssertUnwindSafe, catch_unwind};

use net::plan;
use redpoll_plan::{Op, seal};
use redpoll_session::{Aligned, Options, Plan, Session, Value};

/// Changed plans that are still valid may ask for much work; the test has no time for that.
const MOST_WORK: u64 = 50_000_000;

fn work(op: &Op) -> u64 {
    let product = |dims: &[u32]| dims.iter().fold(1u64, |n, &d| n.saturating_mul(d.into()));
    let window = |w: &redpoll_plan::Window| {
        product(&[w.batch, w.out_h, w.out_w, w.out_c, w.kernel_h, w.kernel_w])
            .saturating_mul(w.in_c.into())
    };
    match op {
        Op::ConvI8(p) => window(&p.window),
        Op::PoolI8(p) => window(&p.window),
        Op::ReduceI8(p) => product(&[p.outer, p.count, p.inner]),
        Op::Copy(p) => product(&p.dims),
        _ => 0,
    }
}

/// Loads and runs; says whether the plan was accepted.
fn load_and_run(file: &[u8]) -> bool {
    // The arena alone must not take the machine's memory.
    let options = Options::default().memory_limit(1 << 24).threads(2);
    let Ok(mut session) = Session::from_bytes(file, &options) else {
        return false;
    };
    if session
        .plan()
        .steps()
        .map(|step| work(&step.op))
        .sum::<u64>()
        > MOST_WORK
    {
        return true;
    }
    for index in 0..session.inputs().len() {
        let info = session.inputs()[index].clone();
        let bytes = Aligned::copy_of(&(0..info.bytes).map(|i| (i * 7) as u8).collect::<Vec<u8>>());
        session
            .set_value(index, Value::from_bytes(info.dtype, &bytes).unwrap())
            .unwrap();
    }
    session.run().unwrap();
    for index in 0..session.outputs().len() {
        session.output_value(index).unwrap();
    }
    true
}

#[test]
fn changed_plans_give_an_error_or_run() {
    let original = plan();
    // Everything before the weights, whose values cannot matter.
    let records = original.len()
        - Plan::from_bytes(&Aligned::copy_of(&original))
            .unwrap()
            .weight_bytes();
    let mut seed = 12345u32;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as usize % below
    };
    let (mut accepted, mut refused) = (0, 0);
    for round in 0..4000 {
        let mut file = original.clone();
        for _ in 0..1 + round % 3 {
            match random(4) {
                0 => file[random(records)] ^= 1 << random(8),
                1 => file[random(records)] = [0, 1, 0x7F, 0x80, 0xFF][random(5)],
                2 => {
                    let at = random(records / 4) * 4;
                    let value =
                        [0, 1, 2, 255, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, u32::MAX][random(8)];
                    file[at..at + 4].copy_from_slice(&value.to_le_bytes());
                }
                _ => {
                    let (from, to) = (random(records / 4) * 4, random(records / 4) * 4);
                    file.copy_within(from..from + 4, to);
                }
            }
        }
        if round % 50 == 0 {
            file.truncate(random(original.len()));
        }
        // Without the right hash nothing behind it would be reached.
        seal(&mut file);
        let result = catch_unwind(AssertUnwindSafe(|| load_and_run(&file)));
        match result {
            Ok(true) => accepted += 1,
            Ok(false) => refused += 1,
            Err(_) => {
                let changed: Vec<usize> = (0..file.len().min(original.len()))
                    .filter(|&i| file[i] != original[i])
                    .collect();
                panic!("round {round}: a panic after changing bytes {changed:?}");
            }
        }
    }
    println!("{accepted} accepted, {refused} refused");
    assert!(
        accepted > 100 && refused > 1000,
        "{accepted} accepted, {refused} refused"
    );
}
