//! Other engines on the same tensors, and how far their outputs are from ours.

use redpoll_graph::{Data, Graph, Op, Tensor};
use redpoll_session::{Backend, Error, Value};

use crate::equality::bytes;

/// The elements of a tensor, exactly.
pub type Numbers = Vec<f64>;

/// Runs a backend on tensors, in the order of the model's inputs; gives all its outputs.
///
/// # Errors
/// Those of [`Backend`].
pub fn run(backend: &mut dyn Backend, inputs: &[Tensor]) -> Result<Vec<Numbers>, Error> {
    for (i, input) in inputs.iter().enumerate() {
        let flags;
        let value = match input.data() {
            Data::F32(v) => Value::F32(v),
            Data::I8(v) => Value::I8(v),
            Data::U8(v) => Value::U8(v),
            Data::I32(v) => Value::I32(v),
            Data::I64(v) => Value::I64(v),
            Data::Bool(_) => {
                flags = bytes(input);
                Value::Bool(&flags)
            }
        };
        backend.set_input(i, value)?;
    }
    backend.run()?;
    (0..backend.outputs().len())
        .map(|i| Ok(of_value(backend.output(i)?)))
        .collect()
}

/// The elements of a tensor as numbers.
pub fn numbers(tensor: &Tensor) -> Numbers {
    match tensor.data() {
        Data::F32(v) => v.iter().map(|&x| x.into()).collect(),
        Data::I8(v) => v.iter().map(|&x| x.into()).collect(),
        Data::U8(v) => v.iter().map(|&x| x.into()).collect(),
        Data::I32(v) => v.iter().map(|&x| x.into()).collect(),
        Data::I64(v) => v.iter().map(|&x| x as f64).collect(),
        Data::Bool(v) => v.iter().map(|&x| f64::from(u8::from(x))).collect(),
    }
}

fn of_value(value: Value<'_>) -> Numbers {
    match value {
        Value::F32(v) => v.iter().map(|&x| x.into()).collect(),
        Value::I8(v) => v.iter().map(|&x| x.into()).collect(),
        Value::U8(v) | Value::Bool(v) => v.iter().map(|&x| x.into()).collect(),
        Value::I32(v) => v.iter().map(|&x| x.into()).collect(),
        Value::I64(v) => v.iter().map(|&x| x as f64).collect(),
        other => panic!("no test has {:?}", other.dtype()),
    }
}

/// What two tensors differ in; sums over several.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Difference {
    /// Elements compared.
    pub elements: usize,
    /// Elements that are not equal.
    pub differing: usize,
    /// The largest absolute difference.
    pub largest: f64,
    /// The largest absolute value on the other side.
    pub magnitude: f64,
}

impl Difference {
    /// Adds two tensors of equal length; a number that is none on one side only is infinitely far.
    ///
    /// # Panics
    /// When the lengths differ.
    pub fn add(&mut self, ours: &[f64], theirs: &[f64]) {
        assert_eq!(ours.len(), theirs.len(), "elements");
        self.elements += ours.len();
        for (a, b) in ours.iter().zip(theirs) {
            let equal = a == b || (a.is_nan() && b.is_nan());
            let distance = if (a - b).is_nan() {
                f64::INFINITY
            } else {
                (a - b).abs()
            };
            if !equal {
                self.differing += 1;
                self.largest = self.largest.max(distance);
            }
            self.magnitude = self.magnitude.max(b.abs());
        }
    }

    /// Adds what another one counted.
    pub fn merge(&mut self, other: &Self) {
        self.elements += other.elements;
        self.differing += other.differing;
        self.largest = self.largest.max(other.largest);
        self.magnitude = self.magnitude.max(other.magnitude);
    }

    /// The largest difference by the largest value.
    pub fn relative(&self) -> f64 {
        if self.largest == 0.0 {
            0.0
        } else {
            self.largest / self.magnitude
        }
    }
}

/// The size of one quantisation step in output `index` of a graph, `None` for an output computed in float.
pub fn step(graph: &Graph, index: usize) -> Option<f64> {
    let mut id = graph.outputs[index];
    loop {
        if graph.value(id).is_quantized() {
            return Some(1.0);
        }
        let node = graph.nodes.iter().find(|node| node.output == id)?;
        match node.op {
            Op::Dequantize => {
                let scale = graph.value(node.inputs[0]).qparams.as_ref()?.scale();
                return Some(scale.into());
            }
            Op::Reshape { .. } | Op::Transpose { .. } => id = node.inputs[0],
            _ => return None,
        }
    }
}
