//! Matrix products.

use redpoll_onnx::proto::NodeProto;

use super::translator::{Done, Translator, gap, invalid};
use crate::{Operator, Options};

/// FULLY_CONNECTED: weights `[N, K]`; x is read as rows of K.
pub(crate) fn fully_connected(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (activation, keep_dims) = match op.options {
        Options::FullyConnected { shuffled: true, .. } => {
            return gap("shuffled weights are not supported");
        }
        Options::FullyConnected {
            activation,
            keep_dims,
            ..
        } => (activation, keep_dims),
        _ => (crate::Activation::None, false),
    };
    let (x, w, y) = (t.input(op, 0)?, t.input(op, 1)?, t.output(op, 0)?);
    let &[n, k] = t.shape(w) else {
        return invalid(format!("weights of shape {:?}", t.shape(w)));
    };
    let mut rows = t.real(x)?;
    if t.shape(x).len() != 2 || t.shape(x)[1] != k {
        let k = i64::try_from(k).unwrap_or(i64::MAX);
        let hint = format!("{}_rows", t.name(y));
        rows = t.reshaped(&hint, &rows, &[-1, k])?;
    }
    let weights = t.weights(w, &[0, 1])?;
    let mut inputs = vec![rows, weights];
    if let Some(bias) = t.optional(op, 2) {
        inputs.push(t.bias(bias, x, w)?);
    }
    let node =
        NodeProto::new("Gemm", "", inputs.iter().map(String::as_str), []).with_int("transB", 1);
    if !keep_dims || t.shape(x).len() == 2 {
        return t.finish(y, node, activation);
    }
    let hint = format!("{}_flat", t.name(y));
    let flat = t.emit(&hint, node);
    let mut shape: Vec<i64> = t.shape(x).iter().map(|&d| d as i64).collect();
    if let (Some(last), Some(first)) = (shape.last_mut(), t.tensor(x).free.first()) {
        *last = i64::try_from(n).unwrap_or(i64::MAX);
        if *first {
            shape[0] = -1;
        }
    }
    let node = t.reshape_node(&hint, &flat, &shape)?;
    t.finish(y, node, activation)
}

/// BATCH_MATMUL.
pub(crate) fn batch_matmul(t: &mut Translator<'_>, op: &Operator) -> Done {
    let (adj_x, adj_y) = match op.options {
        Options::BatchMatMul { adj_x, adj_y } => (adj_x, adj_y),
        _ => (false, false),
    };
    let y = t.output(op, 0)?;
    let mut operands = Vec::new();
    for (i, turned) in [adj_x, adj_y].into_iter().enumerate() {
        let id = t.input(op, i)?;
        let mut value = t.real(id)?;
        if turned {
            let rank = t.shape(id).len();
            if rank < 2 {
                return invalid("an operand is no matrix");
            }
            let mut perm: Vec<i64> = (0..rank as i64).collect();
            perm.swap(rank - 1, rank - 2);
            let node =
                NodeProto::new("Transpose", "", [value.as_str()], []).with_ints("perm", &perm);
            value = t.emit(&format!("{value}_turned"), node);
        }
        operands.push(value);
    }
    let node = NodeProto::new("MatMul", "", operands.iter().map(String::as_str), []);
    t.finish(y, node, crate::Activation::None)
}
