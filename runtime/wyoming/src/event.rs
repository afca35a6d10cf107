//! Events: a line of JSON, more JSON, and bytes.

use std::io::{BufRead, Read, Write};

use serde_json::{Map, Value, json};

use crate::error::ProtocolError;

/// Longest parts of an event that are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the line.
    pub line: usize,
    /// Bytes of the JSON after it.
    pub data: usize,
    /// Bytes of the payload: sound.
    pub payload: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line: 64 << 10,
            data: 64 << 10,
            payload: 1 << 20,
        }
    }
}

/// An event of the protocol.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    /// Its type: `describe`, `audio-chunk`, ….
    pub kind: String,
    /// Its values.
    pub data: Map<String, Value>,
    /// Its bytes.
    pub payload: Vec<u8>,
}

impl Event {
    /// An event without bytes; `data` is an object.
    ///
    /// ```
    /// use redpoll_wyoming::Event;
    ///
    /// let mut bytes = Vec::new();
    /// Event::new("ping", serde_json::json!({"text": "a"})).write(&mut bytes).unwrap();
    /// let read = Event::read(&mut bytes.as_slice(), &Default::default()).unwrap().unwrap();
    /// assert_eq!((read.kind.as_str(), read.text("text")), ("ping", Some("a")));
    /// ```
    pub fn new(kind: &str, data: Value) -> Self {
        Self {
            kind: kind.to_owned(),
            data: match data {
                Value::Object(data) => data,
                _ => Map::new(),
            },
            payload: Vec::new(),
        }
    }

    /// A value that is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.data.get(name)?.as_str()
    }

    /// A value that is a whole number from 0 on.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.data.get(name)?.as_u64()
    }

    /// Reads the next event; `None` where the stream ends between two.
    ///
    /// # Errors
    ///
    /// [`ProtocolError::TooLong`] as soon as a length is known to be above its limit, [`ProtocolError::Malformed`],
    /// [`ProtocolError::Io`].
    pub fn read(input: &mut impl BufRead, limits: &Limits) -> Result<Option<Self>, ProtocolError> {
        let mut line = Vec::new();
        input
            .by_ref()
            .take(limits.line as u64 + 1)
            .read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        if line.pop() != Some(b'\n') {
            if line.len() >= limits.line {
                return Err(ProtocolError::TooLong {
                    what: "a line",
                    found: line.len() as u64 + 1,
                    limit: limits.line,
                });
            }
            return Err(ProtocolError::Malformed("the stream ends in a line".into()));
        }
        let mut head = object(&line)?;
        let data_length = length(&head, "data_length", "data", limits.data)?;
        let payload_length = length(&head, "payload_length", "a payload", limits.payload)?;
        let Some(Value::String(kind)) = head.remove("type") else {
            return Err(ProtocolError::Malformed("no type".into()));
        };
        let mut data = match head.remove("data") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(data)) => data,
            Some(_) => return Err(ProtocolError::Malformed("data is no object".into())),
        };
        if data_length > 0 {
            data.append(&mut object(&exactly(input, data_length)?)?);
        }
        let payload = exactly(input, payload_length)?;
        Ok(Some(Self {
            kind,
            data,
            payload,
        }))
    }

    /// Writes it.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn write(&self, output: &mut impl Write) -> std::io::Result<()> {
        let mut head = json!({"type": self.kind, "version": env!("CARGO_PKG_VERSION")});
        let mut data = Vec::new();
        if !self.data.is_empty() {
            data = serde_json::to_vec(&self.data)?;
            head["data_length"] = data.len().into();
        }
        if !self.payload.is_empty() {
            head["payload_length"] = self.payload.len().into();
        }
        let mut bytes = serde_json::to_vec(&head)?;
        bytes.push(b'\n');
        bytes.extend_from_slice(&data);
        bytes.extend_from_slice(&self.payload);
        output.write_all(&bytes)?;
        output.flush()
    }
}

fn object(bytes: &[u8]) -> Result<Map<String, Value>, ProtocolError> {
    serde_json::from_slice(bytes).map_err(|e| ProtocolError::Malformed(e.to_string()))
}

fn length(
    head: &Map<String, Value>,
    name: &str,
    what: &'static str,
    limit: usize,
) -> Result<usize, ProtocolError> {
    let found = match head.get(name) {
        None | Some(Value::Null) => 0,
        Some(value) => value
            .as_u64()
            .ok_or_else(|| ProtocolError::Malformed(format!("{name} is {value}")))?,
    };
    match usize::try_from(found) {
        Ok(n) if n <= limit => Ok(n),
        _ => Err(ProtocolError::TooLong { what, found, limit }),
    }
}

/// Exactly `n` bytes, in memory that grows as they come.
fn exactly(input: &mut impl BufRead, n: usize) -> Result<Vec<u8>, ProtocolError> {
    let mut bytes = Vec::new();
    input.by_ref().take(n as u64).read_to_end(&mut bytes)?;
    if bytes.len() < n {
        return Err(ProtocolError::Malformed(format!(
            "the stream ends after {} of {n} bytes",
            bytes.len()
        )));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::{self, BufReader, Cursor};

    use super::*;

    fn read(bytes: &[u8]) -> Result<Option<Event>, ProtocolError> {
        Event::read(&mut &*bytes, &Limits::default())
    }

    #[test]
    fn reads_what_it_writes_and_both_places_of_data() {
        let mut event = Event::new("audio-chunk", json!({"rate": 16000, "name": "é"}));
        event.payload = vec![1, 2, 10, 3];
        let mut bytes = Vec::new();
        event.write(&mut bytes).unwrap();
        Event::new("audio-stop", json!({}))
            .write(&mut bytes)
            .unwrap();
        let mut input = bytes.as_slice();
        let next = |input: &mut &[u8]| Event::read(input, &Limits::default()).unwrap();
        assert_eq!(next(&mut input), Some(event));
        assert_eq!(next(&mut input).unwrap().kind, "audio-stop");
        assert_eq!(next(&mut input), None);
        // Data in the line, data after it, and both: what comes later counts.
        let both = b"{\"type\":\"x\",\"data\":{\"a\":1,\"b\":2},\"data_length\":7}\n{\"b\":3}";
        let event = read(both).unwrap().unwrap();
        assert_eq!((event.number("a"), event.number("b")), (Some(1), Some(3)));
    }

    #[test]
    fn what_is_no_event_is_told() {
        for bad in [
            &b"\n"[..],
            b"hello\n",
            b"[]\n",
            b"{}\n",
            b"{\"type\":3}\n",
            b"{\"type\":\"x\",\"data\":[]}\n",
            b"{\"type\":\"x\",\"data_length\":-1}\n",
            b"{\"type\":\"x\",\"data_length\":1.5}\n",
            b"{\"type\":\"x\",\"payload_length\":\"9\"}\n",
            b"{\"type\":\"x\",\"data_length\":2}\n[]",
            b"{\"type\":\"x\",\"data_length\":9}\n{}",
            b"{\"type\":\"x\",\"payload_length\":9}\n12345678",
            b"{\"type\":\"x\"",
            b"\xff\xfe\n",
        ] {
            assert!(
                matches!(read(bad), Err(ProtocolError::Malformed(_))),
                "{bad:?}"
            );
        }
        // Nesting deeper than the parser goes.
        let deep = [b"{\"type\":".as_slice(), &[b'['; 50_000], b"\n"].concat();
        assert!(matches!(read(&deep), Err(ProtocolError::Malformed(_))));
    }

    /// Counts what is taken from it; never ends.
    struct Endless(u64);

    impl Read for Endless {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            out.fill(b'x');
            self.0 += out.len() as u64;
            Ok(out.len())
        }
    }

    #[test]
    fn lengths_above_the_limit_are_refused_before_they_are_read() {
        let limits = Limits::default();
        for (key, value) in [
            ("data_length", "2147483647"),
            ("payload_length", "2147483648"),
            ("payload_length", "18446744073709551615"),
            ("payload_length", "1048577"),
        ] {
            let head = format!("{{\"type\":\"x\",\"{key}\":{value}}}\n").into_bytes();
            let mut tail = Endless(0);
            let mut input = BufReader::new(Cursor::new(head).chain(&mut tail));
            let error = Event::read(&mut input, &limits).unwrap_err();
            assert!(matches!(error, ProtocolError::TooLong { .. }), "{error}");
            drop(input);
            assert_eq!(tail.0, 0, "{key} {value}");
        }
        // A line that never ends.
        let mut endless = Endless(0);
        let mut input = BufReader::new(&mut endless);
        let error = Event::read(&mut input, &limits).unwrap_err();
        assert!(matches!(
            error,
            ProtocolError::TooLong { what: "a line", .. }
        ));
        drop(input);
        assert!(endless.0 <= 2 * limits.line as u64, "{}", endless.0);
    }
}
