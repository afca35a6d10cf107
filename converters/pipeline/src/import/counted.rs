//! Operators whose number of results depends on data: NonZero, Compress, Unique.
//!
//! They are made of others: running sums give each element that counts its place, a scattering puts it there, and the last
//! sum is the number of results (see [`bounds`](super::bounds)).

use redpoll_graph::op::{ArgReduce, BinaryFn, Cumulate, ReduceKind, Scatter, TopK, UnaryFn};
use redpoll_graph::{DType, Op, ValueId};

use super::bounds::{bounded, mask};
use super::compose::Compose;
use super::importer::Importer;
use super::node::{OnnxNode, Outputs, Stop, axis_of, gap, invalid};

/// Elements of the comparison of each with each that `Unique` along an axis may make.
const MAX_COMPARED: usize = 1 << 22;

/// Sums of `x [N]` up to each element.
fn running(c: &mut Compose<'_, '_, '_, '_>, x: ValueId) -> Result<ValueId, Stop> {
    let op = Op::Cumulate(Cumulate {
        kind: ReduceKind::Sum,
        axis: 0,
        exclusive: false,
        reverse: false,
    });
    c.op(op, &[x])
}

/// `base [N]` with `updates` put to `at`.
fn scattered(
    c: &mut Compose<'_, '_, '_, '_>,
    mode: Scatter,
    (base, at, updates): (ValueId, ValueId, ValueId),
) -> Result<ValueId, Stop> {
    c.op(Op::ScatterElements { axis: 0, mode }, &[base, at, updates])
}

fn line(c: &mut Compose<'_, '_, '_, '_>, n: usize) -> Result<ValueId, Stop> {
    c.ints(vec![n], (0..n as i64).collect())
}

fn zeros(c: &mut Compose<'_, '_, '_, '_>, n: usize) -> Result<ValueId, Stop> {
    c.ints(vec![n], vec![0; n])
}

/// The places in `[N]` that are true, in order, zeros behind them; and how many they are.
fn places(c: &mut Compose<'_, '_, '_, '_>, bits: ValueId) -> Result<(ValueId, ValueId), Stop> {
    let &[n] = &c.shape(bits)[..] else {
        return invalid("a list of truth values was expected");
    };
    if n == 0 {
        return gap("nothing is chosen of no elements");
    }
    let room = c.room(&[n])?;
    let ones = c.cast(bits, DType::I64)?;
    let sums = running(c, ones)?;
    let (one, out) = (
        c.ints(Vec::new(), vec![1])?,
        c.ints(Vec::new(), vec![room as i64])?,
    );
    let before = c.sub(sums, one)?;
    // One place more takes those that are not chosen.
    let at = c.select(bits, before, out)?;
    let (base, order) = (zeros(c, n + 1)?, line(c, n)?);
    let list = scattered(c, Scatter::Replace, (base, at, order))?;
    let list = c.slice(list, 0, 0, 1, n)?;
    let count = c.slice(sums, 0, n - 1, 1, 1)?;
    Ok((list, c.reshape(count, Vec::new())?))
}

/// NonZero-9, -13: the coordinates of what is not 0, `[rank, count]`.
pub(crate) fn non_zero(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let own = import.bounds.get(&x).copied();
    let shape = import.shape(x).to_vec();
    if shape.is_empty() {
        return gap("NonZero of a value without axes");
    }
    let c = &mut Compose::new(import, node);
    let n = c.room(&shape)?;
    let mut bits = c.cast(x, DType::Bool)?;
    if let Some(b) = own {
        let meant = mask(c, shape.len(), (b.axis, shape[b.axis]), b.length)?;
        bits = c.binary(BinaryFn::And, bits, meant)?;
    }
    let bits = c.reshape(bits, vec![n])?;
    let (list, count) = places(c, bits)?;
    let rank = shape.len();
    let strides = (0..rank).map(|i| shape[i + 1..].iter().product::<usize>() as i64);
    let strides = strides.collect();
    let strides = c.ints(vec![rank, 1], strides)?;
    let dims = c.ints(vec![rank, 1], shape.iter().map(|&d| d as i64).collect())?;
    let list = c.reshape(list, vec![1, n])?;
    let y = c.binary(BinaryFn::Div, list, strides)?;
    let y = c.binary(BinaryFn::Mod, y, dims)?;
    Ok(vec![bounded(c, y, 1, count)?])
}

/// Compress-9, -11.
pub(crate) fn compress(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let (mut x, condition) = (node.input(0)?, node.input(1)?);
    if import.dtype(condition) != DType::Bool {
        return invalid("the condition is not of type BOOL");
    }
    if import.bounds.contains_key(&x) || import.bounds.contains_key(&condition) {
        return gap("Compress of a value whose size depends on data");
    }
    let axis = node.proto.attr_int("axis")?;
    let c = &mut Compose::new(import, node);
    let axis = match axis {
        Some(axis) => axis_of(axis, c.import.rank(x))?,
        None => {
            let n = c.import.graph.value(x).len();
            x = c.reshape(x, vec![n])?;
            0
        }
    };
    let length = c.shape(condition).iter().product();
    if length > c.shape(x)[axis] {
        return invalid(format!("{length} conditions along {:?}", c.shape(x)));
    }
    let condition = c.reshape(condition, vec![length])?;
    Ok(vec![chosen(c, x, axis, condition)?])
}

/// The slices of `x` along `axis` whose truth value says so, in order.
pub(crate) fn chosen(
    c: &mut Compose<'_, '_, '_, '_>,
    x: ValueId,
    axis: usize,
    bits: ValueId,
) -> Result<ValueId, Stop> {
    let (list, count) = places(c, bits)?;
    let y = c.op(Op::Gather { axis }, &[x, list])?;
    bounded(c, y, axis, count)
}

/// The places of the rows of `x [N, M]` in rising order, of equal ones the first first.
fn order(c: &mut Compose<'_, '_, '_, '_>, x: ValueId) -> Result<ValueId, Stop> {
    let &[n, m] = &c.shape(x)[..] else {
        return invalid("rows were expected");
    };
    if m == 1 {
        let flat = c.reshape(x, vec![n])?;
        return ranked(c, flat);
    }
    if n.checked_mul(n)
        .and_then(|n| n.checked_mul(m))
        .is_none_or(|n| n > MAX_COMPARED)
    {
        return gap(format!(
            "{n} rows of {m} elements are too many to compare each with each"
        ));
    }
    let (a, b) = (c.reshape(x, vec![n, 1, m])?, c.reshape(x, vec![1, n, m])?);
    let (a, b) = (c.expand(a, vec![n, n, m])?, c.expand(b, vec![n, n, m])?);
    let same = c.binary(BinaryFn::Equal, a, b)?;
    let differs = c.unary(UnaryFn::Not, same)?;
    let differs = c.cast(differs, DType::I64)?;
    let first = ArgReduce {
        axis: 2,
        least: false,
        last: false,
    };
    let at = c.op(Op::ArgReduce(first), &[differs])?;
    let (a, b) = (
        c.op(Op::GatherElements { axis: 2 }, &[a, at])?,
        c.op(Op::GatherElements { axis: 2 }, &[b, at])?,
    );
    let (less, same) = (
        c.binary(BinaryFn::Less, b, a)?,
        c.binary(BinaryFn::Equal, a, b)?,
    );
    let earlier = (0..n * n).map(|i| i % n < i / n).collect();
    let earlier = c.bools(vec![n, n, 1], earlier)?;
    let tie = c.binary(BinaryFn::And, same, earlier)?;
    let ahead = c.binary(BinaryFn::Or, less, tie)?;
    let ahead = c.cast(ahead, DType::I64)?;
    let rank = c.reduce(ReduceKind::Sum, &[1, 2], false, ahead)?;
    let (base, line) = (zeros(c, n)?, line(c, n)?);
    scattered(c, Scatter::Replace, (base, rank, line))
}

/// The places of `x [N]` in rising order.
fn ranked(c: &mut Compose<'_, '_, '_, '_>, x: ValueId) -> Result<ValueId, Stop> {
    let top = TopK {
        axis: 0,
        k: c.shape(x)[0],
        largest: false,
        indices: true,
    };
    c.op(Op::TopK(top), &[x])
}

/// Unique-11: the different elements, or slices along an axis; where each is first; which one each element is; how many
/// there are of each.
pub(crate) fn unique(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    if import.bounds.contains_key(&x) {
        return gap("Unique of a value whose size depends on data");
    }
    let (shape, sorted) = (import.shape(x).to_vec(), node.int_or("sorted", 1)? != 0);
    let axis = match node.proto.attr_int("axis")? {
        Some(axis) => Some(axis_of(axis, shape.len())?),
        None => None,
    };
    let c = &mut Compose::new(import, node);
    let total = c.room(&shape)?;
    let n = axis.map_or(total, |a| shape[a]);
    if total == 0 {
        return gap("Unique of no elements");
    }
    let forth: Vec<usize> = match axis {
        Some(axis) => std::iter::once(axis)
            .chain((0..shape.len()).filter(|&i| i != axis))
            .collect(),
        None => Vec::new(),
    };
    let ahead = match axis {
        Some(_) => c.transpose(x, forth.clone())?,
        None => x,
    };
    let rows = c.reshape(ahead, vec![n, total / n])?;
    let order = order(c, rows)?;
    let sorted_rows = c.op(Op::Gather { axis: 0 }, &[rows, order])?;
    let begins = begins(c, sorted_rows)?;
    let ones = c.cast(begins, DType::I64)?;
    let groups = running(c, ones)?;
    let one = c.ints(Vec::new(), vec![1])?;
    let groups = c.sub(groups, one)?;
    let (starts, count) = places(c, begins)?;
    let mut firsts = c.op(Op::Gather { axis: 0 }, &[order, starts])?;
    let base = zeros(c, n)?;
    let mut inverse = scattered(c, Scatter::Replace, (base, order, groups))?;
    let (base, each) = (zeros(c, n)?, c.ints(vec![n], vec![1; n])?);
    let mut counts = scattered(c, Scatter::Add, (base, groups, each))?;
    if !sorted {
        // In the order of first places; what is no group comes last.
        let (line, far) = (line(c, n)?, c.ints(Vec::new(), vec![n as i64])?);
        let real = c.binary(BinaryFn::Less, line, count)?;
        let keys = c.select(real, firsts, far)?;
        let by = ranked(c, keys)?;
        firsts = c.op(Op::Gather { axis: 0 }, &[firsts, by])?;
        counts = c.op(Op::Gather { axis: 0 }, &[counts, by])?;
        let base = zeros(c, n)?;
        let back = scattered(c, Scatter::Replace, (base, by, line))?;
        inverse = c.op(Op::Gather { axis: 0 }, &[back, inverse])?;
    }
    let values = c.op(Op::Gather { axis: 0 }, &[rows, firsts])?;
    let (values, axis) = match axis {
        Some(axis) => {
            let moved = forth.iter().map(|&i| shape[i]).collect();
            let values = c.reshape(values, moved)?;
            let mut back = vec![0; forth.len()];
            forth.iter().enumerate().for_each(|(i, &p)| back[p] = i);
            (c.transpose(values, back)?, axis)
        }
        None => (c.reshape(values, vec![n])?, 0),
    };
    Ok(vec![
        bounded(c, values, axis, count)?,
        bounded(c, firsts, 0, count)?,
        inverse,
        bounded(c, counts, 0, count)?,
    ])
}

/// Whether each of the sorted rows differs from the one before; the first does.
fn begins(c: &mut Compose<'_, '_, '_, '_>, rows: ValueId) -> Result<ValueId, Stop> {
    let n = c.shape(rows)[0];
    let first = c.bools(vec![1], vec![true])?;
    if n == 1 {
        return Ok(first);
    }
    let (a, b) = (
        c.slice(rows, 0, 0, 1, n - 1)?,
        c.slice(rows, 0, 1, 1, n - 1)?,
    );
    let same = c.binary(BinaryFn::Equal, a, b)?;
    let differs = c.unary(UnaryFn::Not, same)?;
    let differs = c.cast(differs, DType::I64)?;
    let any = c.reduce(ReduceKind::Sum, &[1], false, differs)?;
    let any = c.cast(any, DType::Bool)?;
    c.concat(0, &[first, any])
}
