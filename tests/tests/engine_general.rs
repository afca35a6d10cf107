//! Comparisons, whole numbers, choices, order and indices: the engine gives the evaluator's bits on every tier.

use redpoll_graph::op::{
    ArgReduce, BinaryFn, Cumulate, NearestRounding, Pad, PadMode, ReduceKind, Resize,
    ResizeCoordinates, ResizeMode, Scatter, SparseRows, TopK, UnaryFn,
};
use redpoll_graph::{DType, Data, Graph, Op, Tensor, ValueId, eval};
use redpoll_pipeline::lower::{LowerOptions, lower};
use redpoll_session::{Options, Session};
use redpoll_tests::build::{Random, tensor};
use redpoll_tests::equality::{assert_same_bits, set_inputs};

/// A tensor with extremes, equal elements, and for floats NaN and infinities.
fn mixed(random: &mut Random, dtype: DType, shape: &[usize]) -> Tensor {
    let n: usize = shape.iter().product();
    let mut small = || random.below(9) as i64 - 4;
    let data = match dtype {
        DType::F32 => Data::F32(
            (0..n)
                .map(|i| match i % 11 {
                    7 => f32::NAN,
                    9 => f32::NEG_INFINITY,
                    10 => f32::INFINITY,
                    _ => small() as f32 * 0.75,
                })
                .collect(),
        ),
        DType::I8 => Data::I8((0..n).map(|_| small() as i8).collect()),
        DType::U8 => Data::U8((0..n).map(|_| small() as u8).collect()),
        DType::I32 => Data::I32(
            (0..n)
                .map(|i| {
                    if i % 13 == 5 {
                        i32::MIN
                    } else {
                        small() as i32
                    }
                })
                .collect(),
        ),
        DType::I64 => Data::I64(
            (0..n)
                .map(|i| if i % 13 == 5 { i64::MAX } else { small() })
                .collect(),
        ),
        DType::Bool => Data::Bool((0..n).map(|_| small() > 0).collect()),
    };
    tensor(shape, data)
}

/// One node on operands of these types and shapes.
fn check(op: Op, operands: &[(DType, &[usize])]) {
    let mut random = Random::new(operands.len() as u64 + 3);
    let inputs: Vec<Tensor> = operands
        .iter()
        .map(|&(dtype, shape)| mixed(&mut random, dtype, shape))
        .collect();
    check_on(op, &inputs);
}

/// One node on these operands, all of them inputs.
fn check_on(op: Op, inputs: &[Tensor]) {
    let what = format!("{op:?} of {}", inputs[0].dtype());
    let mut graph = Graph::new("one");
    let ids: Vec<ValueId> = inputs
        .iter()
        .map(|t| graph.add_input("x", t.dtype(), t.shape().to_vec()))
        .collect();
    let y = graph
        .add_node("y", op, &ids)
        .unwrap_or_else(|e| panic!("{what}: {e}"));
    graph.outputs.push(y);
    assert_same_bits(&what, &graph, inputs);
}

const ALL: [DType; 6] = [
    DType::F32,
    DType::I8,
    DType::U8,
    DType::I32,
    DType::I64,
    DType::Bool,
];
const WHOLE: [DType; 2] = [DType::I32, DType::I64];

fn two(function: BinaryFn) -> Op {
    Op::Binary {
        function,
        clamp: None,
    }
}

#[test]
fn comparisons() {
    for function in [
        BinaryFn::Equal,
        BinaryFn::Less,
        BinaryFn::Greater,
        BinaryFn::LessOrEqual,
        BinaryFn::GreaterOrEqual,
    ] {
        for dtype in [DType::F32, DType::I32, DType::I64] {
            check(two(function), &[(dtype, &[2, 3, 5]), (dtype, &[3, 1])]);
        }
    }
    check(
        two(BinaryFn::Equal),
        &[(DType::Bool, &[4, 5]), (DType::Bool, &[5])],
    );
}

#[test]
fn whole_numbers_and_truth_values() {
    for dtype in WHOLE {
        for function in [
            BinaryFn::Add,
            BinaryFn::Sub,
            BinaryFn::Mul,
            BinaryFn::Max,
            BinaryFn::Min,
            BinaryFn::And,
            BinaryFn::Or,
            BinaryFn::Xor,
            BinaryFn::ShiftLeft,
            BinaryFn::ShiftRight,
        ] {
            check(two(function), &[(dtype, &[3, 14]), (dtype, &[14])]);
        }
        for function in [
            UnaryFn::Neg,
            UnaryFn::Abs,
            UnaryFn::Sign,
            UnaryFn::BitNot,
            UnaryFn::Wrap {
                bits: 4,
                signed: true,
            },
            UnaryFn::Wrap {
                bits: 16,
                signed: false,
            },
        ] {
            check(Op::Unary(function), &[(dtype, &[3, 14])]);
        }
        for kind in [
            ReduceKind::Sum,
            ReduceKind::Mean,
            ReduceKind::Max,
            ReduceKind::Min,
            ReduceKind::Prod,
        ] {
            let op = Op::Reduce {
                kind,
                axes: vec![0, 2],
                keep_dims: false,
            };
            check(op, &[(dtype, &[2, 3, 7])]);
        }
    }
    for function in [BinaryFn::And, BinaryFn::Or, BinaryFn::Xor] {
        check(
            two(function),
            &[(DType::Bool, &[4, 5]), (DType::Bool, &[5])],
        );
    }
    check(Op::Unary(UnaryFn::Not), &[(DType::Bool, &[9])]);
}

#[test]
fn division_and_powers() {
    let a = tensor(&[8], Data::I32(vec![7, -7, 7, -7, i32::MIN, 0, 5, -1]));
    let b = tensor(&[8], Data::I32(vec![3, 3, -3, -3, -1, 2, 5, 1]));
    for function in [BinaryFn::Div, BinaryFn::Mod, BinaryFn::Fmod] {
        check_on(two(function), &[a.clone(), b.clone()]);
    }
    let powers = tensor(&[8], Data::I32(vec![2, 3, 0, 1, 2, 9, 31, 40]));
    check_on(two(BinaryFn::Pow), &[a, powers]);
    for function in [BinaryFn::Mod, BinaryFn::Fmod] {
        check(
            two(function),
            &[(DType::F32, &[3, 22]), (DType::F32, &[22])],
        );
    }
}

#[test]
fn rare_functions_and_tests_of_floats() {
    for function in [
        UnaryFn::Sin,
        UnaryFn::Cos,
        UnaryFn::Tan,
        UnaryFn::Asin,
        UnaryFn::Acos,
        UnaryFn::Atan,
        UnaryFn::Sinh,
        UnaryFn::Cosh,
        UnaryFn::Asinh,
        UnaryFn::Acosh,
        UnaryFn::Atanh,
        UnaryFn::Sign,
        UnaryFn::IsNan,
    ] {
        check(Op::Unary(function), &[(DType::F32, &[3, 22])]);
    }
    for (positive, negative) in [(true, true), (true, false), (false, true), (false, false)] {
        let function = UnaryFn::IsInf { positive, negative };
        check(Op::Unary(function), &[(DType::F32, &[22])]);
    }
}

#[test]
fn conversions() {
    for from in ALL {
        for to in ALL {
            check(Op::Cast { to }, &[(from, &[3, 26])]);
        }
    }
}

#[test]
fn choices() {
    for dtype in ALL {
        check(
            Op::Select,
            &[(DType::Bool, &[3, 1, 5]), (dtype, &[4, 5]), (dtype, &[1])],
        );
        for (least, last) in [(false, false), (false, true), (true, false), (true, true)] {
            let op = Op::ArgReduce(ArgReduce {
                axis: 1,
                least,
                last,
            });
            check(op, &[(dtype, &[2, 12, 3])]);
        }
        for (largest, indices, k) in [(true, false, 5), (false, true, 12), (true, true, 1)] {
            let op = Op::TopK(TopK {
                axis: 1,
                k,
                largest,
                indices,
            });
            check(op, &[(dtype, &[2, 12, 3])]);
        }
    }
    for dtype in [DType::F32, DType::I32, DType::I64] {
        for (exclusive, reverse) in [(false, false), (true, false), (false, true), (true, true)] {
            for kind in [ReduceKind::Sum, ReduceKind::Prod] {
                let op = Op::Cumulate(Cumulate {
                    kind,
                    axis: 1,
                    exclusive,
                    reverse,
                });
                check(op, &[(dtype, &[2, 6, 3])]);
            }
        }
    }
}

/// Indices within an axis of `size`, negative ones among them.
fn indices(random: &mut Random, dtype: DType, shape: &[usize], size: usize) -> Tensor {
    let n = shape.iter().product();
    let each = (0..n).map(|_| random.below(2 * size) as i64 - size as i64);
    let data = match dtype {
        DType::I32 => Data::I32(each.map(|i| i as i32).collect()),
        _ => Data::I64(each.collect()),
    };
    tensor(shape, data)
}

#[test]
fn gathering() {
    let mut random = Random::new(17);
    for dtype in ALL {
        for by in WHOLE {
            let x = mixed(&mut random, dtype, &[3, 5, 4]);
            let along = indices(&mut random, by, &[2, 3], 5);
            check_on(Op::Gather { axis: 1 }, &[x.clone(), along]);
            let elements = indices(&mut random, by, &[2, 7, 4], 5);
            check_on(Op::GatherElements { axis: 1 }, &[x.clone(), elements]);
            let tuples = indices(&mut random, by, &[6, 2], 3);
            check_on(Op::GatherNd { batch: 0 }, &[x.clone(), tuples]);
            let tuples = indices(&mut random, by, &[3, 2, 2], 4);
            check_on(Op::GatherNd { batch: 1 }, &[x, tuples]);
        }
    }
}

#[test]
fn scattering() {
    let mut random = Random::new(29);
    let number = |dtype| matches!(dtype, DType::F32 | DType::I32 | DType::I64);
    for dtype in ALL {
        for mode in [
            Scatter::Replace,
            Scatter::Add,
            Scatter::Mul,
            Scatter::Max,
            Scatter::Min,
        ] {
            if mode != Scatter::Replace && !number(dtype) {
                continue;
            }
            for by in WHOLE {
                let x = mixed(&mut random, dtype, &[3, 5, 4]);
                let updates = mixed(&mut random, dtype, &[2, 7, 4]);
                let elements = indices(&mut random, by, &[2, 7, 4], 5);
                let op = Op::ScatterElements { axis: 1, mode };
                check_on(op, &[x.clone(), elements, updates]);
                let tuples = indices(&mut random, by, &[6, 2], 3);
                let updates = mixed(&mut random, dtype, &[6, 4]);
                check_on(Op::ScatterNd { mode }, &[x, tuples, updates]);
            }
        }
    }
}

#[test]
fn linear_maps_and_resizing() {
    let rows = SparseRows {
        axis: 1,
        starts: vec![0, 2, 2, 5].into(),
        index: vec![0, 3, 1, 1, 2].into(),
        weights: vec![0.5, -1.25, 3.0, 0.1, 0.7].into(),
    };
    check(Op::SparseRows(rows), &[(DType::F32, &[2, 4, 3])]);
    for coordinates in [
        ResizeCoordinates::Asymmetric,
        ResizeCoordinates::HalfPixel,
        ResizeCoordinates::PytorchHalfPixel,
        ResizeCoordinates::AlignCorners,
    ] {
        for mode in [
            ResizeMode::Linear,
            ResizeMode::Nearest(NearestRounding::PreferFloor),
            ResizeMode::Nearest(NearestRounding::Ceil),
        ] {
            let resize = Resize {
                mode,
                coordinates,
                sizes: vec![7, 3],
                scales: vec![7.0 / 5.0, 0.5],
            };
            check(Op::Resize(resize.clone()), &[(DType::F32, &[2, 5, 6, 3])]);
            let one = Resize {
                sizes: vec![9],
                scales: vec![1.8],
                ..resize
            };
            check(Op::Resize(one), &[(DType::F32, &[1, 5, 4])]);
        }
    }
    for mode in [PadMode::Edge, PadMode::Reflect] {
        let pad = Pad {
            before: vec![0, 3, 1],
            after: vec![2, 0, 1],
            mode,
            value: 0.0,
        };
        check(Op::Pad(pad.clone()), &[(DType::F32, &[3, 4, 2])]);
        check(Op::Pad(pad), &[(DType::I64, &[3, 4, 2])]);
    }
}

/// What the evaluator refuses, the engine refuses: an index outside, a division by zero.
#[test]
fn faults_of_the_data() {
    let mut graph = Graph::new("fault");
    let x = graph.add_input("x", DType::F32, vec![4]);
    let i = graph.add_input("i", DType::I64, vec![2]);
    let y = graph
        .add_node("y", Op::Gather { axis: 0 }, &[x, i])
        .expect("a node");
    graph.outputs.push(y);
    let inputs = [
        Tensor::vector_f32(vec![1.0, 2.0, 3.0, 4.0]),
        Tensor::vector_i64(vec![0, 4]),
    ];
    refused(&graph, &inputs);
    let mut graph = Graph::new("fault");
    let a = graph.add_input("a", DType::I32, vec![2]);
    let b = graph.add_input("b", DType::I32, vec![2]);
    let y = graph
        .add_node("y", two(BinaryFn::Div), &[a, b])
        .expect("a node");
    graph.outputs.push(y);
    let whole = |v: [i32; 2]| tensor(&[2], Data::I32(v.to_vec()));
    refused(&graph, &[whole([4, 5]), whole([2, 0])]);
}

fn refused(graph: &Graph, inputs: &[Tensor]) {
    assert!(eval::run(graph, inputs).is_err());
    let lowered = lower(graph, &LowerOptions::default()).expect("a plan");
    let mut session = Session::from_bytes(lowered.plan(), &Options::default()).expect("a session");
    set_inputs(&mut session, inputs);
    assert!(session.run().is_err());
}
