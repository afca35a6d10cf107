//! What is read of files, and that hostile ones give errors.

mod build;

use build::{F32, Field, I32, choice, counter, file, model, op, single, small_net, tensor};
use redpoll_tflite::{Activation, ErrorKind, Limits, Model, Options, Padding, TensorType, to_onnx};

fn read(bytes: &[u8]) -> redpoll_tflite::Result<Model<'_>> {
    Model::from_bytes(bytes, &Limits::default())
}

#[test]
fn every_part_of_a_model_is_read() {
    let bytes = small_net();
    let model = read(&bytes).unwrap();
    assert_eq!(model.description, "made by a test");
    let graph = &model.subgraphs[0];
    assert_eq!(
        (graph.inputs.as_slice(), graph.outputs.as_slice()),
        (&[0][..], &[8][..])
    );
    let names: Vec<_> = graph.operators.iter().map(|o| o.op.as_str()).collect();
    assert_eq!(names, ["CONV_2D", "RESHAPE", "FULLY_CONNECTED", "SOFTMAX"]);
    let Options::Window(window) = &graph.operators[0].options else {
        panic!("{:?}", graph.operators[0].options);
    };
    assert_eq!(
        (window.padding, window.stride, window.dilation),
        (Padding::Same, [1, 1], [1, 1])
    );
    assert_eq!(window.activation, Activation::Relu6);
    assert_eq!(graph.operators[2].inputs, [Some(5), Some(6), None]);
    let weights = &graph.tensors[1];
    assert_eq!(
        (weights.dtype, weights.shape.as_slice()),
        (TensorType::I8, &[2, 3, 3, 2][..])
    );
    let q = weights.quantization.as_ref().unwrap();
    assert_eq!(
        (q.scales.as_slice(), q.zero_points.as_slice(), q.axis),
        (&[0.01, 0.02][..], &[0, 0][..], 0)
    );
    assert_eq!(model.data(weights).unwrap().len(), 36);
    assert!(!graph.tensors[0].is_constant());
}

#[test]
fn variables_become_states() {
    let bytes = counter(&[0.0, 0.0]);
    let translated = to_onnx(&read(&bytes).unwrap()).unwrap();
    let [state] = translated.states.as_slice() else {
        panic!("{:?}", translated.states);
    };
    assert_eq!(
        (state.output.as_str(), state.input.as_str()),
        ("count_next", "count")
    );
    assert_eq!(
        translated.model.metadata("redpoll.states"),
        Some("count_next=count")
    );
    let bytes = counter(&[0.0, 1.0]);
    let error = to_onnx(&read(&bytes).unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("other than zero"), "{error}");
}

#[test]
fn all_gaps_are_listed_at_once() {
    let tensors = vec![
        tensor("x", F32, &[2]),
        tensor("a", F32, &[2]),
        tensor("b", F32, &[2]),
        tensor("c", F32, &[2]),
    ];
    // LSH_PROJECTION, an operator that no version has, and one that depends on the first.
    let mut custom = op(32, &[0], &[2], None);
    custom.custom = Some("Magic");
    let ops = vec![op(15, &[0], &[1], None), custom, op(19, &[1], &[3], None)];
    let bytes = single(tensors, ops, &[0], &[2, 3]);
    let error = to_onnx(&read(&bytes).unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let gaps: Vec<_> = error
        .gaps()
        .iter()
        .map(|g| (g.node.as_str(), g.op.as_str()))
        .collect();
    assert_eq!(gaps, [("a", "LSH_PROJECTION"), ("b", "Magic")]);
}

#[test]
fn what_lies_outside_is_refused_and_what_is_sparse_is_read() {
    let net = |extra: (usize, Field)| {
        let x = tensor("x", F32, &[1, 2]);
        let w = tensor("w", F32, &[1, 2]).floats(&[1.0, 2.0]);
        let y = tensor("y", F32, &[1, 1]);
        let ops = vec![op(9, &[0, 1, -1], &[2], Some((8, vec![])))];
        let mut table = model(&[(vec![x, w, y], ops, vec![0], vec![2])]);
        let Field::Tables(graphs) = &mut table[2].1 else {
            unreachable!()
        };
        let Field::Tables(tensors) = &mut graphs[0][0].1 else {
            unreachable!()
        };
        tensors[1].push(extra);
        file(&table)
    };
    let bytes = net((10, Field::I32(1)));
    let error = to_onnx(&read(&bytes).unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("FULLY_CONNECTED"), "{error}");

    // One row of compressed columns.
    let sparse = |indices: &[i32]| {
        let numbers = |v: &[i32]| Field::Table(vec![(0, Field::Ints(v.to_vec()))]);
        let rows = vec![(1, Field::I32(1))];
        let columns = vec![
            (0, Field::U8(1)),
            (2, Field::U8(1)),
            (3, numbers(&[0, 2])),
            (4, Field::U8(1)),
            (5, numbers(indices)),
        ];
        let order = (0, Field::Ints(vec![0, 1]));
        (
            6,
            Field::Table(vec![order, (2, Field::Tables(vec![rows, columns]))]),
        )
    };
    let bytes = net(sparse(&[1, 0]));
    let translated = to_onnx(&read(&bytes).unwrap()).unwrap();
    let weights = translated.model.initializer("w_ordered").unwrap().unwrap();
    let expected: Vec<u8> = [2f32, 1.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    assert_eq!(weights.bytes(), expected);
    for extra in [sparse(&[0, 2]), sparse(&[0]), (6, Field::Table(vec![]))] {
        let bytes = net(extra);
        let error = to_onnx(&read(&bytes).unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
        assert!(error.to_string().contains("sparse"), "{error}");
    }
}

#[test]
fn contradictions_are_errors() {
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("not a TFLite model", b"\x10\0\0\0ONNX\0\0\0\0".to_vec()),
        ("no subgraph", file(&vec![(0, Field::I32(3))])),
        ("version 2", file(&vec![(0, Field::I32(2))])),
        (
            "is tensor 7 of 1",
            single(vec![tensor("x", F32, &[1])], vec![], &[7], &[0]),
        ),
        (
            "is tensor -1 of 1",
            single(vec![tensor("x", F32, &[1])], vec![], &[0], &[-1]),
        ),
        (
            "a negative dimension",
            single(vec![tensor("x", F32, &[-4])], vec![], &[0], &[0]),
        ),
        (
            "a scale that is not above 0",
            single(
                vec![tensor("x", 9, &[4]).scaled(f32::NAN, 0)],
                vec![],
                &[0],
                &[0],
            ),
        ),
        (
            "2 scales along axis 0",
            single(
                vec![tensor("x", 9, &[4]).per_channel(&[1.0, 2.0], 0)],
                vec![],
                &[0],
                &[0],
            ),
        ),
        (
            "activation 9",
            single(
                vec![tensor("x", F32, &[4])],
                vec![op(0, &[0, 0], &[0], Some((11, vec![(0, Field::U8(9))])))],
                &[0],
                &[0],
            ),
        ),
    ];
    for (text, bytes) in cases {
        let error = read(&bytes).unwrap_err();
        assert!(error.to_string().contains(text), "{text}: {error}");
    }
    // Read, but not translated.
    let cases = [
        (
            "made twice",
            single(
                vec![tensor("x", F32, &[4]), tensor("y", F32, &[4])],
                vec![op(19, &[0], &[1], None), op(19, &[0], &[1], None)],
                &[0],
                &[1],
            ),
        ),
        (
            "used before it is made",
            single(
                vec![
                    tensor("x", F32, &[4]),
                    tensor("y", F32, &[4]),
                    tensor("z", F32, &[4]),
                ],
                vec![op(19, &[1], &[2], None), op(19, &[0], &[1], None)],
                &[0],
                &[2],
            ),
        ),
        (
            "12 bytes for I32 [2]",
            single(
                vec![
                    tensor("x", F32, &[4]),
                    tensor("s", I32, &[2]).ints(&[2, 2, 2]),
                    tensor("y", F32, &[2, 2]),
                ],
                vec![op(22, &[0, 1], &[2], None)],
                &[0],
                &[2],
            ),
        ),
    ];
    for (text, bytes) in cases {
        let error = to_onnx(&read(&bytes).unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert!(error.to_string().contains(text), "{text}: {error}");
    }
}

#[test]
fn a_small_file_does_not_unfold_without_end() {
    // A vector of many references to one table.
    let mut bytes = single(vec![tensor("x", F32, &[1])], vec![], &[0], &[0]);
    let limits = Limits {
        elements: 10,
        ..Limits::default()
    };
    let error = Model::from_bytes(&bytes, &limits).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    let limits = Limits {
        file_bytes: 16,
        ..Limits::default()
    };
    let error = Model::from_bytes(&bytes, &limits).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    // A root that refers to itself: the reference's distance is 0.
    bytes[..4].fill(0);
    assert_eq!(read(&bytes).unwrap_err().kind(), ErrorKind::Malformed);
}

#[test]
fn four_bit_weights_are_unpacked_and_sixteen_bits_need_a_newer_opset() {
    let int4 = 17;
    let tensors = vec![
        tensor("x", build::I16, &[1, 4]).scaled(0.5, 0),
        tensor("w", int4, &[1, 4])
            .scaled(0.25, 0)
            .bytes(&[0x21, 0xf8]),
        tensor("y", build::I16, &[1, 1]).scaled(0.5, 0),
    ];
    let ops = vec![op(9, &[0, 1, -1], &[2], Some((8, vec![])))];
    let bytes = single(tensors, ops, &[0], &[2]);
    let translated = to_onnx(&read(&bytes).unwrap()).unwrap();
    assert_eq!(translated.model.opset(), 21);
    let weights = translated.model.initializer("w_ordered").unwrap().unwrap();
    assert_eq!(weights.to_i64().unwrap(), [1, 2, -8, -1]);
    let net = small_net();
    assert_eq!(to_onnx(&read(&net).unwrap()).unwrap().model.opset(), 20);
}

#[test]
fn branches_are_translated_and_endless_ones_refused() {
    let bytes = choice(None);
    let translated = to_onnx(&read(&bytes).unwrap()).unwrap();
    let nodes = &translated.model.graph().node;
    assert!(nodes.iter().any(|n| n.op_type == "If"), "{nodes:?}");
    // A branch that branches into itself, or into what is not there; what a branch lacks is listed.
    let branch = |graph: i32| {
        let both = vec![(0, Field::I32(graph)), (1, Field::I32(graph))];
        op(118, &[2, 0], &[1], Some((92, both)))
    };
    for (inner, kind, text) in [
        (branch(1), ErrorKind::Unsupported, "more than 8"),
        (branch(0), ErrorKind::Malformed, "subgraphs [0, 0]"),
        (branch(3), ErrorKind::Malformed, "subgraph 3"),
        (branch(-1), ErrorKind::Malformed, "subgraphs [-1, -1]"),
        (
            op(15, &[0], &[1], None),
            ErrorKind::Unsupported,
            "LSH_PROJECTION",
        ),
    ] {
        let bytes = choice(Some(inner));
        let error = to_onnx(&read(&bytes).unwrap()).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(text), "{text}: {error}");
    }
}

#[test]
fn every_operator_is_on_the_page() {
    let page = include_str!("../../../docs/models.md");
    for name in redpoll_tflite::operators() {
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
}

/// Seeds for the fuzzer, where `REDPOLL_WRITE_TFLITE` names a folder.
#[test]
fn small_files_are_written_as_seeds() {
    let Some(folder) = std::env::var_os("REDPOLL_WRITE_TFLITE") else {
        println!("skipped: REDPOLL_WRITE_TFLITE names no folder");
        return;
    };
    let all = [
        ("net", small_net()),
        ("counter", counter(&[0.0, 0.0])),
        ("choice", choice(None)),
    ];
    for (name, bytes) in all {
        let path = std::path::Path::new(&folder).join(format!("{name}.tflite"));
        std::fs::write(path, bytes).unwrap();
    }
}

/// Damages every byte of small models, and cuts them off everywhere.
#[test]
fn damage_gives_an_error_or_another_model() {
    let mut taken = 0;
    for bytes in [small_net(), counter(&[0.0, 0.0]), choice(None)] {
        let mut attempt = |bytes: &[u8]| {
            if let Ok(model) = read(bytes) {
                taken += usize::from(to_onnx(&model).is_ok());
            }
        };
        for len in 0..bytes.len() {
            attempt(&bytes[..len]);
        }
        for at in 0..bytes.len() {
            for value in [0, 1, 2, 3, 4, 8, 16, 64, 127, 128, 200, 254, 255] {
                let mut bytes = bytes.clone();
                bytes[at] = value;
                attempt(&bytes);
            }
            // Numbers of four bytes: the largest, the smallest, large ones.
            if at % 4 == 0 && at + 4 <= bytes.len() {
                for value in [u32::MAX, 0x8000_0000, 0x7fff_ffff, 0x0001_0000] {
                    let mut bytes = bytes.clone();
                    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
                    attempt(&bytes);
                }
            }
        }
    }
    assert!(taken > 1000, "only {taken} damaged models were taken");
}
