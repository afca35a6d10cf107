//! A page that shows the newest frame: the page itself, its picture as a stream of JPEG parts, its numbers as JSON.
//!
//! One thread a client, few clients, short requests, deadlines on every read and write. A client that is slow misses frames.

mod client;
mod request;

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};

/// Most connections at a time, and how many of them may be streams of pictures.
const MOST_CLIENTS: usize = 32;
const MOST_STREAMS: usize = 8;
/// Most threads: those of clients, and a few that tell others that all seats are taken. More are closed without a word.
const MOST_THREADS: usize = MOST_CLIENTS + 8;

/// What is shown now.
#[derive(Clone, Default)]
struct Shown {
    /// Counts pictures; 0 before the first.
    number: u64,
    jpeg: Arc<[u8]>,
    state: Arc<str>,
}

/// What clients look at.
#[derive(Default)]
struct Board {
    shown: Mutex<Shown>,
    changed: Condvar,
    threads: AtomicUsize,
    clients: AtomicUsize,
    streams: AtomicUsize,
    /// On loopback: requests for other hosts come from pages that mean to look in, and are refused.
    local: bool,
}

/// One of a limited number; given back when dropped.
struct Seat<'a>(&'a AtomicUsize);

impl<'a> Seat<'a> {
    fn take(count: &'a AtomicUsize, most: usize) -> Option<Self> {
        let taken = count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| {
            (n < most).then_some(n + 1)
        });
        taken.ok().map(|_| Self(count))
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> Arc<str> {
        Arc::clone(&self.lock().state)
    }

    /// The newest picture: the next after `last`, or after `patience` the last once more.
    fn picture(&self, last: u64, patience: Duration) -> Shown {
        let old = |shown: &mut Shown| shown.number <= last;
        let waited = self.changed.wait_timeout_while(self.lock(), patience, old);
        waited.unwrap_or_else(PoisonError::into_inner).0.clone()
    }
}

/// A page on a port.
pub struct Page {
    address: SocketAddr,
    board: Arc<Board>,
}

impl Page {
    /// Listens at `address` from now on.
    pub fn listen(address: SocketAddr) -> Result<Self> {
        let named = || format!("--serve {address}");
        let listener = TcpListener::bind(address).with_context(named)?;
        let address = listener.local_addr().with_context(named)?;
        let board = Arc::new(Board {
            local: address.ip().is_loopback(),
            ..Board::default()
        });
        let shared = Arc::clone(&board);
        std::thread::spawn(move || accept(&listener, &shared));
        Ok(Self { address, board })
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// True when someone looks at the pictures.
    pub fn is_watched(&self) -> bool {
        self.board.streams.load(Ordering::Relaxed) > 0
    }

    /// Shows a picture, or none when nobody looks, and its numbers.
    pub fn show(&self, jpeg: Option<Vec<u8>>, state: String) {
        let mut shown = self.board.lock();
        shown.state = state.into();
        if let Some(jpeg) = jpeg {
            shown.jpeg = jpeg.into();
            shown.number += 1;
            self.board.changed.notify_all();
        }
    }
}

fn accept(listener: &TcpListener, board: &Arc<Board>) {
    loop {
        let Ok((stream, _)) = listener.accept() else {
            // Say no file descriptors are left: they come back when clients go.
            std::thread::sleep(Duration::from_millis(50));
            continue;
        };
        // Counted before the next connection is taken: a flood of them makes no flood of threads.
        if board.threads.load(Ordering::Relaxed) >= MOST_THREADS {
            continue;
        }
        board.threads.fetch_add(1, Ordering::Relaxed);
        let shared = Arc::clone(board);
        let thread = std::thread::Builder::new().stack_size(256 << 10);
        let work = move || {
            let _seat = Seat(&shared.threads);
            client::serve(stream, &shared);
        };
        if thread.spawn(work).is_err() {
            // The connection is closed.
            board.threads.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// `PORT` on loopback, or `IP:PORT`.
pub fn parse_address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok(SocketAddr::from(([127, 0, 0, 1], port)));
    }
    let text = text.replacen("localhost:", "127.0.0.1:", 1);
    text.parse()
        .map_err(|_| "expected PORT or IP:PORT, say 127.0.0.1:8080".to_owned())
}
