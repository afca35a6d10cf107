//! A server of the Wyoming protocol: wake words, voice activity and transcription for Home Assistant and others.
//!
//! An event is a line of JSON, followed by `data_length` bytes of more JSON and `payload_length` bytes of sound where the
//! line says so. A client asks (`describe`, `detect`, `transcribe`), sends `audio-start`, `audio-chunk`s and `audio-stop`,
//! and is told what was heard as soon as it is heard.
//!
//! | wanted | use |
//! |---|---|
//! | what is offered | [`Services`] of [`Model`]s |
//! | serve it | [`Server`] with [`Options`] |
//! | end it from another thread | [`Server::stopper`] |
//! | read and write events by oneself | [`Event`], [`Limits`] |
//!
//! A thread a client, no more clients than allowed, no more memory a client than [`Limits`]: lengths are judged before
//! anything is read or allocated, and every event and every pause has a time limit.
#![forbid(unsafe_code)]

mod audio;
mod connection;
mod deadline;
mod error;
mod event;
mod hearing;
mod server;
mod services;
#[cfg(feature = "tls")]
mod tls;

pub use audio::Format;
pub use error::{ProtocolError, ServerError};
pub use event::{Event, Limits};
pub use server::{Note, Options, Server, Stopper};
pub use services::{Model, Services};
#[cfg(feature = "tls")]
pub use tls::Tls;
