//! Where the greatest elements of a pooling lie: the second output of MaxPool.

use redpoll_graph::op::ArgReduce;
use redpoll_graph::{DType, Op, ValueId};

use super::compose::Compose;
use super::importer::Importer;
use super::node::{OnnxNode, Stop, gap, invalid};
use super::window::Window;

/// Taps of all windows together.
const MOST_ENTRIES: usize = 1 << 22;

/// For each output position and tap, in row-major order, the flat input position, `None` in the border; and the
/// output's sizes.
fn table(space: &[usize], w: &Window) -> Result<(Vec<Option<usize>>, Vec<usize>), Stop> {
    let mut sizes = Vec::with_capacity(space.len());
    for (i, &size) in space.iter().enumerate() {
        let span = (w.kernel[i] - 1)
            .saturating_mul(w.dilations[i])
            .saturating_add(1);
        let ends = w.before[i]
            .saturating_add(w.after[i])
            .saturating_add(w.ceil_extra[i]);
        match size.saturating_add(ends).checked_sub(span) {
            Some(room) => sizes.push(room / w.strides[i] + 1),
            None => return invalid(format!("a window of {span} over {size}")),
        }
    }
    let product = |s: &[usize]| s.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
    let entries = product(&sizes)
        .zip(product(&w.kernel))
        .and_then(|(a, b)| a.checked_mul(b));
    let Some(entries) = entries.filter(|&n| n <= MOST_ENTRIES) else {
        return gap("places of more windows than a constant holds");
    };
    let taps: usize = w.kernel.iter().product();
    let mut table = Vec::with_capacity(entries);
    for n in 0..entries {
        let (mut position, mut tap) = (n / taps, n % taps);
        let (mut flat, mut step) = (Some(0), 1);
        for i in (0..space.len()).rev() {
            let (o, k) = (position % sizes[i], tap % w.kernel[i]);
            (position, tap) = (position / sizes[i], tap / w.kernel[i]);
            let at = (o * w.strides[i] + k * w.dilations[i])
                .checked_sub(w.before[i])
                .filter(|&at| at < space[i]);
            flat = flat.zip(at).map(|(flat, at)| flat + at * step);
            step *= space[i];
        }
        table.push(flat);
    }
    Ok((table, sizes))
}

/// Flat places in the whole input, i64, of the greatest element of each window.
pub(crate) fn places(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    x: ValueId,
    window: &Window,
) -> Result<ValueId, Stop> {
    if import.dtype(x) != DType::F32 {
        return gap("places of elements that are no floats");
    }
    let shape = import.shape(x).to_vec();
    let (planes, space) = (shape[0] * shape[1], &shape[2..]);
    let area: usize = space.iter().product();
    let (table, sizes) = table(space, window)?;
    let taps: usize = window.kernel.iter().product();
    let count = table.len() / taps.max(1);
    let column_major = node.flag("storage_order")?;
    let place = |flat: usize| {
        if !column_major {
            return flat as i64;
        }
        let (mut rest, mut at, mut step) = (flat, 0, area);
        for &size in space.iter().rev() {
            step /= size.max(1);
            at += rest % size * step;
            rest /= size;
        }
        at as i64
    };
    let c = &mut Compose::new(import, node);
    c.room(&[planes])?;
    // The border reads an element of its own, below all others.
    let flat = c.reshape(x, vec![planes, area])?;
    let least = c.floats(vec![planes, 1], vec![f32::NEG_INFINITY; planes])?;
    let bordered = c.concat(1, &[flat, least])?;
    let reads = table.iter().map(|at| at.unwrap_or(area) as i64).collect();
    let taken = c.gather(bordered, 1, reads)?;
    let taken = c.reshape(taken, vec![planes, count, taps])?;
    let first = ArgReduce {
        axis: 2,
        least: false,
        last: false,
    };
    let tap = c.op(Op::ArgReduce(first), &[taken])?;
    let names = table.iter().map(|at| at.map_or(0, place)).collect();
    let names = c.ints(vec![1, count, taps], names)?;
    let names = c.expand(names, vec![planes, count, taps])?;
    let within = c.op(Op::GatherElements { axis: 2 }, &[names, tap])?;
    let starts = (0..planes).map(|p| (p * area) as i64).collect();
    let starts = c.ints(vec![planes, 1, 1], starts)?;
    let all = c.add(within, starts)?;
    let mut to = shape[..2].to_vec();
    to.extend(sizes);
    c.reshape(all, to)
}
