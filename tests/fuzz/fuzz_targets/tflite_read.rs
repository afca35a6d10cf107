//! Reads hostile bytes as a TFLite model, translates and imports what was taken.
#![no_main]

use libfuzzer_sys::fuzz_target;
use redpoll_pipeline::import::{ImportOptions, import};
use redpoll_tflite::{Limits, Model, to_onnx};

fuzz_target!(|bytes: &[u8]| {
    let Ok(model) = Model::from_bytes(bytes, &Limits::default()) else {
        return;
    };
    for tensor in model.subgraphs.iter().flat_map(|s| &s.tensors) {
        let _ = model.data(tensor);
    }
    let Ok(translated) = to_onnx(&model) else {
        return;
    };
    if let Ok(imported) = import(&translated.model, &ImportOptions::default()) {
        redpoll_graph::verify(imported.graph()).expect("what is imported is sound");
    }
});
