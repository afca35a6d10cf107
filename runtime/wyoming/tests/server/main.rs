//! The server with raw sockets: what clients are told, and what those get that mean harm.

mod fake;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use redpoll_wyoming::{Event, Options, Server, ServerError};
use serde_json::{Value, json};

/// Runs `test` with a server, and gives back what the server noted.
fn with_server(options: Options, test: impl FnOnce(SocketAddr)) -> Vec<String> {
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

struct Client(BufReader<TcpStream>);

impl Client {
    fn new(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        Self(BufReader::new(socket))
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).unwrap();
    }

    fn send(&mut self, kind: &str, data: Value) {
        Event::new(kind, data).write(self.0.get_mut()).unwrap();
    }

    fn sound(&mut self, rate: u32, samples: impl IntoIterator<Item = f32>) {
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
    fn next(&mut self) -> Event {
        Event::read(&mut self.0, &Default::default())
            .unwrap()
            .unwrap_or_default()
    }

    fn closed(&mut self) -> bool {
        // A reset is a close as well.
        self.0.fill_buf().map_or(true, <[u8]>::is_empty)
    }

    fn works(&mut self) {
        self.send("ping", json!({"text": "here?"}));
        let pong = self.next();
        assert_eq!(
            (&*pong.kind, pong.text("text")),
            ("pong", Some("here?")),
            "{pong:?}"
        );
    }
}

fn start(rate: u32) -> Value {
    json!({"rate": rate, "width": 2, "channels": 1, "timestamp": 500})
}

#[test]
fn a_client_is_told_what_it_asks_for() {
    let notes = with_server(Options::default(), |address| {
        let mut client = Client::new(address);
        client.works();
        client.send("describe", json!({}));
        let info = client.next();
        assert_eq!(info.kind, "info");
        assert_eq!(info.data["wake"][0]["models"][1]["name"], "very");
        assert_eq!(info.data["asr"][0]["models"][0]["name"], "words");
        // Half a second of silence, then loud: told while the sound goes on.
        client.send("detect", json!({"names": ["loud"]}));
        client.send("audio-start", start(16_000));
        client.sound(16_000, vec![0.0; 8000]);
        client.sound(16_000, vec![0.95; 100]);
        let detection = client.next();
        assert_eq!(detection.kind, "detection");
        assert_eq!(
            Value::Object(detection.data),
            json!({"name": "loud", "timestamp": 1000})
        );
        assert_eq!(
            client.next(),
            Event::new("voice-started", json!({"timestamp": 1000}))
        );
        client.sound(16_000, vec![0.0; 160]);
        assert_eq!(
            client.next(),
            Event::new("voice-stopped", json!({"timestamp": 1006}))
        );
        client.send("audio-stop", json!({}));
        // A second stream on the same connection; nothing asked: both wake words.
        client.send("audio-start", start(16_000));
        client.sound(16_000, vec![0.95; 100]);
        let told: Vec<Event> = (0..3).map(|_| client.next()).collect();
        let names: Vec<_> = told.iter().map(|e| e.text("name")).collect();
        assert_eq!(names, [Some("loud"), Some("very"), None]);
        client.send("audio-stop", json!({}));
        assert_eq!(client.next().kind, "voice-stopped");
        client.send("detect", json!({}));
        client.send("audio-start", start(16_000));
        client.sound(16_000, vec![0.05; 100]);
        client.send("audio-stop", json!({}));
        assert_eq!(client.next().kind, "not-detected");
        // Words, at another rate and in stereo of three bytes.
        client.send("transcribe", json!({"language": "en"}));
        let form = json!({"rate": 48000, "width": 3, "channels": 2});
        client.send("audio-start", form.clone());
        let mut event = Event::new("audio-chunk", form);
        let steps = [0.3f32, 0.0, 0.7, 0.2]
            .into_iter()
            .flat_map(|x| vec![x; 9600]);
        for x in steps {
            let bytes = ((x * 8_388_607.0) as i32).to_le_bytes();
            event
                .payload
                .extend_from_slice(&[&bytes[..3], &bytes[..3]].concat());
        }
        event.write(client.0.get_mut()).unwrap();
        client.send("audio-stop", json!({}));
        let text = loop {
            let event = client.next();
            if event.kind == "transcript" {
                break event.text("text").unwrap().to_owned();
            }
            assert!(event.kind.starts_with("voice-"), "{event:?}");
        };
        // The resampler rings at each step: the words on the way to a step are other than its own.
        assert!(
            text.starts_with('w') && text.contains("w3") && text.contains("w7"),
            "{text}"
        );
        // Events that it does not know, and a stop without a start, are left alone.
        client.send("select-program", json!({"name": "redpoll"}));
        client.send("audio-stop", json!({}));
        client.works();
    });
    assert!(
        notes
            .iter()
            .any(|note| note.contains("Detected") && note.contains("loud")),
        "{notes:?}"
    );
}

#[test]
fn an_unknown_wake_word_is_told_and_no_other_is_heard_instead() {
    with_server(Options::default(), |address| {
        let mut client = Client::new(address);
        client.send("detect", json!({"names": ["hal"]}));
        let error = client.next();
        assert!(
            error
                .text("text")
                .unwrap()
                .contains("\"hal\": there are loud, very")
        );
        client.send("audio-start", start(16_000));
        client.sound(16_000, vec![0.95; 100]);
        assert_eq!(client.next().kind, "voice-started");
        client.send("audio-stop", json!({}));
        assert_eq!(client.next().kind, "voice-stopped");
        assert_eq!(client.next().kind, "not-detected");
    });
}

#[test]
fn clients_at_once_do_not_hear_each_other() {
    with_server(Options::default(), |address| {
        std::thread::scope(|scope| {
            for number in 0..8u32 {
                scope.spawn(move || {
                    let mut client = Client::new(address);
                    client.send("detect", json!({"names": ["very"]}));
                    client.send(
                        "audio-start",
                        json!({"rate": 16000, "width": 2, "channels": 1}),
                    );
                    for _ in 0..number {
                        client.sound(16_000, vec![0.0; 1600]);
                    }
                    client.sound(16_000, [0.95; 10]);
                    let detection = client.next();
                    assert_eq!(detection.number("timestamp"), Some(100 * u64::from(number)));
                });
            }
        });
    });
}

#[test]
fn more_clients_than_allowed_are_sent_away_and_room_comes_back() {
    let options = Options {
        clients: 2,
        ..Options::default()
    };
    let notes = with_server(options, |address| {
        let (mut first, mut second) = (Client::new(address), Client::new(address));
        first.works();
        second.works();
        let mut third = Client::new(address);
        assert_eq!(third.next().text("code"), Some("busy"));
        assert!(third.closed());
        drop(first);
        let mut tries = 0;
        // Its thread needs a moment to see that it went.
        while Client::new(address).next_or_ping().kind != "pong" {
            tries += 1;
            assert!(tries < 100);
            std::thread::sleep(Duration::from_millis(20));
        }
        second.works();
    });
    assert!(
        notes.iter().any(|note| note.starts_with("Refused")),
        "{notes:?}"
    );
}

impl Client {
    fn next_or_ping(&mut self) -> Event {
        // A client that is sent away may be gone before it has written.
        let _ = Event::new("ping", json!({})).write(self.0.get_mut());
        Event::read(&mut self.0, &Default::default())
            .ok()
            .flatten()
            .unwrap_or_default()
    }
}

#[test]
fn garbage_and_wrong_lengths_are_told_and_the_connection_ends() {
    let notes = with_server(Options::default(), |address| {
        let noise: Vec<u8> = (0..5000u32).map(|i| ((i * i) >> 3) as u8 | 1).collect();
        let chunk =
            "{\"type\":\"audio-chunk\",\"data\":{\"rate\":16000,\"width\":2,\"channels\":1},";
        let cases = [
            (noise, "malformed"),
            (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), "malformed"),
            (vec![b' '; 70_000], "too-long"),
            (
                b"{\"type\":\"x\",\"data_length\":2147483647}\n{".to_vec(),
                "too-long",
            ),
            (
                format!("{chunk}\"payload_length\":2147483648}}\n..").into_bytes(),
                "too-long",
            ),
            (
                format!("{chunk}\"payload_length\":3}}\n123").into_bytes(),
                "audio",
            ),
            (
                b"{\"type\":\"audio-start\",\"data\":{\"rate\":7}}\n".to_vec(),
                "audio",
            ),
        ];
        for (bytes, code) in cases {
            let mut client = Client::new(address);
            client.bytes(&bytes);
            // Bytes that never become a line are judged when the client stops sending.
            client
                .0
                .get_ref()
                .shutdown(std::net::Shutdown::Write)
                .unwrap();
            let error = client.next();
            assert_eq!(
                (&*error.kind, error.text("code")),
                ("error", Some(code)),
                "{error:?}"
            );
            assert!(client.closed());
        }
        // Sound that changes its form on the way.
        let mut client = Client::new(address);
        client.send("audio-start", start(16_000));
        client.sound(8_000, [0.0; 10]);
        assert!(client.next().text("text").unwrap().contains("goes on as"));
        Client::new(address).works();
    });
    assert!(
        !notes.iter().any(|note| note.contains("Refused")),
        "{notes:?}"
    );
}

#[test]
fn who_sends_nothing_or_too_slowly_is_cut_off() {
    let options = Options {
        event_time: Duration::from_millis(300),
        idle_time: Duration::from_millis(600),
        ..Options::default()
    };
    with_server(options, |address| {
        let limit = Duration::from_secs(10);
        let begin = Instant::now();
        let mut silent = Client::new(address);
        // Idle after an event: longer than before the first.
        let mut idle = Client::new(address);
        idle.works();
        // A byte now and then: each comes in time, the event does not.
        let mut slow = Client::new(address);
        let mut sent = 0;
        for byte in b"{\"type\":\"ping\",\"data\":{\"text\":\"drip\"}}\n"
            .iter()
            .cycle()
        {
            if slow.0.get_mut().write_all(&[*byte]).is_err() || sent > 400 {
                break;
            }
            sent += 1;
            std::thread::sleep(Duration::from_millis(25));
        }
        assert!(sent < 60, "{sent}");
        assert_eq!(silent.next().text("code"), Some("connection"));
        assert!(silent.closed());
        assert!(idle.next().text("text").unwrap().contains("time limit"));
        assert!(idle.closed() && begin.elapsed() < limit);
        // One who asks much and reads nothing: the server's writes end as well.
        let mut deaf = TcpStream::connect(address).unwrap();
        deaf.set_write_timeout(Some(limit)).unwrap();
        let ping = format!(
            "{{\"type\":\"ping\",\"data\":{{\"text\":\"{}\"}}}}\n",
            "x".repeat(60_000)
        );
        let begin = Instant::now();
        while deaf.write_all(ping.as_bytes()).is_ok() {
            assert!(begin.elapsed() < limit);
        }
        Client::new(address).works();
    });
}

#[test]
fn a_token_must_come_first() {
    let options = Options {
        token: Some("sesame".into()),
        ..Options::default()
    };
    with_server(options, |address| {
        for (kind, data) in [
            ("ping", json!({})),
            ("describe", json!({"token": "sesame"})),
            ("authenticate", json!({})),
            ("authenticate", json!({"token": "sesamf"})),
            ("authenticate", json!({"token": "sesame2"})),
        ] {
            let mut client = Client::new(address);
            client.send(kind, data);
            assert_eq!(client.next().text("code"), Some("token"));
            assert!(client.closed());
        }
        let mut client = Client::new(address);
        client.send("authenticate", json!({"token": "sesame"}));
        client.works();
    });
}

#[test]
fn other_machines_only_where_allowed() {
    let bind = |address: &str, remote| {
        let options = Options {
            remote,
            ..Options::default()
        };
        Server::bind(address, fake::services(), options).map(|server| server.address())
    };
    assert!(matches!(
        bind("0.0.0.0:0", false),
        Err(ServerError::Remote(_))
    ));
    assert!(bind("0.0.0.0:0", true).is_ok());
    assert!(bind("localhost:0", false).unwrap().ip().is_loopback());
    let taken = bind_twice();
    assert!(taken.contains("127.0.0.1:"), "{taken}");
    assert!(matches!(
        bind("no port", false),
        Err(ServerError::Bind { .. })
    ));
}

fn bind_twice() -> String {
    let server = Server::bind("127.0.0.1:0", fake::services(), Options::default()).unwrap();
    let address = server.address().to_string();
    let again = Server::bind(&address, fake::services(), Options::default());
    again.err().map(|e| e.to_string()).unwrap_or_default()
}

#[test]
fn stopping_cuts_clients_off() {
    let server = Server::bind("127.0.0.1:0", fake::services(), Options::default()).unwrap();
    let (address, stopper) = (server.address(), server.stopper());
    std::thread::scope(|scope| {
        let running = scope.spawn(move || server.run(|_| {}));
        let mut client = Client::new(address);
        client.works();
        stopper.stop();
        running.join().unwrap();
        let mut rest = Vec::new();
        // Cut off: the end of the stream or a reset.
        let _ = client.0.read_to_end(&mut rest);
        assert!(rest.is_empty());
    });
}
