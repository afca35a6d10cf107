//! A socket whose every read and write ends by a moment.

use std::cell::Cell;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Until when the peer may take its time; shared by the socket and those who decide.
#[derive(Clone)]
pub(crate) struct Deadline(Rc<Cell<Instant>>);

impl Deadline {
    pub(crate) fn after(time: Duration) -> Self {
        Self(Rc::new(Cell::new(Instant::now() + time)))
    }

    pub(crate) fn set(&self, time: Duration) {
        self.0.set(Instant::now() + time);
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self.0.get().saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(late());
        }
        Ok(left)
    }
}

fn late() -> io::Error {
    io::Error::new(ErrorKind::TimedOut, "the time limit passed")
}

/// Linux tells a passed limit as `WouldBlock`.
fn plain(e: io::Error) -> io::Error {
    match e.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => late(),
        _ => e,
    }
}

/// A socket that keeps to both deadlines, however little comes at a time.
pub(crate) struct Timed {
    pub(crate) socket: TcpStream,
    pub(crate) read: Deadline,
    pub(crate) write: Deadline,
}

impl Read for Timed {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(self.read.left()?))?;
        self.socket.read(out).map_err(plain)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(self.write.left()?))?;
        self.socket.write(bytes).map_err(plain)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}
