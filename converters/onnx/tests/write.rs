//! Models made by the builder, against bytes written out by hand, and files written in one step.

use redpoll_onnx::proto::NodeProto;
use redpoll_onnx::{
    DataType, Dim, ErrorKind, GraphBuilder, Limits, MAX_WRITE_BYTES, Model, ModelBuilder,
    TensorData, proto,
};

fn relu() -> Model {
    let mut graph = GraphBuilder::new("g");
    graph
        .input(
            "x",
            DataType::F32,
            &[Dim::Named("N".into()), 3.into(), Dim::Unknown],
        )
        .node(NodeProto::new("Add", "a", ["x", "", "w"], ["y"]).with_int("k", 0))
        .initializer("w", &TensorData::from_i8(&[2], &[-1, 5]).unwrap())
        .output("y", DataType::F32, &[]);
    ModelBuilder::new(13)
        .metadata("k", "v")
        .build(graph)
        .unwrap()
}

#[test]
fn bytes_are_as_written_by_hand() {
    #[rustfmt::skip]
    let node: &[u8] = &[
        0x0a, 1, b'x', 0x0a, 0, 0x0a, 1, b'w', 0x12, 1, b'y', 0x1a, 1, b'a', 0x22, 3, b'A', b'd', b'd',
        // attribute: name, i (zero, but present), type INT
        0x2a, 8, 0x0a, 1, b'k', 0x18, 0, 0xa0, 1, 2,
    ];
    // initialiser: dims, data_type INT8, name, raw_data
    let weight: &[u8] = &[0x08, 2, 0x10, 3, 0x42, 1, b'w', 0x4a, 2, 0xff, 5];
    #[rustfmt::skip]
    let input: &[u8] = &[
        0x0a, 1, b'x',
        // type { tensor_type { elem_type FLOAT, shape { dim_param "N", dim_value 3, nothing } } }
        0x12, 17, 0x0a, 15, 0x08, 1, 0x12, 11, 0x0a, 3, 0x12, 1, b'N', 0x0a, 2, 0x08, 3, 0x0a, 0,
    ];
    let output: &[u8] = &[0x0a, 1, b'y', 0x12, 6, 0x0a, 4, 0x08, 1, 0x12, 0];
    let mut graph = Vec::new();
    for (tag, part) in [
        (0x0a, node),
        (0x12, b"g"),
        (0x2a, weight),
        (0x5a, input),
        (0x62, output),
    ] {
        graph.extend([tag, u8::try_from(part.len()).unwrap()]);
        graph.extend(part);
    }
    let version = env!("CARGO_PKG_VERSION").as_bytes();
    let mut want = vec![0x08, 7, 0x12, 7];
    want.extend(b"redpoll");
    want.extend([0x1a, u8::try_from(version.len()).unwrap()]);
    want.extend(version);
    want.extend([0x3a, u8::try_from(graph.len()).unwrap()]);
    want.extend(graph);
    want.extend([0x42, 2, 0x10, 13, 0x72, 6, 0x0a, 1, b'k', 0x12, 1, b'v']);
    assert_eq!(relu().to_bytes().unwrap(), want);
}

#[test]
fn what_is_written_is_read() {
    let model = relu();
    let again = Model::from_bytes(&model.to_bytes().unwrap(), &Limits::default()).unwrap();
    assert_eq!(again, model);
    assert_eq!(again.metadata("k"), Some("v"));
    let info = again.graph().input[0].tensor_info().unwrap().unwrap();
    assert_eq!(info.data_type, DataType::F32);
    assert_eq!(
        info.dims.unwrap(),
        [Dim::Named("N".into()), Dim::Fixed(3), Dim::Unknown]
    );
}

#[test]
fn attributes_of_all_kinds_come_back() {
    let mut inner = GraphBuilder::new("inner");
    inner.output("o", DataType::Bool, &[]);
    let inner = inner.finish();
    let tensor = TensorData::from_i64(&[1], &[7]).unwrap();
    let node = NodeProto::new("Op", "", [], ["out"])
        .in_domain("my")
        .with_metadata("a", "b")
        .with_int("i", -1)
        .with_ints("is", &[1, -2])
        .with_float("f", 0.0)
        .with_floats("fs", &[0.5])
        .with_string("s", "text")
        .with_strings("ss", &["a", ""])
        .with_tensor("t", &tensor)
        .with_graph("g", inner.clone());
    let mut graph = GraphBuilder::new("g");
    graph
        .node(node)
        .value_info("out", DataType::U4, &[2.into()]);
    let model = ModelBuilder::new(21).opset("my", 1).build(graph).unwrap();
    let model = Model::from_bytes(&model.to_bytes().unwrap(), &Limits::default()).unwrap();
    assert_eq!(
        (model.opset_of("my"), model.opset_of("ai.onnx")),
        (Some(1), Some(21))
    );
    let node = &model.graph().node[0];
    assert_eq!(node.attr_int("i").unwrap(), Some(-1));
    assert_eq!(node.attr_ints("is").unwrap(), Some(&[1, -2][..]));
    assert_eq!(node.attr_float("f").unwrap(), Some(0.0));
    assert_eq!(node.attr_floats("fs").unwrap(), Some(&[0.5][..]));
    assert_eq!(node.attr_string("s").unwrap(), Some("text"));
    assert_eq!(node.attr_strings("ss").unwrap(), Some(vec!["a", ""]));
    assert_eq!(
        model
            .tensor(node.attr_tensor("t").unwrap().unwrap())
            .unwrap(),
        tensor
    );
    assert_eq!(node.attr_graph("g").unwrap(), Some(&inner));
    assert_eq!(node.attr_int("none").unwrap(), None);
    let wrong = node.attr_ints("i").unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Malformed);
    let text = r#"node (Op) that makes "out": attribute "i" has type INT, not INTS"#;
    assert_eq!(wrong.to_string(), text);
}

#[test]
fn attributes_that_lie_are_errors() {
    let mut node = NodeProto::new("If", "n", [], [])
        .with_string("s", "")
        .with_int("r", 1);
    node.attribute[0].s = Some(vec![0xff]);
    node.attribute[1].ref_attr_name = "outer".into();
    assert_eq!(
        node.attr_string("s").unwrap_err().kind(),
        ErrorKind::Malformed
    );
    assert_eq!(
        node.attr_int("r").unwrap_err().kind(),
        ErrorKind::Unsupported
    );
    node.attribute.push(proto::AttributeProto {
        name: "g".into(),
        r#type: proto::AttributeType::Graph as i32,
        ..Default::default()
    });
    assert_eq!(
        node.attr_graph("g").unwrap_err().kind(),
        ErrorKind::Malformed,
        "no graph in it"
    );
    node.attribute[2].r#type = 99;
    assert_eq!(
        node.attr_graph("g").unwrap_err().kind(),
        ErrorKind::Malformed,
        "type 99"
    );
}

#[test]
fn versions_out_of_range_are_refused() {
    for opset in [0, 29, -1] {
        let error = ModelBuilder::new(opset)
            .build(GraphBuilder::new("g"))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(
            error.to_string().contains(&format!("opset {opset}")),
            "{error}"
        );
    }
    for (ir, kind) in [
        (2, ErrorKind::Unsupported),
        (15, ErrorKind::Unsupported),
        (0, ErrorKind::Malformed),
    ] {
        let made = ModelBuilder::new(17)
            .ir_version(ir)
            .build(GraphBuilder::new("g"));
        assert_eq!(made.unwrap_err().kind(), kind);
    }
    let mut proto = relu().into_proto();
    proto.opset_import.clear();
    assert_eq!(
        Model::from_proto(proto.clone()).unwrap_err().kind(),
        ErrorKind::Unsupported
    );
    for version in [17, 18] {
        let domain = if version == 17 { "" } else { "ai.onnx" }.to_owned();
        proto
            .opset_import
            .push(proto::OperatorSetIdProto { domain, version });
    }
    assert_eq!(
        Model::from_proto(proto.clone()).unwrap_err().kind(),
        ErrorKind::Malformed
    );
    proto.opset_import.pop();
    proto.graph = None;
    assert_eq!(
        Model::from_proto(proto).unwrap_err().kind(),
        ErrorKind::Malformed
    );
}

#[test]
fn write_replaces_the_file_and_leaves_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    std::fs::write(&path, "old").unwrap();
    relu().write(&path).unwrap();
    let again = Model::read(&path, &Limits::default()).unwrap();
    assert_eq!(again.proto(), relu().proto());
    // A target that cannot be replaced: an error, and the temporary file is gone.
    let taken = folder.path().join("taken");
    std::fs::create_dir_all(taken.join("full")).unwrap();
    assert_eq!(relu().write(&taken).unwrap_err().kind(), ErrorKind::Io);
    assert_eq!(relu().write("/").unwrap_err().kind(), ErrorKind::Io);
    let missing = folder.path().join("missing/m.onnx");
    assert_eq!(relu().write(missing).unwrap_err().kind(), ErrorKind::Io);
    let mut names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["m.onnx", "taken"]);
}

#[test]
fn more_than_a_gibibyte_is_not_written() {
    let mut proto = relu().into_proto();
    // Zeroed memory that is never touched costs nothing.
    proto.graph.as_mut().unwrap().initializer[0].raw_data = Some(vec![0; MAX_WRITE_BYTES]);
    let error = Model::from_proto(proto).unwrap().to_bytes().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
}
