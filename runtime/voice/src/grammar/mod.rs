//! What words mean: a small grammar of phrases with slots, from a TOML file.
//!
//! ```toml
//! [slots]
//! digit = ["zero", "one", "two"]                   # words that stand for themselves
//! room = { "bath" = "b1", "living room" = "l2" }   # words and what they stand for
//!
//! [[intent]]
//! name = "dial"
//! phrases = ["call {number:digit+}", "[please] (dial|ring) {number:digit+}"]
//! answer = "dialing.wav"                           # a recording, beside this file
//! run = ["notify-send", "calling {number}"]        # a program and its arguments, no shell
//! mqtt = { topic = "phone/dial", payload = "{number}" }
//! ```
//!
//! A phrase fits all words or none. Intents are tried in their order.

mod pattern;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use pattern::{Pattern, Values};

/// Bytes of a grammar at most.
const LONGEST: usize = 1 << 20;
/// Phrases of a grammar at most.
const MOST_PHRASES: usize = 1000;

/// Why a grammar is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GrammarError {
    /// The file is not of this form.
    #[error("{0}")]
    Form(String),
    /// A phrase makes no sense.
    #[error("phrase \"{phrase}\": {why}")]
    Phrase {
        /// Its beginning.
        phrase: String,
        /// What is wrong.
        why: String,
    },
    /// A name in braces that nothing stands for.
    #[error("intent \"{intent}\": there is no slot \"{slot}\"")]
    Slot {
        /// Where.
        intent: String,
        /// The name.
        slot: String,
    },
}

/// A message to publish.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Where to.
    pub topic: String,
    /// What; slots in braces are filled in.
    #[serde(default)]
    pub payload: String,
}

/// Something that words can mean, and what follows from it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    /// Its name.
    pub name: String,
    phrases: Vec<String>,
    /// A recording that answers.
    pub answer: Option<String>,
    /// A program and its arguments; slots in braces are filled in.
    #[serde(default)]
    pub run: Vec<String>,
    /// A message; slots in braces are filled in.
    pub mqtt: Option<Message>,
    #[serde(skip)]
    patterns: Vec<Pattern>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Listed {
    Words(Vec<String>),
    Values(BTreeMap<String, String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    slots: BTreeMap<String, Listed>,
    #[serde(default)]
    intent: Vec<Intent>,
    /// Recordings for the moments that no intent is for.
    #[serde(default)]
    answers: Answers,
}

/// Recordings for the moments that no intent is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// A command was heard that no phrase fits.
    pub unknown: Option<String>,
    /// No command followed the wake word.
    pub nothing: Option<String>,
}

/// A grammar.
#[derive(Clone, Debug)]
pub struct Grammar {
    slots: BTreeMap<String, Values>,
    intents: Vec<Intent>,
    /// Recordings for the moments that no intent is for.
    pub answers: Answers,
}

/// What words mean.
#[derive(Clone, Debug)]
pub struct Understood<'a> {
    /// The intent.
    pub intent: &'a Intent,
    /// The values of its slots.
    pub slots: BTreeMap<String, String>,
}

impl Understood<'_> {
    /// `text` with the values of the slots in place of their names in braces.
    pub fn fill(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, name, after)) = braces(rest) {
            out.push_str(before);
            out.push_str(self.slots.get(name).map_or("", String::as_str));
            rest = after;
        }
        out + rest
    }
}

/// The text before the first braces, inside, and after them.
fn braces(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

fn split(words: &str) -> Vec<String> {
    words.split_whitespace().map(str::to_lowercase).collect()
}

impl Grammar {
    /// From the text of a TOML file.
    ///
    /// # Errors
    ///
    /// [`GrammarError`], with the place where the text is not TOML of this form.
    pub fn parse(text: &str) -> Result<Self, GrammarError> {
        let form = |why: String| GrammarError::Form(why);
        if text.len() > LONGEST {
            return Err(form(format!(
                "{} bytes: the limit is {LONGEST}",
                text.len()
            )));
        }
        let file: File = toml::from_str(text).map_err(|e| form(e.to_string()))?;
        let mut slots = BTreeMap::new();
        for (name, listed) in file.slots {
            let pairs: Vec<(String, String)> = match listed {
                Listed::Words(words) => words.into_iter().map(|w| (w.clone(), w)).collect(),
                Listed::Values(values) => values.into_iter().collect(),
            };
            let values: Values = pairs.into_iter().map(|(w, v)| (split(&w), v)).collect();
            if values.is_empty() || values.keys().any(Vec::is_empty) {
                return Err(form(format!("slot \"{name}\": a value has no words")));
            }
            slots.insert(name, values);
        }
        let mut grammar = Self {
            slots,
            intents: file.intent,
            answers: file.answers,
        };
        let phrases: usize = grammar.intents.iter().map(|i| i.phrases.len()).sum();
        if !(1..=MOST_PHRASES).contains(&phrases) {
            return Err(form(format!(
                "{phrases} phrases: expected 1 to {MOST_PHRASES}"
            )));
        }
        for intent in &mut grammar.intents {
            let patterns = intent.phrases.iter().map(|text| Pattern::parse(text));
            intent.patterns = patterns.collect::<Result<_, _>>()?;
            check(intent, &grammar.slots)?;
        }
        Ok(grammar)
    }

    /// What all of `words` mean together, if anything.
    pub fn understand(&self, words: &[&str]) -> Option<Understood<'_>> {
        let words: Vec<String> = words.iter().flat_map(|w| split(w)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.intents.iter().find_map(|intent| {
            let mut fits = intent.patterns.iter().map(|p| p.fits(&words, &self.slots));
            let slots = fits.find_map(|found| found)?;
            Some(Understood { intent, slots })
        })
    }

    /// The intents, in their order.
    pub fn intents(&self) -> &[Intent] {
        &self.intents
    }

    /// Every word that a phrase or slot has: to see whether a recogniser knows them.
    pub fn words(&self) -> BTreeSet<&str> {
        let (mut words, mut slots) = (BTreeSet::new(), BTreeSet::new());
        let patterns = self.intents.iter().flat_map(|intent| &intent.patterns);
        patterns.for_each(|pattern| pattern.names(&mut words, &mut slots));
        let used = self
            .slots
            .iter()
            .filter(|(name, _)| slots.contains(name.as_str()));
        words.extend(used.flat_map(|(_, values)| values.keys().flatten().map(String::as_str)));
        words
    }
}

/// Slots that phrases and texts name exist; a topic names one place.
fn check(intent: &Intent, slots: &BTreeMap<String, Values>) -> Result<(), GrammarError> {
    let missing = |slot: &str| GrammarError::Slot {
        intent: intent.name.clone(),
        slot: slot.to_owned(),
    };
    let (mut words, mut named) = (BTreeSet::new(), BTreeSet::new());
    for pattern in &intent.patterns {
        pattern.names(&mut words, &mut named);
    }
    if let Some(slot) = named.iter().find(|slot| !slots.contains_key(**slot)) {
        return Err(missing(slot));
    }
    let filled: BTreeSet<&str> = intent
        .phrases
        .iter()
        .flat_map(|text| {
            let mut names = Vec::new();
            let mut rest = text.as_str();
            while let Some((_, inside, after)) = braces(rest) {
                let name = inside.split(':').next().unwrap_or_default();
                names.push(name.trim_end_matches('+').trim());
                rest = after;
            }
            names
        })
        .collect();
    let message = intent.mqtt.iter().flat_map(|m| [&m.topic, &m.payload]);
    for text in intent.run.iter().chain(message) {
        let mut rest = text.as_str();
        while let Some((_, name, after)) = braces(rest) {
            if !filled.contains(name) {
                return Err(missing(name));
            }
            rest = after;
        }
    }
    if let Some(message) = &intent.mqtt
        && (message.topic.is_empty() || message.topic.contains(['+', '#', '\0']))
    {
        let why = format!(
            "intent \"{}\": a topic is not empty and has no + or #",
            intent.name
        );
        return Err(GrammarError::Form(why));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: &str = r#"
        [slots]
        digit = ["one", "two"]
        room = { "Bath" = "b1", "living room" = "l2" }
        [answers]
        unknown = "what.wav"
        [[intent]]
        name = "dial"
        phrases = ["call {n:digit+}"]
        run = ["echo", "to {n}!", "{n}{n}"]
        [[intent]]
        name = "light"
        phrases = ["light {room}", "{room} light"]
        answer = "ok.wav"
        mqtt = { topic = "light/{room}", payload = "on" }
    "#;

    #[test]
    fn words_become_an_intent_with_values() {
        let grammar = Grammar::parse(HOME).unwrap();
        let dial = grammar.understand(&["call", "two", "one"]).unwrap();
        assert_eq!(dial.intent.name, "dial");
        let run: Vec<String> = dial.intent.run.iter().map(|t| dial.fill(t)).collect();
        assert_eq!(run, ["echo", "to two one!", "two onetwo one"]);
        let light = grammar.understand(&["Living room", "light"]).unwrap();
        let mqtt = light.intent.mqtt.as_ref().unwrap();
        assert_eq!(
            (light.fill(&mqtt.topic), &*mqtt.payload),
            ("light/l2".into(), "on")
        );
        assert_eq!(light.fill("{ unclosed"), "{ unclosed");
        assert!(grammar.understand(&["call"]).is_none() && grammar.understand(&[]).is_none());
        assert_eq!(grammar.answers.unknown.as_deref(), Some("what.wav"));
        let words: Vec<&str> = grammar.words().into_iter().collect();
        assert_eq!(
            words,
            ["bath", "call", "light", "living", "one", "room", "two"]
        );
    }

    #[test]
    fn what_is_no_grammar_is_told() {
        let intent = |more: &str| format!("[slots]\nd=[\"a\"]\n[[intent]]\nname=\"x\"\n{more}");
        for (text, part) in [
            ("".to_owned(), "0 phrases"),
            ("x = 1".to_owned(), "unknown field"),
            ("[[intent]]".to_owned(), "missing field"),
            (intent("phrases=[]"), "0 phrases"),
            (intent("phrases=[\"a (\"]"), "not closed"),
            (intent("phrases=[\"{e}\"]"), "no slot \"e\""),
            (intent("phrases=[\"{d}\"]\nrun=[\"{e}\"]"), "no slot \"e\""),
            (
                intent("phrases=[\"{n:d}\"]\nrun=[\"{d}\"]"),
                "no slot \"d\"",
            ),
            (
                intent("phrases=[\"{d}\"]\nmqtt={topic=\"a/#\"}"),
                "no + or #",
            ),
            (intent("phrases=[\"a\"]\nshell=\"x\""), "unknown field"),
            ("[slots]\nd=[\"\"]".to_owned(), "no words"),
            ("#".repeat(2 << 20), "the limit"),
        ] {
            let why = Grammar::parse(&text).unwrap_err().to_string();
            assert!(why.contains(part), "{part}: {why}");
        }
    }
}
