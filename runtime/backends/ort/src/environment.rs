//! The one library and the one environment of ONNX Runtime in this process.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::environment::Environment;
use ort::logging::LogLevel;
use redpoll_session::{Error, ErrorKind};

use crate::library;

struct Loaded {
    path: PathBuf,
    environment: Environment,
}

/// Kept until the process ends: the crate `ort` cannot make an environment twice, nor load a library twice.
static LOADED: Mutex<Option<Loaded>> = Mutex::new(None);

/// The environment, made on the first call with the library that [`find`](crate::find) finds.
pub(crate) fn environment(given: Option<&Path>) -> Result<Environment, Error> {
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(loaded) = &*loaded {
        return match given {
            Some(path) if library::find(Some(path))? != loaded.path => Err(Error::new(
                ErrorKind::Library,
                format!(
                    "{}: this process has already loaded {}; use that one or start another process",
                    path.display(),
                    loaded.path.display()
                ),
            )),
            _ => Ok(loaded.environment.clone()),
        };
    }
    let path = library::find(given)?;
    let environment = load(&path)?;
    *loaded = Some(Loaded {
        path,
        environment: environment.clone(),
    });
    Ok(environment)
}

/// Loads the library. The crate panics on a library that answers nonsense; that becomes an error too.
fn load(path: &Path) -> Result<Environment, Error> {
    let failed = |what: String| {
        Error::new(
            ErrorKind::Library,
            format!("{}: cannot be used as ONNX Runtime: {what}", path.display()),
        )
    };
    let made = catch_unwind(AssertUnwindSafe(|| {
        let builder = ort::init_from(path).map_err(|e| e.to_string())?;
        let environment = builder
            .with_name("redpoll")
            .with_telemetry(false)
            .build()
            .map_err(|e| e.to_string())?;
        // Errors come back as values; a library does not print.
        environment.set_log_level(LogLevel::Fatal);
        Ok(environment)
    }));
    match made {
        Ok(result) => result.map_err(failed),
        Err(_) => Err(failed("it panicked when it was loaded".to_owned())),
    }
}

/// What the library says about its build: version, commit, compiler flags. For reports.
///
/// # Errors
///
/// [`ErrorKind::Library`] when it cannot be found or loaded.
pub fn version(library: Option<&Path>) -> Result<&'static str, Error> {
    environment(library)?;
    Ok(ort::info())
}
