//! Runs the bundled model in tract.

use std::path::{Path, PathBuf};

use redpoll_backend_tract::{Options, TractSession};
use redpoll_session::{Backend, DType, ErrorKind, Value};

fn model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../models/fashion/fashion.onnx")
}

fn logits(options: &Options) -> Vec<f32> {
    let mut session = TractSession::open(model(), options).unwrap();
    let image: Vec<f32> = (0..784u16).map(|i| f32::from(i % 29) / 28.0).collect();
    session.run_with(&[("image", Value::F32(&image))]).unwrap();
    let Value::F32(first) = session.output_value("logits").unwrap() else {
        panic!("logits are float");
    };
    let first = first.to_vec();
    session.run().unwrap();
    assert_eq!(session.output(0).unwrap(), Value::F32(&first));
    first
}

#[test]
fn runs_with_open_dimensions_as_one_or_as_given() {
    let session = TractSession::open(model(), &Options::default()).unwrap();
    assert_eq!(session.name(), "tract");
    let (input, output) = (&session.inputs()[0], &session.outputs()[0]);
    assert_eq!((input.name.as_str(), input.dtype), ("image", DType::F32));
    assert_eq!(input.shape, [1, 1, 28, 28]);
    assert_eq!(
        (output.name.as_str(), output.shape.as_slice()),
        ("logits", &[1, 10][..])
    );

    let options = Options::default().input_shape("image", &[3, 1, 28, 28]);
    let session = TractSession::open(model(), &options).unwrap();
    assert_eq!(session.outputs()[0].shape, [3, 10]);

    let optimized = logits(&Options::default());
    assert!(optimized.iter().any(|&v| v != 0.0));
    let plain = logits(&Options::default().optimize(false));
    for (a, b) in optimized.iter().zip(&plain) {
        assert!((a - b).abs() < 1e-3, "{optimized:?} {plain:?}");
    }
}

#[test]
fn says_what_is_wrong() {
    let mut session = TractSession::open(model(), &Options::default()).unwrap();
    assert_eq!(session.run().unwrap_err().kind(), ErrorKind::NotSet);
    let wrong_length = session.set_input(0, Value::F32(&[0.0])).unwrap_err();
    assert_eq!(wrong_length.kind(), ErrorKind::Length);
    let wrong_type = session.set_input(0, Value::I8(&[0; 784])).unwrap_err();
    assert_eq!(wrong_type.kind(), ErrorKind::Type);

    let bytes = std::fs::read(model()).unwrap();
    for broken in [&bytes[..bytes.len() / 2], &[], &[0xff; 100]] {
        let error = TractSession::from_bytes(broken, &Options::default())
            .err()
            .unwrap();
        assert_eq!(error.kind(), ErrorKind::Model, "{error}");
    }
    let absent = TractSession::open("absent.onnx", &Options::default())
        .err()
        .unwrap();
    assert_eq!(absent.kind(), ErrorKind::Io);
}
