//! Every float operator against what ONNX Runtime computes (data/make_onnx_cases.py made the cases).

use redpoll_graph::op::{
    BinaryFn, Clamp, Conv, NearestRounding, Pad, PadMode, Pool, PoolKind, ReduceKind, Resize,
    ResizeCoordinates, ResizeMode, SliceAxis, UnaryFn,
};
use redpoll_graph::{DType, Data, Graph, Op, QParams, Tensor, eval};
use serde_json::Value as Json;

/// Largest difference allowed, relative to the larger of 1 and the expected number.
const TOLERANCE: f32 = 2e-6;

fn tensor(json: &Json) -> Tensor {
    let shape = json["shape"].as_array().unwrap();
    let shape = shape.iter().map(|d| d.as_u64().unwrap() as usize).collect();
    let data = json["data"].as_array().unwrap();
    let whole = || data.iter().map(|x| x.as_i64().unwrap());
    let data = match json["dtype"].as_str().unwrap() {
        "f32" => Data::F32(data.iter().map(|x| x.as_f64().unwrap() as f32).collect()),
        "i8" => Data::I8(whole().map(|x| x as i8).collect()),
        "u8" => Data::U8(whole().map(|x| x as u8).collect()),
        "i32" => Data::I32(whole().map(|x| x as i32).collect()),
        "i64" => Data::I64(whole().collect()),
        "bool" => Data::Bool(whole().map(|x| x != 0).collect()),
        other => panic!("type {other}"),
    };
    Tensor::new(shape, data).unwrap()
}

fn conv(strides: &[usize], dilations: &[usize], pads: (&[usize], &[usize]), groups: usize) -> Op {
    Op::Conv(Conv {
        strides: strides.to_vec(),
        dilations: dilations.to_vec(),
        pads_before: pads.0.to_vec(),
        pads_after: pads.1.to_vec(),
        groups,
        clamp: None,
    })
}

fn pool(kind: PoolKind, kernel: &[usize], strides: &[usize], pads: (&[usize], &[usize])) -> Pool {
    Pool {
        kind,
        kernel: kernel.to_vec(),
        strides: strides.to_vec(),
        dilations: vec![1; kernel.len()],
        pads_before: pads.0.to_vec(),
        pads_after: pads.1.to_vec(),
        count_include_pad: false,
    }
}

fn resize(
    mode: ResizeMode,
    coordinates: ResizeCoordinates,
    sizes: [usize; 2],
    from: [usize; 2],
) -> Op {
    Op::Resize(Resize {
        mode,
        coordinates,
        sizes: sizes.to_vec(),
        scales: sizes
            .iter()
            .zip(from)
            .map(|(&a, b)| a as f32 / b as f32)
            .collect(),
    })
}

fn window_op(name: &str) -> Option<Op> {
    use PoolKind::{Average, Max};
    Some(match name {
        "conv_strided" => conv(&[2, 1], &[1, 1], (&[1, 0], &[1, 1]), 1),
        "conv_dilated_groups" => conv(&[1, 1], &[2, 2], (&[2, 2], &[2, 2]), 2),
        "conv_depthwise" => conv(&[1, 1], &[1, 1], (&[1, 1], &[1, 1]), 5),
        "conv_depthwise_multiplier" => conv(&[1, 1], &[1, 1], (&[0, 0], &[0, 0]), 3),
        "conv_1d" => conv(&[2], &[1], (&[1], &[1]), 1),
        "max_pool" => Op::Pool(pool(Max, &[3, 3], &[2, 2], (&[1, 1], &[0, 1]))),
        "max_pool_dilated" => Op::Pool(Pool {
            dilations: vec![2, 2],
            ..pool(Max, &[2, 2], &[1, 1], (&[0, 0], &[0, 0]))
        }),
        "average_pool" => Op::Pool(pool(Average, &[3, 3], &[2, 2], (&[1, 1], &[1, 1]))),
        "average_pool_border" => Op::Pool(Pool {
            count_include_pad: true,
            ..pool(Average, &[3, 3], &[1, 1], (&[1, 1], &[1, 1]))
        }),
        "average_pool_1d" => Op::Pool(pool(Average, &[2], &[2], (&[0], &[0]))),
        _ => return None,
    })
}

fn elementwise_op(name: &str) -> Option<Op> {
    let binary = |function| Op::Binary {
        function,
        clamp: None,
    };
    Some(match name {
        "leaky_relu" => Op::Unary(UnaryFn::LeakyRelu { alpha: 0.1 }),
        "elu" => Op::Unary(UnaryFn::Elu { alpha: 0.7 }),
        "sigmoid" => Op::Unary(UnaryFn::Sigmoid),
        "hard_sigmoid" => Op::Unary(UnaryFn::HardSigmoid {
            alpha: 0.25,
            beta: 0.4,
        }),
        "hard_swish" => Op::Unary(UnaryFn::HardSwish),
        "silu" => Op::Unary(UnaryFn::Silu),
        "tanh" => Op::Unary(UnaryFn::Tanh),
        "gelu" => Op::Unary(UnaryFn::Gelu),
        "gelu_tanh" => Op::Unary(UnaryFn::GeluTanh),
        "softplus" => Op::Unary(UnaryFn::Softplus),
        "exp" => Op::Unary(UnaryFn::Exp),
        "log" => Op::Unary(UnaryFn::Log),
        "sqrt" => Op::Unary(UnaryFn::Sqrt),
        "reciprocal" => Op::Unary(UnaryFn::Reciprocal),
        "erf" => Op::Unary(UnaryFn::Erf),
        "neg" => Op::Unary(UnaryFn::Neg),
        "abs" => Op::Unary(UnaryFn::Abs),
        "floor" => Op::Unary(UnaryFn::Floor),
        "ceil" => Op::Unary(UnaryFn::Ceil),
        "round" => Op::Unary(UnaryFn::Round),
        "not" => Op::Unary(UnaryFn::Not),
        "clip" => Op::Unary(UnaryFn::Clamp(Clamp { lo: -1.0, hi: 2.0 })),
        "add" | "add_i64" => binary(BinaryFn::Add),
        "sub" => binary(BinaryFn::Sub),
        "mul" | "mul_i64" => binary(BinaryFn::Mul),
        "div" | "div_i64" => binary(BinaryFn::Div),
        "pow" => binary(BinaryFn::Pow),
        "max" => binary(BinaryFn::Max),
        "min" => binary(BinaryFn::Min),
        "equal_i64" => binary(BinaryFn::Equal),
        "less_i64" => binary(BinaryFn::Less),
        "greater_i64" => binary(BinaryFn::Greater),
        _ => return None,
    })
}

fn other_op(name: &str) -> Option<Op> {
    use ResizeCoordinates as At;
    let reduce = |kind, axes: &[usize], keep_dims| Op::Reduce {
        kind,
        axes: axes.to_vec(),
        keep_dims,
    };
    let pad = |mode, value| {
        Op::Pad(Pad {
            before: vec![1, 2],
            after: vec![0, 1],
            mode,
            value,
        })
    };
    let nearest = ResizeMode::Nearest;
    Some(match name {
        "dense" => Op::Dense { clamp: None },
        "matmul_broadcast" => Op::MatMul,
        "batch_norm" => Op::BatchNorm { epsilon: 1e-3 },
        "reduce_sum" => reduce(ReduceKind::Sum, &[1, 2], false),
        "reduce_mean" => reduce(ReduceKind::Mean, &[1, 2], true),
        "reduce_max" => reduce(ReduceKind::Max, &[1, 2], true),
        "reduce_min" => reduce(ReduceKind::Min, &[1, 2], false),
        "reduce_prod" => reduce(ReduceKind::Prod, &[1, 2], false),
        "reduce_mean_last" => reduce(ReduceKind::Mean, &[3], true),
        "softmax_last" => Op::Softmax { axis: 3 },
        "softmax_1" => Op::Softmax { axis: 1 },
        "transpose" => Op::Transpose {
            perm: vec![0, 2, 3, 1],
        },
        "concat" => Op::Concat { axis: 1 },
        "slice" => Op::Slice {
            axes: vec![
                SliceAxis {
                    start: 3,
                    step: -2,
                    len: 2,
                },
                SliceAxis {
                    start: 0,
                    step: 2,
                    len: 3,
                },
            ],
        },
        "pad_constant" => pad(PadMode::Constant, 0.5),
        "pad_edge" => pad(PadMode::Edge, 0.0),
        "pad_reflect" => pad(PadMode::Reflect, 0.0),
        "expand" => Op::Expand {
            shape: vec![2, 3, 4],
        },
        "gather" => Op::Gather { axis: 1 },
        "resize_nearest_floor" => resize(
            nearest(NearestRounding::Floor),
            At::Asymmetric,
            [6, 8],
            [3, 4],
        ),
        "resize_nearest_half_pixel" => resize(
            nearest(NearestRounding::PreferFloor),
            At::HalfPixel,
            [5, 7],
            [3, 4],
        ),
        "resize_linear_half_pixel" => resize(ResizeMode::Linear, At::HalfPixel, [6, 7], [3, 4]),
        "resize_linear_align_corners" => {
            resize(ResizeMode::Linear, At::AlignCorners, [5, 9], [3, 4])
        }
        "resize_linear_down" => resize(ResizeMode::Linear, At::PytorchHalfPixel, [2, 1], [3, 4]),
        "quantize_i8" | "quantize_u8" => Op::Quantize,
        "dequantize_axis" => Op::Dequantize,
        "cast_i32" => Op::Cast { to: DType::I32 },
        "cast_bool" => Op::Cast { to: DType::Bool },
        _ => return None,
    })
}

fn evaluate(name: &str, inputs: &[Tensor]) -> Tensor {
    let op = window_op(name)
        .or_else(|| elementwise_op(name))
        .or_else(|| other_op(name))
        .unwrap_or_else(|| panic!("no operator for case {name}"));
    let mut g = Graph::new(name);
    let ids: Vec<_> = inputs
        .iter()
        .map(|t| g.add_input("x", t.dtype(), t.shape().to_vec()))
        .collect();
    let y = match name {
        "quantize_i8" => g.add_node_as(
            "y",
            op,
            &ids,
            DType::I8,
            Some(QParams::per_tensor(0.05, -5)),
        ),
        "quantize_u8" => g.add_node_as(
            "y",
            op,
            &ids,
            DType::U8,
            Some(QParams::per_tensor(0.05, 100)),
        ),
        "dequantize_axis" => {
            g.value_mut(ids[0]).qparams = Some(QParams {
                scales: vec![0.1, 0.02, 0.5],
                zero_points: vec![0, 3, -7],
                axis: Some(0),
            });
            g.add_node("y", op, &ids)
        }
        _ => g.add_node("y", op, &ids),
    };
    g.outputs.push(y.unwrap());
    eval::run(&g, inputs).unwrap().remove(0)
}

fn close(got: &Tensor, expected: &Tensor) -> bool {
    if got.shape() != expected.shape() {
        return false;
    }
    match (got.as_f32(), expected.as_f32()) {
        (Some(got), Some(expected)) => got
            .iter()
            .zip(expected)
            .all(|(g, e)| g == e || (g - e).abs() <= TOLERANCE * e.abs().max(1.0)),
        _ => got == expected,
    }
}

#[test]
fn operators_give_what_onnx_runtime_gives() {
    let cases: Json = serde_json::from_str(include_str!("data/onnx_cases.json")).unwrap();
    let cases = cases.as_array().unwrap();
    assert!(cases.len() > 60);
    let mut wrong = Vec::new();
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let inputs: Vec<Tensor> = case["inputs"]
            .as_array()
            .unwrap()
            .iter()
            .map(tensor)
            .collect();
        let (got, expected) = (evaluate(name, &inputs), tensor(&case["output"]));
        if !close(&got, &expected) {
            wrong.push(format!(
                "{name}:\n  got      {got:?}\n  expected {expected:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
