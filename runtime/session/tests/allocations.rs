//! A run allocates nothing, whatever the number of threads: counted by the allocator of this process.

mod net;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use net::{image, plan};
use redpoll_session::{Options, Session};

/// Counts every call of every thread and passes it on.
struct Counting;

static CALLS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: each method passes its arguments unchanged to the system's allocator, which keeps the contract.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        CALLS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: `ptr` came from `System` with this layout.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: `ptr` came from `System` with this layout, and the caller keeps the contract of `realloc`.
        unsafe { System.realloc(ptr, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// The only test of this process: the harness's threads are idle while it runs.
#[test]
fn a_run_allocates_nothing() {
    let file = plan();
    let images = [image(0), image(1)];
    for threads in [1, 2, 4] {
        let mut session = Session::from_bytes(&file, &Options::default().threads(threads)).unwrap();
        // Threads that have just been started still set themselves up.
        std::thread::sleep(std::time::Duration::from_millis(50));
        let before = CALLS.load(Ordering::Relaxed);
        let mut sum = 0.0;
        for run in 0..50 {
            session.set_input("image", &images[run % 2]).unwrap();
            session.run().unwrap();
            sum += session.output::<f32>("scores").unwrap()[0];
        }
        let calls = CALLS.load(Ordering::Relaxed) - before;
        assert_eq!(calls, 0, "{threads} threads, {sum}");
    }
}
