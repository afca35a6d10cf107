//! Where the cases lie and what one holds.

use std::fs;
use std::path::{Path, PathBuf};

use prost::Message;
use redpoll_onnx::proto::{ModelProto, TensorProto};

/// The sets of cases of the Python package `onnx`, folders of `onnx/backend/test/data`.
const SETS: [&str; 4] = ["node", "simple", "pytorch-operator", "pytorch-converted"];

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// `set/name`, such as `node/test_add`.
    pub name: String,
    folder: PathBuf,
}

/// Inputs and outputs of one run.
pub type DataSet = (Vec<TensorProto>, Vec<TensorProto>);

/// The folder of cases: `REDPOLL_ONNX_TESTS`, or the one in the environment that `.ci/onnx-tests` makes.
pub fn folder() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("REDPOLL_ONNX_TESTS") {
        return Some(PathBuf::from(path)).filter(|p| p.join("node").is_dir());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    let lib = target.join("ci-onnx/lib");
    let pythons = fs::read_dir(lib).ok()?.filter_map(|e| Some(e.ok()?.path()));
    pythons
        .map(|p| p.join("site-packages/onnx/backend/test/data"))
        .find(|p| p.join("node").is_dir())
}

/// All cases below `folder`, by name.
pub fn cases(folder: &Path) -> Vec<Case> {
    let mut all = Vec::new();
    for set in SETS {
        let Ok(entries) = fs::read_dir(folder.join(set)) else {
            continue;
        };
        for entry in entries.filter_map(Result::ok) {
            let path = entry.path();
            if path.join("model.onnx").is_file() {
                let name = format!("{set}/{}", entry.file_name().to_string_lossy());
                all.push(Case { name, folder: path });
            }
        }
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

impl Case {
    /// The model's message.
    ///
    /// # Panics
    /// When the file cannot be read: the test fails.
    pub fn model(&self) -> ModelProto {
        let bytes = fs::read(self.folder.join("model.onnx")).expect("model.onnx can be read");
        ModelProto::decode(&bytes[..]).expect("model.onnx is a model")
    }

    /// The data sets: inputs and outputs in the model's order.
    ///
    /// # Errors
    /// What is in the way: values that are no tensors.
    pub fn data(&self) -> Result<Vec<DataSet>, String> {
        let mut sets = Vec::new();
        for i in 0.. {
            let folder = self.folder.join(format!("test_data_set_{i}"));
            if !folder.is_dir() {
                break;
            }
            sets.push((tensors(&folder, "input")?, tensors(&folder, "output")?));
        }
        Ok(sets)
    }
}

fn tensors(folder: &Path, kind: &str) -> Result<Vec<TensorProto>, String> {
    let mut found = Vec::new();
    for i in 0.. {
        let Ok(bytes) = fs::read(folder.join(format!("{kind}_{i}.pb"))) else {
            break;
        };
        let tensor = TensorProto::decode(&bytes[..]);
        found.push(tensor.map_err(|_| format!("{kind} {i} is no tensor"))?);
    }
    Ok(found)
}
