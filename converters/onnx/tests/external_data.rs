//! External data: what is read, and every way out of the model's folder that is refused.

use redpoll_onnx::proto::{DataLocation, StringStringEntryProto, TensorProto};
use redpoll_onnx::{
    DataType, ErrorKind, GraphBuilder, Limits, Model, ModelBuilder, Result, TensorData,
};
use std::fs;
use std::path::Path;

/// A folder `top/model` with a model in it, and a file `top/secret` that must never be read.
struct Place {
    top: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let top = tempfile::tempdir().unwrap();
        fs::create_dir_all(top.path().join("model/sub")).unwrap();
        fs::write(top.path().join("secret"), [9; 64]).unwrap();
        fs::write(top.path().join("model/w.bin"), [0, 1, 2, 3, 4, 5, 6, 7]).unwrap();
        fs::write(top.path().join("model/sub/w.bin"), [8, 9, 10, 11]).unwrap();
        Place { top }
    }

    fn folder(&self) -> &Path {
        self.top.path()
    }

    /// Writes a model whose one tensor of 4 bytes has these entries, reads it and decodes the tensor.
    fn decode(&self, entries: &[(&str, &str)]) -> Result<TensorData> {
        let model = self.model(&[external(entries)], &Limits::default())?;
        Ok(model.initializer("w")?.expect("there is a w"))
    }

    fn model(&self, tensors: &[TensorProto], limits: &Limits) -> Result<Model> {
        let model = ModelBuilder::new(17).build(GraphBuilder::new("g"))?;
        let mut proto = model.into_proto();
        proto.graph.as_mut().unwrap().initializer = tensors.to_vec();
        let path = self.top.path().join("model/m.onnx");
        Model::from_proto(proto)?.write(&path)?;
        Model::read(&path, limits)
    }

    fn refused(&self, location: &str) -> ErrorKind {
        let error = self.decode(&[("location", location)]).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with(r#"tensor "w": external data"#),
            "{error}"
        );
        error.kind()
    }
}

fn external(entries: &[(&str, &str)]) -> TensorProto {
    let entry = |(key, value): &(&str, &str)| StringStringEntryProto {
        key: (*key).to_owned(),
        value: (*value).to_owned(),
    };
    TensorProto {
        name: "w".into(),
        dims: vec![4],
        data_type: DataType::U8.to_onnx(),
        data_location: DataLocation::External as i32,
        external_data: entries.iter().map(entry).collect(),
        ..TensorProto::default()
    }
}

#[test]
fn good_places_are_read() {
    let place = Place::new();
    let part = [
        ("location", "w.bin"),
        ("offset", "3"),
        ("length", "4"),
        ("checksum", "none"),
    ];
    assert_eq!(place.decode(&part).unwrap().bytes(), [3, 4, 5, 6]);
    let tail = [("location", "./w.bin"), ("offset", "4")];
    assert_eq!(place.decode(&tail).unwrap().bytes(), [4, 5, 6, 7]);
    assert_eq!(
        place.decode(&[("location", "sub/w.bin")]).unwrap().bytes(),
        [8, 9, 10, 11]
    );
}

#[test]
fn paths_out_of_the_folder_are_refused() {
    let place = Place::new();
    for location in [
        "../secret",
        "sub/../../secret",
        "sub/../w.bin",
        "..",
        "a/..",
        "\\secret",
    ] {
        assert_eq!(place.refused(location), ErrorKind::UnsafePath, "{location}");
    }
    let secret = place.folder().join("secret");
    for location in [
        secret.to_str().unwrap(),
        "/etc/hostname",
        "//etc/hostname",
        "C:\\w",
        "C:w",
    ] {
        assert_eq!(place.refused(location), ErrorKind::UnsafePath, "{location}");
    }
    for location in ["", ".", "sub", "sub//w.bin", "sub/", "w.bin/x", "w.bin\0"] {
        assert_eq!(place.refused(location), ErrorKind::UnsafePath, "{location}");
    }
    assert_eq!(place.refused("missing.bin"), ErrorKind::Io);
}

#[cfg(unix)]
#[test]
fn links_are_refused() {
    use std::os::unix::fs::symlink;
    let place = Place::new();
    let model = place.folder().join("model");
    symlink(place.folder().join("secret"), model.join("out.bin")).unwrap();
    symlink("w.bin", model.join("in.bin")).unwrap();
    symlink(place.folder(), model.join("up")).unwrap();
    symlink("sub", model.join("inner")).unwrap();
    symlink("nowhere", model.join("dangling")).unwrap();
    for location in [
        "out.bin",
        "in.bin",
        "up/secret",
        "inner/w.bin",
        "dangling",
        "up/model/w.bin",
    ] {
        assert_eq!(place.refused(location), ErrorKind::UnsafePath, "{location}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_to_the_model_folder_itself_is_fine() {
    let place = Place::new();
    place
        .model(
            &[external(&[("location", "sub/w.bin")])],
            &Limits::default(),
        )
        .unwrap();
    let link = place.folder().join("link");
    std::os::unix::fs::symlink("model", &link).unwrap();
    let model = Model::read(link.join("m.onnx"), &Limits::default()).unwrap();
    assert_eq!(
        model.initializer("w").unwrap().unwrap().bytes(),
        [8, 9, 10, 11]
    );
}

#[test]
fn offsets_and_lengths_are_checked() {
    let place = Place::new();
    let kind = |offset: &str, length: &str| {
        let entries = [
            ("location", "w.bin"),
            ("offset", offset),
            ("length", length),
        ];
        place
            .decode(&entries)
            .map_err(|e| e.kind())
            .map(TensorData::into_bytes)
    };
    assert_eq!(kind("4", "4"), Ok(vec![4, 5, 6, 7]));
    for (offset, length) in [
        ("5", "4"),
        ("8", "4"),
        ("18446744073709551615", "4"),
        ("18446744073709551612", "4"),
        ("18446744073709551616", "4"),
        ("-1", "4"),
        ("0", "8"),
        ("0", "3"),
        ("0", "18446744073709551615"),
        ("0", "-4"),
        ("", "4"),
        ("0x0", "4"),
    ] {
        assert_eq!(
            kind(offset, length),
            Err(ErrorKind::Malformed),
            "{offset} {length}"
        );
    }
    // Without a length the file must end where the tensor does.
    let rest = place.decode(&[("location", "w.bin")]).unwrap_err();
    assert_eq!(rest.kind(), ErrorKind::Malformed);
    assert_eq!(
        place.decode(&[("offset", "0")]).unwrap_err().kind(),
        ErrorKind::Malformed
    );
}

#[test]
fn huge_shapes_cost_nothing() {
    let place = Place::new();
    let mut tensor = external(&[("location", "w.bin")]);
    tensor.dims = vec![1 << 33];
    let model = place.model(&[tensor.clone()], &Limits::default()).unwrap();
    assert_eq!(
        model.initializer("w").unwrap_err().kind(),
        ErrorKind::Malformed
    );
    tensor.dims = vec![1 << 40];
    let error = place
        .model(&[tensor.clone()], &Limits::default())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    tensor.dims = vec![i64::MAX, 4];
    let error = place.model(&[tensor], &Limits::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
}

#[test]
fn many_tensors_may_not_multiply_one_file() {
    let place = Place::new();
    let tensors = vec![external(&[("location", "w.bin")]); 100];
    let limits = |external_bytes| Limits {
        external_bytes,
        ..Limits::default()
    };
    assert!(place.model(&tensors, &limits(400)).is_ok());
    let error = place.model(&tensors, &limits(399)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
}

#[test]
fn from_bytes_has_no_folder() {
    let place = Place::new();
    let model = place
        .model(&[external(&[("location", "w.bin")])], &Limits::default())
        .unwrap();
    let model = Model::from_bytes(&model.to_bytes().unwrap(), &Limits::default()).unwrap();
    assert_eq!(
        model.initializer("w").unwrap_err().kind(),
        ErrorKind::Unsupported
    );
}

#[test]
fn a_model_must_be_a_file_of_bounded_size() {
    let place = Place::new();
    let read = |name: &str, limits: &Limits| {
        Model::read(place.folder().join(name), limits)
            .unwrap_err()
            .kind()
    };
    assert_eq!(read("model", &Limits::default()), ErrorKind::Io);
    assert_eq!(read("missing", &Limits::default()), ErrorKind::Io);
    assert_eq!(read("secret", &Limits::default()), ErrorKind::Malformed);
    let tight = Limits {
        file_bytes: 63,
        ..Limits::default()
    };
    assert_eq!(read("secret", &tight), ErrorKind::LimitExceeded);
}
