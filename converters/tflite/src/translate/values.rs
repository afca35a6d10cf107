//! Values of tensors as operands: constants, integers as they are, reals behind scales.

use redpoll_onnx::proto::NodeProto;
use redpoll_onnx::{DataType, TensorData};

use super::translator::{Done, Made, Stop, Translator, data_type, gap, invalid};
use crate::{Quantization, TensorType};

fn refused(e: redpoll_onnx::Error) -> Stop {
    Stop::Invalid(e.to_string())
}

impl Translator<'_> {
    /// The value of a tensor as it is stored: a constant, an input, or what an operator made.
    pub fn plain(&mut self, id: usize) -> Done<String> {
        let name = self.name(id).to_owned();
        match self.made[id] {
            Made::Yes => return Ok(name),
            Made::Missing => return Err(Stop::Blocked),
            Made::Not => {}
        }
        let tensor = self.tensor(id);
        if let Some(reason) = tensor.refused {
            return gap(format!("tensor \"{name}\": {reason}"));
        }
        // A tensor without elements has no bytes either.
        if !tensor.is_constant() && tensor.count() != Some(0) {
            return invalid(format!("tensor \"{name}\" is used before it is made"));
        }
        let Some(dtype) = data_type(tensor.dtype) else {
            return gap(format!(
                "tensor \"{name}\" has elements of type {:?}",
                tensor.dtype
            ));
        };
        let bytes = self.constant_bytes(id)?;
        let data = TensorData::new(dtype, &tensor.shape, bytes).map_err(refused)?;
        self.graph.initializer(&name, &data);
        self.made[id] = Made::Yes;
        Ok(name)
    }

    /// The bytes of a constant: 4-bit integers one a byte, sparse elements among their zeros.
    pub fn constant_bytes(&self, id: usize) -> Done<Vec<u8>> {
        let tensor = self.tensor(id);
        if let Some(sparsity) = &tensor.sparsity {
            return self.dense(tensor, sparsity);
        }
        let bytes = self.data(tensor)?;
        if tensor.dtype != TensorType::I4 {
            return Ok(bytes.to_vec());
        }
        let both = bytes
            .iter()
            .flat_map(|&b| [(b << 4).cast_signed() >> 4, b.cast_signed() >> 4]);
        let count = tensor.count().unwrap_or(0);
        Ok(both.take(count).map(i8::cast_unsigned).collect())
    }

    /// The value of a tensor as reals: integers behind their scale, floats as they are.
    pub fn real(&mut self, id: usize) -> Done<String> {
        if let Some(name) = self.reals.get(&id) {
            return Ok(name.clone());
        }
        let stored = self.plain(id)?;
        let tensor = self.tensor(id);
        let hint = format!("{stored}_real");
        let name = match (&tensor.quantization, tensor.dtype) {
            _ if self.is_quantized(id) => {
                let q = tensor.quantization.clone();
                let node = self.border("DequantizeLinear", id, &stored, q)?;
                self.emit(&hint, node)
            }
            (_, TensorType::F32) => return Ok(stored),
            (_, TensorType::F16 | TensorType::BF16 | TensorType::F64) => {
                let to = i64::from(DataType::F32.to_onnx());
                let node = NodeProto::new("Cast", "", [stored.as_str()], []).with_int("to", to);
                self.emit(&hint, node)
            }
            (_, other) => {
                return gap(format!(
                    "tensor \"{stored}\" has elements of type {other:?} without a scale, where reals are needed"
                ));
            }
        };
        self.reals.insert(id, name.clone());
        Ok(name)
    }

    /// Reals where integers have a scale, else the integers or truth values themselves: for what moves or compares.
    pub fn value(&mut self, id: usize) -> Done<String> {
        if self.is_quantized(id) || self.tensor(id).dtype == TensorType::F16 {
            return self.real(id);
        }
        self.plain(id)
    }

    /// Quantises `real` as tensor `id`, which is claimed already.
    pub fn quantize(&mut self, id: usize, real: &str) -> Done {
        let q = self.tensor(id).quantization.clone();
        let node = self.border("QuantizeLinear", id, real, q)?;
        let name = self.name(id).to_owned();
        self.emit_as(&name, node);
        Ok(())
    }

    /// A node at the border between reals and integers of tensor `id`.
    fn border(
        &mut self,
        op: &str,
        id: usize,
        x: &str,
        quantization: Option<Quantization>,
    ) -> Done<NodeProto> {
        let Some(q) = quantization else {
            return invalid(format!("\"{x}\" has no scale"));
        };
        let dtype = self.tensor(id).dtype;
        let [scale, zero] = self.scale(x, &q, dtype)?;
        let axis = i64::try_from(q.axis).unwrap_or(0);
        let node = NodeProto::new(op, "", [x, &scale, &zero], []);
        Ok(if q.scales.len() > 1 {
            node.with_int("axis", axis)
        } else {
            node
        })
    }

    /// Scale and zero point as constants.
    pub fn scale(&mut self, hint: &str, q: &Quantization, dtype: TensorType) -> Done<[String; 2]> {
        let dims = match q.scales.len() {
            1 => vec![],
            n => vec![n],
        };
        let out_of_range = || {
            Stop::Invalid(format!(
                "zero points of \"{hint}\" are out of range for {dtype:?}"
            ))
        };
        let zeros = q.zero_points.iter();
        let zero = match dtype {
            TensorType::I8 | TensorType::I4 => {
                let zeros: Result<Vec<i8>, _> = zeros.map(|&z| i8::try_from(z)).collect();
                TensorData::from_i8(&dims, &zeros.map_err(|_| out_of_range())?)
            }
            TensorType::U8 => {
                let zeros: Result<Vec<u8>, _> = zeros.map(|&z| u8::try_from(z)).collect();
                TensorData::from_u8(&dims, &zeros.map_err(|_| out_of_range())?)
            }
            TensorType::I16 => {
                let zeros: Result<Vec<i16>, _> = zeros.map(|&z| i16::try_from(z)).collect();
                TensorData::from_i16(&dims, &zeros.map_err(|_| out_of_range())?)
            }
            other => return gap(format!("\"{hint}\" is quantised in {other:?}")),
        };
        let scale = TensorData::from_f32(&dims, &q.scales).map_err(refused)?;
        let scale = self.constant(&format!("{hint}_scale"), &scale);
        let zero = self.constant(&format!("{hint}_zero"), &zero.map_err(refused)?);
        Ok([scale, zero])
    }

    /// Adds a constant and gives its name.
    pub fn constant(&mut self, hint: &str, data: &TensorData) -> String {
        let name = self.unique(hint);
        self.graph.initializer(&name, data);
        name
    }

    /// Adds a scalar.
    pub fn float(&mut self, hint: &str, value: f32) -> String {
        let name = self.unique(hint);
        if let Ok(data) = TensorData::from_f32(&[], &[value]) {
            self.graph.initializer(&name, &data);
        }
        name
    }

    /// Adds a vector of floats.
    pub fn floats(&mut self, hint: &str, values: &[f32]) -> Done<String> {
        let data = TensorData::from_f32(&[values.len()], values).map_err(refused)?;
        Ok(self.constant(hint, &data))
    }

    /// Adds a vector of integers.
    pub fn ints(&mut self, hint: &str, values: &[i64]) -> Done<String> {
        let data = TensorData::from_i64(&[values.len()], values).map_err(refused)?;
        Ok(self.constant(hint, &data))
    }

    /// The integers of a constant tensor.
    pub fn constant_ints(&self, id: usize, what: &str) -> Done<Vec<i64>> {
        let tensor = self.tensor(id);
        if self.made[id] == Made::Missing {
            return Err(Stop::Blocked);
        }
        if !tensor.is_constant() && tensor.count() != Some(0) {
            return gap(format!("{what} is computed at run time"));
        }
        let bytes = self.data(tensor)?;
        match tensor.dtype {
            TensorType::I32 => Ok(bytes
                .as_chunks::<4>()
                .0
                .iter()
                .map(|&b| i32::from_le_bytes(b).into())
                .collect()),
            TensorType::I64 => Ok(bytes
                .as_chunks::<8>()
                .0
                .iter()
                .map(|&b| i64::from_le_bytes(b))
                .collect()),
            other => invalid(format!("{what} has elements of type {other:?}")),
        }
    }
}
