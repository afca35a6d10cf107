//! A library that is none gives an error at once, and does not keep a good one from being loaded later.

use std::time::{Duration, Instant};

use redpoll_backend_ort::{Options, OrtSession, find, version};
use redpoll_session::ErrorKind;

#[test]
fn bad_libraries_are_errors() {
    let folder = std::env::temp_dir().join(format!("redpoll-bad-ort-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let begin = Instant::now();
    // The header of a shared library, and nothing that a loader could load.
    let damaged = folder.join("libonnxruntime.so.1.99.0");
    std::fs::write(
        &damaged,
        [&b"\x7fELF\x02\x01\x01\0"[..], &[0; 200]].concat(),
    )
    .unwrap();
    let text = folder.join("text");
    std::fs::write(&text, "not a library").unwrap();
    for path in [&damaged, &text, &folder, &folder.join("absent"), &damaged] {
        let options = Options::default().library(path);
        let error = OrtSession::from_bytes([], &options).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Library, "{error}");
        assert!(error.to_string().contains("redpoll-bad-ort"), "{error}");
    }
    assert!(begin.elapsed() < Duration::from_secs(20));

    match find(None) {
        Ok(good) => {
            version(Some(&good)).unwrap();
            let error = version(Some(&damaged)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Library);
            assert!(error.to_string().contains("already loaded"), "{error}");
        }
        Err(e) => println!("skipped: loading a good one afterwards: {e}"),
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
