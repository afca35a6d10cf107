//! What the tests share: the command, folders of their own, samples cut from the bundled ones, one conversion.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use redpoll_graph::{Data, Tensor};
use redpoll_pipeline::data::{read_npz, write_npz};
use serde_json::Value;

/// A finished run of the command.
pub struct Finished {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    /// Demands exit code 0 and gives what was printed.
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.stdout, self.stderr);
        self.stdout
    }

    /// Demands exit code 0 and JSON.
    pub fn json(self) -> Value {
        serde_json::from_str(&self.ok()).expect("JSON on standard output")
    }

    /// Demands this exit code and one message for people, and gives it.
    pub fn fails(self, code: i32) -> String {
        assert_eq!(self.code, code, "{}{}", self.stdout, self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        assert!(self.stderr.len() > 20, "no message: {:?}", self.stderr);
        self.stderr
    }
}

/// Runs `redpoll` with arguments that may be text or paths.
#[macro_export]
macro_rules! redpoll {
    ($($argument:expr),* $(,)?) => {
        $crate::setting::redpoll(&[$(::std::ffi::OsStr::new(&$argument)),*])
    };
}

/// Runs `redpoll`.
pub fn redpoll(arguments: &[&std::ffi::OsStr]) -> Finished {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(env!("CARGO_BIN_EXE_redpoll"))
        .args(arguments)
        .output()
        .expect("the command starts");
    Finished {
        code: status.code().expect("no signal"),
        stdout: String::from_utf8(stdout).expect("text"),
        stderr: String::from_utf8(stderr).expect("text"),
    }
}

/// An empty folder for the test `name`.
pub fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("cli")
        .join(name);
    if path.exists() {
        std::fs::remove_dir_all(&path).expect("the test's own folder");
    }
    std::fs::create_dir_all(&path).expect("a folder to write to");
    path
}

/// A file of the bundled model.
pub fn bundled(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../models/fashion")
        .join(name)
}

/// Writes the first `n` samples of a bundled .npz to `to`.
pub fn cut(name: &str, n: usize, to: &Path) {
    let arrays = read_npz(&bundled(name)).expect("bundled samples");
    let cut: Vec<_> = arrays
        .into_iter()
        .map(|(name, tensor)| (name, first(&tensor, n)))
        .collect();
    write_npz(to, &cut).expect("a file to write to");
}

fn first(tensor: &Tensor, n: usize) -> Tensor {
    let mut shape = tensor.shape().to_vec();
    let each = tensor.len() / shape[0];
    shape[0] = n;
    let data = match tensor.data() {
        Data::F32(v) => Data::F32(v[..n * each].to_vec()),
        Data::I64(v) => Data::I64(v[..n * each].to_vec()),
        other => panic!("{:?} in bundled samples", other.dtype()),
    };
    Tensor::new(shape, data).expect("as many elements as the shape says")
}

/// What one conversion of the bundled model with few samples wrote, shared by all tests; read only.
pub struct Converted {
    pub folder: PathBuf,
    pub calibrate: PathBuf,
    pub evaluate: PathBuf,
    /// What the command printed.
    pub stdout: String,
}

impl Converted {
    /// A file in the output folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// The conversion.
pub fn converted() -> &'static Converted {
    static ONCE: OnceLock<Converted> = OnceLock::new();
    ONCE.get_or_init(|| {
        let folder = folder("converted");
        let (calibrate, evaluate) = (folder.join("calibrate.npz"), folder.join("evaluate.npz"));
        cut("calibrate.npz", 16, &calibrate);
        cut("test.npz", 100, &evaluate);
        let out = folder.join("out");
        let model = bundled("fashion.onnx");
        let finished = redpoll!(
            "convert",
            model,
            "--calibrate",
            calibrate,
            "--evaluate",
            evaluate,
            "-o",
            out
        );
        Converted {
            stdout: finished.ok(),
            folder: out,
            calibrate,
            evaluate,
        }
    })
}

/// The report of a conversion.
pub fn report(folder: &Path) -> Value {
    let text = std::fs::read_to_string(folder.join("report.json")).expect("a report");
    serde_json::from_str(&text).expect("JSON in the report")
}

/// A file of the data that the project does not hold, `None` and a word where it is not there.
pub fn shared(path: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let root = std::env::var_os("REDPOLL_SHARED").map_or(beside, PathBuf::from);
    let path = root.join(path);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is not present", path.display());
    None
}
