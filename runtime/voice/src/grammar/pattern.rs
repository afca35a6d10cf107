//! Phrases with slots: parsed, and matched against words.

use std::collections::{BTreeMap, BTreeSet};

use super::GrammarError;

/// Longest phrase, in bytes.
const LONGEST: usize = 1000;
/// Brackets inside brackets.
const DEEPEST: usize = 16;

/// What a slot may hold: words and the value that they stand for.
pub(super) type Values = BTreeMap<Vec<String>, String>;

/// Values found so far, by name, in the order of the words.
pub(super) type Found = BTreeMap<String, String>;

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Word(String),
    Slot {
        name: String,
        slot: String,
        many: bool,
    },
    /// One of these; an empty one among them makes it optional.
    OneOf(Vec<Vec<Part>>),
}

/// A phrase: words, `{slot}`, `{name:slot}`, `{name:slot+}` for one or more, `[optional]`, `(one|of|these)`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pattern(Vec<Part>);

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Self, GrammarError> {
        let wrong = |why: &str| GrammarError::Phrase {
            phrase: text.chars().take(80).collect(),
            why: why.to_owned(),
        };
        if text.len() > LONGEST {
            return Err(wrong("it is longer than 1000 bytes"));
        }
        let mut parser = Parser {
            rest: text,
            wrong: &wrong,
        };
        let parts = parser.sequence(0)?;
        if !parser.rest.is_empty() {
            return Err(wrong("a bracket closes that was not opened"));
        }
        if parts.is_empty() {
            return Err(wrong("it has no words"));
        }
        Ok(Self(parts))
    }

    /// The words and slots that it names.
    pub(super) fn names<'a>(
        &'a self,
        words: &mut BTreeSet<&'a str>,
        slots: &mut BTreeSet<&'a str>,
    ) {
        fn visit<'a>(
            parts: &'a [Part],
            words: &mut BTreeSet<&'a str>,
            slots: &mut BTreeSet<&'a str>,
        ) {
            for part in parts {
                match part {
                    Part::Word(word) => {
                        words.insert(word);
                    }
                    Part::Slot { slot, .. } => {
                        slots.insert(slot);
                    }
                    Part::OneOf(all) => all.iter().for_each(|one| visit(one, words, slots)),
                }
            }
        }
        visit(&self.0, words, slots);
    }

    /// The values of its slots where all words fit.
    pub(super) fn fits(&self, words: &[&str], slots: &BTreeMap<String, Values>) -> Option<Found> {
        let start = BTreeMap::from([(0, Found::new())]);
        ends(&self.0, words, slots, start).remove(&words.len())
    }
}

/// Where `parts` can end, from each of `starts`, with what was found on the way; the first way to an end counts.
fn ends(
    parts: &[Part],
    words: &[&str],
    slots: &BTreeMap<String, Values>,
    starts: BTreeMap<usize, Found>,
) -> BTreeMap<usize, Found> {
    parts.iter().fold(starts, |starts, part| match part {
        Part::Word(word) => {
            let fits = |at: &usize| words.get(*at).is_some_and(|w| w == word);
            let starts = starts.into_iter().filter(|(at, _)| fits(at));
            starts.map(|(at, found)| (at + 1, found)).collect()
        }
        Part::Slot { name, slot, many } => {
            let mut out = BTreeMap::new();
            let Some(values) = slots.get(slot) else {
                return out;
            };
            let mut open = starts;
            // Each round begins further on: no more rounds than words.
            while let Some((at, found)) = open.pop_first() {
                for (phrase, value) in values {
                    let Some(said) = words.get(at..at + phrase.len()) else {
                        continue;
                    };
                    if said.iter().zip(phrase).any(|(a, b)| a != b) {
                        continue;
                    }
                    let mut found = found.clone();
                    let held = found.entry(name.clone()).or_default();
                    if !held.is_empty() {
                        held.push(' ');
                    }
                    held.push_str(value);
                    let end = at + phrase.len();
                    if *many {
                        open.entry(end).or_insert_with(|| found.clone());
                    }
                    out.entry(end).or_insert(found);
                }
            }
            out
        }
        Part::OneOf(all) => {
            let mut out = BTreeMap::new();
            for one in all {
                for (end, found) in ends(one, words, slots, starts.clone()) {
                    out.entry(end).or_insert(found);
                }
            }
            out
        }
    })
}

struct Parser<'a, F> {
    rest: &'a str,
    wrong: &'a F,
}

impl<F: Fn(&str) -> GrammarError> Parser<'_, F> {
    fn sequence(&mut self, depth: usize) -> Result<Vec<Part>, GrammarError> {
        if depth > DEEPEST {
            return Err((self.wrong)("its brackets are nested too deeply"));
        }
        let mut parts = Vec::new();
        loop {
            self.rest = self.rest.trim_start();
            match self.rest.chars().next() {
                None | Some(')' | ']' | '|') => return Ok(parts),
                Some('{') => parts.push(self.slot()?),
                Some('[') => {
                    let mut all = self.choices(depth, ']')?;
                    all.push(Vec::new());
                    parts.push(Part::OneOf(all));
                }
                Some('(') => parts.push(Part::OneOf(self.choices(depth, ')')?)),
                Some('}') => return Err((self.wrong)("a bracket closes that was not opened")),
                Some(_) => {
                    let end = |c: char| c.is_whitespace() || "()[]{}|".contains(c);
                    let n = self.rest.find(end).unwrap_or(self.rest.len());
                    parts.push(Part::Word(self.rest[..n].to_lowercase()));
                    self.rest = &self.rest[n..];
                }
            }
        }
    }

    fn choices(&mut self, depth: usize, close: char) -> Result<Vec<Vec<Part>>, GrammarError> {
        let mut all = Vec::new();
        loop {
            // The opening bracket, or the bar.
            self.rest = &self.rest[1..];
            all.push(self.sequence(depth + 1)?);
            if self.rest.starts_with(close) {
                self.rest = &self.rest[1..];
                return Ok(all);
            }
            if !self.rest.starts_with('|') {
                return Err((self.wrong)("a bracket is not closed"));
            }
        }
    }

    fn slot(&mut self) -> Result<Part, GrammarError> {
        let Some(end) = self.rest.find('}') else {
            return Err((self.wrong)("a bracket is not closed"));
        };
        let inside = &self.rest[1..end];
        self.rest = &self.rest[end + 1..];
        let (name, slot) = inside.split_once(':').unwrap_or((inside, inside));
        let many = slot.ends_with('+');
        let (name, slot) = (
            name.trim_end_matches('+').trim(),
            slot.trim_end_matches('+').trim(),
        );
        if name.is_empty() || slot.is_empty() {
            return Err((self.wrong)("a slot has no name"));
        }
        Ok(Part::Slot {
            name: name.to_owned(),
            slot: slot.to_owned(),
            many,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots() -> BTreeMap<String, Values> {
        let values = |pairs: &[(&str, &str)]| {
            let pair = |(words, value): &(&str, &str)| {
                (
                    words.split(' ').map(str::to_owned).collect(),
                    (*value).to_owned(),
                )
            };
            pairs.iter().map(pair).collect()
        };
        BTreeMap::from([
            ("digit".into(), values(&[("one", "1"), ("two", "2")])),
            (
                "room".into(),
                values(&[
                    ("bath", "bath"),
                    ("living room", "living"),
                    ("living", "short"),
                ]),
            ),
        ])
    }

    fn fits(pattern: &str, words: &str) -> Option<Vec<(String, String)>> {
        let words: Vec<&str> = words.split_whitespace().collect();
        let found = Pattern::parse(pattern).unwrap().fits(&words, &slots())?;
        Some(found.into_iter().collect())
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.into(), value.into())
    }

    #[test]
    fn phrases_fit_whole_or_not() {
        let light = "[please] (turn|switch) {state:digit} [the] light[s] in {room}";
        let both = Some(vec![pair("room", "living"), pair("state", "1")]);
        assert_eq!(fits(light, "turn one light in living room"), both);
        assert_eq!(
            fits(light, "please switch one the light s in living room"),
            both
        );
        for other in [
            "",
            "turn",
            "turn one light in",
            "turn one light in bath now",
            "one",
        ] {
            assert_eq!(fits(light, other), None, "{other}");
        }
        assert_eq!(fits("Stop", "stop"), Some(vec![]));
        assert_eq!(
            fits("call {n:digit+} [now]", "call one two two now"),
            Some(vec![pair("n", "1 2 2")])
        );
        assert_eq!(fits("call {n:digit+}", "call"), None);
        // The shorter value is taken back where only the longer fits, and the other way round.
        assert_eq!(
            fits("{room} room", "living room"),
            Some(vec![pair("room", "short")])
        );
        assert_eq!(
            fits("{room}", "living room"),
            Some(vec![pair("room", "living")])
        );
        assert_eq!(
            fits("{a:digit} {b:digit}", "two one"),
            Some(vec![pair("a", "2"), pair("b", "1")])
        );
    }

    #[test]
    fn work_does_not_explode() {
        let pattern =
            "[one] ".repeat(100) + &"(one|[one] [one]) ".repeat(10) + &"{d:digit+} ".repeat(10);
        let words = "one ".repeat(64);
        assert!(fits(&pattern, &words).is_some());
        assert!(fits(&pattern, &(words + "three")).is_none());
    }

    #[test]
    fn what_is_no_phrase_is_told() {
        for (text, part) in [
            ("", "no words"),
            ("a (b", "not closed"),
            ("a [b|", "not closed"),
            ("a b)", "not opened"),
            ("a }", "not opened"),
            ("a {b", "not closed"),
            ("a {}", "no name"),
            ("a {:x}", "no name"),
            (&"(".repeat(40), "too deeply"),
            (&"a".repeat(2000), "longer"),
        ] {
            let why = Pattern::parse(text).unwrap_err().to_string();
            assert!(why.contains(part), "{text}: {why}");
        }
    }
}
