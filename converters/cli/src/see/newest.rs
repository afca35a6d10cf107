//! A place for one thing, the newest: what is not taken in time is dropped, not queued.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// See the module.
pub struct Newest<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    value: Option<T>,
    dropped: u64,
    over: bool,
}

impl<T> Default for Newest<T> {
    fn default() -> Self {
        Self {
            state: Mutex::new(State {
                value: None,
                dropped: 0,
                over: false,
            }),
            changed: Condvar::new(),
        }
    }
}

impl<T> Newest<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing that holds the lock can panic in between two changes.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the next one in the place of the last.
    pub fn put(&self, value: T) {
        let mut state = self.lock();
        state.dropped += u64::from(state.value.replace(value).is_some());
        self.changed.notify_all();
    }

    /// No more come.
    pub fn end(&self) {
        self.lock().over = true;
        self.changed.notify_all();
    }

    /// Waits for the newest; `None` when no more come. With it how many were dropped so far.
    pub fn take(&self) -> Option<(T, u64)> {
        let mut state = self.lock();
        loop {
            if let Some(value) = state.value.take() {
                return Some((value, state.dropped));
            }
            if state.over {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_is_taken_and_the_others_are_counted() {
        let place = Newest::default();
        (1..=5).for_each(|n| place.put(n));
        assert_eq!(place.take(), Some((5, 4)));
        place.put(6);
        place.end();
        assert_eq!(place.take(), Some((6, 4)));
        assert_eq!(place.take(), None);
    }

    #[test]
    fn waits_for_one() {
        let place = Newest::default();
        std::thread::scope(|scope| {
            let taken = scope.spawn(|| place.take());
            place.put("here");
            assert_eq!(taken.join().ok().flatten(), Some(("here", 0)));
        });
    }
}
