//! Reductions: the reduced axes are brought together where they are apart.

use redpoll_graph::Node;
use redpoll_graph::op::ReduceKind;
use redpoll_plan::op::Reduce;
use redpoll_plan::{DType, Op, op};

use super::loops::row_major;
use super::lowering::{Done, Lowering, Refused};

/// `[outer, count, inner]` when the reduced axes are neighbours (axes of 1 aside), after `perm` otherwise.
fn split(shape: &[usize], axes: &[usize]) -> (Option<Vec<usize>>, [usize; 3]) {
    let reduced = |i: &usize| axes.contains(i);
    let last = axes.last().map_or(shape.len(), |&a| a + 1);
    let real: Vec<usize> = (0..shape.len()).filter(|&i| shape[i] != 1).collect();
    let first = real.iter().copied().find(reduced).unwrap_or(last);
    let product = |range: &mut dyn Iterator<Item = usize>| range.map(|i| shape[i]).product();
    let inner = product(&mut (last..shape.len()));
    let count = product(&mut axes.iter().copied());
    let outer = product(&mut (0..last).filter(|i| !reduced(i)));
    let together = real.iter().all(|i| reduced(i) || *i < first || *i >= last);
    let perm = (!together).then(|| {
        let ahead = (0..last).filter(|i| !reduced(i));
        ahead
            .chain(axes.iter().copied())
            .chain(last..shape.len())
            .collect()
    });
    (perm, [outer, count, inner])
}

pub(super) fn reduce(cx: &mut Lowering<'_>, node: &Node, kind: ReduceKind, axes: &[usize]) -> Done {
    let kind = match kind {
        ReduceKind::Sum => Reduce::Sum,
        ReduceKind::Mean => Reduce::Mean,
        ReduceKind::Max => Reduce::Max,
        ReduceKind::Min => Reduce::Min,
        ReduceKind::Prod => Reduce::Prod,
    };
    let quantized = cx.is_quantized(node.inputs[0]);
    let whole = matches!(cx.dtype(node.inputs[0]), DType::I32 | DType::I64);
    if !quantized && !whole && cx.dtype(node.inputs[0]) != DType::F32 {
        return Err("only f32 and quantised data are supported".into());
    }
    let shape = cx.shape(node.inputs[0]);
    let (perm, sizes) = split(shape, axes);
    let size = |v: usize| u32::try_from(v).map_err(|_| Refused::from("a size passes 32 bits"));
    let [outer, count, inner] = [size(sizes[0])?, size(sizes[1])?, size(sizes[2])?];
    let mut x = cx.operand(node.inputs[0])?;
    if let Some(perm) = perm {
        let moved: Vec<usize> = perm.iter().map(|&p| shape[p]).collect();
        let own = row_major(shape);
        let strides: Vec<isize> = perm.iter().map(|&p| own[p]).collect();
        let y = cx.temporary(node.inputs[0], cx.dtype(node.inputs[0]), &moved)?;
        cx.copy(node, (x, 0, &strides), (y, 0, &row_major(&moved)), &moved)?;
        x = y;
    }
    if whole {
        let y = cx.result(node.output)?;
        let op = op::ReduceWhole {
            kind,
            x,
            y,
            outer,
            count,
            inner,
        };
        cx.step(node, Op::ReduceWhole(op));
        return Ok(());
    }
    if !quantized {
        let y = cx.result(node.output)?;
        cx.step(
            node,
            Op::ReduceF32(op::ReduceF32 {
                kind,
                x,
                y,
                outer,
                count,
                inner,
            }),
        );
        return Ok(());
    }
    let (x_quant, y_quant) = (cx.quant(node.inputs[0])?, cx.quant(node.output)?);
    let ratio = x_quant.scale / y_quant.scale;
    let op = op::ReduceI8 {
        kind,
        x,
        y: cx.result(node.output)?,
        outer,
        count,
        inner,
        ratio: if kind == Reduce::Mean {
            ratio / count as f32
        } else {
            ratio
        },
        x_zero: x_quant.zero,
        y_zero: y_quant.zero,
        lo: -128,
        hi: 127,
    };
    cx.step(node, Op::ReduceI8(op));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn neighbouring_axes_need_no_copy() {
        assert_eq!(split(&[2, 4, 5, 3], &[1, 2]), (None, [2, 20, 3]));
        assert_eq!(split(&[2, 3], &[1]), (None, [2, 3, 1]));
        assert_eq!(split(&[1, 4, 1, 3], &[1, 3]), (None, [1, 12, 1]));
        assert_eq!(split(&[2, 1, 3], &[1]), (None, [2, 1, 3]));
    }

    #[test]
    fn axes_apart_are_brought_together() {
        assert_eq!(
            split(&[2, 4, 5, 3], &[0, 2]),
            (Some(vec![1, 0, 2, 3]), [4, 10, 3])
        );
    }
}
