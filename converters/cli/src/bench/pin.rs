//! Binds this process to some of the cores that it may use.

/// Binds the calling thread, and with it every thread that it starts later, to the last `n` of the cores that this
/// process may use: the first ones get the interrupts. Gives their numbers; `None` where the system cannot, or has fewer.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn pin(n: usize) -> Option<Vec<usize>> {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let allowed = sched_getaffinity(None).ok()?;
    let cores: Vec<usize> = (0..CpuSet::MAX_CPU)
        .filter(|&core| allowed.is_set(core))
        .collect();
    let chosen = cores[cores.len().checked_sub(n)?..].to_vec();
    let mut set = CpuSet::new();
    for &core in &chosen {
        set.set(core);
    }
    sched_setaffinity(None, &set).ok()?;
    Some(chosen)
}

/// Not on this system.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn pin(_: usize) -> Option<Vec<usize>> {
    None
}
