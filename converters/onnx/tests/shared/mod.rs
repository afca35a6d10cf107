//! Where the real models are that tests read if they are there.

use std::path::{Path, PathBuf};

/// The folder of real models: `$REDPOLL_SHARED/models`, or `../shared/models` seen from the repository root.
pub fn models() -> Option<PathBuf> {
    let shared = match std::env::var_os("REDPOLL_SHARED") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
    };
    let models = shared.join("models");
    if models.is_dir() {
        Some(models)
    } else {
        println!("skipped: {} not present", models.display());
        None
    }
}
