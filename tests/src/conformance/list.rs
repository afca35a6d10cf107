//! The committed lists: cases that pass and where, and what is skipped and why.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use super::run::{Outcome, Place};

/// Both lists, in `tests/conformance`.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    expected: BTreeMap<String, Place>,
    skipped: Vec<(String, String)>,
}

/// What a list says to an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As listed.
    AsListed,
    /// Something else: the test fails.
    Surprise(String),
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("conformance")
        .join(name)
}

impl Lists {
    /// Reads the lists.
    ///
    /// # Panics
    /// When they cannot be read: the test fails.
    pub fn read() -> Self {
        let text = |name| fs::read_to_string(path(name)).unwrap_or_default();
        let lines = |text: String| -> Vec<(String, String)> {
            text.lines()
                .filter(|l| !l.starts_with('#') && !l.trim().is_empty())
                .map(|line| {
                    let (a, b) = line.split_once(' ').unwrap_or((line, ""));
                    (a.to_owned(), b.trim().to_owned())
                })
                .collect()
        };
        let expected = lines(text("expected.txt"))
            .into_iter()
            .map(|(name, place)| {
                let parsed = Place::parse(&place);
                (
                    name,
                    parsed.unwrap_or_else(|| panic!("expected.txt: {place}")),
                )
            });
        Self {
            expected: expected.collect(),
            skipped: lines(text("skipped.txt")),
        }
    }

    /// Compares an outcome with the lists.
    pub fn verdict(&self, name: &str, outcome: &Outcome) -> Verdict {
        let surprise = |text: String| Verdict::Surprise(format!("{name}: {text}"));
        match (self.expected.get(name), &outcome.result) {
            (Some(wanted), Ok(place)) if wanted == place => Verdict::AsListed,
            (Some(wanted), Ok(place)) => surprise(format!(
                "listed as {wanted}, passes in {place} {}",
                outcome.not_lowered.as_deref().unwrap_or_default()
            )),
            (Some(_), Err(e)) => surprise(format!("listed as passing, fails: {e}")),
            (None, Ok(place)) => surprise(format!("passes in {place} and is not listed")),
            (None, Err(e)) => match self.reason(name) {
                Some(_) => Verdict::AsListed,
                None => surprise(format!("fails and no reason is listed: {e}")),
            },
        }
    }

    /// Why a case is skipped: the first pattern that fits; `*` at its end stands for anything.
    pub fn reason(&self, name: &str) -> Option<&str> {
        let fits = |pattern: &str| match pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == pattern,
        };
        let found = self.skipped.iter().find(|(pattern, _)| fits(pattern));
        found.map(|(_, reason)| reason.as_str())
    }

    /// Writes the list of cases that pass.
    ///
    /// # Panics
    /// When it cannot be written: the test fails.
    pub fn write(outcomes: &BTreeMap<String, Outcome>) {
        let mut text = String::from(
            "# Cases that pass and where. Written by REDPOLL_CONFORMANCE=write cargo test -p redpoll-tests --test conformance\n",
        );
        for (name, outcome) in outcomes {
            if let Ok(place) = outcome.result {
                text.push_str(&format!("{name} {place}\n"));
            }
        }
        fs::write(path("expected.txt"), text).expect("the list can be written");
    }
}
