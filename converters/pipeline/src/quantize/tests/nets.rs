//! Small nets with repeatable weights.

use redpoll_graph::op::{BinaryFn, Clamp, Conv, ReduceKind};
use redpoll_graph::{DType, Data, Graph, Op, Tensor, ValueId};

use crate::calibrate::SampleSet;

/// Repeatable, bell-shaped numbers.
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn uniform(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }

    pub fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.uniform()).sum::<f32>() - 6.0
    }

    pub fn tensor(&mut self, shape: &[usize], scale: f32) -> Tensor {
        let n = shape.iter().product();
        let data = (0..n).map(|_| self.normal() * scale).collect();
        Tensor::new(shape.to_vec(), Data::F32(data)).unwrap()
    }
}

/// Samples for the float inputs of a graph.
pub fn samples(graph: &Graph, n: usize, seed: u64) -> SampleSet {
    let mut r = Numbers::new(seed);
    let one = |r: &mut Numbers| {
        graph
            .inputs
            .iter()
            .map(|&id| r.tensor(&graph.value(id).shape, 1.0))
            .collect()
    };
    (0..n).map(|_| one(&mut r)).collect()
}

pub fn dense(
    g: &mut Graph,
    r: &mut Numbers,
    name: &str,
    x: ValueId,
    outputs: usize,
    scale: f32,
) -> ValueId {
    let k = *g.value(x).shape.last().unwrap();
    let w = g.add_constant(
        &format!("{name}_w"),
        r.tensor(&[outputs, k], scale / (k as f32).sqrt()),
    );
    let b = g.add_constant(&format!("{name}_b"), r.tensor(&[outputs], 0.1));
    g.add_node(name, Op::Dense { clamp: None }, &[x, w, b])
        .unwrap()
}

fn conv(
    g: &mut Graph,
    r: &mut Numbers,
    name: &str,
    x: ValueId,
    shape: [usize; 4],
    groups: usize,
    clamp: Option<Clamp>,
) -> ValueId {
    let k = (shape[1] * shape[2] * shape[3]) as f32;
    let w = g.add_constant(&format!("{name}_w"), r.tensor(&shape, 1.4 / k.sqrt()));
    let b = g.add_constant(&format!("{name}_b"), r.tensor(&[shape[0]], 0.2));
    let pad = shape[1] / 2;
    let op = Op::Conv(Conv {
        strides: vec![1, 1],
        dilations: vec![1, 1],
        pads_before: vec![pad, pad],
        pads_after: vec![pad, pad],
        groups,
        clamp,
    });
    g.add_node(name, op, &[x, w, b]).unwrap()
}

/// Convolution, inverted bottleneck with a residual addition, mean, dense layer, softmax.
pub fn residual_net() -> Graph {
    let relu6 = Some(Clamp { lo: 0.0, hi: 6.0 });
    let (mut g, mut r) = (Graph::new("residual"), Numbers::new(11));
    let x = g.add_input("x", DType::F32, vec![1, 8, 8, 3]);
    let stem = conv(&mut g, &mut r, "stem", x, [16, 3, 3, 3], 1, None);
    let wide = conv(&mut g, &mut r, "wide", stem, [48, 1, 1, 16], 1, relu6);
    let depthwise = conv(&mut g, &mut r, "depthwise", wide, [48, 3, 3, 1], 48, relu6);
    let narrow = conv(&mut g, &mut r, "narrow", depthwise, [16, 1, 1, 48], 1, None);
    let add = Op::Binary {
        function: BinaryFn::Add,
        clamp: None,
    };
    let sum = g.add_node("sum", add, &[stem, narrow]).unwrap();
    let head = conv(&mut g, &mut r, "head", sum, [64, 1, 1, 16], 1, relu6);
    let mean = Op::Reduce {
        kind: ReduceKind::Mean,
        axes: vec![1, 2],
        keep_dims: false,
    };
    let pooled = g.add_node("pooled", mean, &[head]).unwrap();
    let logits = dense(&mut g, &mut r, "logits", pooled, 10, 3.0);
    let out = g
        .add_node("probabilities", Op::Softmax { axis: 1 }, &[logits])
        .unwrap();
    g.outputs.push(out);
    g
}
