//! Rules that recognise functions written out.

use redpoll_graph::op::{BinaryFn, Clamp, ReduceKind, UnaryFn};
use redpoll_graph::{DType, Data, Op, Tensor, ValueId};

use super::build::Net;
use crate::optimize::embedding::Embedding;
use crate::optimize::gelu::Gelu;
use crate::optimize::silu::Silu;
use crate::optimize::softmax::Softmax;

use BinaryFn::{Add, Div, Mul, Sub};

/// `x · (0.5 · (1 + gate))`.
fn gated(net: &mut Net, x: ValueId, gate: ValueId) -> ValueId {
    let (one, half) = (net.scalar(1.0), net.scalar(0.5));
    let gate = net.binary(Add, one, gate);
    let gate = net.binary(Mul, half, gate);
    net.binary(Mul, x, gate)
}

#[test]
fn gelu_by_tanh() {
    let mut net = Net::new();
    let x = net.input(&[8]);
    let c = net.scalar(0.044_715);
    let cube = net.binary(Mul, c, x);
    let cube = net.binary(Mul, x, cube);
    let cube = net.binary(Mul, x, cube);
    let inner = net.binary(Add, x, cube);
    let slope = net.scalar(0.797_884_6);
    let inner = net.binary(Mul, slope, inner);
    let gate = net.unary(UnaryFn::Tanh, inner);
    let y = gated(&mut net, x, gate);
    insta::assert_snapshot!(net.rewritten(&Gelu, &[y]));
}

#[test]
fn gelu_by_tanh_of_a_product() {
    let mut net = Net::new();
    let (a, b) = (net.input(&[8]), net.input(&[8]));
    let x = net.binary(Mul, a, b);
    let square = net.binary(Mul, x, x);
    let c = net.scalar(0.044_715);
    let square = net.binary(Mul, square, c);
    let one = net.scalar(1.0);
    let factor = net.binary(Add, square, one);
    let slope = net.scalar(0.797_884_6);
    let inner = net.binary(Mul, x, slope);
    let inner = net.binary(Mul, inner, factor);
    let gate = net.unary(UnaryFn::Tanh, inner);
    let y = gated(&mut net, x, gate);
    insta::assert_snapshot!(net.rewritten(&Gelu, &[y]));
}

#[test]
fn gelu_by_erf() {
    let mut net = Net::new();
    let x = net.input(&[8]);
    let root = net.scalar(std::f32::consts::SQRT_2);
    let inner = net.binary(Div, x, root);
    let gate = net.unary(UnaryFn::Erf, inner);
    let y = gated(&mut net, x, gate);
    insta::assert_snapshot!(net.rewritten(&Gelu, &[y]));
}

#[test]
fn another_slope_is_no_gelu() {
    let mut net = Net::new();
    let x = net.input(&[8]);
    let root = net.scalar(2.0);
    let inner = net.binary(Div, x, root);
    let gate = net.unary(UnaryFn::Erf, inner);
    let y = gated(&mut net, x, gate);
    assert!(net.rewritten(&Gelu, &[y]).contains("0 changes"));
}

#[test]
fn silu_and_hard_swish() {
    let mut net = Net::new();
    let x = net.input(&[8]);
    let gate = net.unary(UnaryFn::Sigmoid, x);
    let silu = net.binary(Mul, gate, x);
    let three = net.scalar(3.0);
    let gate = net.binary(Add, x, three);
    let gate = net.unary(UnaryFn::Clamp(Clamp { lo: 0.0, hi: 6.0 }), gate);
    let product = net.binary(Mul, x, gate);
    let six = net.scalar(6.0);
    let swish = net.binary(Div, product, six);
    insta::assert_snapshot!(net.rewritten(&Silu, &[silu, swish]));
}

#[test]
fn softmax_written_out() {
    let mut net = Net::new();
    let x = net.input(&[2, 5]);
    let over = |kind, keep_dims| Op::Reduce {
        kind,
        axes: vec![1],
        keep_dims,
    };
    let max = net.op(over(ReduceKind::Max, false), &[x]);
    let max = net.reshape(&[2, 1], max);
    let shifted = net.binary(Sub, x, max);
    let exp = net.unary(UnaryFn::Exp, shifted);
    let sum = net.op(over(ReduceKind::Sum, true), &[exp]);
    let y = net.binary(Div, exp, sum);
    insta::assert_snapshot!(net.rewritten(&Softmax, &[y]));
}

#[test]
fn one_hot_product_is_a_lookup() {
    let mut net = Net::new();
    let x = net.graph.add_input("x1", DType::I32, vec![1, 6]);
    let column = net.reshape(&[1, 6, 1], x);
    let rows = Tensor::new(vec![1, 1, 200], Data::I32((0..200).collect())).expect("fits");
    let rows = net.constant(rows);
    let equal = net.binary(BinaryFn::Equal, column, rows);
    let one_hot = net.op(Op::Cast { to: DType::F32 }, &[equal]);
    let table = net.floats(&[200, 3]);
    let y = net.op(Op::MatMul, &[one_hot, table]);
    let (weights, bias) = (net.floats(&[2, 200]), net.floats(&[2]));
    let z = net.dense(&[one_hot, weights, bias]);
    insta::assert_snapshot!(net.rewritten(&Embedding, &[y, z]));
}
