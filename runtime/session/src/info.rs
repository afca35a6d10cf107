//! What is known about the inputs and outputs of a model.

use redpoll_plan::{DType, Plan, Tensor};

use crate::error::{Error, ErrorKind};
use crate::value::Value;

/// An input or output.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TensorInfo {
    /// Name in the model; empty when the plan was stripped.
    pub name: String,
    /// Element type.
    pub dtype: DType,
    /// Dimensions, outermost first, in the order that the plan wants (images are NHWC unless the model says otherwise).
    pub shape: Vec<usize>,
    /// Scale of a quantised tensor (`real = (q − zero_point) · scale`), 0 for others.
    pub scale: f32,
    /// Zero point of a quantised tensor.
    pub zero_point: i32,
    /// Bytes of all elements.
    pub bytes: usize,
}

impl TensorInfo {
    pub(crate) fn new(name: &str, tensor: &Tensor) -> Self {
        Self {
            name: name.to_owned(),
            dtype: tensor.dtype,
            shape: tensor.shape.dims().iter().map(|&d| d as usize).collect(),
            scale: tensor.scale,
            zero_point: tensor.zero_point,
            bytes: tensor.bytes(),
        }
    }

    /// An input or output that carries no quantisation, as other runtimes describe theirs: for implementers of
    /// [`Backend`](crate::Backend).
    pub fn named(name: impl Into<String>, dtype: DType, shape: &[usize]) -> Self {
        Self {
            name: name.into(),
            dtype,
            shape: shape.to_vec(),
            scale: 0.0,
            zero_point: 0,
            bytes: shape.iter().fold(dtype.size(), |n, &d| n.saturating_mul(d)),
        }
    }

    /// Whether a value fits: for implementers of [`Backend`](crate::Backend).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Type`] or [`ErrorKind::Length`].
    pub fn check(&self, value: Value<'_>) -> Result<(), Error> {
        let (name, wanted, got) = (&self.name, self.dtype, value.dtype());
        if wanted != got {
            return Err(Error::new(
                ErrorKind::Type,
                format!("\"{name}\" holds {wanted:?}, not {got:?}"),
            ));
        }
        let (wanted, got) = (self.len(), value.len());
        if wanted != got {
            let shape = &self.shape;
            return Err(Error::new(
                ErrorKind::Length,
                format!("\"{name}\" has {wanted} elements (shape {shape:?}), got {got}"),
            ));
        }
        Ok(())
    }

    /// The real value of a quantised element.
    pub fn dequantize(&self, q: i32) -> f32 {
        (i64::from(q) - i64::from(self.zero_point)) as f32 * self.scale
    }

    /// The quantised value nearest to a real one, half to even, not yet limited to the element type.
    pub fn quantize(&self, real: f32) -> i32 {
        ((real / self.scale).round_ties_even() as i32).saturating_add(self.zero_point)
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.bytes / self.dtype.size()
    }

    /// True when there are no elements.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }
}

/// The inputs and the outputs of a plan.
pub(crate) fn tensors(plan: &Plan<'_>) -> (Vec<TensorInfo>, Vec<TensorInfo>) {
    let info = |port: redpoll_plan::Port<'_>| {
        plan.tensor(port.tensor)
            .map(|tensor| TensorInfo::new(port.name, &tensor))
    };
    (
        plan.inputs().filter_map(info).collect(),
        plan.outputs().filter_map(info).collect(),
    )
}

/// Which input or output is meant: its number or its name.
pub trait Select: Copy {
    /// Its number in `tensors`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoSuchTensor`], naming those that there are.
    fn index_in(self, tensors: &[TensorInfo]) -> Result<usize, Error>;
}

impl Select for usize {
    fn index_in(self, tensors: &[TensorInfo]) -> Result<usize, Error> {
        if self < tensors.len() {
            return Ok(self);
        }
        Err(Error::new(
            ErrorKind::NoSuchTensor,
            format!("there is no tensor number {self}, only {}", tensors.len()),
        ))
    }
}

impl Select for &str {
    fn index_in(self, tensors: &[TensorInfo]) -> Result<usize, Error> {
        tensors.iter().position(|t| t.name == self).ok_or_else(|| {
            let names: Vec<&str> = tensors.iter().map(|t| t.name.as_str()).collect();
            Error::new(
                ErrorKind::NoSuchTensor,
                format!(
                    "there is no tensor \"{self}\"; there are: {}",
                    names.join(", ")
                ),
            )
        })
    }
}

impl Select for &String {
    fn index_in(self, tensors: &[TensorInfo]) -> Result<usize, Error> {
        self.as_str().index_in(tensors)
    }
}
