//! Finds the shared library of ONNX Runtime and looks at it before anything loads it.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use redpoll_session::{Error, ErrorKind};

/// Oldest minor version whose interface is used (1.17).
pub(crate) const MIN_MINOR: u32 = ort::MINOR_VERSION;

/// Environment variable that names the library, as other programs use it too.
const VARIABLE: &str = "ORT_DYLIB_PATH";

const HOW: &str = "install the Python package onnxruntime, or set ORT_DYLIB_PATH to the library";

/// The shared library of ONNX Runtime: `given`, else `ORT_DYLIB_PATH`, else the one in the Python environment
/// `VIRTUAL_ENV` or `CONDA_PREFIX`, else one in `~/.local` or the system's folders, packages of Python there included. Of a
/// folder, the newest library in it is taken. The file is looked at, not loaded.
///
/// # Errors
///
/// [`ErrorKind::Library`] when there is none, it is no shared library, or its name says that it is too old.
pub fn find(given: Option<&Path>) -> Result<PathBuf, Error> {
    let variable = |name| std::env::var_os(name).filter(|v| !v.is_empty());
    if let Some(path) = given {
        return resolve(path);
    }
    if let Some(path) = variable(VARIABLE) {
        return resolve(Path::new(&path))
            .map_err(|e| Error::new(e.kind(), format!("{VARIABLE}: {e}")));
    }
    let mut folders: Vec<PathBuf> = Vec::new();
    for environment in ["VIRTUAL_ENV", "CONDA_PREFIX"] {
        folders.extend(variable(environment).map(PathBuf::from));
    }
    // Packages that pip installs for one user, then those of the system.
    folders.extend(variable("HOME").map(|home| PathBuf::from(home).join(".local")));
    folders.extend(["/usr/local/lib", "/usr/lib", "/opt/homebrew/lib"].map(PathBuf::from));
    match folders.iter().find_map(|folder| in_folder(folder)) {
        Some(path) => check(path),
        None => Err(missing("there is no library of ONNX Runtime", HOW)),
    }
}

fn missing(what: impl std::fmt::Display, todo: &str) -> Error {
    Error::new(ErrorKind::Library, format!("{what}; {todo}"))
}

fn resolve(path: &Path) -> Result<PathBuf, Error> {
    if path.is_dir() {
        let found = in_folder(path).ok_or_else(|| {
            missing(
                format_args!("{}: no library of ONNX Runtime in here", path.display()),
                HOW,
            )
        })?;
        return check(found);
    }
    check(path.to_owned())
}

/// The newest library in a folder, in its `capi`, or in a Python environment's packages.
fn in_folder(folder: &Path) -> Option<PathBuf> {
    let mut places = vec![
        folder.to_owned(),
        folder.join("capi"),
        folder.join("onnxruntime/capi"),
    ];
    for lib in ["lib", "lib64", ""] {
        for entry in entries(&folder.join(lib)) {
            if file_name(&entry).starts_with("python3") {
                for packages in ["site-packages", "dist-packages"] {
                    places.push(entry.join(packages).join("onnxruntime/capi"));
                }
            }
        }
    }
    places.push(folder.join("Lib/site-packages/onnxruntime/capi"));
    places
        .iter()
        .flat_map(|place| entries(place))
        .filter(|path| is_library(file_name(path)) && path.is_file())
        .max_by_key(|path| version_in(file_name(path)))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .map(|dir| dir.filter_map(|e| Some(e.ok()?.path())).collect())
        .unwrap_or_default();
    found.sort();
    found
}

fn file_name(path: &Path) -> &str {
    path.file_name()
        .and_then(|n| n.to_str())
        .unwrap_or_default()
}

fn is_library(name: &str) -> bool {
    name == "onnxruntime.dll"
        || name == "libonnxruntime.so"
        || name.starts_with("libonnxruntime.so.")
        || (name.starts_with("libonnxruntime.") && name.ends_with(".dylib"))
}

/// Major and minor version in a name such as `libonnxruntime.so.1.32.0` or `libonnxruntime.1.32.0.dylib`.
fn version_in(name: &str) -> Option<(u32, u32)> {
    let mut numbers = name
        .split('.')
        .skip_while(|part| part.parse::<u32>().is_err());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Refuses what cannot be the library, before a loader runs code from it.
fn check(path: PathBuf) -> Result<PathBuf, Error> {
    let wrong = |what: &str| missing(format_args!("{}: {what}", path.display()), HOW);
    let mut head = [0; 4];
    File::open(&path)
        .and_then(|mut file| file.read_exact(&mut head))
        .map_err(|e| wrong(&e.to_string()))?;
    let library = match head {
        [0x7f, b'E', b'L', b'F'] => cfg!(not(any(windows, target_vendor = "apple"))),
        [b'M', b'Z', ..] => cfg!(windows),
        [0xcf | 0xce, 0xfa, 0xed, 0xfe] | [0xca, 0xfe, 0xba, 0xbe] => cfg!(target_vendor = "apple"),
        _ => false,
    };
    if !library {
        return Err(wrong("not a shared library of this system"));
    }
    if let Some((major, minor)) = version_in(file_name(&path))
        && (major, minor) < (1, MIN_MINOR)
    {
        return Err(wrong(&format!(
            "version {major}.{minor} of ONNX Runtime is too old, 1.{MIN_MINOR} or later is needed"
        )));
    }
    // A loader takes a bare name for one on its search path.
    fs::canonicalize(&path).map_err(|e| wrong(&e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_names() {
        assert_eq!(version_in("libonnxruntime.so.1.32.0"), Some((1, 32)));
        assert_eq!(version_in("libonnxruntime.1.20.1.dylib"), Some((1, 20)));
        assert_eq!(version_in("libonnxruntime.so.1"), None);
        assert_eq!(version_in("libonnxruntime.so"), None);
        assert!(!is_library("libonnxruntime_providers_shared.so"));
    }

    #[test]
    fn newest_in_a_folder_and_refusals() {
        let folder = std::env::temp_dir().join(format!("redpoll-ort-{}", std::process::id()));
        let capi = folder.join("lib/python3.11/site-packages/onnxruntime/capi");
        fs::create_dir_all(&capi).unwrap();
        let none = find(Some(&folder)).unwrap_err();
        assert_eq!(none.kind(), ErrorKind::Library);
        let elf = b"\x7fELF etc.";
        for name in [
            "libonnxruntime.so.1.9.0",
            "libonnxruntime.so.1.32.0",
            "libonnxruntime.so",
        ] {
            fs::write(capi.join(name), elf).unwrap();
        }
        fs::write(capi.join("text.so"), b"not a library").unwrap();
        assert_eq!(
            in_folder(&folder),
            Some(capi.join("libonnxruntime.so.1.32.0"))
        );
        for (name, words) in [
            ("libonnxruntime.so.1.9.0", "too old"),
            ("text.so", "not a shared library"),
            ("absent.so", "absent.so"),
        ] {
            let error = find(Some(&capi.join(name))).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Library, "{error}");
            if cfg!(target_os = "linux") {
                assert!(error.to_string().contains(words), "{error}");
            }
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
