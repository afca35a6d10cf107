//! ONNX's own test cases (Python package onnx 1.22.0) on the engine, and where it cannot on the reference evaluator.
//!
//! Every case is run, also those that are skipped: one that passes and is not listed fails this test as one that is
//! listed and fails does. `REDPOLL_CONFORMANCE=write` writes list and table anew.

use std::collections::BTreeMap;

use redpoll_backend_ort::{Optimization, Options, OrtSession};
use redpoll_tests::cases::Summary;
use redpoll_tests::conformance::{Lists, Place, Table, Verdict, cases, folder, page, run};
use redpoll_tests::onnx::ort_is_present;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operators.md");
const BEGIN: &str = "<!-- conformance: written by tests/tests/conformance.rs -->\n";
const END: &str = "<!-- end of conformance -->";

#[test]
fn onnx_test_cases() {
    let Some(folder) = folder() else {
        println!(
            "skipped: ONNX's test cases not present: bash .ci/onnx-tests, or set REDPOLL_ONNX_TESTS"
        );
        return;
    };
    // A panic inside a case is that case's failure and is listed; its message would only be noise.
    let quiet = std::env::var_os("REDPOLL_CONFORMANCE").is_none();
    if quiet {
        std::panic::set_hook(Box::new(|_| {}));
    }
    let lists = Lists::read();
    let mut table = Table::default();
    let mut outcomes = BTreeMap::new();
    let filter = std::env::var("REDPOLL_CASE").unwrap_or_default();
    for case in cases(&folder).iter().filter(|c| c.name.contains(&filter)) {
        let outcome = run(case);
        table.add(&case.name, &case.model(), &outcome);
        outcomes.insert(case.name.clone(), outcome);
    }
    if quiet {
        drop(std::panic::take_hook());
    }
    let count = |place| outcomes.values().filter(|o| o.result == Ok(place)).count();
    let counts = [Place::Engine, Place::Folded, Place::Reference].map(count);
    let text = page(&table);
    let (all, some, full) = table.operators();
    let summary = format!(
        "{} of {} cases pass: {} in a plan, {} folded, {} in the reference evaluator only. Operators of ai.onnx with cases: {all}; with a case that passes: {some}; with all passing: {full}.\n",
        counts.iter().sum::<usize>(),
        outcomes.len(),
        counts[0],
        counts[1],
        counts[2],
    );
    println!("{text}\n{summary}");
    let mode = std::env::var("REDPOLL_CONFORMANCE").unwrap_or_default();
    if mode == "list" {
        for (name, outcome) in &outcomes {
            match (&outcome.result, &outcome.not_lowered) {
                (Err(e), _) => println!("FAIL {name}: {}", e.replace('\n', " ")),
                (Ok(_), Some(e)) => println!("REF {name}: {}", e.replace('\n', " ")),
                _ => {}
            }
        }
        return;
    }
    let section = format!("{BEGIN}\n{summary}\n{text}");
    if mode == "write" {
        Lists::write(&outcomes);
        let page = std::fs::read_to_string(PAGE).expect("the page can be read");
        let (before, rest) = page.split_once(BEGIN).expect("the page has the section");
        let (_, after) = rest.split_once(END).expect("the section has an end");
        std::fs::write(PAGE, format!("{before}{section}{END}{after}"))
            .expect("the page is written");
    }
    if !filter.is_empty() {
        return;
    }
    let lists = if mode == "write" {
        Lists::read()
    } else {
        lists
    };
    let surprises: Vec<String> = outcomes
        .iter()
        .filter_map(|(name, outcome)| match lists.verdict(name, outcome) {
            Verdict::AsListed => None,
            Verdict::Surprise(text) => Some(text),
        })
        .collect();
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
    let page = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        page.contains(&section),
        "docs/operators.md is behind: REDPOLL_CONFORMANCE=write cargo test -p redpoll-tests --test conformance"
    );
}

/// The cases in `tests/cases` on the reference evaluator and on the engine at every tier.
#[test]
fn cases_on_our_engine() {
    let filter = std::env::var("REDPOLL_CASE").unwrap_or_default();
    let all = redpoll_tests::cases::cases();
    assert!(all.len() >= 200, "{} cases", all.len());
    let chosen = all.iter().filter(|case| case.name.contains(&filter));
    let check = |case: &redpoll_tests::cases::Case| {
        let result = case.check().err();
        result.map(|e| format!("{}: {e}", case.name))
    };
    let failures: Vec<String> = chosen.filter_map(check).collect();
    assert!(
        failures.is_empty(),
        "{} of {} cases fail:\n{}",
        failures.len(),
        all.len(),
        failures.join("\n")
    );
}

/// The same cases in ONNX Runtime.
#[test]
fn cases_in_onnx_runtime() {
    if !ort_is_present() {
        return;
    }
    let sum = Summary::of("ort", |bytes| {
        let options = Options::default().optimization(Optimization::None);
        Ok(Box::new(OrtSession::from_bytes(bytes, &options)?))
    });
    assert!(sum.same >= 150, "{sum:?}");
}
