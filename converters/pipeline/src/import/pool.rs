//! Pooling over windows and over the whole plane.

use redpoll_graph::op::{BinaryFn, Pad, PadMode, Pool, PoolKind, ReduceKind, UnaryFn};
use redpoll_graph::{Op, Tensor, ValueId};

use super::compose::Compose;
use super::elementwise::binary;
use super::importer::Importer;
use super::layout::channels_last;
use super::node::{OnnxNode, Outputs, Stop, gap, invalid};
use super::pool_places;
use super::window::Window;

/// MaxPool-1, -8, -10, -11, -12, -22.
pub(crate) fn max_pool(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let window = read(import, node, x)?;
    let places = match node.wants_output(1) {
        true => Some(pool_places::places(import, node, x, &window)?),
        false => None,
    };
    let mut outputs = vec![pool(import, node, x, window, PoolKind::Max, false)?];
    outputs.extend(places);
    Ok(outputs)
}

/// AveragePool-1, -7, -10, -11, -19, -22.
pub(crate) fn average_pool(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let mut window = read(import, node, x)?;
    let include = node.flag("count_include_pad")?;
    let overhangs = window.ceil_extra.iter().any(|&e| e > 0);
    if !(include && overhangs) {
        return Ok(vec![pool(
            import,
            node,
            x,
            window,
            PoolKind::Average,
            include,
        )?]);
    }
    // The border counts but the overhang does not: make the border real.
    let around = |sizes: &[usize]| [&[0, 0], sizes].concat();
    let pad = Pad {
        before: around(&window.before),
        after: around(&window.after),
        mode: PadMode::Constant,
        value: 0.0,
    };
    let padded = import.emit_part(node, "padded", Op::Pad(pad), &[x])?;
    window.before.fill(0);
    window.after.fill(0);
    Ok(vec![pool(
        import,
        node,
        padded,
        window,
        PoolKind::Average,
        false,
    )?])
}

/// LpPool-1, -2, -11, -18, -22: `(Σ |x|^p)^(1/p)` over windows, the border counting as zeros.
pub(crate) fn lp_pool(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let p = node.int_or("p", 2)? as f32;
    let window = read(import, node, x)?;
    let taps: usize = window.kernel.iter().product();
    let powers = power(import, node, x, p)?;
    let mean = pool(import, node, powers, window, PoolKind::Average, true)?;
    Ok(vec![root(import, node, mean, taps, p)?])
}

/// GlobalLpPool-1, -2, -22.
pub(crate) fn global_lp_pool(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let p = node.int_or("p", 2)? as f32;
    let rank = import.rank(x);
    if rank < 3 {
        return invalid(format!("shape {:?} has no spatial axis", import.shape(x)));
    }
    let powers = power(import, node, x, p)?;
    let op = Op::Reduce {
        kind: ReduceKind::Sum,
        axes: (2..rank).collect(),
        keep_dims: true,
    };
    let sum = import.emit_part(node, "sum", op, &[powers])?;
    Ok(vec![root(import, node, sum, 1, p)?])
}

/// `|x|^p`.
fn power(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    x: ValueId,
    p: f32,
) -> Result<ValueId, Stop> {
    let c = &mut Compose::new(import, node);
    if p == 2.0 {
        return c.mul(x, x);
    }
    let abs = c.unary(UnaryFn::Abs, x)?;
    if p == 1.0 {
        return Ok(abs);
    }
    let p = c.number(p)?;
    c.binary(BinaryFn::Pow, abs, p)
}

/// `(x · count)^(1/p)`.
fn root(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    x: ValueId,
    count: usize,
    p: f32,
) -> Result<ValueId, Stop> {
    let mut y = x;
    if count != 1 {
        let count = import.constant(node, "count", Tensor::scalar(count as f32));
        y = import.emit_part(node, "counted", binary(BinaryFn::Mul), &[y, count])?;
    }
    if p == 1.0 {
        return Ok(y);
    }
    if p == 2.0 {
        return import.emit_part(node, "root", Op::Unary(UnaryFn::Sqrt), &[y]);
    }
    let inverse = import.constant(node, "inverse", Tensor::scalar(1.0 / p));
    import.emit_part(node, "root", binary(BinaryFn::Pow), &[y, inverse])
}

/// GlobalAveragePool-1, -22.
pub(crate) fn global_average_pool(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    global(import, node, ReduceKind::Mean)
}

/// GlobalMaxPool-1, -22.
pub(crate) fn global_max_pool(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    global(import, node, ReduceKind::Max)
}

fn global(import: &mut Importer<'_>, node: &OnnxNode<'_>, kind: ReduceKind) -> Outputs {
    let x = node.input(0)?;
    let rank = import.rank(x);
    if rank < 3 {
        return invalid(format!("shape {:?} has no spatial axis", import.shape(x)));
    }
    let op = Op::Reduce {
        kind,
        axes: (2..rank).collect(),
        keep_dims: true,
    };
    Ok(vec![import.emit(node, op, &[x])?])
}

fn read(import: &Importer<'_>, node: &OnnxNode<'_>, x: ValueId) -> Result<Window, Stop> {
    let shape = import.shape(x);
    if node.proto.attr("kernel_shape").is_none() {
        return invalid("attribute \"kernel_shape\" is missing");
    }
    let kernel = node.sizes_or("kernel_shape", shape.len().saturating_sub(2), 1, 1)?;
    Window::read(node, shape, kernel)
}

fn pool(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    x: ValueId,
    window: Window,
    kind: PoolKind,
    count_include_pad: bool,
) -> Result<ValueId, Stop> {
    if window.kernel.len() > 2 {
        return in_turn(import, node, x, window, kind, count_include_pad);
    }
    let add = |(a, b): (&usize, &usize)| a.saturating_add(*b);
    let op = Op::Pool(Pool {
        kind,
        kernel: window.kernel,
        strides: window.strides,
        dilations: window.dilations,
        pads_before: window.before,
        pads_after: window
            .after
            .iter()
            .zip(&window.ceil_extra)
            .map(add)
            .collect(),
        count_include_pad,
    });
    channels_last(import, node, op, x, &[])
}

/// Three spatial axes: the last two pooled together, then the first. The greatest of the greatest is the greatest, and as
/// the taps inside the input form a box, the mean of means is the mean.
fn in_turn(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    x: ValueId,
    window: Window,
    kind: PoolKind,
    count_include_pad: bool,
) -> Result<ValueId, Stop> {
    let shape = import.shape(x).to_vec();
    let &[n, channels, depth, h, w] = shape.as_slice() else {
        return gap(format!("{} spatial axes; 3 are the limit", shape.len() - 2));
    };
    let part = |axes: std::ops::Range<usize>| {
        let pick = |v: &[usize]| v[axes.clone()].to_vec();
        let after = window.after.iter().zip(&window.ceil_extra);
        let after: Vec<usize> = after.map(|(a, b)| a.saturating_add(*b)).collect();
        Op::Pool(Pool {
            kind,
            kernel: pick(&window.kernel),
            strides: pick(&window.strides),
            dilations: pick(&window.dilations),
            pads_before: pick(&window.before),
            pads_after: pick(&after),
            count_include_pad,
        })
    };
    let c = &mut Compose::new(import, node);
    // Planes as [N · C · D, H, W, 1].
    let planes = c.reshape(x, vec![n * channels * depth, h, w, 1])?;
    let planes = c.op(part(1..3), &[planes])?;
    let made = c.shape(planes);
    let (oh, ow) = (made[1], made[2]);
    // The depth is the one spatial axis, what lies below it the channels.
    let columns = c.reshape(planes, vec![n * channels, depth, oh * ow])?;
    let y = c.op(part(0..1), &[columns])?;
    let od = c.shape(y)[1];
    c.reshape(y, vec![n, channels, od, oh, ow])
}
