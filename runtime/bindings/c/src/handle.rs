//! The session behind a pointer, with what C wants to read of it kept beside it.

use std::ffi::CString;
use std::sync::{Mutex, MutexGuard, TryLockError};

use redpoll::{Session, TensorInfo};

use crate::error::Failure;
use crate::error::redpoll_status::{REDPOLL_BUSY, REDPOLL_PANIC};

/// A loaded plan. Opaque: made by `redpoll_open` or `redpoll_load`, ended by `redpoll_close`.
#[allow(non_camel_case_types)]
pub struct redpoll_session {
    session: Mutex<Session>,
    pub(crate) inputs: Vec<Described>,
    pub(crate) outputs: Vec<Described>,
    pub(crate) tier: CString,
    pub(crate) threads: usize,
    pub(crate) arena_bytes: usize,
}

/// An input or output, in C's terms.
pub(crate) struct Described {
    pub(crate) name: CString,
    pub(crate) dims: Vec<usize>,
    pub(crate) info: TensorInfo,
}

impl Described {
    fn new(info: &TensorInfo) -> Self {
        Self {
            name: CString::new(info.name.replace('\0', " ")).unwrap_or_default(),
            dims: info.shape.clone(),
            info: info.clone(),
        }
    }
}

impl redpoll_session {
    pub(crate) fn new(session: Session) -> Self {
        Self {
            inputs: session.inputs().iter().map(Described::new).collect(),
            outputs: session.outputs().iter().map(Described::new).collect(),
            tier: CString::new(session.tier()).unwrap_or_default(),
            threads: session.threads(),
            arena_bytes: session.arena_bytes(),
            session: Mutex::new(session),
        }
    }

    /// The session, unless another thread is using it: waiting would hide a mistake.
    pub(crate) fn lock(&self) -> Result<MutexGuard<'_, Session>, Failure> {
        self.session.try_lock().map_err(|e| match e {
            TryLockError::WouldBlock => Failure::new(
                REDPOLL_BUSY,
                "another thread is inside a call with this session: make a session a thread, or a lock",
            ),
            TryLockError::Poisoned(_) => {
                Failure::new(REDPOLL_PANIC, "a bug in Redpoll broke this session: close it")
            }
        })
    }
}
