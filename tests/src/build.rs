//! Random data and small graphs for tests, the same in every run.

use redpoll_graph::op::Conv;
use redpoll_graph::{DType, Data, Graph, Op, QParams, Tensor, ValueId};

/// A small generator of numbers (xorshift).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator of its own for each seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) as usize % end
    }

    /// A number from `start` to `end`, both included.
    pub fn range(&mut self, start: usize, end: usize) -> usize {
        start + self.below(end - start + 1)
    }

    /// A float between −`size` and `size`.
    pub fn float(&mut self, size: f32) -> f32 {
        (self.below(1 << 20) as f32 / (1 << 19) as f32 - 1.0) * size
    }

    /// A float tensor between −3 and 3.
    pub fn floats(&mut self, shape: &[usize]) -> Tensor {
        let data = (0..shape.iter().product())
            .map(|_| self.float(3.0))
            .collect();
        tensor(shape, Data::F32(data))
    }

    /// Any bytes of a quantised type, extremes often.
    pub fn bytes(&mut self, dtype: DType, shape: &[usize]) -> Tensor {
        let mut byte = || match self.below(8) {
            0 => 0u8,
            1 => 255,
            _ => self.below(256) as u8,
        };
        let bytes: Vec<u8> = (0..shape.iter().product()).map(|_| byte()).collect();
        let data = match dtype {
            DType::U8 => Data::U8(bytes),
            _ => Data::I8(
                bytes
                    .into_iter()
                    .map(|b| (b ^ 0x80).cast_signed())
                    .collect(),
            ),
        };
        tensor(shape, data)
    }

    /// A tensor that fits a value of the graph.
    pub fn fitting(&mut self, graph: &Graph, id: ValueId) -> Tensor {
        let value = graph.value(id);
        match value.dtype {
            DType::F32 => self.floats(&value.shape),
            DType::I8 | DType::U8 => self.bytes(value.dtype, &value.shape),
            DType::I32 => {
                let data = (0..value.len())
                    .map(|_| self.below(12) as i32 - 1)
                    .collect();
                tensor(&value.shape, Data::I32(data))
            }
            DType::I64 => tensor(&value.shape, Data::I64(vec![1; value.len()])),
            DType::Bool => tensor(&value.shape, Data::Bool(vec![true; value.len()])),
        }
    }

    /// Scale and zero point of an activation of `dtype`.
    pub fn qparams(&mut self, dtype: DType) -> QParams {
        let (lo, _) = dtype.quantized_range().unwrap_or((0, 0));
        let scale = 0.004 + self.below(1000) as f32 * 1.7e-5;
        QParams::per_tensor(scale, lo + self.below(256) as i32)
    }

    /// int8 or uint8.
    pub fn quantized_type(&mut self) -> DType {
        if self.below(3) == 0 {
            DType::U8
        } else {
            DType::I8
        }
    }
}

/// A tensor; the element count is the shape's.
pub fn tensor(shape: &[usize], data: Data) -> Tensor {
    Tensor::new(shape.to_vec(), data).expect("as many elements as the shape says")
}

/// Adds an input, quantised when `qparams` are given.
pub fn input(
    graph: &mut Graph,
    name: &str,
    dtype: DType,
    shape: &[usize],
    qparams: Option<QParams>,
) -> ValueId {
    let id = graph.add_input(name, dtype, shape.to_vec());
    graph.value_mut(id).qparams = qparams;
    id
}

/// Adds a node; quantised results get their own random scale unless the operator keeps its operand's.
pub fn node(graph: &mut Graph, random: &mut Random, op: Op, inputs: &[ValueId]) -> ValueId {
    let name = op.name();
    let integer = graph.value(inputs[0]).is_quantized();
    let keeps = redpoll_graph::shape::keeps_qparams(&op);
    if integer && !keeps && op != Op::Dequantize || op == Op::Quantize {
        let dtype = random.quantized_type();
        let qparams = random.qparams(dtype);
        return graph
            .add_node_as(name, op, inputs, dtype, Some(qparams))
            .expect("a sound node");
    }
    graph.add_node(name, op, inputs).expect("a sound node")
}

/// Adds constant weights `shape` (output channels first) and, perhaps, a bias, for an operand that is quantised or not.
pub fn weights(
    graph: &mut Graph,
    random: &mut Random,
    x: ValueId,
    shape: &[usize],
    with_bias: bool,
) -> Vec<ValueId> {
    let outputs = shape[0];
    let integer = graph.value(x).is_quantized();
    let mut ids = Vec::new();
    if integer {
        let w = random.bytes(DType::I8, shape);
        let id = graph.add_constant("w", w);
        let scales = (0..outputs)
            .map(|_| 0.001 + random.below(100) as f32 * 1e-5)
            .collect();
        graph.value_mut(id).qparams = Some(QParams::per_channel(scales, 0));
        ids.push(id);
    } else {
        let w = random.floats(shape);
        ids.push(graph.add_constant("w", w));
    }
    if with_bias {
        let bias = if integer {
            Data::I32(
                (0..outputs)
                    .map(|_| random.below(20_000) as i32 - 10_000)
                    .collect(),
            )
        } else {
            Data::F32((0..outputs).map(|_| random.float(2.0)).collect())
        };
        ids.push(graph.add_constant("b", tensor(&[outputs], bias)));
    }
    ids
}

/// A convolution with equal numbers for both axes.
pub fn square(axes: usize, stride: usize, dilation: usize, pad: usize, groups: usize) -> Conv {
    Conv {
        strides: vec![stride; axes],
        dilations: vec![dilation; axes],
        pads_before: vec![pad; axes],
        pads_after: vec![pad; axes],
        groups,
        clamp: None,
    }
}
