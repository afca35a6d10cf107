//! Every ONNX model of the shared folder, with what it needs to be told: sizes of dimensions, shapes, values of inputs.

use std::path::{Path, PathBuf};

use redpoll_onnx::proto::ValueInfoProto;
use redpoll_onnx::{Limits, Model, TensorData};
use redpoll_pipeline::Optimized;
use redpoll_pipeline::import::{ImportOptions, import};
use redpoll_pipeline::optimize::optimize;

use crate::models::shared;

/// What a model is told, as the command's options read: `--dim`, `--shape`, `--set`.
pub fn told(name: &str) -> &'static [&'static str] {
    match name {
        "vad/silero_vad_16k_op15_f32" => &["--dim sequence=576", "--set sr=16000"],
        "vad/silero_vad_op18_f32" => &["--dim sequence=576", "--set sr=16000"],
        "vad/silero_vad_16k_sequence_f32" => &["--dim sequence_length=3"],
        "denoise/dfn3_df_dec_f32" | "denoise/dfn3_enc_f32" | "denoise/dfn3_erb_dec_f32" => {
            &["--dim S=20"]
        }
        "speaker/resemblyzer_f32" => &["--dim T=160"],
        "ocr/ppocr_cls_f32" => &["--shape x=1,3,48,192"],
        "ocr/ppocr_v4_det_f32" => &["--shape x=1,3,160,224"],
        "wake/melspectrogram_f32" => &["--dim samples=16000"],
        _ => &[],
    }
}

/// The same as options of the import.
///
/// # Panics
/// When an entry of [`told`] is malformed.
pub fn options(name: &str) -> ImportOptions {
    let mut options = ImportOptions::default();
    for text in told(name) {
        let (option, value) = text.split_once(' ').expect("an option and its value");
        let (key, value) = value.split_once('=').expect("a name and a value");
        let (key, value) = (key.to_owned(), value.to_owned());
        match option {
            "--dim" => drop(options.dims.insert(key, value.parse().expect("a size"))),
            "--shape" => {
                let sizes = value.split(',').map(|n| n.parse().expect("a size"));
                options.shapes.insert(key, sizes.collect());
            }
            _ => drop(options.set.insert(key, value)),
        }
    }
    options
}

/// The names of all ONNX models below `models` of the shared folder, sorted; none where it is not there.
pub fn names() -> Vec<String> {
    let Some(root) = shared("models") else {
        return Vec::new();
    };
    let mut names = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "onnx") {
                names.push(name_of(&root, &path));
            }
        }
    }
    names.sort();
    names
}

fn name_of(root: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(root).expect("below the root");
    inside.with_extension("").display().to_string()
}

/// Where a model lies, if it is there.
pub fn path(name: &str) -> Option<PathBuf> {
    shared(&format!("models/{name}.onnx"))
}

/// A model as it is told, optimised.
///
/// # Errors
/// What the import says.
pub fn optimized(name: &str, path: &Path) -> Result<Optimized, redpoll_pipeline::Error> {
    let model = Model::read(path, &Limits::default())?;
    optimize(import(&model, &options(name))?)
}

/// The model's bytes with the inputs that are set as constants, so that another runtime takes the same inputs.
///
/// # Panics
/// When the file is no model: the test fails.
pub fn frozen(name: &str, path: &Path) -> Vec<u8> {
    let set = options(name).set;
    let model = Model::read(path, &Limits::default()).expect("a model");
    let mut proto = model.into_proto();
    for graph in proto.graph.iter_mut() {
        let is_set = |info: &ValueInfoProto| set.contains_key(&info.name);
        graph.input.retain(|info| !is_set(info));
        for (name, value) in &set {
            let number = value.parse().expect("an integer");
            let data = TensorData::from_i64(&[], &[number]).expect("a number");
            graph.initializer.push(data.to_proto(name));
        }
    }
    let model = Model::from_proto(proto).expect("a model");
    model.to_bytes().expect("bytes")
}
