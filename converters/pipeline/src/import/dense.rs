//! Matrix products: Gemm and MatMul.

use redpoll_graph::op::BinaryFn;
use redpoll_graph::{DType, Op, Tensor, ValueId};

use super::elementwise::{binary, broadcast};
use super::importer::Importer;
use super::layout::{is_constant, transpose};
use super::node::{OnnxNode, Outputs, Stop, invalid};

/// Gemm-7, -9, -11, -13: `alpha · A' · B' + beta · C`. Dense where B is constant, and takes C in as its bias where that
/// is a vector.
pub(crate) fn gemm(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let (a, b) = (node.input(0)?, node.input(1)?);
    if import.rank(a) != 2 || import.rank(b) != 2 {
        return invalid(format!("{:?} · {:?}", import.shape(a), import.shape(b)));
    }
    let (alpha, beta) = (node.float_or("alpha", 1.0)?, node.float_or("beta", 1.0)?);
    let (trans_a, trans_b) = (node.flag("transA")?, node.flag("transB")?);
    let swapped = vec![1, 0];
    let a = if trans_a {
        transpose(import, node, "a", a, swapped.clone())?
    } else {
        a
    };
    let c = match node.optional(2) {
        Some(c) => scaled(import, node, "c", c, beta)?,
        None => None,
    };
    let dense = is_constant(import, b);
    let b = if trans_b == dense {
        b
    } else {
        transpose(import, node, "b", b, swapped)?
    };
    let n = import.shape(b)[usize::from(!dense)];
    let bias =
        c.filter(|&c| dense && alpha == 1.0 && is_constant(import, c) && import.shape(c) == [n]);
    let rest = c.filter(|c| bias != Some(*c));
    let mut inputs = vec![a, b];
    inputs.extend(bias);
    let op = if dense {
        Op::Dense { clamp: None }
    } else {
        Op::MatMul
    };
    if alpha == 1.0 && rest.is_none() {
        return Ok(vec![import.emit(node, op, &inputs)?]);
    }
    let product = import.emit_part(node, "product", op, &inputs)?;
    let product = scaled(import, node, "alpha", product, alpha)?;
    Ok(vec![match (product, rest) {
        (Some(product), Some(rest)) => {
            import.emit(node, binary(BinaryFn::Add), &[product, rest])?
        }
        (Some(product), None) => product,
        (None, _) => return invalid("alpha is 0"),
    }])
}

/// `factor · x`; nothing for a factor of 0.
fn scaled(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    part: &str,
    x: ValueId,
    factor: f32,
) -> Result<Option<ValueId>, Stop> {
    if factor == 1.0 {
        return Ok(Some(x));
    }
    if factor == 0.0 {
        return Ok(None);
    }
    if import.dtype(x) != DType::F32 {
        return invalid("alpha and beta of integer matrices");
    }
    let factor = import.constant(node, &format!("{part}_factor"), Tensor::scalar(factor));
    import
        .emit_part(node, part, binary(BinaryFn::Mul), &[x, factor])
        .map(Some)
}

/// `x` with all matrices that the product with `other` reads, where it has more than one and they repeat.
fn batched(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    x: ValueId,
    other: ValueId,
) -> Result<ValueId, Stop> {
    let (own, other) = (import.shape(x).to_vec(), import.shape(other).to_vec());
    let (Some((lead, matrix)), Some((more, _))) =
        (own.split_last_chunk::<2>(), other.split_last_chunk::<2>())
    else {
        return invalid(format!("{own:?} · {other:?}"));
    };
    let mut shape = broadcast(lead, more)?;
    let count = |dims: &[usize]| dims.iter().product::<usize>();
    if count(lead) == 1 || count(lead) == count(&shape) {
        return Ok(x);
    }
    shape.extend(matrix);
    import.emit_part(node, "batches", Op::Expand { shape }, &[x])
}

/// MatMul-1, -9, -13 with NumPy rules: vectors become matrices and their axis is dropped again.
pub(crate) fn matmul(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let (a, b) = (node.input(0)?, node.input(1)?);
    let (a_shape, b_shape) = (import.shape(a).to_vec(), import.shape(b).to_vec());
    if a_shape.is_empty() || b_shape.is_empty() {
        return invalid("a scalar as a matrix");
    }
    if a_shape.len() > 1 && b_shape.len() > 1 {
        let (a, b) = (batched(import, node, a, b)?, batched(import, node, b, a)?);
        return Ok(vec![import.emit(node, Op::MatMul, &[a, b])?]);
    }
    let reshape = |import: &mut Importer<'_>, part: &str, x: ValueId, shape: Vec<usize>| {
        import.emit_part(node, part, Op::Reshape { shape }, &[x])
    };
    let row = a_shape.len() == 1;
    let column = b_shape.len() == 1;
    let a = if row {
        reshape(import, "row", a, vec![1, a_shape[0]])?
    } else {
        a
    };
    let b = if column {
        reshape(import, "column", b, vec![b_shape[0], 1])?
    } else {
        b
    };
    let product = import.emit_part(node, "product", Op::MatMul, &[a, b])?;
    let mut shape = import.shape(product).to_vec();
    if column {
        shape.pop();
    }
    if row {
        shape.remove(shape.len() - usize::from(!column) - 1);
    }
    Ok(vec![import.emit(
        node,
        Op::Reshape { shape },
        &[product],
    )?])
}
