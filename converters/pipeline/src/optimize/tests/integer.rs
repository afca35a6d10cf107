//! Rules that make integer operators of quantised models.

use redpoll_graph::op::{BinaryFn, Clamp, PoolKind, ReduceKind, UnaryFn};
use redpoll_graph::{Data, Op, QParams, Tensor, ValueId};

use super::build::Net;
use crate::optimize::dequantize_constants::DequantizeConstants;
use crate::optimize::fuse_activation::FuseActivation;
use crate::optimize::fuse_qdq::FuseQdq;
use crate::optimize::requantize::{HoistMovement, Requantize};

#[test]
fn layers_become_integer() {
    let mut net = Net::new();
    let x = net.input_i8(&[1, 4, 4, 2], 0.02, 5);
    let x = net.dequantize(x);
    let w = net.stored(&[3, 3, 3, 2], &[0.01, 0.02, 0.005]);
    let w = net.dequantize(w);
    let bias = net.constant(Tensor::new(vec![3], Data::I32(vec![100, -50, 7])).expect("fits"));
    let steps = vec![0.02 * 0.01, 0.02 * 0.02, 0.02 * 0.005];
    net.graph.value_mut(bias).qparams = Some(QParams::per_channel(steps, 0));
    let bias = net.dequantize(bias);
    let y = net.conv(1, &[x, w, bias]);
    let y = net.quantize(y, 0.1, -10);
    let flat = net.reshape(&[1, 48], y);
    let flat = net.dequantize(flat);
    let w = net.stored(&[2, 48], &[0.01]);
    let w = net.dequantize(w);
    let bias = net.floats(&[2]);
    let z = net.dense(&[flat, w, bias]);
    let z = net.quantize(z, 0.2, 0);
    insta::assert_snapshot!(net.rewritten(&FuseQdq, &[z]));
}

/// Weights less their zero point that need nine bits: a channel is read twice, or comes from a layer of its own, and what
/// reads a layer with such a channel reads it where it is.
#[test]
fn layers_of_nine_bits_become_integer() {
    let mut net = Net::new();
    let x = net.input_i8(&[1, 4, 4, 2], 0.02, 5);
    let x = net.dequantize(x);
    let w = net.stored_u8(&[3, 3, 3, 2], 0.01, 150, &[4, 7, 23]);
    let w = net.dequantize(w);
    let bias = net.floats(&[3]);
    let y = net.conv(1, &[x, w, bias]);
    let y = net.quantize(y, 0.1, -10);
    let y = net.dequantize(y);
    let w = net.stored_u8(&[3, 3, 3, 1], 0.02, 100, &[11, 12]);
    let w = net.dequantize(w);
    let bias = net.floats(&[3]);
    let y = net.grouped_conv(1, 3, &[y, w, bias]);
    let y = net.quantize(y, 0.2, 3);
    let y = net.dequantize(y);
    let w = net.stored_u8(&[2, 1, 1, 3], 0.01, 0, &[1]);
    let w = net.dequantize(w);
    let y = net.conv(0, &[y, w]);
    let y = net.quantize(y, 0.4, 0);
    insta::assert_snapshot!(net.rewritten(&FuseQdq, &[y]));
}

#[test]
fn arithmetic_becomes_integer() {
    let mut net = Net::new();
    let (a, b) = (
        net.input_i8(&[1, 4, 4, 2], 1.0 / 64.0, 5),
        net.input_i8(&[1, 4, 4, 2], 1.0 / 32.0, -7),
    );
    let (a, b) = (net.dequantize(a), net.dequantize(b));
    let op = Op::Binary {
        function: BinaryFn::Add,
        clamp: Some(Clamp::RELU),
    };
    let sum = net.op(op, &[a, b]);
    let sum = net.quantize(sum, 1.0 / 32.0, -128);
    let real = net.dequantize(sum);
    let gate = net.unary(UnaryFn::Sigmoid, real);
    let gate = net.quantize(gate, 1.0 / 256.0, -128);
    let op = Op::Reduce {
        kind: ReduceKind::Mean,
        axes: vec![1, 2],
        keep_dims: false,
    };
    let mean = net.op(op, &[real]);
    let mean = net.quantize(mean, 1.0 / 32.0, -128);
    let logits = net.dequantize(mean);
    let soft = net.op(Op::Softmax { axis: 1 }, &[logits]);
    let soft = net.quantize(soft, 1.0 / 256.0, -128);
    // No integer formula: stays in float.
    let three = net.scalar(3.0);
    let quotient = net.binary(BinaryFn::Div, real, three);
    let quotient = net.quantize(quotient, 1.0 / 64.0, 0);
    insta::assert_snapshot!(net.rewritten(&FuseQdq, &[gate, soft, quotient]));
}

#[test]
fn movement_becomes_integer_and_requantises() {
    let mut net = Net::new();
    let (a, b) = (
        net.input_i8(&[1, 4, 4, 2], 0.02, 5),
        net.input_i8(&[1, 4, 4, 2], 0.03, -7),
    );
    let (a, b) = (net.dequantize(a), net.dequantize(b));
    let joined = net.op(Op::Concat { axis: 3 }, &[a, b]);
    let joined = net.quantize(joined, 0.03, -7);
    let max = net.pool(PoolKind::Max, 2, a);
    let max = net.quantize(max, 0.05, 0);
    insta::assert_snapshot!(net.rewritten(&FuseQdq, &[joined, max]));
}

#[test]
fn neighbours_cancel_or_requantise() {
    let mut net = Net::new();
    let x = net.input_i8(&[4], 0.02, 5);
    let real = net.dequantize(x);
    let other = net.quantize(real, 0.03, 0);
    let same = net.quantize(real, 0.02, 5);
    let real: ValueId = net.dequantize(same);
    insta::assert_snapshot!(net.rewritten(&Requantize, &[other, real]));
}

#[test]
fn movement_stays_on_integers() {
    let mut net = Net::new();
    let x = net.input_i8(&[1, 4, 4, 2], 0.02, 5);
    let x = net.dequantize(x);
    let x = net.transpose(&[0, 3, 1, 2], x);
    let y = net.reshape(&[1, 32], x);
    insta::assert_snapshot!(net.rewritten(&HoistMovement, &[y]));
}

#[test]
fn integer_bounds_fuse_where_scales_are_equal() {
    let mut net = Net::new();
    let (a, b) = (net.input_i8(&[4], 0.02, 5), net.input_i8(&[4], 0.03, -7));
    let add = Op::Binary {
        function: BinaryFn::Add,
        clamp: None,
    };
    let bounded = |net: &mut Net, scale: f32| {
        let params = |s| Some(QParams::per_tensor(s, -20));
        let dtype = redpoll_graph::DType::I8;
        let name = format!("sum{scale}");
        let sum = net
            .graph
            .add_node_as(&name, add.clone(), &[a, b], dtype, params(0.04));
        let relu = Op::Unary(UnaryFn::Clamp(Clamp::RELU));
        let name = format!("relu{scale}");
        let inputs = [sum.expect("fits")];
        net.graph
            .add_node_as(&name, relu, &inputs, dtype, params(scale))
            .expect("fits")
    };
    let (equal, other) = (bounded(&mut net, 0.04), bounded(&mut net, 0.05));
    insta::assert_snapshot!(net.rewritten(&FuseActivation, &[equal, other]));
}

#[test]
fn constants_that_stay_float_are_dequantised() {
    let mut net = Net::new();
    let x = net.input(&[2, 4]);
    let w = net.stored(&[3, 4], &[0.5, 0.25, 0.125]);
    let w = net.dequantize(w);
    let y = net.dense(&[x, w]);
    insta::assert_snapshot!(net.rewritten(&DequantizeConstants, &[y]));
}
