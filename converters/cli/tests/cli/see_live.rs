//! `redpoll see --serve`: the page, its stream and its numbers, and clients that mean no good. Videos and followed things.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use redpoll_vision::Picture;
use serde_json::Value;

use crate::redpoll;
use crate::setting::{bundled, folder};

/// A running `redpoll see --serve 0`, ended with the test.
struct Live {
    child: Child,
    address: String,
    /// Kept, so that what is said later has somewhere to go.
    _stderr: BufReader<ChildStderr>,
}

impl Drop for Live {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Live {
    fn start(source: &Path, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_redpoll"))
            .args(["see", "--serve", "0", "--model"])
            .arg(bundled("fashion.onnx"))
            .arg(source)
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let mut line = String::new();
        let stderr = child.stderr.take().unwrap();
        let mut stderr = BufReader::new(stderr);
        stderr.read_line(&mut line).unwrap();
        let address = line.trim().rsplit_once("http://").expect(&line).1;
        let address = address.trim_end_matches('/').to_owned();
        Self {
            child,
            address,
            _stderr: stderr,
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream
    }

    /// Sends bytes, and reads until the end.
    fn ask(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        // Refused while it still sends: what counts is the answer.
        let _ = stream.write_all(request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn get(&self, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address);
        self.ask(request.as_bytes())
    }

    fn state(&self) -> Value {
        let begin = Instant::now();
        loop {
            let answer = self.get("/state");
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            let body = answer.split_once("\r\n\r\n").unwrap().1;
            let state: Value = serde_json::from_str(body).unwrap();
            if !state.is_null() {
                return state;
            }
            assert!(begin.elapsed() < Duration::from_secs(20), "no frame");
        }
    }

    fn watch(&self) -> BufReader<TcpStream> {
        let mut stream = self.connect();
        let request = format!("GET /stream HTTP/1.1\r\nHost: {}\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).unwrap();
        BufReader::new(stream)
    }
}

/// The next JPEG of a stream of parts.
fn part(stream: &mut impl BufRead) -> Picture {
    let mut length = 0;
    loop {
        let mut line = String::new();
        assert!(stream.read_line(&mut line).unwrap() > 0, "the stream ends");
        if let Some(n) = line.strip_prefix("Content-Length: ") {
            length = n.trim().parse().unwrap();
        } else if line == "\r\n" && length > 0 {
            let mut bytes = vec![0; length];
            stream.read_exact(&mut bytes).unwrap();
            return Picture::from_bytes(&bytes).unwrap();
        }
    }
}

/// A folder with the sample.
fn frames(name: &str) -> std::path::PathBuf {
    let dir = folder(name);
    std::fs::copy(bundled("sample.png"), dir.join("1.png")).unwrap();
    std::fs::copy(bundled("sample.png"), dir.join("2.png")).unwrap();
    dir
}

#[test]
fn the_page_its_pictures_and_its_numbers() {
    let dir = frames("see-live");
    std::fs::write(dir.join("3.png"), b"\x89PNG\r\n\x1a\n no more").unwrap();
    let live = Live::start(&dir, &["--fps", "50"]);
    assert!(live.address.starts_with("127.0.0.1:"), "{}", live.address);
    let page = live.get("/");
    assert!(page.contains("<title>redpoll see</title>") && page.contains("default-src 'self'"));
    assert!(live.get("/page.js").contains("textContent"));
    assert!(live.get("/page.css").contains("text/css"));

    let state = live.state();
    assert!(state["lines"][0].as_str().unwrap().ends_with("Ankle boot"));
    assert_eq!(state["found"][0]["name"], "Ankle boot");
    assert_eq!(state["task"], "classify");
    assert_eq!(state["size"], serde_json::json!([28, 28]));
    for part in ["decode", "pre", "model", "post", "draw"] {
        assert!(state["ms"][part].as_f64().unwrap() >= 0.0, "{state}");
    }

    // Two pictures of the stream: the sample with a label drawn on it.
    let mut stream = live.watch();
    let sample = Picture::open(&bundled("sample.png")).unwrap().to_rgb();
    for _ in 0..2 {
        let shown = part(&mut stream);
        assert_eq!((shown.width(), shown.height()), (28, 28));
        let off = shown.pixels().iter().zip(sample.pixels());
        assert!(off.filter(|(a, b)| a.abs_diff(**b) > 60).count() > 100);
    }
    // It goes on, and the damaged one is counted.
    let begin = Instant::now();
    loop {
        let later = live.state();
        if later["frame"].as_u64() > state["frame"].as_u64().map(|n| n + 6)
            && later["damaged"].as_u64() > Some(1)
            && later["fps"].as_f64() > Some(5.0)
        {
            break;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "{later}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn clients_that_mean_no_good() {
    let live = Live::start(&frames("see-hostile"), &[]);
    live.state();
    let status = |request: &[u8]| {
        let answer = live.ask(request);
        answer.split(' ').nth(1).unwrap_or("none").to_owned()
    };
    let host = format!("Host: {}\r\n", live.address);
    assert_eq!(
        status(format!("GET /no HTTP/1.1\r\n{host}\r\n").as_bytes()),
        "404"
    );
    assert_eq!(
        status(format!("GET /../page.js HTTP/1.1\r\n{host}\r\n").as_bytes()),
        "404"
    );
    assert_eq!(
        status(format!("POST / HTTP/1.1\r\n{host}\r\n").as_bytes()),
        "405"
    );
    // A page of another site, whose name was made to point here.
    assert_eq!(
        status(b"GET /state HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
        "403"
    );
    assert_eq!(status(b"GET /stream HTTP/1.1\r\n\r\n"), "403");
    assert_eq!(status(b"\xff\xff\xff\r\n\r\n"), "400");
    let long = |n: usize| [b"GET / HTTP/1.1\r\nA: ", &vec![b'x'; n][..]].concat();
    assert_eq!(status(&long(20_000)), "431");
    // So much is not read to its end, so the answer may be lost.
    let endless = status(&long(1 << 20));
    assert!(endless == "431" || endless == "none", "{endless}");

    // Streams that are never read, and connections that say nothing: others are still served, and the number is limited.
    let unread: Vec<_> = (0..8).map(|_| live.watch()).collect();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(
        status(format!("GET /stream HTTP/1.1\r\n{host}\r\n").as_bytes()),
        "503"
    );
    live.state();
    let silent: Vec<_> = (0..24).map(|_| live.connect()).collect();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(
        status(format!("GET / HTTP/1.1\r\n{host}\r\n").as_bytes()),
        "503"
    );
    // A flood of connections is no flood of threads: 40 of them at most, and the few of the command itself.
    let flood: Vec<_> = (0..200).map(|_| live.connect()).collect();
    std::thread::sleep(Duration::from_millis(300));
    if let Ok(status) = std::fs::read_to_string(format!("/proc/{}/status", live.child.id())) {
        let threads = status.lines().find_map(|l| l.strip_prefix("Threads:"));
        let threads: usize = threads.unwrap().trim().parse().unwrap();
        assert!((32..50).contains(&threads), "{threads} threads");
    }
    drop(flood);
    // The silent ones are sent away after five seconds, the others go; then there is room again.
    drop(unread);
    let begin = Instant::now();
    while status(format!("GET / HTTP/1.1\r\n{host}\r\n").as_bytes()) != "200" {
        assert!(begin.elapsed() < Duration::from_secs(15), "no room");
        std::thread::sleep(Duration::from_millis(200));
    }
    for mut stream in silent {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
    live.state();
}

/// The sample as a video of bare grey pixels, `n` frames.
fn y4m(n: usize) -> Vec<u8> {
    let sample = Picture::open(&bundled("sample.png")).unwrap();
    let grey: Vec<_> = sample.to_rgb().pixels().chunks(3).map(|p| p[0]).collect();
    let mut video = b"YUV4MPEG2 W28 H28 F30:1 Cmono\n".to_vec();
    for _ in 0..n {
        video.extend(b"FRAME\n");
        video.extend(&grey);
    }
    video
}

/// Runs the command with bytes on standard input.
fn piped(input: &[u8], more: &[&str]) -> (i32, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_redpoll"))
        .args(["see", "-", "--json", "--top", "1", "--model"])
        .arg(bundled("fashion.onnx"))
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let input = input.to_vec();
    // It may end before it has read all.
    let writer = std::thread::spawn(move || drop(pipe.write_all(&input)));
    let out = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        out.status.code().unwrap(),
        text(out.stdout),
        text(out.stderr),
    )
}

#[test]
fn videos_from_files_and_from_standard_input() {
    let dir = folder("see-video");
    let file = dir.join("boot.y4m");
    std::fs::write(&file, y4m(3)).unwrap();
    let model = bundled("fashion.onnx");
    let drawn = dir.join("drawn");
    let printed = redpoll!("see", file, "--model", model, "--draw", drawn, "--top", "1").ok();
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(
        (lines[0], lines[2], lines[4]),
        ("frame 1", "frame 2", "frame 3")
    );
    assert!(
        lines[5].ends_with("Ankle boot") && lines[6].starts_with("3 pictures"),
        "{printed}"
    );
    assert_eq!(
        Picture::open(&drawn.join("000003.png")).unwrap().width(),
        28
    );

    let (code, out, _) = piped(&y4m(4), &["--frames", "2"]);
    let lines: Vec<Value> = out
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!((code, lines.len()), (0, 3));
    assert_eq!(
        (&lines[1]["frame"], &lines[1]["file"]),
        (&2.into(), &"-".into())
    );
    assert_eq!(lines[1]["found"][0]["name"], "Ankle boot");

    let jpeg = Picture::open(&bundled("sample.png"))
        .unwrap()
        .to_jpeg(95)
        .unwrap();
    let (code, out, _) = piped(&[&jpeg[..], b"between", &jpeg].concat(), &[]);
    assert_eq!((code, out.matches("Ankle boot").count()), (0, 2), "{out}");
    // One damaged frame is told and skipped.
    let (code, out, message) = piped(&[&jpeg[..], &jpeg[..300], &jpeg].concat(), &[]);
    assert_eq!((code, out.matches("Ankle boot").count()), (4, 1), "{out}");
    assert!(
        message.contains("motion JPEG") || message.contains("damaged"),
        "{message}"
    );

    let cut = y4m(2);
    let bare = |text: &'static str| text.as_bytes();
    for (input, part) in [
        (&cut[..1000], "inside of frame 2"),
        (bare("YUV4MPEG2 W28 H28 C444\n"), "-pix_fmt yuv420p"),
        (bare("YUV4MPEG2 W60000 H60000\n"), "16384"),
        (
            bare("YUV4MPEG2 W16384 H16384 C420\nFRAME\nfew"),
            "inside of frame 1",
        ),
    ] {
        let (code, _, message) = piped(input, &[]);
        assert!(code == 4 && message.contains(part), "{code} {message}");
    }
}

#[test]
fn what_is_too_slow_drops_frames() {
    // 200 frames at once: the page shows the last, and those that came meanwhile were dropped.
    let live = {
        let mut live = Live::start(Path::new("-"), &["--json"]);
        let mut pipe = live.child.stdin.take().unwrap();
        pipe.write_all(&y4m(200)).unwrap();
        live
    };
    let mut live = live;
    let mut out = String::new();
    let mut stdout = live.child.stdout.take().unwrap();
    stdout.read_to_string(&mut out).unwrap();
    assert_eq!(live.child.wait().unwrap().code(), Some(0));
    let lines: Vec<Value> = out
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let last = lines.last().unwrap();
    assert_eq!(last["frame"], 200);
    let dropped = last["dropped"].as_u64().unwrap();
    assert_eq!(dropped as usize + lines.len(), 200);
}

#[test]
fn what_does_not_go_together_is_said() {
    let (model, sample) = (bundled("fashion.onnx"), bundled("sample.png"));
    let message = redpoll!("see", sample, "--model", model, "--track").fails(1);
    assert!(message.contains("--track follows boxes"), "{message}");
    let message = redpoll!("see", sample, "--model", model, "--serve", "somewhere").fails(1);
    assert!(message.contains("IP:PORT"), "{message}");
    let message = redpoll!(
        "see", sample, "--model", model, "--serve", "0", "--fps", "0"
    )
    .fails(1);
    assert!(message.contains("0.1 to 240"), "{message}");
    let message = redpoll!("see", "/dev/video77", "--model", model).fails(4);
    assert!(message.contains("/dev/video77"), "{message}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let message = redpoll!("see", sample, "--model", model, "--serve", port).fails(4);
    assert!(message.contains("--serve 127.0.0.1"), "{message}");
}
