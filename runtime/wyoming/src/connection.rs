//! One client, from its first event to its last.

use std::io::{BufRead, BufReader, Read, Write};
use std::time::Duration;

use serde_json::json;

use crate::audio::Format;
use crate::deadline::Deadline;
use crate::error::ProtocolError;
use crate::event::Event;
use crate::hearing::{Hearing, Wanted};
use crate::server::Options;
use crate::services::Services;

/// How long a client that must go is listened to, so that it hears why.
const LINGER: Duration = Duration::from_millis(300);
/// Bytes that are taken from it meanwhile.
const MOST_DRAINED: u64 = 4 << 20;

/// A client.
pub(crate) struct Connection<'a, S> {
    services: &'a Services,
    options: &'a Options,
    stream: BufReader<S>,
    read: Deadline,
    write: Deadline,
    /// It brought the token, or needs none.
    trusted: bool,
    wanted: Wanted,
    hearing: Option<Hearing<'a>>,
}

impl<'a, S: Read + Write> Connection<'a, S> {
    pub(crate) fn new(
        services: &'a Services,
        options: &'a Options,
        stream: S,
        read: Deadline,
        write: Deadline,
    ) -> Self {
        Self {
            services,
            options,
            stream: BufReader::with_capacity(16 << 10, stream),
            read,
            write,
            trusted: options.token.is_none(),
            wanted: Wanted::All,
            hearing: None,
        }
    }

    /// Serves until the client goes or must go; `detected` is told the names of wake words.
    pub(crate) fn serve(mut self, detected: &dyn Fn(&str)) -> Result<(), ProtocolError> {
        let mut pause = self.options.event_time;
        loop {
            self.read.set(pause);
            let result = match self.stream.fill_buf() {
                Ok([]) => return Ok(()),
                Ok(_) => self.next(detected),
                Err(e) => Err(e.into()),
            };
            match result {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(e) => {
                    let data = json!({"text": e.to_string(), "code": e.code()});
                    // It may be gone already.
                    if self.send(&Event::new("error", data)).is_ok() {
                        self.drain();
                    }
                    return Err(e);
                }
            }
            pause = self.options.idle_time;
        }
    }

    /// Takes what is on its way, for a moment: closing with bytes unread would take the last event from the client.
    fn drain(&mut self) {
        self.read.set(LINGER);
        let rest = (&mut self.stream).take(MOST_DRAINED);
        // However it ends, it is over.
        let _ = std::io::copy(&mut { rest }, &mut std::io::sink());
    }

    fn send(&mut self, event: &Event) -> Result<(), ProtocolError> {
        self.write.set(self.options.event_time);
        Ok(event.write(self.stream.get_mut())?)
    }

    /// The next event, whose first byte is there.
    fn next(&mut self, detected: &dyn Fn(&str)) -> Result<bool, ProtocolError> {
        self.read.set(self.options.event_time);
        let Some(event) = Event::read(&mut self.stream, &self.options.limits)? else {
            return Ok(false);
        };
        if !self.trusted {
            return self.authenticate(&event);
        }
        match event.kind.as_str() {
            "describe" => self.send(&Event::new("info", self.services.info()))?,
            "ping" => self.send(&Event::new("pong", json!({"text": event.text("text")})))?,
            "detect" => self.detect(&event)?,
            "transcribe" => self.transcribe()?,
            "audio-start" => {
                self.stop(detected)?;
                self.start(&event)?;
            }
            "audio-chunk" => self.chunk(&event, detected)?,
            "audio-stop" => self.stop(detected)?,
            // What a server does not know it leaves alone.
            _ => {}
        }
        Ok(true)
    }

    fn authenticate(&mut self, event: &Event) -> Result<bool, ProtocolError> {
        let wanted = self.options.token.as_deref().unwrap_or_default();
        let given = event.text("token").unwrap_or_default();
        if event.kind != "authenticate" || !same(wanted.as_bytes(), given.as_bytes()) {
            return Err(ProtocolError::Token);
        }
        self.trusted = true;
        Ok(true)
    }

    fn detect(&mut self, event: &Event) -> Result<(), ProtocolError> {
        let names = event.data.get("names").and_then(|names| names.as_array());
        let mut wanted = Vec::new();
        for name in names.into_iter().flatten().filter_map(|name| name.as_str()) {
            if self.services.wake.iter().any(|model| model.name == name) {
                wanted.push(name.to_owned());
            } else {
                let known: Vec<&str> = self.services.wake.iter().map(|m| &*m.name).collect();
                let text = format!("no wake word \"{name}\": there are {}", known.join(", "));
                self.send(&Event::new("error", json!({"text": text, "code": "name"})))?;
                // Never every wake word instead of one that is unknown.
                wanted.push(String::new());
            }
        }
        self.wanted = Wanted::Wake(wanted);
        Ok(())
    }

    fn transcribe(&mut self) -> Result<(), ProtocolError> {
        if self.services.transcribe.is_none() {
            let data = json!({"text": "no model for transcription", "code": "service"});
            self.send(&Event::new("error", data))?;
        }
        self.wanted = Wanted::Transcript;
        Ok(())
    }

    fn start(&mut self, event: &Event) -> Result<(), ProtocolError> {
        let format = Format::of(event)?;
        let wanted = std::mem::take(&mut self.wanted);
        let from_ms = event.number("timestamp").unwrap_or(0);
        self.hearing = Some(Hearing::new(self.services, wanted, format, from_ms)?);
        Ok(())
    }

    fn chunk(&mut self, event: &Event, detected: &dyn Fn(&str)) -> Result<(), ProtocolError> {
        if self.hearing.is_none() {
            self.start(event)?;
        }
        let found = Format::of(event)?;
        let Some(mut hearing) = self.hearing.take() else {
            return Ok(());
        };
        if found != hearing.format {
            let text = format!(
                "the sound began as {:?} and goes on as {found:?}",
                hearing.format
            );
            return Err(ProtocolError::Audio(text));
        }
        hearing.hear(&event.payload, |event| self.told(&event, detected))?;
        self.hearing = Some(hearing);
        Ok(())
    }

    fn stop(&mut self, detected: &dyn Fn(&str)) -> Result<(), ProtocolError> {
        match self.hearing.take() {
            Some(hearing) => hearing.finish(|event| self.told(&event, detected)),
            None => Ok(()),
        }
    }

    fn told(&mut self, event: &Event, detected: &dyn Fn(&str)) -> Result<(), ProtocolError> {
        if event.kind == "detection" {
            detected(event.text("name").unwrap_or_default());
        }
        self.send(event)
    }
}

/// Compares in a time that does not tell where they differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    let differing = a.iter().zip(b).fold(0, |sum, (a, b)| sum | (a ^ b));
    a.len() == b.len() && differing == 0
}
