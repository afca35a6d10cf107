//! Runs samples through a plan, or through the model of another backend.

use std::path::Path;

use redpoll_graph::{Data, Tensor};
use redpoll_session::{Backend, DType, Options, Session, TensorInfo, Value};

use crate::{Error, ErrorKind};

/// A session that takes tensors and gives real numbers.
pub struct Runner<B = Session> {
    session: B,
}

impl Runner {
    /// Loads a plan.
    ///
    /// # Errors
    /// When the bytes are no valid plan or the tier is not there.
    pub fn new(plan: &[u8], options: &Options) -> Result<Self, Error> {
        Ok(Self {
            session: Session::from_bytes(plan, options)?,
        })
    }

    /// Maps a plan file.
    ///
    /// # Errors
    /// When it cannot be read, is no valid plan, or the tier is not there.
    pub fn open(path: &Path, options: &Options) -> Result<Self, Error> {
        Ok(Self {
            session: Session::open(path, options)?,
        })
    }
}

impl<B: Backend> Runner<B> {
    /// Takes a model that a backend has loaded.
    pub fn of(backend: B) -> Self {
        Self { session: backend }
    }

    /// The session.
    pub fn session(&mut self) -> &mut B {
        &mut self.session
    }

    /// Writes real numbers to an input, quantised where the input is.
    fn set_real(&mut self, index: usize, real: &[f32]) -> Result<(), Error> {
        let info = &self.session.inputs()[index];
        let quantized =
            |lo: i32, hi: i32| real.iter().map(move |&v| info.quantize(v).clamp(lo, hi));
        match info.dtype {
            DType::I8 if info.scale != 0.0 => {
                let q: Vec<i8> = quantized(-128, 127).map(|q| q as i8).collect();
                self.session.set_input(index, Value::I8(&q))?;
            }
            DType::U8 if info.scale != 0.0 => {
                let q: Vec<u8> = quantized(0, 255).map(|q| q as u8).collect();
                self.session.set_input(index, Value::U8(&q))?;
            }
            _ => self.session.set_input(index, Value::F32(real))?,
        }
        Ok(())
    }

    /// Writes the inputs, in the model's order. Real numbers for a quantised input are quantised.
    ///
    /// # Errors
    /// When number, types or sizes differ.
    pub fn set(&mut self, inputs: &[Tensor]) -> Result<(), Error> {
        let wanted = self.session.inputs().len();
        if inputs.len() != wanted {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("the model has {wanted} inputs, got {}", inputs.len()),
            ));
        }
        for (i, tensor) in inputs.iter().enumerate() {
            match tensor.data() {
                Data::F32(v) => self.set_real(i, v)?,
                Data::I8(v) => self.session.set_input(i, Value::I8(v))?,
                Data::U8(v) => self.session.set_input(i, Value::U8(v))?,
                Data::I32(v) => self.session.set_input(i, Value::I32(v))?,
                Data::I64(v) => self.session.set_input(i, Value::I64(v))?,
                Data::Bool(v) => {
                    let bytes: Vec<u8> = v.iter().map(|&b| b.into()).collect();
                    self.session.set_input(i, Value::Bool(&bytes))?;
                }
            }
        }
        Ok(())
    }

    /// Runs once and gives every output as real numbers (quantised outputs dequantised).
    ///
    /// # Errors
    /// As [`set`](Self::set), or when the run fails.
    pub fn run(&mut self, inputs: &[Tensor]) -> Result<Vec<Vec<f32>>, Error> {
        self.set(inputs)?;
        self.session.run()?;
        (0..self.session.outputs().len())
            .map(|i| self.real(i))
            .collect()
    }

    /// Output `index` as real numbers.
    ///
    /// # Errors
    /// When there is no such output, or it is of a type that is no number.
    pub fn real(&self, index: usize) -> Result<Vec<f32>, Error> {
        let info = &self.session.outputs()[index];
        real_numbers(info, self.session.output(index)?).ok_or_else(|| {
            Error::new(
                ErrorKind::Invalid,
                format!("output \"{}\" holds {:?}", info.name, info.dtype),
            )
        })
    }

    /// Every output as a tensor of its own type.
    ///
    /// # Errors
    /// When an output's type has no tensor here.
    pub fn outputs(&self) -> Result<Vec<(String, Tensor)>, Error> {
        let mut out = Vec::new();
        for (i, info) in self.session.outputs().iter().enumerate() {
            let data = match self.session.output(i)? {
                Value::F32(v) => Data::F32(v.to_vec()),
                Value::I8(v) => Data::I8(v.to_vec()),
                Value::U8(v) => Data::U8(v.to_vec()),
                Value::I32(v) => Data::I32(v.to_vec()),
                Value::I64(v) => Data::I64(v.to_vec()),
                Value::Bool(v) => Data::Bool(v.iter().map(|&b| b != 0).collect()),
                _ => {
                    return Err(Error::new(
                        ErrorKind::Invalid,
                        format!("output \"{}\" holds {:?}", info.name, info.dtype),
                    ));
                }
            };
            out.push((
                info.name.clone(),
                Tensor::new(self.session.output_shape(i)?, data)?,
            ));
        }
        Ok(out)
    }
}

/// The elements as real numbers, dequantised where the tensor is quantised; `None` for half precision.
pub(super) fn real_numbers(info: &TensorInfo, value: Value<'_>) -> Option<Vec<f32>> {
    let quantized = info.scale != 0.0;
    let real = |q: i32| {
        if quantized {
            info.dequantize(q)
        } else {
            q as f32
        }
    };
    Some(match value {
        Value::F32(v) => v.to_vec(),
        Value::I8(v) => v.iter().map(|&q| real(q.into())).collect(),
        Value::U8(v) => v.iter().map(|&q| real(q.into())).collect(),
        Value::I32(v) => v.iter().map(|&q| real(q)).collect(),
        Value::I64(v) => v.iter().map(|&q| q as f32).collect(),
        Value::Bool(v) => v.iter().map(|&b| b.into()).collect(),
        _ => return None,
    })
}

impl From<redpoll_session::Error> for Error {
    fn from(e: redpoll_session::Error) -> Self {
        use redpoll_session::ErrorKind as S;
        let kind = match e.kind() {
            S::Io | S::Plan => ErrorKind::Io,
            S::Run => ErrorKind::Internal,
            _ => ErrorKind::Invalid,
        };
        Self::new(kind, e.to_string())
    }
}
