//! `redpoll listen --wyoming`: real models behind the protocol, by raw sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::listen::repository;
use crate::redpoll;

/// A running server.
struct Serving {
    child: Child,
    address: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself, which the test has seen then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(arguments: &[&std::ffi::OsStr]) -> Serving {
    let mut child = Command::new(env!("CARGO_BIN_EXE_redpoll"))
        .args(["listen", "--wyoming", "0", "--json"])
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut line = String::new();
    let mut printed = BufReader::new(child.stdout.take().expect("piped"));
    printed.read_line(&mut line).expect("a line");
    // What it tells later is read, so that it never waits for a reader.
    std::thread::spawn(move || std::io::copy(&mut printed, &mut std::io::sink()));
    let told: Value = serde_json::from_str(&line).expect("JSON");
    let address = told["address"].as_str().expect("an address").to_owned();
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    Serving { child, address }
}

fn send(socket: &mut TcpStream, mut head: Value, payload: &[u8]) {
    head["payload_length"] = payload.len().into();
    socket.write_all(format!("{head}\n").as_bytes()).unwrap();
    socket.write_all(payload).unwrap();
}

/// Sends sound after `request`, a tenth of a second at a time, and gives the events that come until the server closes.
fn ask(address: &str, request: Value, rate: u32, pcm: &[u8]) -> Vec<(String, Value)> {
    let mut socket = TcpStream::connect(address).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let form = json!({"rate": rate, "width": 2, "channels": 1});
    send(&mut socket, request, &[]);
    send(
        &mut socket,
        json!({"type": "audio-start", "data": form}),
        &[],
    );
    for part in pcm.chunks(rate as usize / 10 * 2) {
        send(
            &mut socket,
            json!({"type": "audio-chunk", "data": form}),
            part,
        );
    }
    send(&mut socket, json!({"type": "audio-stop"}), &[]);
    socket.shutdown(std::net::Shutdown::Write).unwrap();
    let mut input = BufReader::new(socket);
    let mut events = Vec::new();
    let mut line = String::new();
    while input.read_line(&mut line).unwrap() > 0 {
        let head: Value = serde_json::from_str(&line).unwrap();
        let mut data = vec![0; head["data_length"].as_u64().unwrap_or(0) as usize];
        input.read_exact(&mut data).unwrap();
        let data = if data.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&data).unwrap()
        };
        events.push((head["type"].as_str().unwrap().to_owned(), data));
        line.clear();
    }
    events
}

/// Samples of 16 bits of a WAV file with the usual header.
fn pcm(path: &Path) -> (u32, Vec<u8>) {
    let wav = std::fs::read(path).unwrap();
    assert_eq!(&wav[36..40], b"data");
    let rate = u32::from_le_bytes([wav[24], wav[25], wav[26], wav[27]]);
    (rate, wav[44..].to_vec())
}

/// Samples of 16 bits at 16 kHz of any recording.
fn mono(path: &Path) -> Vec<u8> {
    let mut out = Vec::new();
    redpoll_voice::audio::read_file(path, 16_000, |piece| {
        let samples = piece.iter().map(|x| (x * 32768.0) as i16);
        out.extend(samples.flat_map(i16::to_le_bytes));
        true
    })
    .unwrap();
    out
}

#[test]
fn bundled_digits_are_transcribed_for_several_clients_at_once() {
    let model = repository("models/digits/digits.onnx");
    let serving = serve(&["--words".as_ref(), model.as_os_str()]);
    let (rate, sound) = pcm(&repository("models/digits/sample.wav"));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let told = ask(
                    &serving.address,
                    json!({"type": "transcribe"}),
                    rate,
                    &sound,
                );
                let text = json!({"text": "four two seven zero"});
                assert_eq!(told, [("transcript".to_owned(), text)]);
            });
        }
    });
}

#[test]
fn alexa_is_detected_and_speech_is_told() {
    let files = [
        "models/wake/mww_alexa_int8.tflite",
        "models/vad/silero_vad_16k_op15_f32.onnx",
        "data/vad15/testset-audio-03.wav",
        "data/wake/alexa/0.flac",
    ];
    let Some([wake, vad, speech, alexa]) = crate::listen::all(files) else {
        return;
    };
    let named = format!("alexa={}", wake.display());
    let serving = serve(&[
        "--wake".as_ref(),
        named.as_ref(),
        "--vad".as_ref(),
        vad.as_os_str(),
    ]);
    let word = mono(&alexa);
    // The word, then what the command hears in the same file: the same edges.
    let told = ask(
        &serving.address,
        json!({"type": "detect", "data": {"names": ["alexa"]}}),
        16_000,
        &word,
    );
    assert_eq!(
        told.iter().filter(|(kind, _)| kind == "detection").count(),
        1,
        "{told:?}"
    );
    let sound = mono(&speech);
    let told = ask(
        &serving.address,
        json!({"type": "describe"}),
        16_000,
        &sound,
    );
    assert_eq!(told[0].0, "info");
    assert_eq!(told[0].1["wake"][0]["models"][0]["name"], "alexa");
    assert!(told.iter().any(|(kind, _)| kind == "not-detected"));
    let edges: Vec<u64> = told
        .iter()
        .filter(|(kind, _)| kind.starts_with("voice-"))
        .map(|(_, data)| data["timestamp"].as_u64().unwrap())
        .collect();
    let printed = redpoll!("listen", speech, "--task", "vad", "--model", vad, "--json").ok();
    let want: Vec<u64> = printed
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|event| (event["t"].as_f64().unwrap() * 1000.0).round() as u64)
        .collect();
    assert_eq!(edges, want);
}

#[test]
fn what_cannot_be_served_is_told() {
    let model = repository("models/digits/digits.onnx");
    let folder = crate::setting::folder("wyoming");
    let empty = folder.join("token");
    std::fs::write(&empty, "\n").unwrap();
    let words = |more: &[&std::ffi::OsStr]| {
        let mut all: Vec<&std::ffi::OsStr> =
            ["listen", "--words"].map(std::ffi::OsStr::new).to_vec();
        all.push(model.as_os_str());
        all.extend(more);
        crate::setting::redpoll(&all)
    };
    let os = std::ffi::OsStr::new;
    assert!(
        redpoll!("listen", "--wyoming", "0")
            .fails(1)
            .contains("--wake, --vad, --words")
    );
    assert!(redpoll!("listen").fails(1).contains("--task"));
    assert!(
        words(&[os("--wyoming"), os("0.0.0.0:0")])
            .fails(1)
            .contains("--allow-remote")
    );
    assert!(
        words(&[os("--wyoming"), os("127.0.0.1:x")])
            .fails(4)
            .contains("127.0.0.1:x")
    );
    assert!(
        words(&[
            os("--wyoming"),
            os("0"),
            os("--token-file"),
            empty.as_os_str()
        ])
        .fails(1)
        .contains("expected a token")
    );
    let twice = redpoll!("listen", "--wyoming", "0", "--wake", model);
    assert!(twice.fails(1).contains("[1, frames, 40]"));
    if cfg!(not(feature = "tls")) {
        let pem = [
            os("--wyoming"),
            os("0"),
            os("--tls-cert"),
            os("a.pem"),
            os("--tls-key"),
            os("b.pem"),
        ];
        assert!(words(&pem).fails(1).contains("cargo feature tls"));
    } else {
        let pem = [
            os("--wyoming"),
            os("0"),
            os("--tls-cert"),
            os("a.pem"),
            os("--tls-key"),
            os("b.pem"),
        ];
        assert!(words(&pem).fails(4).contains("a.pem"));
    }
}

/// A certificate for 127.0.0.1 by the program openssl, and the same program as the client.
#[cfg(feature = "tls")]
#[test]
fn encrypted_connections() {
    let folder = crate::setting::folder("wyoming-tls");
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
        ])
        .args(["-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&cert)
        .output();
    let Ok(made) = made else {
        eprintln!("skipped: openssl is not present");
        return;
    };
    assert!(made.status.success(), "{made:?}");
    let model = repository("models/digits/digits.onnx");
    let serving = serve(&[
        "--words".as_ref(),
        model.as_os_str(),
        "--tls-cert".as_ref(),
        cert.as_os_str(),
        "--tls-key".as_ref(),
        key.as_os_str(),
    ]);
    let mut client = Command::new("openssl")
        .args([
            "s_client",
            "-quiet",
            "-verify_return_error",
            "-connect",
            &serving.address,
            "-CAfile",
        ])
        .arg(&cert)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = client.stdin.take().unwrap();
    input
        .write_all(b"{\"type\":\"ping\",\"data\":{\"text\":\"secret\"}}\n")
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(client.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    assert!(line.contains("\"pong\""), "{line}");
    client.kill().unwrap();
    client.wait().unwrap();
    // Who speaks plainly is sent away, and the next is served.
    let mut plain = TcpStream::connect(&serving.address).unwrap();
    plain.write_all(b"{\"type\":\"ping\"}\n").unwrap();
    let mut told = Vec::new();
    // A reset is an end as well.
    let _ = plain.read_to_end(&mut told);
    assert!(!told.windows(4).any(|w| w == b"pong"));
    // A key that is none.
    let wrong = redpoll!(
        "listen",
        "--wyoming",
        "0",
        "--words",
        model,
        "--tls-cert",
        cert,
        "--tls-key",
        cert
    );
    assert!(wrong.fails(4).contains("cert.pem"));
}
