//! Random small graphs, one for each operator in float and int8: the engine gives the evaluator's bits on every tier
//! with 1 and 2 threads.

use std::sync::Arc;

use redpoll_graph::op::{
    BinaryFn, Clamp, NearestRounding, Pad, PadMode, Pool, PoolKind, ReduceKind, Resize,
    ResizeCoordinates, ResizeMode, SliceAxis, UnaryFn,
};
use redpoll_graph::{DType, Data, Graph, Op, QParams, ValueId, eval};
use redpoll_pipeline::lower::{LowerOptions, WeightType, lower};
use redpoll_session::tiers;
use redpoll_tests::build::{Random, input, node, square, tensor, weights};
use redpoll_tests::equality::{assert_equal, assert_same_bits, assert_same_values, run};

/// Builds a graph of one input by `build`, in float, int8 and uint8, and compares it on random data.
fn compare(
    what: &str,
    shape: &[usize],
    mut build: impl FnMut(&mut Graph, &mut Random, ValueId) -> ValueId,
) {
    for dtype in [DType::F32, DType::I8, DType::U8] {
        compare_as(what, dtype, shape, &mut build);
    }
}

fn compare_as(
    what: &str,
    dtype: DType,
    shape: &[usize],
    build: &mut dyn FnMut(&mut Graph, &mut Random, ValueId) -> ValueId,
) {
    let mut random = Random::new(shape.iter().product::<usize>() as u64 + dtype as u64 * 977);
    let mut graph = Graph::new(what);
    let qparams = dtype.quantized_range().map(|_| random.qparams(dtype));
    let x = input(&mut graph, "x", dtype, shape, qparams);
    let y = build(&mut graph, &mut random, x);
    graph.outputs.push(y);
    let inputs: Vec<_> = graph
        .inputs
        .clone()
        .iter()
        .map(|&id| random.fitting(&graph, id))
        .collect();
    assert_same_bits(&format!("{what} {dtype} {shape:?}"), &graph, &inputs);
}

#[test]
fn convolutions() {
    let relu = Some(Clamp::RELU);
    let six = Some(Clamp { lo: 0.0, hi: 0.4 });
    // Spatial size, channels in and out, kernel, stride, dilation, pad, groups, clamp.
    for (size, c, m, k, stride, dilation, pad, groups, clamp) in [
        (8, 3, 16, 3, 1, 1, 1, 1, None),
        (9, 5, 17, 3, 2, 1, 1, 1, relu),
        (7, 4, 33, 1, 1, 1, 0, 1, six),
        (8, 6, 8, 1, 2, 1, 0, 1, None),
        (11, 8, 12, 3, 1, 2, 2, 4, relu),
        (10, 19, 19, 3, 1, 1, 1, 19, relu),
        (10, 32, 32, 5, 2, 1, 2, 32, None),
        (5, 7, 40, 5, 1, 1, 0, 1, None),
        (6, 2, 2, 7, 1, 1, 3, 2, None),
        (12, 64, 65, 3, 3, 1, 0, 1, relu),
    ] {
        compare("conv", &[1, size, size + 1, c], |g, r, x| {
            let ids = weights(g, r, x, &[m, k, k, c / groups], groups != 4);
            let mut conv = square(2, stride, dilation, pad, groups);
            conv.clamp = clamp;
            node(g, r, Op::Conv(conv), &[&[x][..], &ids].concat())
        });
    }
}

#[test]
fn one_dimensional_and_batched_convolutions() {
    compare("conv 1-D", &[2, 30, 10], |g, r, x| {
        let ids = weights(g, r, x, &[20, 3, 10], true);
        node(g, r, Op::Conv(square(1, 2, 2, 1, 1)), &[x, ids[0], ids[1]])
    });
    compare("depthwise 1-D", &[3, 17, 24], |g, r, x| {
        let ids = weights(g, r, x, &[24, 5, 1], true);
        let mut conv = square(1, 1, 1, 0, 24);
        conv.pads_before = vec![4];
        node(g, r, Op::Conv(conv), &[x, ids[0], ids[1]])
    });
    compare("asymmetric border", &[2, 6, 7, 4], |g, r, x| {
        let ids = weights(g, r, x, &[9, 3, 2, 4], true);
        let mut conv = square(2, 2, 1, 0, 1);
        (conv.pads_before, conv.pads_after) = (vec![0, 1], vec![1, 0]);
        node(g, r, Op::Conv(conv), &[x, ids[0], ids[1]])
    });
}

#[test]
fn dense_products() {
    for (rows, k, n) in [
        (1, 64, 10),
        (1, 7, 3),
        (5, 100, 33),
        (1, 1000, 130),
        (37, 16, 64),
    ] {
        compare("dense", &[rows, k], |g, r, x| {
            let ids = weights(g, r, x, &[n, k], k != 7);
            let op = Op::Dense {
                clamp: (n == 33).then_some(Clamp::RELU),
            };
            node(g, r, op, &[&[x][..], &ids].concat())
        });
    }
}

#[test]
fn matrix_products() {
    for (a, b) in [
        (vec![3, 5, 7], vec![3, 7, 9]),
        (vec![4, 6], vec![6, 20]),
        (vec![2, 2, 3, 4], vec![4, 5]),
    ] {
        compare_as("matmul", DType::F32, &a, &mut |g, r, x| {
            let other = input(g, "b", DType::F32, &b, None);
            node(g, r, Op::MatMul, &[x, other])
        });
    }
}

fn pooling(
    kind: PoolKind,
    kernel: usize,
    stride: usize,
    pad: usize,
    count_include_pad: bool,
) -> Op {
    Op::Pool(Pool {
        kind,
        kernel: vec![kernel; 2],
        strides: vec![stride; 2],
        dilations: vec![1; 2],
        pads_before: vec![pad; 2],
        pads_after: vec![pad; 2],
        count_include_pad,
    })
}

#[test]
fn pools() {
    for (kernel, stride, pad, c) in [(2, 2, 0, 16), (3, 1, 1, 5), (3, 2, 1, 33), (6, 1, 0, 20)] {
        for kind in [PoolKind::Max, PoolKind::Average] {
            for count in [false, true] {
                compare("pool", &[2, 6, 6, c], |g, r, x| {
                    node(g, r, pooling(kind, kernel, stride, pad, count), &[x])
                });
            }
        }
    }
}

#[test]
fn unary_functions() {
    use UnaryFn::*;
    let functions = [
        Clamp(redpoll_graph::op::Clamp { lo: -0.5, hi: 1.0 }),
        LeakyRelu { alpha: 0.1 },
        Elu { alpha: 1.0 },
        Sigmoid,
        HardSigmoid {
            alpha: 0.2,
            beta: 0.5,
        },
        HardSwish,
        Silu,
        Tanh,
        Gelu,
        GeluTanh,
        Softplus,
        Exp,
        Log,
        Sqrt,
        Reciprocal,
        Erf,
        Neg,
        Abs,
        Floor,
        Ceil,
        Round,
    ];
    for function in functions {
        compare(function.name(), &[3, 77], |g, r, x| {
            // Twice, so that the second runs in place.
            let first = node(g, r, Op::Unary(function), &[x]);
            node(g, r, Op::Unary(Abs), &[first])
        });
    }
}

#[test]
fn binary_functions() {
    for function in [
        BinaryFn::Add,
        BinaryFn::Sub,
        BinaryFn::Mul,
        BinaryFn::Max,
        BinaryFn::Min,
    ] {
        for other in [
            vec![2, 5, 6, 7],
            vec![7],
            vec![2, 1, 1, 7],
            vec![1, 5, 6, 1],
        ] {
            for clamp in [None, Some(Clamp { lo: 0.0, hi: 0.8 })] {
                compare(function.name(), &[2, 5, 6, 7], |g, r, x| {
                    let value = g.value(x).clone();
                    let keeps = matches!(function, BinaryFn::Max | BinaryFn::Min);
                    let (dtype, qparams) = match value.qparams {
                        Some(q) if keeps => (value.dtype, Some(q)),
                        Some(_) => {
                            let dtype = r.quantized_type();
                            (dtype, Some(r.qparams(dtype)))
                        }
                        None => (DType::F32, None),
                    };
                    let b = input(g, "b", dtype, &other, qparams);
                    node(g, r, Op::Binary { function, clamp }, &[x, b])
                });
            }
        }
    }
}

#[test]
fn float_division_and_powers() {
    for function in [BinaryFn::Div, BinaryFn::Pow] {
        compare_as(function.name(), DType::F32, &[4, 9], &mut |g, r, x| {
            let b = input(g, "b", DType::F32, &[9], None);
            node(
                g,
                r,
                Op::Binary {
                    function,
                    clamp: None,
                },
                &[x, b],
            )
        });
    }
}

#[test]
fn one_operand_twice() {
    compare("square", &[4, 50], |g, r, x| {
        let once = node(g, r, Op::Unary(UnaryFn::Abs), &[x]);
        node(
            g,
            r,
            Op::Binary {
                function: BinaryFn::Mul,
                clamp: None,
            },
            &[once, once],
        )
    });
}

#[test]
fn constants_in_binaries() {
    for function in [BinaryFn::Add, BinaryFn::Sub, BinaryFn::Mul] {
        for shape in [vec![], vec![1], vec![6]] {
            compare(function.name(), &[3, 5, 6], |g, r, x| {
                let integer = g.value(x).is_quantized();
                let c = if integer {
                    r.bytes(DType::I8, &shape)
                } else {
                    r.floats(&shape)
                };
                let c = g.add_constant("c", c);
                if integer {
                    g.value_mut(c).qparams = Some(r.qparams(DType::I8));
                }
                let ahead = node(
                    g,
                    r,
                    Op::Binary {
                        function,
                        clamp: None,
                    },
                    &[c, x],
                );
                node(
                    g,
                    r,
                    Op::Binary {
                        function,
                        clamp: Some(Clamp::RELU),
                    },
                    &[ahead, c],
                )
            });
        }
    }
}

#[test]
fn reductions() {
    use ReduceKind::*;
    for kind in [Sum, Mean, Max, Min, Prod] {
        for axes in [
            vec![1],
            vec![1, 2],
            vec![3],
            vec![2, 3],
            vec![0, 2],
            vec![1, 3],
            vec![0, 1, 2, 3],
        ] {
            let types: &[DType] = if kind == Prod {
                &[DType::F32]
            } else {
                &[DType::F32, DType::I8, DType::U8]
            };
            for &dtype in types {
                compare_as(kind.name(), dtype, &[2, 5, 4, 37], &mut |g, r, x| {
                    node(
                        g,
                        r,
                        Op::Reduce {
                            kind,
                            axes: axes.clone(),
                            keep_dims: kind == Max,
                        },
                        &[x],
                    )
                });
            }
        }
    }
}

#[test]
fn softmaxes() {
    for axis in 0..3 {
        compare("softmax", &[3, 40, 5], |g, r, x| {
            let y = node(g, r, Op::Softmax { axis }, &[x]);
            if g.value(y).is_quantized() {
                g.value_mut(y).qparams = Some(QParams::per_tensor(
                    1.0 / 256.0,
                    if g.value(y).dtype == DType::U8 {
                        0
                    } else {
                        -128
                    },
                ));
            }
            y
        });
    }
}

#[test]
fn movement() {
    let shape = [2, 4, 6, 5];
    compare("transpose", &shape, |g, r, x| {
        node(
            g,
            r,
            Op::Transpose {
                perm: vec![0, 3, 1, 2],
            },
            &[x],
        )
    });
    compare("reshape", &shape, |g, r, x| {
        let flat = node(g, r, Op::Reshape { shape: vec![8, 30] }, &[x]);
        node(g, r, Op::Unary(UnaryFn::Abs), &[flat])
    });
    compare("slice", &shape, |g, r, x| {
        let axis = |start, step, len| SliceAxis { start, step, len };
        let axes = vec![axis(1, 1, 1), axis(3, -1, 4), axis(0, 2, 3), axis(2, 1, 2)];
        node(g, r, Op::Slice { axes }, &[x])
    });
    compare("expand", &[4, 1, 5], |g, r, x| {
        node(
            g,
            r,
            Op::Expand {
                shape: vec![2, 4, 3, 5],
            },
            &[x],
        )
    });
    compare("pad", &shape, |g, r, x| {
        let pad = Pad {
            before: vec![0, 1, 2, 0],
            after: vec![1, 0, 1, 3],
            mode: PadMode::Constant,
            value: 0.5,
        };
        node(g, r, Op::Pad(pad), &[x])
    });
    for axis in 0..4 {
        compare("concat", &shape, |g, r, x| {
            let value = g.value(x).clone();
            let b = input(g, "b", value.dtype, &shape, value.qparams);
            node(g, r, Op::Concat { axis }, &[x, b, x])
        });
    }
    for (coordinates, rounding) in [
        (ResizeCoordinates::Asymmetric, NearestRounding::Floor),
        (ResizeCoordinates::HalfPixel, NearestRounding::PreferFloor),
        (ResizeCoordinates::HalfPixel, NearestRounding::PreferCeil),
    ] {
        compare("resize", &[1, 4, 6, 5], |g, r, x| {
            let mode = ResizeMode::Nearest(rounding);
            let resize = Resize {
                mode,
                coordinates,
                sizes: vec![8, 18],
                scales: vec![2.0, 3.0],
            };
            node(g, r, Op::Resize(resize), &[x])
        });
    }
    compare("gather", &shape, |g, r, x| {
        let indices = g.add_constant("i", tensor(&[2], Data::I64(vec![3, 1])));
        node(g, r, Op::Gather { axis: 1 }, &[x, indices])
    });
}

#[test]
fn borders_of_integers() {
    for dtype in [DType::I8, DType::U8] {
        compare_as("quantize", DType::F32, &[5, 33], &mut |g, r, x| {
            let qparams = r.qparams(dtype);
            g.add_node_as("q", Op::Quantize, &[x], dtype, Some(qparams))
                .unwrap()
        });
        compare_as("dequantize", dtype, &[5, 33], &mut |g, r, x| {
            node(g, r, Op::Dequantize, &[x])
        });
        compare_as("requantize", dtype, &[5, 33], &mut |g, r, x| {
            node(g, r, Op::Requantize, &[x])
        });
        compare_as("to and fro", DType::F32, &[5, 33], &mut |g, r, x| {
            let qparams = r.qparams(dtype);
            let q = g
                .add_node_as("q", Op::Quantize, &[x], dtype, Some(qparams))
                .unwrap();
            let q = node(g, r, Op::Unary(UnaryFn::Sigmoid), &[q]);
            node(g, r, Op::Dequantize, &[q])
        });
    }
}

#[test]
fn embeddings() {
    compare_as("embedding", DType::I32, &[3, 4], &mut |g, r, x| {
        let table = r.floats(&[10, 6]);
        let table = g.add_constant("table", table);
        g.add_node("embedding", Op::Embedding, &[x, table]).unwrap()
    });
}

#[test]
fn batch_normalisation() {
    compare_as("batch norm", DType::F32, &[2, 3, 4, 19], &mut |g, r, x| {
        let mut ids = vec![x];
        for name in ["scale", "bias", "mean", "var"] {
            let mut t = r.floats(&[19]);
            if name == "var" {
                t = tensor(&[19], Data::F32((0..19).map(|i| 0.1 + i as f32).collect()));
            }
            ids.push(g.add_constant(name, t));
        }
        node(g, r, Op::BatchNorm { epsilon: 1e-3 }, &ids)
    });
}

/// Chains of everything with branches: memory is shared and overwritten in many ways.
#[test]
fn random_networks() {
    for seed in 0..40 {
        let mut r = Random::new(seed);
        let mut g = Graph::new("network");
        let dtype = [DType::F32, DType::I8, DType::U8][r.below(3)];
        let qparams = (dtype != DType::F32).then(|| r.qparams(dtype));
        let x = input(&mut g, "x", dtype, &[1, 8, 8, 6], qparams);
        let mut values = vec![x];
        for _ in 0..r.range(3, 12) {
            let from = values[r.below(values.len())];
            let other = values[r.below(values.len())];
            let c = g.value(from).shape[3];
            let y = match r.below(6) {
                0 => {
                    let m = r.range(1, 24);
                    let ids = weights(&mut g, &mut r, from, &[m, 3, 3, c], true);
                    node(
                        &mut g,
                        &mut r,
                        Op::Conv(square(2, 1, 1, 1, 1)),
                        &[from, ids[0], ids[1]],
                    )
                }
                1 => {
                    let ids = weights(&mut g, &mut r, from, &[c, 3, 3, 1], false);
                    node(
                        &mut g,
                        &mut r,
                        Op::Conv(square(2, 1, 1, 1, c)),
                        &[from, ids[0]],
                    )
                }
                2 => node(
                    &mut g,
                    &mut r,
                    pooling(PoolKind::Max, 3, 1, 1, false),
                    &[from],
                ),
                3 => node(&mut g, &mut r, Op::Unary(UnaryFn::Tanh), &[from]),
                4 if g.value(other).shape == g.value(from).shape => node(
                    &mut g,
                    &mut r,
                    Op::Binary {
                        function: BinaryFn::Add,
                        clamp: None,
                    },
                    &[from, other],
                ),
                _ => {
                    let ids = weights(&mut g, &mut r, from, &[2 * c, 1, 1, c], true);
                    node(
                        &mut g,
                        &mut r,
                        Op::Conv(square(2, 1, 1, 0, 1)),
                        &[from, ids[0], ids[1]],
                    )
                }
            };
            values.push(y);
        }
        g.outputs.push(*values.last().unwrap());
        g.outputs.push(values[values.len() / 2]);
        let inputs = vec![r.fitting(&g, x)];
        assert_same_bits(&format!("network {seed} {dtype}"), &g, &inputs);
        assert_same_values(&format!("network {seed} {dtype}"), &g, &inputs);
    }
}

/// Weights in half precision: the engine on rounded weights is the evaluator on rounded weights.
#[test]
fn half_precision_weights() {
    let mut r = Random::new(5);
    let mut g = Graph::new("half");
    let x = input(&mut g, "x", DType::F32, &[1, 7, 7, 6], None);
    let w = weights(&mut g, &mut r, x, &[10, 3, 3, 6], true);
    let conv = Op::Conv(square(2, 1, 1, 1, 1));
    let a = node(&mut g, &mut r, conv, &[x, w[0], w[1]]);
    let w = weights(&mut g, &mut r, a, &[10, 3, 3, 1], true);
    let depthwise = Op::Conv(square(2, 2, 1, 1, 10));
    let b = node(&mut g, &mut r, depthwise, &[a, w[0], w[1]]);
    let w = weights(&mut g, &mut r, b, &[33, 10], true);
    let y = node(&mut g, &mut r, Op::Dense { clamp: None }, &[b, w[0], w[1]]);
    g.outputs.push(y);
    let inputs = vec![r.fitting(&g, x)];
    let options = LowerOptions {
        weights: WeightType::F16,
        ..LowerOptions::default()
    };
    let plan = lower(&g, &options).unwrap();
    let mut rounded = g.clone();
    for value in &mut rounded.values {
        let Some(old) = value
            .constant
            .as_ref()
            .filter(|_| value.name.starts_with('w'))
        else {
            continue;
        };
        let halves = old
            .as_f32()
            .unwrap()
            .iter()
            .map(|&v| half::f16::from_f32(v).to_f32());
        value.constant = Some(Arc::new(tensor(&value.shape, Data::F32(halves.collect()))));
    }
    let expected = eval::run(&rounded, &inputs).unwrap();
    assert_ne!(expected, eval::run(&g, &inputs).unwrap());
    for tier in tiers() {
        for threads in [1, 2] {
            let actual = run(plan.plan(), &inputs, tier, threads);
            assert_equal(
                &format!("half {tier}, {threads} threads"),
                &expected[0],
                &actual[0],
            );
        }
    }
}
