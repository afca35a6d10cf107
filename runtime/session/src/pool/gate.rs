//! The gate through which threads go to a job: one atomic word says which job it is, whether one may still join, and how many
//! are inside.
//!
//! ```text
//! word:  number of the job │ STOP │ SLEEPS │ OPEN │ threads inside (16 bits)
//! caller: write the task, then the word with OPEN … its share of the work … take OPEN away … wait for nobody inside
//! thread: see a new number, count itself in while OPEN, read the task, run it, count itself out
//! ```
//! A word costs one transfer of a cache line each way, where a lock would cost several.

use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex};

use redpoll_engine::JobPanicked;

use super::{lock, spin_until};

/// What each thread, by its number, does for a job: claims parts until none is left.
pub(super) type Task = dyn Fn(usize) + Sync;

const INSIDE: u64 = (1 << 16) - 1;
const OPEN: u64 = 1 << 16;
/// The caller sleeps until the last thread is out.
const SLEEPS: u64 = 1 << 17;
const STOP: u64 = 1 << 18;
/// Numbers of jobs count by this.
const JOB: u64 = 1 << 20;

/// See the module.
#[repr(align(128))]
pub(super) struct Gate {
    word: AtomicU64,
    /// Of the job while the gate is open or somebody inside.
    task: UnsafeCell<Option<&'static Task>>,
    panicked: AtomicBool,
    door: Mutex<()>,
    out: Condvar,
}

// SAFETY: `task` is the one field that is not Sync by itself. It is written by the one caller while the gate is closed and
// nobody is inside, and read by threads that have counted themselves in; `word` orders both.
unsafe impl Sync for Gate {}

impl Gate {
    /// Closed, nobody inside, no job yet.
    pub(super) fn new() -> Self {
        Self {
            word: AtomicU64::new(0),
            task: UnsafeCell::new(None),
            panicked: AtomicBool::new(false),
            door: Mutex::new(()),
            out: Condvar::new(),
        }
    }

    /// Runs `task` here and on as many threads as come in time; `opened` is called once the gate is open.
    ///
    /// # Safety
    /// No other call at the same time.
    pub(super) unsafe fn run(
        &self,
        task: &(dyn Fn(usize) + Sync),
        opened: impl FnOnce(),
    ) -> Result<(), JobPanicked> {
        // SAFETY: only the lifetime changes. The reference is reachable through `self.task` alone. A thread reads it after it
        // has counted itself in, which it can only while OPEN is set, and last uses it before it counts itself out. Below, OPEN
        // is taken away and this function does not return before nobody is inside; nothing in between unwinds, because
        // the call of `task` is caught and `opened` is a call of this module's parent that does not panic.
        let lent = unsafe { std::mem::transmute::<&(dyn Fn(usize) + Sync), &'static Task>(task) };
        // SAFETY: the gate is closed and nobody inside, since the last call returned, so nobody reads it.
        unsafe { *self.task.get() = Some(lent) };
        let job = self.word.load(Ordering::Relaxed) / JOB * JOB;
        self.panicked.store(false, Ordering::Relaxed);
        // Nobody else writes the word of a closed gate without anybody inside, but to stop, which drops the pool.
        self.word
            .store(job.wrapping_add(JOB) | OPEN, Ordering::SeqCst);
        opened();
        let here = catch_unwind(AssertUnwindSafe(|| task(0)));
        if self.word.fetch_and(!OPEN, Ordering::AcqRel) & INSIDE > 0 {
            self.wait_for_nobody();
        }
        if here.is_err() || self.panicked.load(Ordering::Relaxed) {
            Err(JobPanicked)
        } else {
            Ok(())
        }
    }

    fn wait_for_nobody(&self) {
        let nobody = || self.word.load(Ordering::Acquire) & INSIDE == 0;
        if spin_until(nobody) {
            return;
        }
        let mut door = lock(&self.door);
        self.word.fetch_or(SLEEPS, Ordering::AcqRel);
        // Who goes last sees SLEEPS and needs the lock to wake: it is held from here until this thread waits.
        while !nobody() {
            door = self
                .out
                .wait(door)
                .unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        self.word.fetch_and(!SLEEPS, Ordering::Relaxed);
    }

    /// Whether there is a job after number `seen`, or the end.
    pub(super) fn has_news(&self, seen: u64) -> bool {
        let word = self.word.load(Ordering::SeqCst);
        word & STOP > 0 || word / JOB != seen
    }

    /// Goes through if the gate is open, does what is to be done as `number` and comes out. Returns the number of the job,
    /// whether it came in time or not; `None` at the end.
    pub(super) fn pass(&self, number: usize) -> Option<u64> {
        let mut word = self.word.load(Ordering::Acquire);
        loop {
            if word & STOP > 0 {
                return None;
            }
            if word & OPEN == 0 {
                return Some(word / JOB);
            }
            let joined = self.word.compare_exchange_weak(
                word,
                word + 1,
                Ordering::Acquire,
                Ordering::Acquire,
            );
            match joined {
                Ok(_) => break,
                Err(now) => word = now,
            }
        }
        // SAFETY: this thread is counted in, so nobody writes the task.
        if let Some(task) = unsafe { *self.task.get() }
            && catch_unwind(AssertUnwindSafe(|| task(number))).is_err()
        {
            self.panicked.store(true, Ordering::Relaxed);
        }
        let before = self.word.fetch_sub(1, Ordering::AcqRel);
        if before & INSIDE == 1 && before & SLEEPS > 0 {
            let _door = lock(&self.door);
            self.out.notify_one();
        }
        Some(word / JOB)
    }

    /// The end of all threads.
    pub(super) fn stop(&self) {
        self.word.fetch_or(STOP, Ordering::SeqCst);
    }
}
