//! Clients that mean harm.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use redpoll_wyoming::Options;
use serde_json::json;

use crate::client::{Client, start, with_server};

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
