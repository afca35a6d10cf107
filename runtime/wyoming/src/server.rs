//! Listens, and gives each client a thread.

use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::connection::Connection;
use crate::deadline::{Deadline, Timed};
use crate::error::{ProtocolError, ServerError};
use crate::event::{Event, Limits};
use crate::services::Services;

/// How a server deals with its clients.
#[derive(Clone, Debug)]
pub struct Options {
    /// Clients at a time; one more is told so and sent away.
    pub clients: usize,
    /// From the first byte of an event to its last, for an answer to be taken, and from connecting to the first event.
    pub event_time: Duration,
    /// Longest pause between two events.
    pub idle_time: Duration,
    /// Longest parts of an event.
    pub limits: Limits,
    /// Where given, the first event must be `authenticate` with it as `token`.
    pub token: Option<String>,
    /// Other machines may connect.
    pub remote: bool,
    /// Certificate and key, for encrypted connections.
    #[cfg(feature = "tls")]
    pub tls: Option<crate::Tls>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clients: 8,
            event_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(60),
            limits: Limits::default(),
            token: None,
            remote: false,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

/// What happens at a server.
#[derive(Debug)]
#[non_exhaustive]
pub enum Note<'a> {
    /// A client came.
    Opened(SocketAddr),
    /// A client was sent away: there are as many as allowed.
    Refused(SocketAddr),
    /// A client heard a wake word.
    Detected(SocketAddr, &'a str),
    /// A client went, or was sent away for this.
    Closed(SocketAddr, Option<&'a ProtocolError>),
}

/// A server that listens.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    services: Services,
    options: Options,
    stopping: Arc<AtomicBool>,
}

/// Ends a server.
#[derive(Clone, Debug)]
pub struct Stopper {
    stopping: Arc<AtomicBool>,
    address: SocketAddr,
}

impl Stopper {
    /// Ends it: clients are cut off, [`Server::run`] returns.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Wakes the listener. Where that fails it is gone already.
        let mut to = self.address;
        if to.ip().is_unspecified() {
            to.set_ip(match to {
                SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            });
        }
        let _ = TcpStream::connect_timeout(&to, Duration::from_secs(1));
    }
}

impl Server {
    /// Listens on `address`, `HOST:PORT`; port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// [`ServerError::Remote`] where other machines could connect and [`Options::remote`] is not set;
    /// [`ServerError::Bind`].
    pub fn bind(address: &str, services: Services, options: Options) -> Result<Self, ServerError> {
        let failed = |source| ServerError::Bind {
            address: address.to_owned(),
            source,
        };
        let mut found = address.to_socket_addrs().map_err(failed)?;
        let to = found
            .next()
            .ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
        if !to.ip().is_loopback() && !options.remote {
            return Err(ServerError::Remote(to));
        }
        let listener = TcpListener::bind(to).map_err(failed)?;
        Ok(Self {
            address: listener.local_addr().map_err(failed)?,
            listener,
            services,
            options,
            stopping: Arc::default(),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What ends it, for another thread.
    pub fn stopper(&self) -> Stopper {
        Stopper {
            stopping: Arc::clone(&self.stopping),
            address: self.address,
        }
    }

    /// Serves until it is stopped; `note` is told what happens, from the clients' threads.
    pub fn run(&self, note: impl Fn(Note<'_>) + Sync) {
        let (clients, note) = (Mutex::new(HashMap::new()), &note);
        thread::scope(|scope| {
            for number in 0u64.. {
                let accepted = self.listener.accept();
                if self.stopping.load(Ordering::SeqCst) {
                    break;
                }
                let Ok((socket, peer)) = accepted else {
                    // No more files may be opened, say: clients that go make room.
                    thread::sleep(Duration::from_millis(100));
                    continue;
                };
                let other = socket.try_clone();
                let Ok(other) = other.and_then(|other| self.admit(&clients).map(|()| other)) else {
                    note(Note::Refused(peer));
                    refuse(socket);
                    continue;
                };
                lock(&clients).insert(number, other);
                let clients = &clients;
                let work = move || {
                    note(Note::Opened(peer));
                    let result = self.serve(socket, &|name| note(Note::Detected(peer, name)));
                    lock(clients).remove(&number);
                    note(Note::Closed(peer, result.as_ref().err()));
                };
                let spawned = thread::Builder::new().spawn_scoped(scope, work);
                if spawned.is_err() {
                    lock(clients).remove(&number);
                    note(Note::Refused(peer));
                }
            }
            for (_, socket) in lock(&clients).drain() {
                // One that is gone already is what is wanted.
                let _ = socket.shutdown(Shutdown::Both);
            }
        });
    }

    fn admit(&self, clients: &Mutex<HashMap<u64, TcpStream>>) -> io::Result<()> {
        if lock(clients).len() >= self.options.clients {
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        Ok(())
    }

    fn serve(&self, socket: TcpStream, detected: &dyn Fn(&str)) -> Result<(), ProtocolError> {
        socket.set_nodelay(true)?;
        let time = self.options.event_time;
        let (read, write) = (Deadline::after(time), Deadline::after(time));
        let stream = Timed {
            socket,
            read: read.clone(),
            write: write.clone(),
        };
        let (services, options) = (&self.services, &self.options);
        #[cfg(feature = "tls")]
        if let Some(tls) = &options.tls {
            let stream = tls.accept(stream)?;
            return Connection::new(services, options, stream, read, write).serve(detected);
        }
        Connection::new(services, options, stream, read, write).serve(detected)
    }
}

/// Tells a client that there are as many as allowed.
fn refuse(socket: TcpStream) {
    let write = Deadline::after(Duration::from_millis(200));
    let read = write.clone();
    let data = json!({"text": "as many clients as allowed are connected", "code": "busy"});
    // It is not waited for.
    let _ = Event::new("error", data).write(&mut Timed {
        socket,
        read,
        write,
    });
}

/// A client whose thread panicked leaves the list whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
