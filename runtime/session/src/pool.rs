//! A small pool of threads that run the parts of one step at a time.
//!
//! The calling thread takes part, so a pool for N has N − 1 threads. Each has an equal run of the parts of its own, the same
//! in every step, so that it finds in its cache what it has written before; who has done his own takes from the others. A
//! part is computed whole by one thread. A thread without work spins for at most [`SPIN`] and then sleeps: an idle pool costs
//! no CPU. Nothing is allocated after the threads are started.

mod gate;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use gate::Gate;
use redpoll_engine::{Job, JobPanicked, Workers};

/// How long a thread waits awake for the next step. Steps that follow each other in a run come sooner; waking a
/// sleeping thread costs about as much.
const SPIN: Duration = Duration::from_micros(50);

/// Most runs that parts are divided into; threads beyond share.
const MOST_RUNS: usize = 16;

struct Shared {
    gate: Gate,
    /// Threads that sleep, or are about to.
    sleepers: AtomicUsize,
}

/// Threads for [`Engine::run`](redpoll_engine::Engine::run).
pub struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    /// One job at a time.
    turn: Mutex<()>,
}

impl Pool {
    /// A pool that computes with `threads` threads, the caller's included; 0 means 1.
    ///
    /// # Errors
    ///
    /// The system refuses to start a thread.
    pub fn new(threads: usize) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            gate: Gate::new(),
            sleepers: AtomicUsize::new(0),
        });
        let mut pool = Self {
            shared,
            threads: Vec::new(),
            turn: Mutex::new(()),
        };
        for index in 1..threads {
            let shared = Arc::clone(&pool.shared);
            let thread = thread::Builder::new()
                .name(format!("redpoll-{index}"))
                .spawn(move || work(&shared, index))?;
            pool.threads.push(thread);
        }
        Ok(pool)
    }

    /// A thread that counts itself a sleeper after this has looked sees what was changed before.
    fn wake_sleepers(&self) {
        if self.shared.sleepers.load(Ordering::SeqCst) > 0 {
            for thread in &self.threads {
                thread.thread().unpark();
            }
        }
    }
}

/// A counter on a cache line of its own.
#[repr(align(128))]
struct Next(AtomicUsize);

/// Memory that is cut into disjoint parts, by several threads.
struct Whole {
    start: *mut u8,
    length: usize,
}

// SAFETY: `Whole::part` is unsafe where parts could overlap.
unsafe impl Sync for Whole {}

impl Whole {
    fn new(bytes: &mut [u8]) -> Self {
        Self {
            start: bytes.as_mut_ptr(),
            length: bytes.len(),
        }
    }

    /// Part `index` of parts of `size` bytes; the last may be shorter, and those behind it are empty.
    ///
    /// # Safety
    /// The memory is still lent, and no part of this number is used by anybody else.
    unsafe fn part<'a>(&self, index: usize, size: usize) -> &'a mut [u8] {
        let start = index.saturating_mul(size).min(self.length);
        let length = size.min(self.length - start);
        // SAFETY: inside the memory; parts of different numbers do not overlap.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), length) }
    }
}

impl Workers for Pool {
    fn count(&self) -> usize {
        self.threads.len() + 1
    }

    fn run(
        &self,
        y: &mut [u8],
        chunk_bytes: usize,
        scratch: &mut [u8],
        job: &Job<'_>,
    ) -> Result<(), JobPanicked> {
        // A second job at the same time has to wait for the first.
        let _turn = lock(&self.turn);
        let share = scratch.len() / self.count();
        let chunk_bytes = chunk_bytes.max(1);
        let parts = y.len().div_ceil(chunk_bytes);
        let runs = self.count().min(MOST_RUNS);
        let each = parts.div_ceil(runs);
        let end = |run: usize| (run * each).min(parts);
        let next: [_; MOST_RUNS] = std::array::from_fn(|run| Next(AtomicUsize::new(end(run))));
        let (y, scratch) = (Whole::new(y), Whole::new(scratch));
        let task = |number: usize| {
            // SAFETY: each thread has another number, and the shares of all of them lie in the scratch.
            let scratch = unsafe { scratch.part(number, share) };
            for run in (number..number + runs).map(|run| run % runs) {
                let next = &next[run].0;
                // Who comes to a run that is done only looks.
                while next.load(Ordering::Relaxed) < end(run + 1) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index < end(run + 1) {
                        // SAFETY: counted once, so nobody else has this part.
                        job(index, unsafe { y.part(index, chunk_bytes) }, scratch);
                    }
                }
            }
        };
        // SAFETY: `turn` is held.
        unsafe { self.shared.gate.run(&task, || self.wake_sleepers()) }
    }

    fn wake(&self) {
        self.wake_sleepers();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.gate.stop();
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            // Panics inside tasks are caught; there is nothing to report here.
            let _ = thread.join();
        }
    }
}

/// The life of a thread of the pool.
fn work(shared: &Shared, number: usize) {
    let mut seen = 0;
    loop {
        // Who is woken without a job stays awake for the one that will follow.
        while !spin_until(|| shared.gate.has_news(seen)) {
            shared.sleepers.fetch_add(1, Ordering::SeqCst);
            if !shared.gate.has_news(seen) {
                thread::park();
            }
            shared.sleepers.fetch_sub(1, Ordering::SeqCst);
        }
        match shared.gate.pass(number) {
            Some(job) => seen = job,
            None => return,
        }
    }
}

/// Waits awake for at most [`SPIN`]; says whether `condition` came true.
fn spin_until(condition: impl Fn() -> bool) -> bool {
    if condition() {
        return true;
    }
    let start = Instant::now();
    while start.elapsed() < SPIN {
        for _ in 0..32 {
            if condition() {
                return true;
            }
            std::hint::spin_loop();
        }
    }
    condition()
}

/// A panic in a job leaves no lock's contents half changed, so poison means nothing here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    // Miri, which looks for races and dangling references in these tests, is slow.
    const ROUNDS: usize = if cfg!(miri) { 2 } else { 50 };
    const LONG: u64 = if cfg!(miri) { 10 } else { 10_000 };

    fn fill(pool: &Pool, parts: usize, work: u64) -> Vec<u8> {
        let mut y = vec![0; parts * 3 + 1];
        let mut scratch = vec![0; 8 * pool.count()];
        pool.run(&mut y, 3, &mut scratch, &|index, part, scratch| {
            assert_eq!(scratch.len(), 8);
            scratch[0] = scratch[0].wrapping_add(1);
            let mut x = index as u64 + 1;
            for _ in 0..work {
                x = std::hint::black_box(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
            }
            part.fill((x >> 56) as u8 | 1);
        })
        .unwrap();
        y
    }

    #[test]
    fn every_part_is_done_once_whatever_the_count() {
        let one = Pool::new(1).unwrap();
        let four = Pool::new(4).unwrap();
        for parts in [0, 1, 2, 7, if cfg!(miri) { 12 } else { 100 }] {
            for work in [0, LONG] {
                let expected = fill(&one, parts, work);
                assert!(expected.iter().all(|&b| b != 0));
                for _ in 0..ROUNDS {
                    assert_eq!(fill(&four, parts, work), expected);
                }
            }
        }
    }

    #[test]
    fn no_scratch_is_an_empty_slice() {
        let pool = Pool::new(2).unwrap();
        pool.run(&mut [0; 64], 1, &mut [], &|_, _, scratch| {
            assert!(scratch.is_empty())
        })
        .unwrap();
    }

    #[test]
    fn a_panic_is_an_error_and_the_pool_lives_on() {
        let pool = Pool::new(3).unwrap();
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        for _ in 0..ROUNDS {
            let result = pool.run(&mut [0; 16], 1, &mut [], &|index, _, _| {
                assert!(index != 5, "on purpose")
            });
            assert_eq!(result, Err(JobPanicked));
            pool.run(&mut [0; 16], 1, &mut [], &|_, _, _| {}).unwrap();
        }
        std::panic::set_hook(hook);
    }

    #[test]
    fn callers_take_turns() {
        let pool = Pool::new(2).unwrap();
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..ROUNDS {
                        assert!(fill(&pool, 9, 10).iter().all(|&b| b != 0));
                    }
                });
            }
        });
    }

    #[test]
    #[cfg(all(target_os = "linux", not(miri)))]
    fn an_idle_pool_sleeps() {
        let pool = Pool::new(3).unwrap();
        fill(&pool, 10, 100);
        thread::sleep(Duration::from_millis(20));
        let ticks = || -> u64 {
            let mut sum = 0;
            for task in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
                let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
                if stat.contains("(redpoll-") {
                    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
                    sum += fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
                }
            }
            sum
        };
        // Other tests of this process have pools of their own, so look for a quiet stretch.
        let quiet = (0..100).any(|_| {
            let before = ticks();
            thread::sleep(Duration::from_millis(50));
            ticks() == before
        });
        assert!(quiet, "the threads of an idle pool use CPU time");
    }
}
