//! Bytes that mean harm: mutated models, deep nesting, many small things. Each gives a value in bounded time.

mod shared;

use redpoll_onnx::proto::{GraphProto, NodeProto};
use redpoll_onnx::{DataType, ErrorKind, GraphBuilder, Limits, Model, ModelBuilder, TensorData};
use std::time::{Duration, Instant};

/// A model with a bit of everything: subgraph, all places of tensor data, metadata, names.
fn small_model() -> Vec<u8> {
    let mut inner = GraphBuilder::new("then");
    inner
        .node(NodeProto::new("Identity", "", ["w"], ["t"]))
        .output("t", DataType::F32, &[2.into()]);
    let weights = TensorData::from_f32(&[2, 2], &[1.0, 2.0, 3.0, 4.0]).unwrap();
    let mut typed = weights.to_proto("typed");
    typed.raw_data = None;
    typed.int64_data = vec![1, -1, i64::MAX, 0];
    typed.data_type = DataType::I64.to_onnx();
    let mut graph = GraphBuilder::new("main");
    graph
        .input("x", DataType::F32, &[1.into(), 2.into()])
        .initializer("w", &weights)
        .node(NodeProto::new("If", "if", ["c"], ["t"]).with_graph("then_branch", inner.finish()))
        .node(
            NodeProto::new("Conv", "conv", ["x", "w"], ["y"])
                .with_ints("strides", &[1, 2])
                .with_floats("fs", &[0.5, 1.5])
                .with_string("auto_pad", "SAME_UPPER")
                .with_tensor("value", &weights),
        )
        .output("y", DataType::F32, &[1.into()]);
    let mut proto = ModelBuilder::new(17)
        .metadata("k", "v")
        .build(graph)
        .unwrap()
        .into_proto();
    proto.graph.as_mut().unwrap().initializer.push(typed);
    Model::from_proto(proto).unwrap().to_bytes().unwrap()
}

/// Numbers that look random and are the same each time (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }
}

/// Damages a copy of `bytes` in one of four ways.
fn mutate(bytes: &[u8], numbers: &mut Numbers, way: usize) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let at = numbers.below(out.len());
    match way {
        0 => {
            for _ in 0..1 + numbers.below(8) {
                let at = numbers.below(out.len());
                out[at] ^= 1 << numbers.below(8);
            }
        }
        1 => out.truncate(at),
        // A number of up to 64 bits where a length or value may stand.
        2 => {
            let mut huge = vec![0xff; numbers.below(10)];
            huge.push(1);
            out.splice(at..(at + huge.len()).min(bytes.len()), huge);
        }
        // A piece from elsewhere put in.
        _ => {
            let from = numbers.below(out.len());
            let piece = bytes[from..(from + numbers.below(64)).min(bytes.len())].to_vec();
            out.splice(at..at, piece);
        }
    }
    out
}

/// Reads everything that can be read; returns whether the model was taken.
fn exercise(bytes: &[u8]) -> bool {
    let Ok(model) = Model::from_bytes(bytes, &Limits::default()) else {
        return false;
    };
    exercise_graph(&model, model.graph());
    // What was taken can be written, and is taken again.
    let bytes = model.to_bytes().unwrap();
    assert!(Model::from_bytes(&bytes, &Limits::default()).is_ok());
    true
}

fn exercise_graph(model: &Model, graph: &GraphProto) {
    for tensor in &graph.initializer {
        if let Ok(data) = model.tensor(tensor) {
            assert_eq!(data.to_f32().len(), data.count());
        }
    }
    for value in graph.input.iter().chain(&graph.output) {
        let _ = value.tensor_info();
    }
    for node in &graph.node {
        for name in node.attribute.iter().map(|a| &a.name) {
            let _ = (
                node.attr_int(name),
                node.attr_ints(name),
                node.attr_string(name),
            );
            let _ = node.attr_tensor(name).map(|t| t.map(|t| model.tensor(t)));
            if let Ok(Some(graph)) = node.attr_graph(name) {
                exercise_graph(model, graph);
            }
        }
    }
}

/// 200 mutations, each within two seconds on a busy machine.
fn survive(name: &str, bytes: &[u8]) {
    assert!(exercise(bytes), "{name} itself");
    let mut numbers = Numbers(7);
    let mut taken = 0;
    let mut slowest = Duration::ZERO;
    for round in 0..200 {
        let hostile = mutate(bytes, &mut numbers, round % 4);
        let start = Instant::now();
        taken += usize::from(exercise(&hostile));
        slowest = slowest.max(start.elapsed());
    }
    println!("{name}: {taken} of 200 mutations still read; slowest {slowest:?}");
    assert!(slowest < Duration::from_secs(2), "{name}: {slowest:?}");
}

#[test]
fn mutated_small_model() {
    survive("small model", &small_model());
}

#[test]
fn mutated_file_with_every_field() {
    survive("every_field.onnx", include_bytes!("data/every_field.onnx"));
}

#[test]
fn mutated_real_model() {
    let Some(models) = shared::models() else {
        return;
    };
    survive(
        "tiny_kws",
        &std::fs::read(models.join("kws/tiny_kws_f32.onnx")).unwrap(),
    );
}

#[test]
fn every_cut_of_the_small_model() {
    let bytes = small_model();
    for len in 0..bytes.len() {
        exercise(&bytes[..len]);
    }
}

/// `levels` messages in one another; each level is wrapped in the given tags, from the inside out.
fn nested(levels: usize, tags: &[u8], outer: &[u8]) -> Vec<u8> {
    // Written backwards, so that each level only adds its own few bytes.
    let mut backwards: Vec<u8> = Vec::new();
    for &tag in tags.iter().cycle().take(levels * tags.len()).chain(outer) {
        let mut head = vec![tag];
        append_length(&mut head, backwards.len());
        backwards.extend(head.iter().rev());
    }
    backwards.extend([17, 0x10, 2, 0x42, 8, 0x08]);
    backwards.reverse();
    backwards
}

/// Writes a length as the wire format has it.
fn append_length(out: &mut Vec<u8>, mut len: usize) {
    while len >= 0x80 {
        out.push((len & 0x7f) as u8 | 0x80);
        len >>= 7;
    }
    out.push(len as u8);
}

/// A model whose main graph holds so many levels of subgraphs.
fn subgraphs(levels: usize) -> Vec<u8> {
    // graph in attribute (6) in node (5) in graph (1), all in the model (7)
    nested(levels, &[0x32, 0x2a, 0x0a], &[0x3a])
}

#[test]
fn subgraphs_nest_as_deep_as_the_limit() {
    let read = |levels, subgraph_depth| {
        let limits = Limits {
            subgraph_depth,
            ..Limits::default()
        };
        Model::from_bytes(&subgraphs(levels), &limits).map_err(|e| e.kind())
    };
    assert!(read(16, 16).is_ok());
    assert_eq!(read(17, 16), Err(ErrorKind::LimitExceeded));
    assert!(read(25, usize::MAX).is_ok(), "as deep as messages may nest");
    assert_eq!(read(40, usize::MAX), Err(ErrorKind::LimitExceeded));
    for limit in [16, usize::MAX] {
        let start = Instant::now();
        assert_eq!(read(10_000, limit), Err(ErrorKind::LimitExceeded));
        assert!(start.elapsed() < Duration::from_secs(2));
    }
}

#[test]
fn types_nest_as_deep_as_messages_may() {
    // type in sequence (1) in type (4), in value info (2), in graph (12), in model (7)
    let read = |levels| {
        let bytes = nested(levels, &[0x0a, 0x22], &[0x12, 0x62, 0x3a]);
        Model::from_bytes(&bytes, &Limits::default())
            .map(|_| ())
            .map_err(|e| e.kind())
    };
    assert_eq!(read(40), Ok(()));
    assert_eq!(read(10_000), Err(ErrorKind::LimitExceeded));
}

#[test]
fn unknown_fields_do_not_nest() {
    // Field 99 is skipped as a whole, so its depth cannot matter.
    let mut bytes = vec![0x08, 8, 0x42, 2, 0x10, 17, 0x3a, 0];
    let deep = subgraphs(10_000);
    bytes.extend([0x9a, 6]);
    append_length(&mut bytes, deep.len());
    bytes.extend(deep);
    assert!(exercise(&bytes));
}

#[test]
fn many_small_messages_are_refused_before_they_are_decoded() {
    // 4 million empty nodes in 8 MB would take gigabytes.
    let nodes = [0x0a, 0].repeat(4_000_000);
    let mut bytes = vec![0x08, 8, 0x42, 2, 0x10, 17, 0x3a];
    append_length(&mut bytes, nodes.len());
    bytes.extend(nodes);
    let start = Instant::now();
    let error = Model::from_bytes(&bytes, &Limits::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    assert!(start.elapsed() < Duration::from_secs(2));
}
