//! Who computes the parts of a step.

/// A job that was split into parts panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobPanicked;

/// One part of a job: index of the part, its bytes of the result, the scratch of the worker that runs it.
pub type Job<'a> = dyn Fn(usize, &mut [u8], &mut [u8]) + Sync + 'a;

/// Runs the parts of a step, on one thread or on several.
///
/// Each part is computed whole by one worker from the same inputs, so neither the number of workers nor the order
/// of the parts changes the result.
pub trait Workers {
    /// How many parts can run at the same time, at least 1. The scratch of a run is this many times that of a step.
    fn count(&self) -> usize;

    /// Calls `job(i, part i of y, scratch)` once for each part of `chunk_bytes` of `y` (the last may be shorter) and
    /// returns when all are done. `scratch` is divided evenly: no two parts that run at the same time share any.
    ///
    /// # Errors
    ///
    /// [`JobPanicked`] when a part panicked and the panic was caught; the rest of `y` is then unspecified.
    fn run(
        &self,
        y: &mut [u8],
        chunk_bytes: usize,
        scratch: &mut [u8],
        job: &Job<'_>,
    ) -> Result<(), JobPanicked>;

    /// Tells that parts will come soon, so that workers which sleep can wake up meanwhile.
    fn wake(&self) {}
}

/// The calling thread alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inline;

impl Workers for Inline {
    fn count(&self) -> usize {
        1
    }

    fn run(
        &self,
        y: &mut [u8],
        chunk_bytes: usize,
        scratch: &mut [u8],
        job: &Job<'_>,
    ) -> Result<(), JobPanicked> {
        for (index, part) in y.chunks_mut(chunk_bytes.max(1)).enumerate() {
            job(index, part, scratch);
        }
        Ok(())
    }
}
