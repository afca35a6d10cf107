//! Rules that fold constants and fuse float operators.

use redpoll_graph::op::{BinaryFn, Clamp, Pad, PadMode, Pool, PoolKind, UnaryFn};
use redpoll_graph::{DType, Data, Op, Tensor};

use super::build::Net;
use crate::optimize::Rule;
use crate::optimize::casts::Casts;
use crate::optimize::clamps::Clamps;
use crate::optimize::common_subexpressions::CommonSubexpressions;
use crate::optimize::dead_code::DeadCode;
use crate::optimize::expand::DropExpand;
use crate::optimize::fold_affine::FoldAffine;
use crate::optimize::fold_batch_norm::{FoldBatchNorm, SplitBatchNorm};
use crate::optimize::fold_constants::FoldConstants;
use crate::optimize::fuse_activation::FuseActivation;
use crate::optimize::fuse_pad::FusePad;
use crate::optimize::hoist_clamp::HoistClamp;
use crate::optimize::matmul_to_dense::MatMulToDense;

#[test]
fn constants_fold() {
    let mut net = Net::new();
    let x = net.input(&[2, 3]);
    let (a, b) = (net.floats(&[3, 2]), net.scalar(2.0));
    let a = net.transpose(&[1, 0], a);
    let a = net.binary(BinaryFn::Mul, a, b);
    let y = net.binary(BinaryFn::Add, x, a);
    insta::assert_snapshot!(net.rewritten(&FoldConstants, &[y]));
}

#[test]
fn stored_constants_move_as_integers() {
    let mut net = Net::new();
    let x = net.input(&[2, 3]);
    let w = net.stored(&[2, 3], &[0.5, 0.25]);
    let w = net.dequantize(w);
    let w = net.transpose(&[1, 0], w);
    let y = net.op(Op::MatMul, &[x, w]);
    insta::assert_snapshot!(net.rewritten(&FoldConstants, &[y]));
}

#[test]
fn dead_code_goes() {
    let mut net = Net::new();
    let x = net.input(&[2]);
    let y = net.relu(x);
    let unused = net.unary(UnaryFn::Tanh, y);
    net.unary(UnaryFn::Exp, unused);
    insta::assert_snapshot!(net.rewritten(&DeadCode, &[y]));
}

#[test]
fn equal_nodes_merge() {
    let mut net = Net::new();
    let x = net.input(&[2]);
    let (a, b) = (net.scalar(3.0), net.scalar(3.0));
    let (p, q) = (
        net.binary(BinaryFn::Mul, x, a),
        net.binary(BinaryFn::Mul, x, b),
    );
    let (p, q) = (net.relu(p), net.relu(q));
    let y = net.binary(BinaryFn::Add, p, q);
    insta::assert_snapshot!(net.rewritten(&CommonSubexpressions, &[y]));
}

#[test]
fn widened_integers_are_read_directly() {
    let mut net = Net::new();
    let x = net.graph.add_input("x1", DType::I32, vec![3]);
    let table = net.floats(&[257, 2]);
    let wide = net.op(Op::Cast { to: DType::I64 }, &[x]);
    let rows = net.op(Op::Gather { axis: 0 }, &[table, wide]);
    let back = net.op(Op::Cast { to: DType::I32 }, &[wide]);
    insta::assert_snapshot!(net.rewritten(&Casts, &[rows, back]));
}

#[test]
fn expand_before_broadcast_goes() {
    let mut net = Net::new();
    let (x, y) = (net.input(&[2, 3]), net.input(&[2, 1]));
    let wide = net.op(Op::Expand { shape: vec![2, 3] }, &[y]);
    let sum = net.binary(BinaryFn::Add, x, wide);
    insta::assert_snapshot!(net.rewritten(&DropExpand, &[sum]));
}

#[test]
fn bounds_become_clamps() {
    let mut net = Net::new();
    let x = net.input(&[4]);
    let (low, high) = (net.scalar(-0.25), net.scalar(0.5));
    let y = net.binary(BinaryFn::Max, low, x);
    let y = net.binary(BinaryFn::Min, y, high);
    let y = net.relu(y);
    insta::assert_snapshot!(net.rewritten(&Clamps, &[y]));
}

fn normalised(net: &mut Net, x: redpoll_graph::ValueId) -> redpoll_graph::ValueId {
    let (scale, bias, mean) = (net.floats(&[3]), net.floats(&[3]), net.floats(&[3]));
    let variance = net.constant(Tensor::vector_f32(vec![0.5, 1.0, 2.0]));
    let op = Op::BatchNorm { epsilon: 1e-3 };
    net.op(op, &[x, scale, bias, mean, variance])
}

#[test]
fn batch_norm_folds_into_the_layer_before() {
    let mut net = Net::new();
    let x = net.input(&[1, 4, 4, 2]);
    let w = net.floats(&[3, 3, 3, 2]);
    let y = net.conv(1, &[x, w]);
    let y = normalised(&mut net, y);
    insta::assert_snapshot!(net.rewritten(&FoldBatchNorm, &[y]));
}

#[test]
fn batch_norm_folds_into_the_layer_after_or_splits() {
    let mut net = Net::new();
    let x = net.input(&[1, 4, 4, 3]);
    let y = net.relu(x);
    let y = normalised(&mut net, y);
    let w = net.floats(&[2, 1, 1, 3]);
    let y = net.conv(0, &[y, w]);
    let z = net.unary(UnaryFn::Tanh, x);
    let z = normalised(&mut net, z);
    let w = net.floats(&[2, 1, 1, 3]);
    let z = net.conv(1, &[z, w]);
    insta::assert_snapshot!(net.rewritten(&SplitBatchNorm, &[y, z]));
}

#[test]
fn products_and_sums_fold_into_layers() {
    let mut net = Net::new();
    let x = net.input(&[2, 4]);
    let w = net.floats(&[3, 4]);
    let y = net.dense(&[x, w]);
    let c = net.floats(&[1, 3]);
    let y = net.binary(BinaryFn::Mul, c, y);
    let c = net.floats(&[3]);
    let y = net.binary(BinaryFn::Sub, y, c);
    let op = Op::Binary {
        function: BinaryFn::Add,
        clamp: Some(Clamp::RELU),
    };
    let c = net.scalar(0.5);
    let y = net.op(op, &[y, c]);
    insta::assert_snapshot!(net.rewritten(&FoldAffine, &[y]));
}

#[test]
fn a_stored_constant_becomes_the_bias() {
    let mut net = Net::new();
    let x = net.input(&[2, 4]);
    let w = net.floats(&[3, 4]);
    let y = net.dense(&[x, w]);
    let bias = net.constant(Tensor::new(vec![1, 3], Data::I32(vec![100, -50, 7])).expect("fits"));
    net.graph.value_mut(bias).qparams = Some(redpoll_graph::QParams::per_tensor(0.01, 0));
    let bias = net.dequantize(bias);
    let y = net.binary(BinaryFn::Add, y, bias);
    insta::assert_snapshot!(net.rewritten(&FoldAffine, &[y]));
}

#[test]
fn constant_matrices_become_dense() {
    let mut net = Net::new();
    let x = net.input(&[1, 2, 4]);
    let w = net.floats(&[1, 4, 3]);
    let y = net.op(Op::MatMul, &[x, w]);
    let other = net.input(&[1, 3, 2]);
    let y = net.op(Op::MatMul, &[other, y]);
    insta::assert_snapshot!(net.rewritten(&MatMulToDense, &[y]));
}

#[test]
fn borders_fuse() {
    let mut net = Net::new();
    let x = net.input(&[1, 4, 4, 2]);
    let pad = |value: f32, channels: usize| {
        Op::Pad(Pad {
            before: vec![0, 1, 0, channels],
            after: vec![0, 1, 1, 0],
            mode: PadMode::Constant,
            value,
        })
    };
    let zeros = net.op(pad(0.0, 0), &[x]);
    let w = net.floats(&[3, 3, 3, 2]);
    let conv = net.conv(1, &[zeros, w]);
    let average = net.pool(PoolKind::Average, 2, zeros);
    let infinite = net.op(pad(f32::NEG_INFINITY, 0), &[x]);
    let max = net.pool(PoolKind::Max, 2, infinite);
    let wide = net.op(pad(0.0, 1), &[x]);
    let w = net.floats(&[1, 1, 1, 3]);
    let kept = net.conv(0, &[wide, w]);
    insta::assert_snapshot!(net.rewritten(&FusePad, &[conv, average, max, kept]));
}

#[test]
fn a_border_before_a_bordered_average_stays() {
    let mut net = Net::new();
    let x = net.input(&[1, 4, 4, 2]);
    let pad = Op::Pad(Pad {
        before: vec![0, 1, 1, 0],
        after: vec![0, 1, 1, 0],
        mode: PadMode::Constant,
        value: 0.0,
    });
    let y = net.op(pad, &[x]);
    let pool = Op::Pool(Pool {
        kind: PoolKind::Average,
        kernel: vec![3, 3],
        strides: vec![1, 1],
        dilations: vec![1, 1],
        pads_before: vec![1, 1],
        pads_after: vec![1, 1],
        count_include_pad: false,
    });
    let y = net.op(pool, &[y]);
    net.graph.outputs.push(y);
    assert_eq!(FusePad.apply(&mut net.graph).expect("applies"), 0);
}

#[test]
fn activations_fuse() {
    let mut net = Net::new();
    let x = net.input(&[1, 4, 4, 2]);
    let w = net.floats(&[3, 3, 3, 2]);
    let y = net.conv(1, &[x, w]);
    let y = net.relu(y);
    let y = net.unary(UnaryFn::Clamp(Clamp { lo: -1.0, hi: 0.5 }), y);
    let sum = net.binary(BinaryFn::Add, y, y);
    let sum = net.relu(sum);
    // Read twice: stays.
    let shared = net.binary(BinaryFn::Mul, x, x);
    let bounded = net.relu(shared);
    insta::assert_snapshot!(net.rewritten(&FuseActivation, &[sum, shared, bounded]));
}

#[test]
fn bounds_move_up_to_where_they_fuse() {
    let mut net = Net::new();
    let x = net.input(&[1, 4, 4, 2]);
    let w = net.floats(&[2, 1, 1, 2]);
    let y = net.conv(0, &[x, w]);
    let y = net.unary(UnaryFn::LeakyRelu { alpha: 0.25 }, y);
    let y = net.unary(
        UnaryFn::Clamp(Clamp {
            lo: -0.125,
            hi: 6.0,
        }),
        y,
    );
    let z = net.conv(0, &[y, w]);
    let z = net.pool(PoolKind::Max, 2, z);
    let z = net.relu(z);
    // Not exact: stays.
    let v = net.conv(0, &[x, w]);
    let v = net.unary(UnaryFn::LeakyRelu { alpha: 0.1 }, v);
    let v = net.unary(UnaryFn::Clamp(Clamp { lo: -0.9, hi: 6.0 }), v);
    insta::assert_snapshot!(net.rewritten(&HoistClamp, &[z, v]));
}
