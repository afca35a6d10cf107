//! Rules that move, merge and drop layout changes.

use redpoll_graph::op::{BinaryFn, PoolKind, ReduceKind, SliceAxis, UnaryFn};
use redpoll_graph::{Op, ValueId};

use super::build::Net;
use crate::optimize::Rule;
use crate::optimize::flatten_dense::FlattenDense;
use crate::optimize::full_window_pool::FullWindowPool;
use crate::optimize::identities::Identities;
use crate::optimize::merge_reshapes::MergeReshapes;
use crate::optimize::merge_transposes::MergeTransposes;
use crate::optimize::sink_reshapes::SinkReshapes;
use crate::optimize::sink_transposes::SinkTransposes;

const SINK: SinkTransposes = SinkTransposes {
    through_dequantize: true,
};

#[test]
fn identities_go() {
    let mut net = Net::new();
    let x = net.input(&[1, 2, 3]);
    let mut y = net.reshape(&[1, 2, 3], x);
    y = net.transpose(&[0, 1, 2], y);
    let whole = |len| SliceAxis {
        start: 0,
        step: 1,
        len,
    };
    let axes = vec![whole(1), whole(2), whole(3)];
    y = net.op(Op::Slice { axes }, &[y]);
    let zero = net.scalar(0.0);
    y = net.binary(BinaryFn::Add, zero, y);
    let one = net.scalar(1.0);
    y = net.binary(BinaryFn::Div, y, one);
    let axes = vec![0];
    let kind = ReduceKind::Mean;
    let keep_dims = false;
    y = net.op(
        Op::Reduce {
            kind,
            axes,
            keep_dims,
        },
        &[y],
    );
    insta::assert_snapshot!(net.rewritten(&Identities, &[y]));
}

#[test]
fn an_output_keeps_its_copy_of_an_input() {
    let mut net = Net::new();
    let x = net.input(&[2]);
    let y = net.reshape(&[2], x);
    insta::assert_snapshot!(net.rewritten(&Identities, &[y]));
}

#[test]
fn transposes_merge() {
    let mut net = Net::new();
    let x = net.input(&[1, 4, 5, 2]);
    let y = net.transpose(&[0, 3, 1, 2], x);
    let y = net.transpose(&[0, 3, 1, 2], y);
    let z = net.reshape(&[1, 40, 1, 1], x);
    let z = net.transpose(&[0, 2, 3, 1], z);
    insta::assert_snapshot!(net.rewritten(&MergeTransposes, &[y, z]));
}

#[test]
fn reshapes_merge_and_reductions_keep_dimensions() {
    let mut net = Net::new();
    let x = net.input(&[1, 4, 5, 2]);
    let y = net.reshape(&[1, 20, 2], x);
    let y = net.reshape(&[40], y);
    let mean = |axes, keep_dims| Op::Reduce {
        kind: ReduceKind::Mean,
        axes,
        keep_dims,
    };
    let z = net.op(mean(vec![1, 2], true), &[x]);
    let z = net.reshape(&[1, 2], z);
    let w = net.op(mean(vec![3], false), &[x]);
    let w = net.reshape(&[1, 4, 5, 1], w);
    insta::assert_snapshot!(net.rewritten(&MergeReshapes, &[y, z, w]));
}

fn channels_first(net: &mut Net) -> ValueId {
    let x = net.input(&[1, 4, 5, 3]);
    net.transpose(&[0, 3, 1, 2], x)
}

#[test]
fn transposes_sink_through_elementwise() {
    let mut net = Net::new();
    let (a, b) = (channels_first(&mut net), channels_first(&mut net));
    let a = net.relu(a);
    let sum = net.binary(BinaryFn::Add, a, b);
    let each = net.floats(&[3, 1, 1]);
    let sum = net.binary(BinaryFn::Mul, sum, each);
    let two = net.scalar(2.0);
    let y = net.binary(BinaryFn::Sub, two, sum);
    insta::assert_snapshot!(net.rewritten(&SINK, &[y]));
}

#[test]
fn transposes_sink_beside_unit_axes_and_inputs() {
    let mut net = Net::new();
    let x = channels_first(&mut net);
    let x = net.relu(x);
    let gate = net.input(&[1, 3, 1, 1]);
    let gated = net.binary(BinaryFn::Mul, x, gate);
    let plane = net.input(&[1, 3, 4, 5]);
    let y = net.binary(BinaryFn::Add, plane, gated);
    insta::assert_snapshot!(net.rewritten(&SINK, &[y]));
}

#[test]
fn transposes_sink_through_reductions_and_movement() {
    let mut net = Net::new();
    let (a, b) = (channels_first(&mut net), channels_first(&mut net));
    let joined = net.op(Op::Concat { axis: 1 }, &[a, b]);
    let soft = net.op(Op::Softmax { axis: 1 }, &[joined]);
    let slice = |start, len| SliceAxis {
        start,
        step: 1,
        len,
    };
    let axes = vec![slice(0, 1), slice(2, 3), slice(0, 4), slice(1, 4)];
    let part = net.op(Op::Slice { axes }, &[soft]);
    let reduce = |axes, keep_dims| Op::Reduce {
        kind: ReduceKind::Sum,
        axes,
        keep_dims,
    };
    let kept = net.op(reduce(vec![2, 3], true), &[part]);
    let dropped = net.op(reduce(vec![2], false), &[part]);
    insta::assert_snapshot!(net.rewritten(&SINK, &[kept, dropped]));
}

#[test]
fn transposes_sink_through_reshapes_of_unit_axes() {
    let mut net = Net::new();
    let x = net.input(&[1, 6, 1, 5]);
    let y = net.transpose(&[0, 3, 1, 2], x);
    let y = net.reshape(&[1, 5, 6], y);
    let y = net.unary(UnaryFn::Tanh, y);
    insta::assert_snapshot!(net.rewritten(&SINK, &[y]));
}

#[test]
fn transposes_sink_through_quantisation() {
    let mut net = Net::new();
    let x = channels_first(&mut net);
    let q = net.quantize(x, 0.01, 3);
    let y = net.dequantize(q);
    insta::assert_snapshot!(net.rewritten(&SINK, &[y]));
}

#[test]
fn reshapes_sink() {
    let mut net = Net::new();
    let x = net.input(&[1, 4, 6]);
    let y = net.reshape(&[1, 2, 2, 6], x);
    let y = net.relu(y);
    let each = net.floats(&[1, 1, 1, 6]);
    let y = net.binary(BinaryFn::Add, y, each);
    let z = net.reshape(&[1, 2, 2, 6], x);
    let y = net.binary(BinaryFn::Mul, y, z);
    insta::assert_snapshot!(net.rewritten(&SinkReshapes, &[y]));
}

#[test]
fn flattening_takes_the_order_of_the_weights() {
    let mut net = Net::new();
    let x = net.input(&[1, 2, 3, 4]);
    let y = net.transpose(&[0, 3, 1, 2], x);
    let y = net.reshape(&[1, 24], y);
    let w = net.floats(&[2, 24]);
    let y = net.dense(&[y, w]);
    insta::assert_snapshot!(net.rewritten(&FlattenDense, &[y]));
}

/// Found by damaging models: an empty batch can be "flattened" to any width.
#[test]
fn an_empty_batch_is_not_flattened() {
    let mut net = Net::new();
    let x = net.input(&[0, 2, 3, 4]);
    let y = net.transpose(&[0, 3, 1, 2], x);
    let y = net.reshape(&[0, 7], y);
    let w = net.floats(&[2, 7]);
    let y = net.dense(&[y, w]);
    net.graph.outputs = vec![y];
    assert_eq!(FlattenDense.apply(&mut net.graph).unwrap(), 0);
}

#[test]
fn full_windows_are_reductions() {
    let mut net = Net::new();
    let x = net.input(&[1, 4, 4, 3]);
    let mean = net.pool(PoolKind::Average, 4, x);
    let max = net.pool(PoolKind::Max, 4, x);
    let part = net.pool(PoolKind::Max, 2, x);
    insta::assert_snapshot!(net.rewritten(&FullWindowPool, &[mean, max, part]));
}
