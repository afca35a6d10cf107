//! The verifier: a sound graph passes; each invariant broken once is found.

use redpoll_graph::op::{BinaryFn, Clamp, Conv, ReduceKind, UnaryFn};
use redpoll_graph::{DType, Data, ErrorKind, Graph, NodeId, Op, QParams, Tensor, ValueId, verify};

const RELU: Op = Op::Unary(UnaryFn::Clamp(Clamp::RELU));

/// x → Quantize → Conv → Transpose → Dequantize, all int8 between.
fn sound() -> Graph {
    let mut g = Graph::new("sound");
    let x = g.add_input("x", DType::F32, vec![1, 4, 4, 2]);
    let q = |s, z| Some(QParams::per_tensor(s, z));
    let xq = g
        .add_node_as("xq", Op::Quantize, &[x], DType::I8, q(0.1, 3))
        .unwrap();
    let w = Tensor::new(vec![3, 1, 1, 2], Data::I8(vec![1, -2, 3, -4, 5, -6])).unwrap();
    let w = g.add_constant("w", w);
    g.value_mut(w).qparams = Some(QParams::per_channel(vec![0.1, 0.2, 0.3], 0));
    let b = g.add_constant("b", Tensor::new(vec![3], Data::I32(vec![1, 2, 3])).unwrap());
    let conv = Op::Conv(Conv {
        strides: vec![1, 1],
        dilations: vec![1, 1],
        pads_before: vec![0, 0],
        pads_after: vec![0, 0],
        groups: 1,
        clamp: None,
    });
    let c = g
        .add_node_as("c", conv, &[xq, w, b], DType::I8, q(0.2, -4))
        .unwrap();
    let perm = vec![0, 3, 1, 2];
    let t = g.add_node("t", Op::Transpose { perm }, &[c]).unwrap();
    let y = g.add_node("y", Op::Dequantize, &[t]).unwrap();
    g.outputs.push(y);
    g
}

fn id(g: &Graph, name: &str) -> ValueId {
    g.find_value(name).unwrap()
}

#[test]
fn sound_graphs_pass() {
    verify(&sound()).unwrap();
    verify(&Graph::new("empty")).unwrap();
}

#[test]
fn each_invariant_broken_once() {
    type Break = fn(&mut Graph);
    let cases: &[(&str, ErrorKind, Break)] = &[
        ("operand id out of range", ErrorKind::Invalid, |g| {
            g.nodes[1].inputs[0] = ValueId(99);
        }),
        ("output id out of range", ErrorKind::Invalid, |g| {
            g.outputs[0] = ValueId(99)
        }),
        ("wrong order", ErrorKind::Invalid, |g| g.nodes.swap(0, 1)),
        ("second writer", ErrorKind::Invalid, |g| {
            g.nodes[3].output = g.nodes[2].output;
        }),
        ("writes an input", ErrorKind::Invalid, |g| {
            g.nodes[3].output = g.inputs[0]
        }),
        ("writes a constant", ErrorKind::Invalid, |g| {
            g.nodes[3].output = id(g, "w")
        }),
        ("input twice", ErrorKind::Invalid, |g| {
            g.inputs.push(g.inputs[0])
        }),
        ("constant as input", ErrorKind::Invalid, |g| {
            g.inputs.push(id(g, "w"))
        }),
        ("output never made", ErrorKind::Invalid, |g| {
            let loose = g.add_value("loose", DType::F32, vec![1]);
            g.outputs.push(loose);
        }),
        ("value names", ErrorKind::Invalid, |g| {
            let c = id(g, "c");
            g.value_mut(c).name = "x".into();
        }),
        ("node names", ErrorKind::Invalid, |g| {
            g.nodes[0].name = "y".into()
        }),
        ("constant's shape", ErrorKind::Invalid, |g| {
            let b = id(g, "b");
            g.value_mut(b).shape = vec![4];
        }),
        ("constant's type", ErrorKind::Invalid, |g| {
            let b = id(g, "b");
            g.value_mut(b).dtype = DType::I64;
        }),
        ("recorded shape", ErrorKind::Shape, |g| {
            let c = id(g, "c");
            g.value_mut(c).shape = vec![1, 4, 4, 4];
        }),
        ("recorded type", ErrorKind::Type, |g| {
            let y = id(g, "y");
            g.value_mut(y).dtype = DType::I32;
        }),
        ("size limit", ErrorKind::TooLarge, |g| {
            let x = id(g, "x");
            g.value_mut(x).shape = vec![usize::MAX, 2];
        }),
        ("scale of zero", ErrorKind::Type, |g| {
            set(g, "c", QParams::per_tensor(0.0, 0))
        }),
        ("scale not finite", ErrorKind::Type, |g| {
            set(g, "c", QParams::per_tensor(f32::INFINITY, 0));
        }),
        ("zero point", ErrorKind::Type, |g| {
            set(g, "c", QParams::per_tensor(0.1, 128))
        }),
        ("too few scales", ErrorKind::Type, |g| {
            set(g, "w", QParams::per_channel(vec![0.1; 2], 0));
        }),
        ("axis of scales", ErrorKind::Type, |g| {
            set(g, "w", QParams::per_channel(vec![0.1; 3], 4));
        }),
        ("scales along the inputs", ErrorKind::Type, |g| {
            set(g, "w", QParams::per_channel(vec![0.1; 2], 3));
        }),
        ("asymmetric weights", ErrorKind::Type, |g| {
            set(g, "w", QParams::per_tensor(0.1, 1))
        }),
        ("scale on a float", ErrorKind::Type, |g| {
            set(g, "y", QParams::per_tensor(0.1, 0))
        }),
        ("per-channel activation", ErrorKind::Type, |g| {
            set(g, "c", QParams::per_channel(vec![0.1; 3], 3));
        }),
        ("no scale on a result", ErrorKind::Type, |g| {
            let xq = id(g, "xq");
            g.value_mut(xq).qparams = None;
        }),
        ("scales that movement must share", ErrorKind::Type, |g| {
            set(g, "t", QParams::per_tensor(0.2, -3));
        }),
        ("bias that is no constant", ErrorKind::Type, |g| {
            let b = id(g, "b");
            g.value_mut(b).constant = None;
            g.inputs.push(b);
        }),
        ("float bias", ErrorKind::Type, |g| {
            let b = id(g, "b");
            let value = g.value_mut(b);
            value.dtype = DType::F32;
            value.constant = Some(Tensor::vector_f32(vec![0.0; 3]).into());
        }),
        ("accumulator", ErrorKind::TooLarge, |g| {
            let b = id(g, "b");
            let large = Data::I32(vec![0, i32::MAX - 100, 0]);
            g.value_mut(b).constant = Some(Tensor::new(vec![3], large).unwrap().into());
        }),
    ];
    for (what, kind, spoil) in cases {
        let mut g = sound();
        spoil(&mut g);
        match verify(&g) {
            Err(e) => assert_eq!(e.kind(), *kind, "{what}: {e}"),
            Ok(()) => panic!("{what}: not found"),
        }
    }
}

fn set(g: &mut Graph, name: &str, qparams: QParams) {
    let value = id(g, name);
    g.value_mut(value).qparams = Some(qparams);
}

#[test]
fn the_accumulator_bound_is_exact() {
    // |x − z| ≤ 131 for z = 3: the sum of channel 1 is at most (3 + 4) · 131.
    let with_bias = |bias| {
        let mut g = sound();
        let b = id(&g, "b");
        let bias = Data::I32(vec![0, bias, 0]);
        g.value_mut(b).constant = Some(Tensor::new(vec![3], bias).unwrap().into());
        verify(&g)
    };
    with_bias(i32::MAX - 7 * 131).unwrap();
    let error = with_bias(i32::MAX - 7 * 131 + 1).unwrap_err();
    assert_eq!(error.node(), Some("c"));
    assert_eq!(
        error.to_string(),
        "node \"c\": the accumulator of output channel 1 could pass 2^31: keep this node in float"
    );
    with_bias(i32::MIN).unwrap_err();
}

#[test]
fn long_sums_are_proved() {
    let mean = |n: usize| {
        let mut g = Graph::new("mean");
        let x = g.add_input("x", DType::U8, vec![n]);
        g.value_mut(x).qparams = Some(QParams::per_tensor(0.1, 0));
        let kind = ReduceKind::Mean;
        let op = Op::Reduce {
            kind,
            axes: vec![0],
            keep_dims: false,
        };
        let q = Some(QParams::per_tensor(0.1, 0));
        let y = g.add_node_as("y", op, &[x], DType::U8, q).unwrap();
        g.outputs.push(y);
        verify(&g)
    };
    mean(i32::MAX as usize / 255).unwrap();
    assert_eq!(
        mean(i32::MAX as usize / 255 + 1).unwrap_err().kind(),
        ErrorKind::TooLarge
    );
}

#[test]
fn unused_values_are_ignored() {
    let mut g = sound();
    g.values.push(g.values[0].clone());
    verify(&g).unwrap();
}

#[test]
fn names_stay_unique_and_cheap() {
    let mut g = Graph::new("many");
    let mut x = g.add_input("x", DType::F32, vec![1]);
    for _ in 0..100_000 {
        x = g.add_node("x", RELU, &[x]).unwrap();
    }
    g.outputs.push(x);
    assert_eq!(g.value(x).name, "x_100000");
    assert_eq!(g.node(NodeId(0)).name, "x_1");
    verify(&g).unwrap();
}

#[test]
fn results_that_choose_their_type() {
    let mut g = Graph::new("types");
    let x = g.add_input("x", DType::U8, vec![2]);
    g.value_mut(x).qparams = Some(QParams::per_tensor(0.1, 0));
    let q = Some(QParams::per_tensor(0.2, 0));
    let add = Op::Binary {
        function: BinaryFn::Add,
        clamp: None,
    };
    let y = g
        .add_node_as("y", add, &[x, x], DType::I8, q.clone())
        .unwrap();
    g.outputs.push(y);
    verify(&g).unwrap();
    let reshape = Op::Reshape { shape: vec![1, 2] };
    let moved = g.add_node_as("z", reshape, &[y], DType::U8, q.clone());
    assert_eq!(moved.unwrap_err().kind(), ErrorKind::Type);
    assert_eq!(
        g.add_node_as("z", RELU, &[y], DType::F32, q)
            .unwrap_err()
            .kind(),
        ErrorKind::Type
    );
}
