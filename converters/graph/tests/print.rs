//! The printed form of a graph with every kind of line.

use redpoll_graph::op::{
    BinaryFn, Clamp, Conv, NearestRounding, Pad, PadMode, Pool, PoolKind, ReduceKind, Resize,
    ResizeCoordinates, ResizeMode, SliceAxis, UnaryFn,
};
use redpoll_graph::{DType, Data, Graph, Op, QParams, Tensor, ValueId, print, verify};

#[test]
fn integer_graph() {
    let mut g = Graph::new("tiny \"net\"");
    g.metadata.insert("labels".into(), "yes\nno".into());
    g.metadata.insert("long".into(), "x".repeat(200));
    let q = |s, z| Some(QParams::per_tensor(s, z));
    let x = g.add_input("input:0", DType::F32, vec![1, 8, 8, 2]);
    let xq = g
        .add_node_as("xq", Op::Quantize, &[x], DType::I8, q(0.0235, -128))
        .unwrap();
    let w = (0..4 * 9 * 2).map(|i| (i * 7 % 255 - 127) as i8).collect();
    let w = g.add_constant("w", Tensor::new(vec![4, 3, 3, 2], Data::I8(w)).unwrap());
    g.value_mut(w).qparams = Some(QParams::per_channel(vec![0.5, 0.25, 0.125, 0.1], 0));
    let b = Tensor::new(vec![4], Data::I32(vec![1, -2, 3, -4])).unwrap();
    let b = g.add_constant("the bias", b);
    let conv = Op::Conv(Conv {
        strides: vec![2, 2],
        dilations: vec![1, 1],
        pads_before: vec![0, 0],
        pads_after: vec![1, 1],
        groups: 1,
        clamp: Some(Clamp::RELU),
    });
    let c = g
        .add_node_as("c", conv, &[xq, w, b], DType::I8, q(0.1, -128))
        .unwrap();
    g.nodes[1].name = "/features/0".into();
    let pool = Op::Pool(Pool {
        kind: PoolKind::Average,
        kernel: vec![4, 4],
        strides: vec![1, 1],
        dilations: vec![1, 1],
        pads_before: vec![0, 0],
        pads_after: vec![0, 0],
        count_include_pad: false,
    });
    let p = g
        .add_node_as("p", pool, &[c], DType::I8, q(0.05, -128))
        .unwrap();
    let y = g.add_node("y", Op::Dequantize, &[p]).unwrap();
    g.outputs.push(y);
    verify(&g).unwrap();
    insta::assert_snapshot!(print(&g));
}

#[test]
fn float_graph() {
    let mut g = Graph::new("ops");
    let x = g.add_input("x", DType::F32, vec![1, 4, 4, 3]);
    let add = Op::Binary {
        function: BinaryFn::Add,
        clamp: Some(Clamp { lo: -1.0, hi: 6.0 }),
    };
    let axis = |start, step, len| SliceAxis { start, step, len };
    let steps = [
        Op::Unary(UnaryFn::Clamp(Clamp { lo: 0.0, hi: 6.0 })),
        Op::Unary(UnaryFn::LeakyRelu { alpha: 0.1 }),
        Op::Unary(UnaryFn::HardSigmoid {
            alpha: 0.2,
            beta: 0.5,
        }),
        Op::Pad(Pad {
            before: vec![0, 1, 0, 0],
            after: vec![0, 0, 1, 0],
            mode: PadMode::Constant,
            value: -0.5,
        }),
        Op::Pad(Pad {
            before: vec![0, 1, 1, 0],
            after: vec![0; 4],
            mode: PadMode::Reflect,
            value: 0.0,
        }),
        Op::Slice {
            axes: vec![axis(0, 1, 1), axis(5, -1, 4), axis(1, 1, 4), axis(0, 1, 3)],
        },
        Op::Resize(Resize {
            mode: ResizeMode::Nearest(NearestRounding::Floor),
            coordinates: ResizeCoordinates::Asymmetric,
            sizes: vec![8, 8],
            scales: vec![2.0, 2.0],
        }),
        Op::Transpose {
            perm: vec![0, 3, 1, 2],
        },
        Op::Reduce {
            kind: ReduceKind::Mean,
            axes: vec![2, 3],
            keep_dims: true,
        },
        Op::Softmax { axis: 1 },
        Op::Reshape { shape: vec![3] },
        Op::Expand { shape: vec![2, 3] },
    ];
    let mut y = x;
    for op in steps {
        let name = op.name().to_lowercase();
        y = g.add_node(&name, op, &[y]).unwrap();
    }
    let y = g.add_node("sum", add, &[y, y]).unwrap();
    let many = Tensor::vector_f32((0..12).map(|i| i as f32 / 8.0).collect());
    let many = g.add_constant("many", many.reshaped(vec![3, 4]).unwrap());
    let y = g.add_node("product", Op::MatMul, &[y, many]).unwrap();
    let indices = g.add_constant("indices", Tensor::vector_i64(vec![1, 0]));
    let y = g
        .add_node("picked", Op::Gather { axis: 0 }, &[y, indices])
        .unwrap();
    let y = g
        .add_node("cast", Op::Cast { to: DType::I32 }, &[y])
        .unwrap();
    let y = g
        .add_node("joined", Op::Concat { axis: 1 }, &[y, y])
        .unwrap();
    g.outputs.push(y);
    verify(&g).unwrap();
    insta::assert_snapshot!(g.to_string());
}

#[test]
fn broken_graphs_print_too() {
    let mut g = Graph::new("broken");
    let x = g.add_input("x", DType::F32, vec![]);
    let y = g.add_node("y", Op::Unary(UnaryFn::Tanh), &[x]).unwrap();
    g.outputs.extend([y, ValueId(70)]);
    g.nodes[0].inputs[0] = ValueId(80);
    insta::assert_snapshot!(print(&g));
}
