//! Where a value's time axis is, and what an operator makes of it.

use redpoll_graph::op::SliceAxis;
use redpoll_graph::{Graph, Node, Op};

/// The time axis of an offline value and its frames in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time {
    /// The axis.
    pub axis: usize,
    /// Frames of the offline value.
    pub len: usize,
    /// Frames that a step gives.
    pub step: usize,
    /// Frame `i` of the offline value is frame `i + warm` of the stream. Below 0: so many zeros before the stream.
    pub warm: i64,
    /// Rows behind the frames that are no frames: last states of a recurrent layer.
    pub tail: usize,
}

/// A window along time: its size less one, and its step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// Frames between the first and the last that it reads.
    pub reach: usize,
    /// Frames from one window to the next.
    pub stride: usize,
    /// Zeros before the first frame.
    pub before: usize,
}

/// The operator on a step's frames and the time axis of its result, for operators that keep frames apart; or why not.
pub(super) fn apart(
    graph: &Graph,
    node: &Node,
    times: &[Option<Time>],
) -> Result<(Op, Time), String> {
    let shape = |i: usize| graph.value(node.inputs[i]).shape.as_slice();
    let out = graph.value(node.output).shape.as_slice();
    let first = times.iter().flatten().next().copied();
    let time = first.ok_or("no operand has a time axis")?;
    if times.iter().flatten().any(|t| t.warm < 0 || t.tail > 0)
        && !matches!(node.op, Op::Slice { .. })
    {
        return Err("a border before the first frame must be that of a window".into());
    }
    let at = |axis: usize| Time { axis, ..time };
    let along = |axis: usize| match axis == time.axis {
        true => Err("it works along time".to_owned()),
        false => Ok((node.op.clone(), time)),
    };
    match &node.op {
        Op::Unary(_)
        | Op::Cast { .. }
        | Op::Quantize
        | Op::Dequantize
        | Op::Requantize
        | Op::Binary { .. }
        | Op::Select
        | Op::BatchNorm { .. } => {
            let mut axis = None;
            for (i, other) in times.iter().enumerate() {
                let ahead = out.len() - shape(i).len();
                if let Some(t) = other {
                    let here = Time {
                        axis: t.axis + ahead,
                        ..*t
                    };
                    if *axis.get_or_insert(here) != here {
                        return Err("its operands are at different times: one is delayed".into());
                    }
                }
            }
            let found = axis.unwrap_or(time);
            for (i, _) in times.iter().enumerate().filter(|t| t.1.is_none()) {
                let ahead = out.len() - shape(i).len();
                let own = found.axis.checked_sub(ahead).map_or(1, |a| shape(i)[a]);
                if own != 1 {
                    return Err("an operand holds something for each frame".into());
                }
            }
            if matches!(node.op, Op::BatchNorm { .. }) && found.axis + 1 == out.len() {
                return Err("it works along time".into());
            }
            Ok((node.op.clone(), found))
        }
        Op::Dense { .. } if times[1..].iter().all(Option::is_none) => along(shape(0).len() - 1),
        Op::MatMul if times[1].is_none() && time.axis + 1 < shape(0).len() => {
            let axis = time.axis + out.len() - shape(0).len();
            let other = (axis + shape(1).len()).checked_sub(out.len());
            let row = axis + 2 == out.len();
            match row || other.is_none_or(|a| shape(1)[a] == 1) {
                true => Ok((node.op.clone(), at(axis))),
                false => Err("an operand holds something for each frame".into()),
            }
        }
        Op::Reduce {
            axes, keep_dims, ..
        } => {
            let before = axes
                .iter()
                .filter(|&&a| a < time.axis && !keep_dims)
                .count();
            match axes.contains(&time.axis) {
                true => Err("it works along time".into()),
                false => Ok((node.op.clone(), at(time.axis - before))),
            }
        }
        Op::Softmax { axis } => along(*axis),
        Op::ArgReduce(a) => along(a.axis),
        Op::TopK(t) => along(t.axis),
        Op::SparseRows(s) => along(s.axis),
        Op::Cumulate(c) => along(c.axis),
        Op::Gather { axis } if times[1].is_none() => {
            let more = graph.value(node.inputs[1]).shape.len();
            let (op, _) = along(*axis)?;
            let moved = if time.axis < *axis {
                time.axis
            } else {
                time.axis + more - 1
            };
            Ok((op, at(moved)))
        }
        Op::Concat { axis } => match times.iter().all(|t| *t == Some(time)) {
            true => along(*axis),
            false => Err("its operands are at different times".into()),
        },
        Op::Transpose { perm } => {
            let to = perm.iter().position(|&p| p == time.axis);
            Ok((
                node.op.clone(),
                at(to.ok_or("a permutation without the axis")?),
            ))
        }
        Op::Reshape { shape: to } => {
            let from = shape(0);
            let outer: usize = from[..time.axis].iter().product();
            let same = |&i: &usize| to[..i].iter().product::<usize>() == outer && to[i] == time.len;
            let axis = (0..to.len())
                .find(same)
                .ok_or("it mixes time with another axis")?;
            let mut to = to.clone();
            to[axis] = time.step;
            Ok((Op::Reshape { shape: to }, at(axis)))
        }
        Op::Slice { axes } => slice(axes, time),
        Op::Pad(pad) => {
            let (before, after) = (pad.before[time.axis], pad.after[time.axis]);
            if before == 0 && after == 0 {
                return Ok((node.op.clone(), time));
            }
            let plain = pad.mode == redpoll_graph::op::PadMode::Constant && pad.value == 0.0;
            if after > 0 || !plain || time.warm > 0 {
                return Err(
                    "it has a border along time that is not zeros before the first frame".into(),
                );
            }
            let mut pad = pad.clone();
            pad.before[time.axis] = 0;
            let moved = Time {
                len: time.len + before,
                warm: time.warm - before as i64,
                ..time
            };
            Ok((Op::Pad(pad), moved))
        }
        other => Err(format!("{} has no step along time", other.name())),
    }
}

/// Parts along time begin later, or leave out what lies behind the frames.
fn slice(axes: &[SliceAxis], time: Time) -> Result<(Op, Time), String> {
    let own = axes[time.axis];
    if own.step != 1 || time.warm < 0 {
        return Err("it picks frames".into());
    }
    if own.start + own.len != time.len {
        return Err("it depends on where the recording ends".into());
    }
    let mut axes = axes.to_vec();
    axes[time.axis] = SliceAxis {
        start: 0,
        step: 1,
        len: time.step,
    };
    let time = Time {
        len: own.len,
        warm: time.warm + own.start as i64,
        tail: 0,
        ..time
    };
    Ok((Op::Slice { axes }, time))
}

/// Frames of history that a window needs, and the time of its result.
pub(super) fn windowed(
    w: Window,
    time: Time,
    len: usize,
    total: usize,
) -> Result<(usize, Time), String> {
    if time.warm > 0 && w.before > 0 {
        return Err(
            "it has a border at the start, but its operand begins later than the stream".into(),
        );
    }
    let warm = time.warm - w.before as i64;
    let least = w.reach.saturating_sub(w.stride - 1);
    let fits = |h: &usize| (warm + *h as i64).rem_euclid(w.stride as i64) == 0;
    let history = (least..=w.reach).rev().find(fits);
    let history = history.ok_or("its steps do not meet those of the windows before")?;
    let warm = (warm + history as i64).div_euclid(w.stride as i64);
    if warm < 0 {
        return Err("its border is larger than its window".into());
    }
    let made = total / w.stride;
    let ahead = (len + warm as usize).saturating_sub(made);
    if ahead > 0 {
        return Err(format!(
            "it is not causal: it looks {ahead} frame(s) of its result ahead"
        ));
    }
    let result = Time {
        axis: time.axis,
        len,
        step: time.step / w.stride,
        warm,
        tail: 0,
    };
    Ok((history, result))
}
