//! Watching a run from outside.

use redpoll_plan::Step;

/// Is told about every step: for profiles and for looking at single layers.
pub trait Observer {
    /// A step is about to run.
    fn before(&mut self, step: &Step<'_>) {
        let _ = step;
    }

    /// A step has run; its result is in `arena` until a later step reuses the memory.
    fn after(&mut self, step: &Step<'_>, arena: &[u8]) {
        let _ = (step, arena);
    }
}
