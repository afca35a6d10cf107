//! The server with raw sockets: what clients are told, and what those get that mean harm.

mod client;
mod fake;
mod hostile;

use std::io::Read;
use std::time::Duration;

use redpoll_wyoming::{Event, Options, Server, ServerError};
use serde_json::{Value, json};

use client::{Client, start, with_server};

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
