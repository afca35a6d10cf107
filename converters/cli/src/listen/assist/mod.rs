//! `redpoll listen --task assistant`: wake word, command, intent, action, answer.

mod act;
mod mqtt;
mod speak;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use redpoll_voice::assistant::{Assistant, AssistantOptions, Turn};
use redpoll_voice::grammar::Grammar;
use redpoll_voice::task::{Task, WordAsWake};
use serde_json::{Value, json};

use super::input::Source;
use super::models::Models;
use crate::exit::Usage;
use crate::load::Dims;
use act::Actor;
use mqtt::Broker;
use speak::Speaker;

/// What an assistant understands and does.
#[derive(clap::Args)]
#[command(next_help_heading = "Assistant")]
pub struct Assisting {
    /// What words mean and what is done: phrases with slots, in TOML (docs/voice.md)
    #[arg(long, value_name = "FILE.toml")]
    grammar: Option<PathBuf>,
    /// A word of --words that wakes, instead of --wake
    #[arg(long, value_name = "WORD", conflicts_with = "wake")]
    wake_word: Option<String>,
    /// A word of --words that ends a command or an answer at once
    #[arg(long, value_name = "WORD")]
    stop_word: Option<String>,
    /// Seconds of quiet after which a command is complete
    #[arg(long, default_value_t = 1.2, value_name = "S")]
    pause: f64,
    /// The MQTT broker that messages of the grammar go to
    #[arg(long, value_name = "HOST:PORT")]
    mqtt: Option<String>,
    /// A file with NAME:PASSWORD for the broker
    #[arg(long, value_name = "FILE", requires = "mqtt")]
    mqtt_login: Option<PathBuf>,
    /// Program that plays an answer; the file is its last argument: --player "aplay -q"
    #[arg(long, value_name = "PROGRAM")]
    player: Option<String>,
    /// Writes a recording of the answers, as long as what was heard
    #[arg(long, value_name = "OUT.wav")]
    answers: Option<PathBuf>,
}

impl Assisting {
    /// True when one of these was given.
    pub fn any(&self) -> bool {
        self.grammar.is_some()
            || self.wake_word.is_some()
            || self.stop_word.is_some()
            || self.mqtt.is_some()
            || self.player.is_some()
            || self.answers.is_some()
    }
}

/// Everything but the sound.
struct Conversation<'a> {
    assistant: Assistant,
    grammar: Option<&'a Grammar>,
    labels: &'a [String],
    wakes: Vec<String>,
    actor: Actor,
    speaker: Speaker,
    as_json: bool,
}

/// Runs until the sound ends.
pub fn run(
    source: &Source<'_>,
    args: &Assisting,
    models: &Models,
    threshold: Option<f32>,
    dims: &Dims,
    as_json: bool,
) -> Result<()> {
    let Some(words) = models.words(None, dims)? else {
        bail!(Usage(
            "--task assistant: give --words, the model of the words of a command".into()
        ));
    };
    let class = |word: &Option<String>| find(&words.labels, word.as_deref());
    let mut wakes: Vec<Box<dyn Task>> = Vec::new();
    let mut names = Vec::new();
    for (name, prepared) in models.wakes(threshold, dims)? {
        wakes.push(prepared.task()?);
        names.push(name);
    }
    if let (Some(class), Some(word)) = (class(&args.wake_word)?, &args.wake_word) {
        wakes.push(Box::new(WordAsWake::new(words.task()?, class)));
        names.push(word.clone());
    }
    if wakes.is_empty() {
        bail!(Usage(
            "--task assistant: give --wake FILE or --wake-word WORD".into()
        ));
    }
    let vad = models.vad(dims)?.map(|vad| vad.task()).transpose()?;
    if !(0.1..=10.0).contains(&args.pause) {
        bail!(Usage(format!(
            "--pause {}: expected 0.1 to 10 seconds",
            args.pause
        )));
    }
    let mut options = AssistantOptions {
        stop: class(&args.stop_word)?,
        settle_ms: (args.pause * 1000.0) as u32,
        ..AssistantOptions::default()
    };
    if args.wake_word.is_some() {
        // The model of the command would hear the end of its own word again.
        options.pre_roll_ms = 0;
    }
    let grammar = args.grammar.as_deref().map(open).transpose()?;
    if let (Some(grammar), Some(path)) = (&grammar, &args.grammar) {
        check(grammar, path, &words.labels, args.mqtt.is_some())?;
    }
    let described = grammar.as_ref().zip(args.grammar.as_deref());
    let mut conversation = Conversation {
        assistant: Assistant::new(wakes, vad, words.task()?, &options)?,
        grammar: grammar.as_ref(),
        labels: &words.labels,
        wakes: names,
        actor: Actor::new(broker(args)?),
        speaker: Speaker::new(described, args.player.as_deref(), args.answers.as_deref())?,
        as_json,
    };
    let mut result = Ok(());
    let read = source.read(conversation.assistant.sample_rate(), |piece| {
        result = conversation.hear(piece);
        result.is_ok()
    });
    result?;
    conversation.finish()?;
    read
}

fn find(labels: &[String], word: Option<&str>) -> Result<Option<usize>> {
    let Some(word) = word else { return Ok(None) };
    let found = labels
        .iter()
        .position(|label| label.eq_ignore_ascii_case(word));
    match found {
        Some(class) => Ok(Some(class)),
        None => bail!(Usage(format!(
            "the model does not know the word \"{word}\": it has {}",
            labels.join(", ")
        ))),
    }
}

fn open(path: &Path) -> Result<Grammar> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Grammar::parse(&text).map_err(|e| Usage(format!("{}: {e}", path.display())).into())
}

/// The recogniser knows every word, and messages have somewhere to go.
fn check(grammar: &Grammar, path: &Path, labels: &[String], mqtt: bool) -> Result<()> {
    let known = |word: &&str| labels.iter().any(|label| label.eq_ignore_ascii_case(word));
    if let Some(word) = grammar.words().into_iter().find(|word| !known(word)) {
        let (path, all) = (path.display(), labels.join(", "));
        bail!(Usage(format!(
            "{path}: the model does not know the word \"{word}\": it has {all}"
        )));
    }
    let publishing = grammar
        .intents()
        .iter()
        .find(|intent| intent.mqtt.is_some());
    if let Some(intent) = publishing.filter(|_| !mqtt) {
        let path = path.display();
        bail!(Usage(format!(
            "{path}: intent \"{}\" publishes a message: give --mqtt HOST:PORT",
            intent.name
        )));
    }
    Ok(())
}

fn broker(args: &Assisting) -> Result<Option<Broker>> {
    let Some(address) = args.mqtt.clone() else {
        return Ok(None);
    };
    let login = match &args.mqtt_login {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
            let Some((name, password)) = text.trim().split_once(':') else {
                bail!(Usage(format!("{}: expected NAME:PASSWORD", path.display())));
            };
            Some((name.to_owned(), password.to_owned()))
        }
    };
    Ok(Some(Broker { address, login }))
}

impl Conversation<'_> {
    fn hear(&mut self, piece: &[f32]) -> Result<()> {
        let (mut rest, mut turns) = (piece, Vec::new());
        while !rest.is_empty() {
            let taken = self.assistant.push_until(rest, &mut turns)?;
            rest = &rest[taken..];
            self.speaker.go_on(self.assistant.now())?;
            for turn in turns.drain(..) {
                self.take(turn)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, turn: Turn) -> Result<()> {
        match turn {
            Turn::Woken { at, wake } => {
                let name = &self.wakes[wake];
                self.tell(
                    at,
                    "wake",
                    &format!("wake word {name}"),
                    json!({"wake": name}),
                );
            }
            Turn::Word { at, class } => {
                let label = label(self.labels, class);
                self.tell(at, "word", &label, json!({"label": label}));
            }
            Turn::Command { at } => self.command(at)?,
            Turn::Nothing { at } => {
                self.tell(at, "nothing", "no command", json!({}));
                let answer = self.grammar.and_then(|g| g.answers.nothing.as_deref());
                self.answer(answer)?;
            }
            Turn::Stopped { at } => {
                self.speaker.hush();
                self.tell(at, "stopped", "stopped", json!({}));
            }
            Turn::BargedIn { at } => {
                self.speaker.hush();
                self.tell(at, "barged_in", "barged in", json!({}));
            }
            Turn::Answered { at } => self.tell(at, "answered", "answered", json!({})),
            _ => {}
        }
        Ok(())
    }

    fn command(&mut self, at: u64) -> Result<()> {
        let words = self.assistant.words().iter();
        let words: Vec<String> = words.map(|class| label(self.labels, *class)).collect();
        let said: Vec<&str> = words.iter().map(String::as_str).collect();
        let said_text = said.join(" ");
        let Some(grammar) = self.grammar else {
            self.tell(
                at,
                "command",
                &format!("command {said_text}"),
                json!({"words": words}),
            );
            return Ok(());
        };
        let Some(understood) = grammar.understand(&said) else {
            self.tell(
                at,
                "not_understood",
                &format!("not understood: {said_text}"),
                json!({"words": words}),
            );
            return self.answer(grammar.answers.unknown.as_deref());
        };
        let name = &understood.intent.name;
        let slots: Vec<String> = understood
            .slots
            .iter()
            .map(|(k, v)| format!(" {k}={v}"))
            .collect();
        let more = json!({"intent": name, "slots": understood.slots, "words": words});
        self.tell(
            at,
            "intent",
            &format!("intent {name}{} ({said_text})", slots.concat()),
            more,
        );
        self.actor.act(&understood);
        self.answer(understood.intent.answer.as_deref())
    }

    fn answer(&mut self, name: Option<&str>) -> Result<()> {
        if let Some(name) = name {
            let samples = self.speaker.say(name);
            self.assistant.answer(samples)?;
        }
        Ok(())
    }

    fn tell(&self, at: u64, event: &str, text: &str, more: Value) {
        super::print::line(
            at,
            self.assistant.sample_rate(),
            event,
            text,
            more,
            self.as_json,
        );
    }

    /// The sound ended: what was said so far counts.
    fn finish(mut self) -> Result<()> {
        let mut turns = Vec::new();
        self.assistant.finish(&mut turns)?;
        for turn in turns.drain(..) {
            self.take(turn)?;
        }
        self.actor.finish();
        self.speaker.finish()
    }
}

fn label(labels: &[String], class: usize) -> String {
    labels
        .get(class)
        .map_or_else(|| class.to_string(), Clone::clone)
}
