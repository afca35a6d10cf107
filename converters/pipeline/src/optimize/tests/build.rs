//! Small graphs for the tests of rules, and the comparison of a graph with what a rule makes of it.

use redpoll_graph::op::{BinaryFn, Clamp, Conv, Pool, PoolKind, UnaryFn};
use redpoll_graph::{DType, Data, Graph, Op, QParams, Tensor, ValueId, eval, verify};

use super::{difference, floats, noise};
use crate::optimize::Rule;
use crate::optimize::dead_code::DeadCode;

/// A graph under construction; nodes are called `n1`, `n2`, …, constants `c1`, `c2`, ….
pub(super) struct Net {
    pub graph: Graph,
}

impl Net {
    pub fn new() -> Self {
        Self {
            graph: Graph::new("test"),
        }
    }

    pub fn input(&mut self, shape: &[usize]) -> ValueId {
        let name = format!("x{}", self.graph.inputs.len() + 1);
        self.graph.add_input(&name, DType::F32, shape.to_vec())
    }

    /// A quantised input.
    pub fn input_i8(&mut self, shape: &[usize], scale: f32, zero_point: i32) -> ValueId {
        let name = format!("x{}", self.graph.inputs.len() + 1);
        let id = self.graph.add_input(&name, DType::I8, shape.to_vec());
        self.graph.value_mut(id).qparams = Some(QParams::per_tensor(scale, zero_point));
        id
    }

    pub fn op(&mut self, op: Op, inputs: &[ValueId]) -> ValueId {
        let name = format!("n{}", self.graph.nodes.len() + 1);
        self.graph.add_node(&name, op, inputs).expect("fits")
    }

    /// Quantised to i8.
    pub fn quantize(&mut self, x: ValueId, scale: f32, zero_point: i32) -> ValueId {
        let name = format!("n{}", self.graph.nodes.len() + 1);
        let qparams = Some(QParams::per_tensor(scale, zero_point));
        self.graph
            .add_node_as(&name, Op::Quantize, &[x], DType::I8, qparams)
            .expect("fits")
    }

    pub fn dequantize(&mut self, x: ValueId) -> ValueId {
        self.op(Op::Dequantize, &[x])
    }

    pub fn constant(&mut self, tensor: Tensor) -> ValueId {
        let n = self
            .graph
            .values
            .iter()
            .filter(|v| v.constant.is_some())
            .count()
            + 1;
        self.graph.add_constant(&format!("c{n}"), tensor)
    }

    pub fn scalar(&mut self, value: f32) -> ValueId {
        self.constant(Tensor::scalar(value))
    }

    /// A constant of eighths between −0.625 and 0.625.
    pub fn floats(&mut self, shape: &[usize]) -> ValueId {
        let n = shape.iter().product();
        let values = (0..n)
            .map(|i: usize| ((i * 7) % 11) as f32 / 8.0 - 0.625)
            .collect();
        self.constant(Tensor::new(shape.to_vec(), Data::F32(values)).expect("fits"))
    }

    /// A constant of i8 with a scale, for all or for each slice of axis 0.
    pub fn stored(&mut self, shape: &[usize], scales: &[f32]) -> ValueId {
        let n = shape.iter().product();
        let values = (0..n)
            .map(|i: usize| ((i * 37) % 255) as u8 as i8)
            .collect();
        let id = self.constant(Tensor::new(shape.to_vec(), Data::I8(values)).expect("fits"));
        self.graph.value_mut(id).qparams = Some(match scales {
            [one] => QParams::per_tensor(*one, 0),
            many => QParams::per_channel(many.to_vec(), 0),
        });
        id
    }

    /// A constant of u8 around `zero_point`, within seven bits of it apart from some elements that are 0 or 255.
    pub fn stored_u8(
        &mut self,
        shape: &[usize],
        scale: f32,
        zero_point: u8,
        far: &[usize],
    ) -> ValueId {
        let n = shape.iter().product();
        let mut values: Vec<u8> = (0..n)
            .map(|i: usize| {
                zero_point
                    .saturating_sub(60)
                    .saturating_add((i * 37 % 120) as u8)
            })
            .collect();
        for &i in far {
            values[i] = if zero_point > 127 { 0 } else { 255 };
        }
        let id = self.constant(Tensor::new(shape.to_vec(), Data::U8(values)).expect("fits"));
        self.graph.value_mut(id).qparams = Some(QParams::per_tensor(scale, i32::from(zero_point)));
        id
    }

    pub fn unary(&mut self, function: UnaryFn, x: ValueId) -> ValueId {
        self.op(Op::Unary(function), &[x])
    }

    pub fn relu(&mut self, x: ValueId) -> ValueId {
        self.unary(UnaryFn::Clamp(Clamp::RELU), x)
    }

    pub fn binary(&mut self, function: BinaryFn, a: ValueId, b: ValueId) -> ValueId {
        let clamp = None;
        self.op(Op::Binary { function, clamp }, &[a, b])
    }

    pub fn transpose(&mut self, perm: &[usize], x: ValueId) -> ValueId {
        let perm = perm.to_vec();
        self.op(Op::Transpose { perm }, &[x])
    }

    pub fn reshape(&mut self, shape: &[usize], x: ValueId) -> ValueId {
        let shape = shape.to_vec();
        self.op(Op::Reshape { shape }, &[x])
    }

    pub fn dense(&mut self, inputs: &[ValueId]) -> ValueId {
        self.op(Op::Dense { clamp: None }, inputs)
    }

    /// A convolution with this border on all sides of the plane.
    pub fn conv(&mut self, border: usize, inputs: &[ValueId]) -> ValueId {
        self.grouped_conv(border, 1, inputs)
    }

    /// A convolution in groups.
    pub fn grouped_conv(&mut self, border: usize, groups: usize, inputs: &[ValueId]) -> ValueId {
        let axes = self.graph.value(inputs[0]).shape.len() - 2;
        let op = Op::Conv(Conv {
            strides: vec![1; axes],
            dilations: vec![1; axes],
            pads_before: vec![border; axes],
            pads_after: vec![border; axes],
            groups,
            clamp: None,
        });
        self.op(op, inputs)
    }

    pub fn pool(&mut self, kind: PoolKind, kernel: usize, x: ValueId) -> ValueId {
        let op = Op::Pool(Pool {
            kind,
            kernel: vec![kernel; 2],
            strides: vec![kernel; 2],
            dilations: vec![1; 2],
            pads_before: vec![0; 2],
            pads_after: vec![0; 2],
            count_include_pad: false,
        });
        self.op(op, &[x])
    }

    /// Makes `id` an output and gives the text of the graph before and after the rule.
    pub fn rewritten(mut self, rule: &dyn Rule, outputs: &[ValueId]) -> String {
        self.graph.outputs = outputs.to_vec();
        before_after(self.graph, rule)
    }
}

/// The graph and what the rule makes of it. Both are sound and compute the same; integers to one step.
fn before_after(before: Graph, rule: &dyn Rule) -> String {
    verify(&before).expect("sound before");
    let mut after = before.clone();
    let changes = rule.apply(&mut after).expect("applies");
    DeadCode.apply(&mut after).expect("applies");
    verify(&after).expect("sound after");
    let names = |g: &Graph| -> Vec<String> {
        let all = g.inputs.iter().chain(&g.outputs);
        all.map(|&id| g.value(id).name.clone()).collect()
    };
    assert_eq!(names(&before), names(&after));
    let inputs = noise(&before);
    let want = eval::run(&before, &inputs).expect("runs");
    let got = eval::run(&after, &inputs).expect("runs");
    for (got, want) in got.iter().zip(&want) {
        if want.dtype() == DType::F32 {
            assert!(difference(got, want) <= 1e-6, "{after}");
        } else {
            let far = |(a, b): (&f32, &f32)| (a - b).abs() > 1.0;
            assert!(!floats(got).iter().zip(&floats(want)).any(far), "{after}");
        }
    }
    format!(
        "{before}\n{} changes by \"{}\"\n\n{after}",
        changes,
        rule.name()
    )
}
