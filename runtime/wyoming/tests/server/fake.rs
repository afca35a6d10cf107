//! A task whose answers follow from the samples, so that a test knows what must be told.

use redpoll_voice::task::{Event, Task, TaskError};
use redpoll_wyoming::{Model, Services};

/// Which events it gives.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Wake,
    Vad,
    Words,
}

/// At 16 kHz: a wake word at each sample that rises above 0.9; speech while samples are above 0.1; word n at each sample
/// that rises to n / 10.
struct Fake {
    kind: Kind,
    at: u64,
    last: f32,
}

impl Task for Fake {
    fn sample_rate(&self) -> u32 {
        16_000
    }

    fn push(&mut self, samples: &[f32], events: &mut Vec<Event>) -> Result<(), TaskError> {
        for &x in samples {
            let (at, last) = (self.at, self.last);
            match self.kind {
                Kind::Wake if x > 0.9 && last <= 0.9 => {
                    events.push(Event::Wake { at, probability: x })
                }
                Kind::Vad if x > 0.1 && last <= 0.1 => events.push(Event::SpeechStart { at }),
                Kind::Vad if x <= 0.1 && last > 0.1 => events.push(Event::SpeechEnd { at }),
                Kind::Words if x > last + 0.01 => events.push(Event::Keyword {
                    at,
                    class: (x * 10.0).round() as usize,
                    probability: x,
                }),
                _ => {}
            }
            self.last = x;
            self.at += 1;
        }
        Ok(())
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), TaskError> {
        if self.kind == Kind::Vad && self.last > 0.1 {
            events.push(Event::SpeechEnd { at: self.at });
        }
        (self.at, self.last) = (0, 0.0);
        Ok(())
    }
}

fn model(name: &str, kind: Kind) -> Model {
    Model::new(name, name, move || {
        let (at, last) = (0, 0.0);
        Ok(Box::new(Fake { kind, at, last }))
    })
}

/// Two wake words, voice activity, and words "w0" to "w9".
pub fn services() -> Services {
    Services {
        wake: vec![model("loud", Kind::Wake), model("very", Kind::Wake)],
        vad: Some(model("vad", Kind::Vad)),
        transcribe: Some(model("words", Kind::Words).labels((0..10).map(|n| format!("w{n}")))),
    }
}
