//! What a server offers.

use redpoll_voice::task::{Task, TaskError};
use serde_json::{Value, json};

type Open = Box<dyn Fn() -> Result<Box<dyn Task>, TaskError> + Send + Sync>;

/// A model that clients can ask for.
pub struct Model {
    /// Its name, which `detect` and `detection` carry.
    pub name: String,
    /// What one says to it, or what it is, for people.
    pub description: String,
    /// Names of the classes that its keywords have; empty for others.
    pub labels: Vec<String>,
    open: Open,
}

impl Model {
    /// A model of which `open` makes a new task for each client.
    pub fn new(
        name: impl Into<String>,
        description: impl Into<String>,
        open: impl Fn() -> Result<Box<dyn Task>, TaskError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            description: description.into(),
            labels: Vec::new(),
            open: Box::new(open),
        }
    }

    /// With the names of its classes.
    pub fn labels<S: Into<String>>(mut self, labels: impl IntoIterator<Item = S>) -> Self {
        self.labels = labels.into_iter().map(Into::into).collect();
        self
    }

    /// A new task.
    ///
    /// # Errors
    ///
    /// Those of `open`.
    pub fn open(&self) -> Result<Box<dyn Task>, TaskError> {
        (self.open)()
    }

    fn described(&self) -> Value {
        json!({
            "name": self.name,
            "description": self.description,
            "attribution": attribution(),
            "installed": true,
            "version": null,
            "languages": ["en"],
        })
    }
}

/// The models of a server.
#[derive(Default)]
pub struct Services {
    /// Wake words: tasks that give `Wake` events.
    pub wake: Vec<Model>,
    /// Voice activity: a task that gives `SpeechStart` and `SpeechEnd`.
    pub vad: Option<Model>,
    /// Transcription: a task whose `Keyword` events are the words.
    pub transcribe: Option<Model>,
}

impl Services {
    /// The data of the `info` event.
    pub fn info(&self) -> Value {
        let wake: Vec<Value> = self
            .wake
            .iter()
            .map(|model| {
                let mut described = model.described();
                described["phrase"] = model.description.as_str().into();
                described
            })
            .collect();
        let words: Vec<Value> = self.transcribe.iter().map(Model::described).collect();
        json!({
            "asr": program(words, "words of a fixed list"),
            "wake": program(wake, "wake words"),
            "tts": [], "handle": [], "intent": [], "mic": [], "snd": [],
        })
    }
}

fn attribution() -> Value {
    json!({"name": "Redpoll", "url": ""})
}

/// A list with the program of these models, or an empty one where there are none.
fn program(models: Vec<Value>, description: &str) -> Value {
    if models.is_empty() {
        return json!([]);
    }
    json!([{
        "name": "redpoll",
        "description": description,
        "attribution": attribution(),
        "installed": true,
        "version": env!("CARGO_PKG_VERSION"),
        "models": models,
    }])
}
