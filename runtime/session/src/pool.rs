//! A small pool of threads that run the parts of one step at a time.
//!
//! The calling thread takes part, so a pool for N has N − 1 threads. Each has an equal run of the parts of its own, the same
//! in every step, so that it finds in its cache what it has written before; who has done his own takes from the others. A
//! part is computed whole by one thread. A thread without work spins for at most [`SPIN`] and then sleeps: an idle pool costs
//! no CPU. Nothing is allocated after the threads are started.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use redpoll_engine::{Job, JobPanicked, Workers};

/// How long a thread waits awake for the next step. Steps that follow each other in a run come sooner; waking a
/// sleeping thread costs about as much.
const SPIN: Duration = Duration::from_micros(50);

/// Most runs that parts are divided into; threads beyond share.
const MOST_RUNS: usize = 16;

/// What each thread, by its number, does for a job: claims parts until none is left.
type Task = dyn Fn(usize) + Sync;

/// The job that is being run, and who runs it.
#[derive(Default)]
struct State {
    /// Set while threads may join in.
    task: Option<&'static Task>,
    /// Threads of the pool inside the task; none may outlive it.
    active: usize,
    /// The caller sleeps until `active` is 0.
    caller_sleeps: bool,
    panicked: bool,
    stop: bool,
}

struct Shared {
    state: Mutex<State>,
    /// Counts jobs; changed under the lock, read without it while spinning.
    epoch: AtomicU64,
    /// As `State::active`, read without the lock while spinning.
    active: AtomicUsize,
    /// Threads that sleep, or are about to.
    sleepers: AtomicUsize,
    done: Condvar,
}

/// Threads for [`Engine::run`](redpoll_engine::Engine::run).
pub struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    /// One job at a time.
    gate: Mutex<()>,
}

impl Pool {
    /// A pool that computes with `threads` threads, the caller's included; 0 means 1.
    ///
    /// # Errors
    ///
    /// The system refuses to start a thread.
    pub fn new(threads: usize) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            epoch: AtomicU64::new(0),
            active: AtomicUsize::new(0),
            sleepers: AtomicUsize::new(0),
            done: Condvar::new(),
        });
        let mut pool = Self {
            shared,
            threads: Vec::new(),
            gate: Mutex::new(()),
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

    /// Runs `task` here and on as many threads of the pool as come in time.
    fn everywhere(&self, task: &(dyn Fn(usize) + Sync)) -> Result<(), JobPanicked> {
        // SAFETY: only the lifetime changes. The reference is reachable through `State::task` alone. A thread copies it
        // out under the lock while it counts itself in `active`, and last uses it before it counts itself out. Below,
        // `task` is taken out under the lock, after which no thread can copy it, and this function does not return
        // before `active` is 0; nothing in between unwinds, because the call of `task` is caught.
        let task_for_threads =
            unsafe { std::mem::transmute::<&(dyn Fn(usize) + Sync), &'static Task>(task) };
        {
            let mut state = lock(&self.shared.state);
            state.task = Some(task_for_threads);
            state.panicked = false;
            self.shared.epoch.fetch_add(1, Ordering::SeqCst);
        }
        self.wake_sleepers();
        let here = catch_unwind(AssertUnwindSafe(|| task(0)));
        lock(&self.shared.state).task = None;
        spin_until(|| self.shared.active.load(Ordering::Acquire) == 0);
        let mut state = lock(&self.shared.state);
        while state.active > 0 {
            state.caller_sleeps = true;
            state = self
                .shared
                .done
                .wait(state)
                .unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        state.caller_sleeps = false;
        if here.is_err() || state.panicked {
            Err(JobPanicked)
        } else {
            Ok(())
        }
    }
}

impl Pool {
    /// A thread that counts itself a sleeper after this has looked sees what was changed before.
    fn wake_sleepers(&self) {
        if self.shared.sleepers.load(Ordering::SeqCst) > 0 {
            for thread in &self.threads {
                thread.thread().unpark();
            }
        }
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
        // A second job at the same time would have to wait for the first.
        let _gate = lock(&self.gate);
        let share = scratch.len() / self.count();
        let chunk_bytes = chunk_bytes.max(1);
        let runs = self.count().min(MOST_RUNS);
        let each = y.len().div_ceil(chunk_bytes).div_ceil(runs).max(1);
        let mut rest = y;
        let runs_of_parts: [_; MOST_RUNS] = std::array::from_fn(|run| {
            let bytes = each.saturating_mul(chunk_bytes).min(rest.len());
            let (own, left) = std::mem::take(&mut rest).split_at_mut(bytes);
            rest = left;
            Mutex::new((run * each..).zip(own.chunks_mut(chunk_bytes)))
        });
        let shares = Mutex::new(scratch.chunks_exact_mut(share.max(1)));
        self.everywhere(&|number| {
            let scratch = lock(&shares).next().unwrap_or_default();
            for run in 0..runs {
                let parts = &runs_of_parts[(number + run) % runs];
                loop {
                    let part = lock(parts).next();
                    let Some((index, part)) = part else { break };
                    job(index, part, scratch);
                }
            }
        })
    }

    fn wake(&self) {
        self.wake_sleepers();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        {
            let mut state = lock(&self.shared.state);
            state.stop = true;
            self.shared.epoch.fetch_add(1, Ordering::SeqCst);
        }
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
        let changed = || shared.epoch.load(Ordering::Acquire) != seen;
        // Who is woken without a job stays awake for the one that will follow.
        while !spin_until(changed) {
            shared.sleepers.fetch_add(1, Ordering::SeqCst);
            if shared.epoch.load(Ordering::SeqCst) == seen {
                thread::park();
            }
            shared.sleepers.fetch_sub(1, Ordering::SeqCst);
        }
        let task = {
            let mut state = lock(&shared.state);
            seen = shared.epoch.load(Ordering::Acquire);
            if state.stop {
                return;
            }
            // Too late when the caller and other threads did it all.
            let Some(task) = state.task else { continue };
            state.active += 1;
            shared.active.store(state.active, Ordering::Release);
            task
        };
        let result = catch_unwind(AssertUnwindSafe(|| task(number)));
        let mut state = lock(&shared.state);
        state.panicked |= result.is_err();
        state.active -= 1;
        shared.active.store(state.active, Ordering::Release);
        if state.active == 0 && state.caller_sleeps {
            shared.done.notify_one();
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
