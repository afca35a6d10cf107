//! Where the real models are that tests read if they are there.

use std::path::{Path, PathBuf};

/// The file `name` below `$REDPOLL_SHARED`, or below `../shared` seen from the repository root; `None`, with a line
/// that says so, when it is not there.
pub fn shared(name: &str) -> Option<PathBuf> {
    let shared = match std::env::var_os("REDPOLL_SHARED") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
    };
    let path = shared.join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {name} not present");
    None
}
