//! One connection: a request, an answer, and the end.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use super::request::{MOST_HEAD, Request};
use super::{Board, MOST_CLIENTS, MOST_STREAMS, Seat};

/// How long a request may take to come, and a picture or a page to go.
const PATIENCE: Duration = Duration::from_secs(5);

/// Nothing but what the page brings may run in it or be asked for by it; nobody else may show it.
const HEADERS: &str = "Cache-Control: no-store\r\n\
X-Content-Type-Options: nosniff\r\n\
Referrer-Policy: no-referrer\r\n\
Cross-Origin-Resource-Policy: same-origin\r\n\
Content-Security-Policy: default-src 'self'; frame-ancestors 'none'\r\n\
Connection: close\r\n";

/// A connection on which every step ends by a moment.
struct Timed {
    stream: TcpStream,
    until: Instant,
}

impl Timed {
    fn left(&self) -> Result<Option<Duration>> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        Ok(Some(left))
    }

    fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.until = Instant::now() + PATIENCE;
        self.write_all(bytes)
    }

    fn answer(
        &mut self,
        status: (u16, &str),
        kind: &str,
        body: &[u8],
        head_only: bool,
    ) -> Result<()> {
        let (number, reason) = status;
        let head = format!(
            "HTTP/1.1 {number} {reason}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{HEADERS}\r\n",
            body.len()
        );
        let mut bytes = head.into_bytes();
        if !head_only {
            bytes.extend_from_slice(body);
        }
        self.send(&bytes)
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        self.stream.read(buffer)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.stream.set_write_timeout(self.left()?)?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> Result<()> {
        self.stream.flush()
    }
}

/// Answers one request.
pub fn serve(stream: TcpStream, board: &Board) {
    let mut client = Timed {
        stream,
        until: Instant::now() + PATIENCE,
    };
    let seat = Seat::take(&board.clients, MOST_CLIENTS);
    // A client that went away is no failure of ours.
    let _ = match seat {
        Some(_) => answer(&mut client, board),
        None => refuse(&mut client, (503, "Service Unavailable")),
    };
    // What it still says is read, a little of it, so that the answer is not lost by a reset.
    let _ = client.stream.shutdown(Shutdown::Write);
    client.until = Instant::now() + PATIENCE / 5;
    let mut rest = [0; 1024];
    for _ in 0..2 * MOST_HEAD / rest.len() {
        if !matches!(client.read(&mut rest), Ok(1..)) {
            break;
        }
    }
}

fn refuse(client: &mut Timed, status: (u16, &str)) -> Result<()> {
    let text = format!("{} {}\n", status.0, status.1);
    client.answer(status, "text/plain; charset=utf-8", text.as_bytes(), false)
}

fn answer(client: &mut Timed, board: &Board) -> Result<()> {
    let request = match Request::read(client) {
        Ok(request) => request,
        Err(status) => return refuse(client, status),
    };
    if board.local && !request.is_for_loopback() {
        return refuse(client, (403, "Forbidden"));
    }
    let state;
    let (kind, body) = match request.path.as_str() {
        "/" => ("text/html", include_str!("page.html")),
        "/page.js" => ("text/javascript", include_str!("page.js")),
        "/page.css" => ("text/css", include_str!("page.css")),
        "/state" => {
            state = board.state();
            ("application/json", &*state)
        }
        "/stream" if !request.head_only => return stream(client, board),
        _ => return refuse(client, (404, "Not Found")),
    };
    let kind = format!("{kind}; charset=utf-8");
    let body = if body.is_empty() { "null" } else { body };
    client.answer((200, "OK"), &kind, body.as_bytes(), request.head_only)
}

/// Pictures until the client goes.
fn stream(client: &mut Timed, board: &Board) -> Result<()> {
    let Some(_seat) = Seat::take(&board.streams, MOST_STREAMS) else {
        return refuse(client, (503, "Service Unavailable"));
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n{HEADERS}\r\n--frame\r\n"
    );
    client.send(head.as_bytes())?;
    // What was drawn for an earlier client is old.
    let mut last = board.lock().number;
    loop {
        let shown = board.picture(last, PATIENCE);
        if shown.jpeg.is_empty() {
            // Nothing yet: has the client gone?
            client.stream.set_nonblocking(true)?;
            let gone = matches!(client.stream.peek(&mut [0]), Ok(0));
            client.stream.set_nonblocking(false)?;
            if gone {
                return Err(Error::from(ErrorKind::ConnectionAborted));
            }
            continue;
        }
        last = shown.number;
        let length = shown.jpeg.len();
        let mut part =
            format!("Content-Type: image/jpeg\r\nContent-Length: {length}\r\n\r\n").into_bytes();
        part.extend_from_slice(&shown.jpeg);
        // The boundary at once: browsers show a part when they see its end.
        part.extend_from_slice(b"\r\n--frame\r\n");
        client.send(&part)?;
    }
}
