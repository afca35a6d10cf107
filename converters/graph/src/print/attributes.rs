//! Attributes of operators as text; those at their usual value are left out.

use std::fmt::{self, Debug, Display, Formatter};

use crate::op::{Cell, Clamp, Conv, Op, Pad, PadMode, Pool, Recurrent, Resize, SliceAxis, UnaryFn};

/// `[1,2,3]`.
pub(super) struct List<'a, T>(pub &'a [T]);

impl<T: Debug> Display for List<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (i, x) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(f, "{comma}{x:?}")?;
        }
        f.write_str("]")
    }
}

/// The attributes of an operator, each with a space before it.
pub(super) struct Attributes<'a>(pub &'a Op);

impl Display for Attributes<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Op::Conv(conv) => write_conv(f, conv),
            Op::Pool(pool) => write_pool(f, pool),
            Op::Dense { clamp } | Op::Binary { clamp, .. } => write_clamp(f, *clamp),
            Op::BatchNorm { epsilon } => write!(f, " epsilon={epsilon:?}"),
            Op::Unary(function) => write_unary(f, *function),
            Op::Reduce {
                axes, keep_dims, ..
            } => {
                write!(f, " axes={}", List(axes))?;
                f.write_str(if *keep_dims { " keep_dims" } else { "" })
            }
            Op::Softmax { axis } | Op::Concat { axis } | Op::Gather { axis } => {
                write!(f, " axis={axis}")
            }
            Op::Reshape { shape } | Op::Expand { shape } => write!(f, " shape={}", List(shape)),
            Op::Transpose { perm } => write!(f, " perm={}", List(perm)),
            Op::Slice { axes } => write_slice(f, axes),
            Op::Pad(pad) => write_pad(f, pad),
            Op::Resize(resize) => write_resize(f, resize),
            Op::Recurrent(layer) => write_recurrent(f, layer),
            Op::Cast { to } => write!(f, " to={to}"),
            Op::ArgReduce(a) => {
                write!(f, " axis={}", a.axis)?;
                f.write_str(if a.last { " last" } else { "" })
            }
            Op::Cumulate(c) => {
                write!(f, " axis={}", c.axis)?;
                f.write_str(if c.exclusive { " exclusive" } else { "" })?;
                f.write_str(if c.reverse { " reverse" } else { "" })
            }
            Op::TopK(t) => {
                write!(f, " axis={} k={}", t.axis, t.k)?;
                f.write_str(if t.largest { "" } else { " least" })?;
                f.write_str(if t.indices { " indices" } else { "" })
            }
            Op::GatherElements { axis } => write!(f, " axis={axis}"),
            Op::GatherNd { batch } => write_list(f, "batch", &[*batch], 0),
            Op::ScatterElements { axis, mode } => write!(f, " axis={axis} mode={mode:?}"),
            Op::ScatterNd { mode } => write!(f, " mode={mode:?}"),
            Op::NonMaxSuppression(n) => {
                write!(
                    f,
                    " per_class={} iou={} score={}",
                    n.per_class, n.iou, n.score
                )?;
                f.write_str(if n.centers { " centers" } else { "" })
            }
            Op::SparseRows(s) => write!(f, " axis={} rows={}", s.axis, s.rows()),
            Op::Select
            | Op::MatMul
            | Op::Embedding
            | Op::Quantize
            | Op::Dequantize
            | Op::Requantize => Ok(()),
        }
    }
}

fn write_list(f: &mut Formatter<'_>, name: &str, list: &[usize], usual: usize) -> fmt::Result {
    if list.iter().all(|&x| x == usual) {
        return Ok(());
    }
    write!(f, " {name}={}", List(list))
}

fn write_pads(f: &mut Formatter<'_>, before: &[usize], after: &[usize]) -> fmt::Result {
    if before.iter().chain(after).all(|&p| p == 0) {
        return Ok(());
    }
    write!(f, " pads={}+{}", List(before), List(after))
}

fn write_clamp(f: &mut Formatter<'_>, clamp: Option<Clamp>) -> fmt::Result {
    match clamp {
        Some(c) => write!(f, " clamp=[{:?},{:?}]", c.lo, c.hi),
        None => Ok(()),
    }
}

fn write_conv(f: &mut Formatter<'_>, conv: &Conv) -> fmt::Result {
    write_list(f, "strides", &conv.strides, 1)?;
    write_list(f, "dilations", &conv.dilations, 1)?;
    write_pads(f, &conv.pads_before, &conv.pads_after)?;
    write_list(f, "groups", &[conv.groups], 1)?;
    write_clamp(f, conv.clamp)
}

fn write_pool(f: &mut Formatter<'_>, pool: &Pool) -> fmt::Result {
    write!(f, " kernel={}", List(&pool.kernel))?;
    write_list(f, "strides", &pool.strides, 1)?;
    write_list(f, "dilations", &pool.dilations, 1)?;
    write_pads(f, &pool.pads_before, &pool.pads_after)?;
    f.write_str(if pool.count_include_pad {
        " count_include_pad"
    } else {
        ""
    })
}

fn write_unary(f: &mut Formatter<'_>, function: UnaryFn) -> fmt::Result {
    match function {
        UnaryFn::Clamp(clamp) => write!(f, " lo={:?} hi={:?}", clamp.lo, clamp.hi),
        UnaryFn::LeakyRelu { alpha } | UnaryFn::Elu { alpha } => write!(f, " alpha={alpha:?}"),
        UnaryFn::HardSigmoid { alpha, beta } => write!(f, " alpha={alpha:?} beta={beta:?}"),
        UnaryFn::IsInf { positive, negative } => {
            write!(f, " positive={positive} negative={negative}")
        }
        UnaryFn::Wrap { bits, signed } => write!(f, " bits={bits} signed={signed}"),
        _ => Ok(()),
    }
}

/// An axis as `start:step:count`.
fn write_slice(f: &mut Formatter<'_>, axes: &[SliceAxis]) -> fmt::Result {
    f.write_str(" take=[")?;
    for (i, a) in axes.iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        write!(f, "{comma}{}:{}:{}", a.start, a.step, a.len)?;
    }
    f.write_str("]")
}

fn write_pad(f: &mut Formatter<'_>, pad: &Pad) -> fmt::Result {
    write_pads(f, &pad.before, &pad.after)?;
    match pad.mode {
        PadMode::Constant => write!(f, " value={:?}", pad.value),
        PadMode::Edge => f.write_str(" mode=edge"),
        PadMode::Reflect => f.write_str(" mode=reflect"),
    }
}

fn write_resize(f: &mut Formatter<'_>, resize: &Resize) -> fmt::Result {
    write!(
        f,
        " mode={:?} coordinates={:?} sizes={} scales={}",
        resize.mode,
        resize.coordinates,
        List(&resize.sizes),
        List(&resize.scales)
    )
}

fn write_recurrent(f: &mut Formatter<'_>, layer: &Recurrent) -> fmt::Result {
    let flag = |on: bool, name: &'static str| if on { name } else { "" };
    let (first, second) = match layer.cell {
        Cell::Rnn => ("", ""),
        Cell::Gru { reset_after } => (flag(reset_after, " reset_after"), ""),
        Cell::Lstm { coupled, peepholes } => {
            (flag(coupled, " coupled"), flag(peepholes, " peepholes"))
        }
    };
    let (reverse, lengths) = (
        flag(layer.reverse, " reverse"),
        flag(layer.lengths, " lengths"),
    );
    write!(f, "{first}{second}{reverse}{lengths}")?;
    write!(f, " activations={}", List(&layer.activations))?;
    match layer.clip {
        Some(clip) => write!(f, " clip={clip:?}"),
        None => Ok(()),
    }
}
