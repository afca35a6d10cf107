//! Pooling over windows and over the whole plane.

use redpoll_graph::op::{Pad, PadMode, Pool, PoolKind, ReduceKind};
use redpoll_graph::{Op, ValueId};

use super::importer::Importer;
use super::layout::channels_last;
use super::node::{OnnxNode, Outputs, Stop, gap, invalid};
use super::window::Window;

/// MaxPool-1, -8, -10, -11, -12, -22, without indices.
pub(crate) fn max_pool(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    if node.wants_output(1) {
        return gap("the indices (second output) are not supported");
    }
    let x = node.input(0)?;
    let window = read(import, node, x)?;
    Ok(vec![pool(import, node, x, window, PoolKind::Max, false)?])
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
