//! A client of raw bytes, and a server to run it with.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::time::Duration;

use redpoll_wyoming::{Event, Options, Server};
use serde_json::{Value, json};

use crate::fake;

/// Runs `test` with a server, and gives back what the server noted.
pub fn with_server(options: Options, test: impl FnOnce(SocketAddr)) -> Vec<String> {
    let server = Server::bind("127.0.0.1:0", fake::services(), options).unwrap();
    let (address, stopper) = (server.address(), server.stopper());
    let notes = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        scope.spawn(|| server.run(|note| notes.lock().unwrap().push(format!("{note:?}"))));
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test(address)));
        stopper.stop();
        if let Err(why) = result {
            std::panic::resume_unwind(why);
        }
    });
    notes.into_inner().unwrap()
}

pub struct Client(pub BufReader<TcpStream>);

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        Self(BufReader::new(socket))
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).unwrap();
    }

    pub fn send(&mut self, kind: &str, data: Value) {
        Event::new(kind, data).write(self.0.get_mut()).unwrap();
    }

    pub fn sound(&mut self, rate: u32, samples: impl IntoIterator<Item = f32>) {
        let pcm = samples
            .into_iter()
            .flat_map(|x| ((x * 32767.0) as i16).to_le_bytes());
        let mut event = Event::new(
            "audio-chunk",
            json!({"rate": rate, "width": 2, "channels": 1}),
        );
        event.payload = pcm.collect();
        event.write(self.0.get_mut()).unwrap();
    }

    /// The next event; an empty one where the server closed the connection.
    pub fn next(&mut self) -> Event {
        Event::read(&mut self.0, &Default::default())
            .unwrap()
            .unwrap_or_default()
    }

    pub fn closed(&mut self) -> bool {
        // A reset is a close as well.
        self.0.fill_buf().map_or(true, <[u8]>::is_empty)
    }

    pub fn works(&mut self) {
        self.send("ping", json!({"text": "here?"}));
        let pong = self.next();
        assert_eq!(
            (&*pong.kind, pong.text("text")),
            ("pong", Some("here?")),
            "{pong:?}"
        );
    }
}

pub fn start(rate: u32) -> Value {
    json!({"rate": rate, "width": 2, "channels": 1, "timestamp": 500})
}

impl Client {
    pub fn next_or_ping(&mut self) -> Event {
        // A client that is sent away may be gone before it has written.
        let _ = Event::new("ping", json!({})).write(self.0.get_mut());
        Event::read(&mut self.0, &Default::default())
            .ok()
            .flatten()
            .unwrap_or_default()
    }
}
