//! Weights in the order of axes that ONNX has, and biases in steps of the products.

use redpoll_onnx::TensorData;
use redpoll_onnx::proto::NodeProto;

use super::translator::{Done, Stop, Translator, data_type, gap, invalid};
use crate::TensorType;

/// `bytes` of elements of `size` bytes with the axes of `shape` in another order.
fn permuted(bytes: &[u8], size: usize, shape: &[usize], order: &[usize]) -> Vec<u8> {
    let mut strides = vec![size; shape.len()];
    for axis in (0..shape.len().saturating_sub(1)).rev() {
        strides[axis] = strides[axis + 1] * shape[axis + 1];
    }
    let to: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = vec![0; to.len()];
    for _ in 0..bytes.len() / size.max(1) {
        let from: usize = at
            .iter()
            .zip(order)
            .map(|(i, &axis)| i * strides[axis])
            .sum();
        out.extend_from_slice(bytes.get(from..from + size).unwrap_or_default());
        for axis in (0..to.len()).rev() {
            at[axis] += 1;
            if at[axis] < to[axis] {
                break;
            }
            at[axis] = 0;
        }
    }
    out
}

impl Translator<'_> {
    /// Constant weights as reals, with axes in another order; scales along `channels` of the file's axes move to `to`.
    pub fn weights(&mut self, id: usize, order: &[usize]) -> Done<String> {
        let tensor = self.tensor(id);
        let base = self.name(id).to_owned();
        if tensor.shape.len() != order.len() {
            return invalid(format!("weights \"{base}\" are {:?}", tensor.shape));
        }
        if !tensor.is_constant() {
            return self.moving_weights(id, order);
        }
        let Some(dtype) = data_type(tensor.dtype) else {
            return gap(format!("weights of type {:?}", tensor.dtype));
        };
        let bytes = self.constant_bytes(id)?;
        let shape: Vec<usize> = order.iter().map(|&axis| tensor.shape[axis]).collect();
        let moved = permuted(&bytes, dtype.bits() / 8, &tensor.shape, order);
        let data =
            TensorData::new(dtype, &shape, moved).map_err(|e| Stop::Invalid(e.to_string()))?;
        let stored = self.constant(&format!("{base}_ordered"), &data);
        let hint = format!("{stored}_real");
        match (&tensor.quantization, tensor.dtype) {
            (_, TensorType::F32) => Ok(stored),
            (_, TensorType::F16) => {
                let to = i64::from(redpoll_onnx::DataType::F32.to_onnx());
                let node = NodeProto::new("Cast", "", [stored.as_str()], []).with_int("to", to);
                Ok(self.emit(&hint, node))
            }
            (Some(q), TensorType::I8 | TensorType::U8 | TensorType::I4 | TensorType::I16) => {
                let [scale, zero] = self.scale(&stored, q, tensor.dtype)?;
                let mut node =
                    NodeProto::new("DequantizeLinear", "", [&*stored, &scale, &zero], []);
                if q.scales.len() > 1 {
                    let axis = order.iter().position(|&axis| axis == q.axis);
                    node = node.with_int(
                        "axis",
                        axis.and_then(|a| i64::try_from(a).ok()).unwrap_or(0),
                    );
                }
                Ok(self.emit(&hint, node))
            }
            (_, other) => gap(format!("weights of type {other:?}")),
        }
    }

    /// Weights that are made at run time, or by an operator from constants (half floats).
    fn moving_weights(&mut self, id: usize, order: &[usize]) -> Done<String> {
        let x = self.real(id)?;
        if order.iter().enumerate().all(|(i, &axis)| i == axis) {
            return Ok(x);
        }
        let perm: Vec<i64> = order.iter().map(|&axis| axis as i64).collect();
        let node = NodeProto::new("Transpose", "", [x.as_str()], []).with_ints("perm", &perm);
        Ok(self.emit(&format!("{x}_ordered"), node))
    }

    /// A bias as reals: integers in steps of the scales of `x` times those of the weights `w`, whatever the file says about
    /// their scale, because that is what kernels add.
    pub fn bias(&mut self, bias: usize, x: usize, w: usize) -> Done<String> {
        let tensor = self.tensor(bias);
        if !matches!(tensor.dtype, TensorType::I32 | TensorType::I64) {
            return self.real(bias);
        }
        let (Some(qx), Some(qw)) = (&self.tensor(x).quantization, &self.tensor(w).quantization)
        else {
            return invalid("an integer bias between reals");
        };
        let scales: Vec<f32> = qw.scales.iter().map(|s| s * qx.scales[0]).collect();
        let base = self.name(bias).to_owned();
        if tensor.dtype == TensorType::I64 {
            let ints = self.constant_ints(bias, "the bias")?;
            let real: Vec<f32> = ints
                .iter()
                .enumerate()
                .map(|(i, &b)| {
                    let scale = scales.get(i).or(scales.first()).copied().unwrap_or(1.0);
                    (b as f64 * f64::from(scale)) as f32
                })
                .collect();
            return self.floats(&format!("{base}_real"), &real);
        }
        let stored = self.plain(bias)?;
        self.in_steps(&base, &stored, x, w)
    }

    /// Integers `stored`, one an output channel, as reals in steps of the scales of `x` times those of the weights `w`.
    pub fn in_steps(&mut self, base: &str, stored: &str, x: usize, w: usize) -> Done<String> {
        let (Some(qx), Some(qw)) = (&self.tensor(x).quantization, &self.tensor(w).quantization)
        else {
            return invalid("an integer bias between reals");
        };
        let scales: Vec<f32> = qw.scales.iter().map(|s| s * qx.scales[0]).collect();
        let dims = match scales.len() {
            1 => vec![],
            n => vec![n],
        };
        let data =
            TensorData::from_f32(&dims, &scales).map_err(|e| Stop::Invalid(e.to_string()))?;
        let scale = self.constant(&format!("{base}_scale"), &data);
        let mut node = NodeProto::new("DequantizeLinear", "", [stored, &scale], []);
        if scales.len() > 1 {
            node = node.with_int("axis", 0);
        }
        Ok(self.emit(&format!("{base}_real"), node))
    }
}

#[cfg(test)]
mod tests {
    use super::permuted;

    #[test]
    fn axes_change_places() {
        // [2, 3] of two-byte elements.
        let bytes: Vec<u8> = (0..12).collect();
        let expected = [0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11];
        assert_eq!(permuted(&bytes, 2, &[2, 3], &[1, 0]), expected);
        assert_eq!(permuted(&bytes, 1, &[1, 3, 2, 2], &[0, 1, 2, 3]), bytes);
    }
}
