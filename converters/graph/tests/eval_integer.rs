//! Integer operators: hand-computed cases, and within one step of dequantise → float → quantise for random ones.

use proptest::prelude::*;
use redpoll_graph::op::{BinaryFn, Clamp, Conv, Pool, PoolKind, ReduceKind, UnaryFn};
use redpoll_graph::{DType, Data, Graph, Op, QParams, Tensor, ValueId, eval, verify};

/// A quantised operand: type, scale, zero point, shape, elements as integers of the type.
#[derive(Clone, Debug)]
struct Operand {
    dtype: DType,
    scale: f32,
    zero: i32,
    shape: Vec<usize>,
    q: Vec<i32>,
}

impl Operand {
    fn tensor(&self) -> Tensor {
        let q = self.q.iter();
        let data = match self.dtype {
            DType::I8 => Data::I8(q.map(|&v| v as i8).collect()),
            _ => Data::U8(q.map(|&v| v as u8).collect()),
        };
        Tensor::new(self.shape.clone(), data).unwrap()
    }

    fn real(&self) -> Tensor {
        let real = self.q.iter().map(|q| (q - self.zero) as f32 * self.scale);
        Tensor::new(self.shape.clone(), Data::F32(real.collect())).unwrap()
    }

    fn qparams(&self) -> QParams {
        QParams::per_tensor(self.scale, self.zero)
    }
}

/// How the result is quantised.
#[derive(Clone, Copy, Debug)]
struct Target {
    dtype: DType,
    scale: f32,
    zero: i32,
}

fn integers(tensor: &Tensor) -> Vec<i32> {
    tensor.to_i64().unwrap().iter().map(|&v| v as i32).collect()
}

/// The operator in integers.
fn in_integers(
    op: &Op,
    operands: &[Operand],
    target: Target,
    weights: impl Fn(&mut Graph) -> Vec<ValueId>,
) -> Vec<i32> {
    let mut g = Graph::new("integer");
    let mut ids = Vec::new();
    for x in operands {
        let id = g.add_input("x", x.dtype, x.shape.clone());
        g.value_mut(id).qparams = Some(x.qparams());
        ids.push(id);
    }
    ids.extend(weights(&mut g));
    let qparams = QParams::per_tensor(target.scale, target.zero);
    let y = g
        .add_node_as("y", op.clone(), &ids, target.dtype, Some(qparams))
        .unwrap();
    g.outputs.push(y);
    let inputs: Vec<Tensor> = operands.iter().map(Operand::tensor).collect();
    integers(&eval::run(&g, &inputs).unwrap()[0])
}

/// The operator in float on the numbers that the integers stand for, then quantised.
fn through_float(op: &Op, real: &[Tensor], target: Target) -> Vec<i32> {
    let mut g = Graph::new("float");
    let ids: Vec<_> = real
        .iter()
        .map(|t| g.add_input("x", DType::F32, t.shape().to_vec()))
        .collect();
    let y = g.add_node("y", op.clone(), &ids).unwrap();
    let qparams = QParams::per_tensor(target.scale, target.zero);
    let q = g
        .add_node_as("q", Op::Quantize, &[y], target.dtype, Some(qparams))
        .unwrap();
    g.outputs.push(q);
    integers(&eval::run(&g, real).unwrap()[0])
}

fn within_one(a: &[i32], b: &[i32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1)
}

fn dtype() -> impl Strategy<Value = DType> {
    prop_oneof![Just(DType::I8), Just(DType::U8)]
}

fn target() -> impl Strategy<Value = Target> {
    (dtype(), 0.01f32..0.2, 0i32..256).prop_map(|(dtype, scale, z)| Target {
        dtype,
        scale,
        zero: z + dtype.quantized_range().unwrap().0,
    })
}

fn operand(shape: Vec<usize>) -> impl Strategy<Value = Operand> {
    let count = shape.iter().product::<usize>();
    (target(), prop::collection::vec(0i32..256, count)).prop_map(move |(t, q)| Operand {
        dtype: t.dtype,
        scale: t.scale,
        zero: t.zero,
        shape: shape.clone(),
        q: q.iter()
            .map(|q| q + t.dtype.quantized_range().unwrap().0)
            .collect(),
    })
}

/// Geometry of a convolution: channels in a group, outputs of a group, groups, kernel, stride, dilation, pad.
fn conv_case() -> impl Strategy<Value = (Conv, Operand, Vec<i8>, Vec<i32>, Vec<f32>, Target)> {
    let sizes = (
        1usize..4,
        1usize..4,
        1usize..4,
        1usize..4,
        1usize..3,
        1usize..3,
        0usize..3,
    );
    let clamp = prop::option::of((-3.0f32..0.5, 0.5f32..4.0).prop_map(|(lo, hi)| Clamp { lo, hi }));
    (sizes, clamp).prop_flat_map(|((cin, mout, groups, k, s, d, pad), clamp)| {
        let conv = Conv {
            strides: vec![s, 1],
            dilations: vec![1, d],
            pads_before: vec![pad, 0],
            pads_after: vec![0, pad],
            groups,
            clamp,
        };
        let m = mout * groups;
        (
            Just(conv),
            operand(vec![1, 6, 7, cin * groups]),
            prop::collection::vec(-127i8..=127, m * k * 2 * cin),
            prop::collection::vec(-5000i32..5000, m),
            prop::collection::vec(0.001f32..0.02, m),
            target(),
        )
    })
}

fn binary(function: BinaryFn, clamp: Option<Clamp>) -> Op {
    Op::Binary { function, clamp }
}

proptest! {
    #[test]
    fn conv((conv, x, w, bias, scales, target) in conv_case()) {
        let m = bias.len();
        let cin = x.shape[3] / conv.groups;
        let shape = vec![m, w.len() / (m * 2 * cin), 2, cin];
        let per_channel = w.len() / m;
        let real_w = w.iter().enumerate().map(|(i, &w)| f32::from(w) * scales[i / per_channel]);
        let real_w = Tensor::new(shape.clone(), Data::F32(real_w.collect())).unwrap();
        let real_bias = bias.iter().zip(&scales).map(|(&b, s)| b as f32 * (x.scale * s));
        let real_bias = Tensor::vector_f32(real_bias.collect());
        let op = Op::Conv(conv);
        let weights = |g: &mut Graph| {
            let w = Tensor::new(shape.clone(), Data::I8(w.clone())).unwrap();
            let w = g.add_constant("w", w);
            g.value_mut(w).qparams = Some(QParams::per_channel(scales.clone(), 0));
            let bias = Tensor::new(vec![m], Data::I32(bias.clone())).unwrap();
            vec![w, g.add_constant("b", bias)]
        };
        let got = in_integers(&op, std::slice::from_ref(&x), target, weights);
        let expected = through_float(&op, &[x.real(), real_w, real_bias], target);
        prop_assert!(within_one(&got, &expected), "{got:?}\n{expected:?}");
    }

    #[test]
    fn add_sub_mul(
        a in operand(vec![2, 3, 4]),
        b in operand(vec![3, 1]),
        target in target(),
        bounded in any::<bool>(),
    ) {
        for function in [BinaryFn::Add, BinaryFn::Sub, BinaryFn::Mul] {
            let op = binary(function, bounded.then_some(Clamp { lo: -0.5, hi: 2.0 }));
            let got = in_integers(&op, &[a.clone(), b.clone()], target, |_| vec![]);
            let expected = through_float(&op, &[a.real(), b.real()], target);
            prop_assert!(within_one(&got, &expected), "{function:?} {got:?}\n{expected:?}");
        }
    }

    #[test]
    fn averages_and_sums(
        x in operand(vec![1, 5, 6, 2]),
        target in target(),
        border in any::<bool>(),
    ) {
        let pool = Op::Pool(Pool {
            kind: PoolKind::Average,
            kernel: vec![3, 2],
            strides: vec![2, 1],
            dilations: vec![1, 1],
            pads_before: vec![1, 0],
            pads_after: vec![1, 1],
            count_include_pad: border,
        });
        let reduce = |kind| Op::Reduce { kind, axes: vec![1, 2], keep_dims: false };
        for op in [pool, reduce(ReduceKind::Mean), reduce(ReduceKind::Sum)] {
            let got = in_integers(&op, std::slice::from_ref(&x), target, |_| vec![]);
            let expected = through_float(&op, &[x.real()], target);
            prop_assert!(within_one(&got, &expected), "{op:?} {got:?}\n{expected:?}");
        }
    }

    #[test]
    fn maxima_are_integers_as_they_are(a in operand(vec![1, 4, 4, 3]), seed in any::<u64>()) {
        let mut b = a.clone();
        b.q.rotate_left(seed as usize % 48);
        let same = Target { dtype: a.dtype, scale: a.scale, zero: a.zero };
        let pool = Op::Pool(Pool {
            kind: PoolKind::Max,
            kernel: vec![2, 3],
            strides: vec![1, 2],
            dilations: vec![1, 1],
            pads_before: vec![1, 1],
            pads_after: vec![0, 1],
            count_include_pad: false,
        });
        let got = in_integers(&pool, std::slice::from_ref(&a), same, |_| vec![]);
        prop_assert_eq!(got, through_float(&pool, &[a.real()], same));
        for function in [BinaryFn::Max, BinaryFn::Min] {
            let op = binary(function, None);
            let got = in_integers(&op, &[a.clone(), b.clone()], same, |_| vec![]);
            prop_assert_eq!(got, through_float(&op, &[a.real(), b.real()], same));
        }
    }

    #[test]
    fn tables_and_softmax(x in operand(vec![3, 20]), target in target()) {
        let tables = [UnaryFn::Sigmoid, UnaryFn::Tanh, UnaryFn::HardSwish, UnaryFn::Clamp(Clamp::RELU)];
        for function in tables {
            let op = Op::Unary(function);
            let got = in_integers(&op, std::slice::from_ref(&x), target, |_| vec![]);
            prop_assert_eq!(got, through_float(&op, &[x.real()], target));
        }
        let op = Op::Softmax { axis: 1 };
        let got = in_integers(&op, std::slice::from_ref(&x), target, |_| vec![]);
        prop_assert!(within_one(&got, &through_float(&op, &[x.real()], target)));
    }
}

#[test]
fn dense_by_hand() {
    // acc = 10 + (7 − 2)·3 + (−1 − 2)·(−4) = 37; m = 0.5 · 0.25 / 0.5 = 0.25; 37 · 0.25 = 9.25 → 9 + 1.
    // acc = 0 + 5·2 + (−3)·0 = 10; m = 0.5 · 0.25 / 0.5; 2.5 → 2 (half to even) + 1.
    let mut g = Graph::new("dense");
    let x = g.add_input("x", DType::I8, vec![1, 2]);
    g.value_mut(x).qparams = Some(QParams::per_tensor(0.5, 2));
    let w = g.add_constant(
        "w",
        Tensor::new(vec![2, 2], Data::I8(vec![3, -4, 2, 0])).unwrap(),
    );
    g.value_mut(w).qparams = Some(QParams::per_channel(vec![0.25, 0.25], 0));
    let b = g.add_constant("b", Tensor::new(vec![2], Data::I32(vec![10, 0])).unwrap());
    let qparams = Some(QParams::per_tensor(0.5, 1));
    let y = g
        .add_node_as(
            "y",
            Op::Dense { clamp: None },
            &[x, w, b],
            DType::I8,
            qparams,
        )
        .unwrap();
    g.outputs.push(y);
    verify(&g).unwrap();
    let input = Tensor::new(vec![1, 2], Data::I8(vec![7, -1])).unwrap();
    assert_eq!(
        eval::run(&g, &[input]).unwrap()[0].as_i8(),
        Some(&[10, 3][..])
    );
}

#[test]
fn bounds_of_a_clamp_are_quantised() {
    // ReLU with zero point −100: nothing below −100; 6 / 0.05 − 100 = 20 is the upper bound of ReLU6.
    let x = Operand {
        dtype: DType::I8,
        scale: 0.1,
        zero: 0,
        shape: vec![3],
        q: vec![-50, 10, 127],
    };
    let target = Target {
        dtype: DType::I8,
        scale: 0.05,
        zero: -100,
    };
    let relu6 = Some(Clamp { lo: 0.0, hi: 6.0 });
    let zero = Operand {
        shape: vec![1],
        q: vec![0],
        ..x.clone()
    };
    let got = in_integers(
        &binary(BinaryFn::Add, relu6),
        &[x, zero],
        target,
        |_| vec![],
    );
    assert_eq!(got, [-100, -80, 20]);
}

#[test]
fn requantize_changes_sign_and_scale() {
    let x = Operand {
        dtype: DType::U8,
        scale: 0.5,
        zero: 128,
        shape: vec![4],
        q: vec![0, 128, 129, 255],
    };
    let target = Target {
        dtype: DType::I8,
        scale: 1.0,
        zero: 0,
    };
    // −64, 0, 0.5 → 0 (half to even), 63.5 → 64.
    assert_eq!(
        in_integers(&Op::Requantize, &[x], target, |_| vec![]),
        [-64, 0, 0, 64]
    );
}

#[test]
fn nan_and_infinities_quantise() {
    let mut g = Graph::new("quantize");
    let x = g.add_input("x", DType::F32, vec![5]);
    let qparams = Some(QParams::per_tensor(0.5, 3));
    let y = g
        .add_node_as("y", Op::Quantize, &[x], DType::I8, qparams)
        .unwrap();
    g.outputs.push(y);
    let input = Tensor::vector_f32(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.25, 0.75]);
    let got = eval::run(&g, &[input]).unwrap();
    assert_eq!(got[0].as_i8(), Some(&[-128, 127, -128, 3, 5][..]));
}

#[test]
fn an_embedding_reads_the_zero_point_outside_its_table() {
    let mut g = Graph::new("embedding");
    let i = g.add_input("i", DType::I32, vec![3]);
    let t = g.add_constant(
        "t",
        Tensor::new(vec![2, 2], Data::I8(vec![1, 2, 3, 4])).unwrap(),
    );
    g.value_mut(t).qparams = Some(QParams::per_tensor(0.1, 9));
    let qparams = g.value(t).qparams.clone();
    let y = g
        .add_node_as("y", Op::Embedding, &[i, t], DType::I8, qparams)
        .unwrap();
    g.outputs.push(y);
    let input = Tensor::new(vec![3], Data::I32(vec![1, -1, 2])).unwrap();
    let got = eval::run(&g, &[input]).unwrap();
    assert_eq!(got[0].as_i8(), Some(&[3, 4, 9, 9, 9, 9][..]));
}
