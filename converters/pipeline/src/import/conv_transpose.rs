//! Transposed convolution: one convolution that makes all positions between two inputs as channels, then interleaved.
//!
//! Result position `q · s + p` reads input `q − t` through tap `p + s · t`, so each of the `s` phases `p` is a
//! convolution of `T = ⌈K / s⌉` taps over the input itself: nothing is multiplied by inserted zeros.

mod axis;
mod volume;

use redpoll_graph::op::{Conv, Pad, PadMode, SliceAxis};
use redpoll_graph::{DType, Data, Node, Op, Tensor, ValueId, eval};

use super::importer::Importer;
use super::layout::{stored_constant, to_channels_first, to_channels_last, transpose};
use super::node::{OnnxNode, Outputs, Stop, gap, invalid};
use axis::{Axis, axes};

/// Weights of all phases together, zeros that fill taps included.
const MAX_WEIGHTS: usize = 1 << 26;
/// Phases of a transposed convolution: 64 × 64 results for an input.
const MAX_PHASES: usize = 1 << 12;

/// ConvTranspose-1, -11, -22: `x [N, C, S…]`, `w [C, M/groups, K…]`, optional bias `[M]`.
pub(crate) fn conv_transpose(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let (x, w) = (node.input(0)?, node.input(1)?);
    let (x_shape, w_shape) = (import.shape(x).to_vec(), import.shape(w).to_vec());
    if w_shape.len() != x_shape.len() || w_shape.len() < 3 || w_shape[0] != x_shape[1] {
        return invalid(format!("weights {w_shape:?} for an input {x_shape:?}"));
    }
    if import.dtype(x) != DType::F32 {
        return gap("only floats are supported");
    }
    let groups = match usize::try_from(node.int_or("group", 1)?) {
        Ok(g) if g > 0 && w_shape[0].is_multiple_of(g) => g,
        _ => return invalid(format!("groups that do not divide {} channels", w_shape[0])),
    };
    let (Some(weights), bias) = (
        float_constant(import, w)?,
        node.optional(2)
            .map(|b| float_constant(import, b))
            .transpose()?,
    ) else {
        return gap("weights must be constants, not computed at run time");
    };
    let outputs = w_shape[1].saturating_mul(groups);
    let bias = match bias {
        Some(None) => return gap("a bias must be a constant, not computed at run time"),
        Some(Some(bias)) if bias.shape() != [outputs] => return invalid("a bias of another size"),
        Some(Some(bias)) => bias.as_f32().map(<[f32]>::to_vec),
        None => None,
    };
    let (axes, dilations) = axes(node, &x_shape[2..], &w_shape[2..])?;
    let kernel = Kernel {
        weights: weights.as_f32().unwrap_or_default(),
        shape: &w_shape,
        groups,
        axes: &axes,
        dilations: &dilations,
    };
    Ok(vec![match axes.len() {
        1 | 2 => planar(import, node, x, &kernel, bias.as_deref())?,
        3 => volume::in_slices(import, node, x, &kernel, bias.as_deref())?,
        n => return gap(format!("{n} spatial axes; up to 3 are supported")),
    }])
}

/// Over one or two spatial axes: `[N, C, S…]` to `[N, M, S'…]`.
fn planar(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    x: ValueId,
    kernel: &Kernel<'_>,
    bias: Option<&[f32]>,
) -> Result<ValueId, Stop> {
    kernel.check()?;
    let rank = import.rank(x);
    let x = transpose(import, node, "to_nhwc", x, to_channels_last(rank))?;
    let x = fitted(import, node, x, kernel.axes)?;
    let (channels, each) = (kernel.shape[0], kernel.shape[1]);
    let y = if kernel.groups == channels && each == 1 && kernel.groups > 1 {
        phases_apart(import, node, x, kernel, bias)?
    } else {
        phases_together(import, node, x, kernel, bias)?
    };
    let y = cut(import, node, y, kernel.axes)?;
    transpose(import, node, "nchw", y, to_channels_first(rank))
}

/// A float constant, or one that is stored in integers.
fn float_constant(import: &Importer<'_>, id: ValueId) -> Result<Option<Tensor>, Stop> {
    if let Some(tensor) = import.graph.constant(id) {
        return Ok(Some(tensor.clone()).filter(|t| t.dtype() == DType::F32));
    }
    let Some(stored) = stored_constant(import, id) else {
        return Ok(None);
    };
    let maker = |n: &&Node| n.output == id;
    match (
        import.graph.nodes.iter().rev().find(maker),
        import.graph.constant(stored),
    ) {
        (Some(node), Some(tensor)) => Ok(Some(eval::node(&import.graph, node, &[tensor])?)),
        _ => Ok(None),
    }
}

/// Adds borders to, or cuts, `[N, S…, C]` so that a convolution without borders makes just the positions needed.
fn fitted(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    x: ValueId,
    axes: &[Axis],
) -> Result<ValueId, Stop> {
    let shape = import.shape(x).to_vec();
    let rank = shape.len();
    let (mut before, mut after) = (vec![0; rank], vec![0; rank]);
    let mut take: Vec<SliceAxis> = shape
        .iter()
        .map(|&len| SliceAxis {
            start: 0,
            step: 1,
            len,
        })
        .collect();
    for (i, axis) in axes.iter().enumerate() {
        let [first, last] = axis.border();
        // All of the input may lie outside; one element is kept and bordered away by the kernel's reach.
        let cut = (first.min(0).unsigned_abs(), last.min(0).unsigned_abs());
        if cut.0 + cut.1 >= shape[1 + i] {
            return gap("a result that no input reaches is not supported");
        }
        take[1 + i].start = cut.0;
        take[1 + i].len = shape[1 + i] - cut.0 - cut.1;
        before[1 + i] = first.max(0).unsigned_abs();
        after[1 + i] = last.max(0).unsigned_abs();
    }
    let mut x = x;
    if take.iter().zip(&shape).any(|(t, &len)| t.len != len) {
        x = import.emit_part(node, "needed", Op::Slice { axes: take }, &[x])?;
    }
    if before.iter().chain(&after).any(|&p| p > 0) {
        let pad = Pad {
            before,
            after,
            mode: PadMode::Constant,
            value: 0.0,
        };
        x = import.emit_part(node, "border", Op::Pad(pad), &[x])?;
    }
    Ok(x)
}

/// The weights `[C, M/groups, K…]` by phase.
struct Kernel<'a> {
    weights: &'a [f32],
    shape: &'a [usize],
    groups: usize,
    axes: &'a [Axis],
    dilations: &'a [usize],
}

impl Kernel<'_> {
    /// Refuses kernels of which the convolution would be too large, before anything of it is made.
    fn check(&self) -> Result<(), Stop> {
        let product = |start: usize, of: fn(&Axis) -> usize| {
            let mut axes = self.axes.iter().map(of);
            axes.try_fold(start, usize::checked_mul)
        };
        let phases = product(1, |a| a.stride).filter(|&n| n <= MAX_PHASES);
        let Some(phases) = phases else {
            return gap(format!(
                "strides of more than {MAX_PHASES} positions together"
            ));
        };
        let taps = product(phases, Axis::taps);
        let weights = taps.and_then(|n| n.checked_mul(self.shape[0])?.checked_mul(self.shape[1]));
        match weights {
            Some(n) if n <= MAX_WEIGHTS => Ok(()),
            _ => gap(format!(
                "more than {MAX_WEIGHTS} weights of all phases together"
            )),
        }
    }

    fn phases(&self) -> usize {
        self.axes.iter().map(|a| a.stride).product()
    }

    /// Weight of output `m` of group `g` from channel `c` of it, at taps `at` (per axis, in the order that a
    /// convolution walks) of a phase.
    fn weight(&self, (g, c, m): (usize, usize, usize), phase: usize, at: &[usize]) -> f32 {
        let channels = self.shape[0] / self.groups;
        let mut index = (g * channels + c) * self.shape[1] + m;
        let mut rest = phase;
        let mut of_axis = vec![0; self.axes.len()];
        for (i, axis) in self.axes.iter().enumerate().rev() {
            of_axis[i] = rest % axis.stride;
            rest /= axis.stride;
        }
        for (i, axis) in self.axes.iter().enumerate() {
            let tap = of_axis[i] + axis.stride * (axis.taps() - 1 - at[i]);
            if tap >= axis.span || !tap.is_multiple_of(self.dilations[i]) {
                return 0.0;
            }
            index = index * self.shape[2 + i] + tap / self.dilations[i];
        }
        self.weights.get(index).copied().unwrap_or(0.0)
    }

    /// Rows `[outputs][taps…][C/groups]` of these outputs `(group, m, phase)`.
    fn rows(&self, outputs: &[(usize, usize, usize)]) -> Result<Tensor, Stop> {
        let channels = self.shape[0] / self.groups;
        let taps: Vec<usize> = self.axes.iter().map(Axis::taps).collect();
        let all: usize = taps.iter().product();
        let mut data = Vec::with_capacity(outputs.len() * all * channels);
        let mut at = vec![0; taps.len()];
        for &(g, m, phase) in outputs {
            for flat in 0..all {
                let mut rest = flat;
                for i in (0..taps.len()).rev() {
                    at[i] = rest % taps[i];
                    rest /= taps[i];
                }
                data.extend((0..channels).map(|c| self.weight((g, c, m), phase, &at)));
            }
        }
        let shape = [&[outputs.len()][..], &taps, &[channels]].concat();
        Ok(Tensor::new(shape, Data::F32(data))?)
    }

    fn conv(&self, groups: usize) -> Op {
        let n = self.axes.len();
        Op::Conv(Conv {
            strides: vec![1; n],
            dilations: vec![1; n],
            pads_before: vec![0; n],
            pads_after: vec![0; n],
            groups,
            clamp: None,
        })
    }
}

/// One convolution for all phases; its channels `[groups][phases][M/groups]` move between the positions.
fn phases_together(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    x: ValueId,
    kernel: &Kernel<'_>,
    bias: Option<&[f32]>,
) -> Result<ValueId, Stop> {
    let (groups, m, phases) = (kernel.groups, kernel.shape[1], kernel.phases());
    let outputs: Vec<_> = (0..groups)
        .flat_map(|g| (0..phases).flat_map(move |p| (0..m).map(move |m| (g, m, p))))
        .collect();
    let y = convolved(import, node, "phases", x, kernel, &outputs, groups, bias)?;
    if phases == 1 {
        return Ok(y);
    }
    interleaved(import, node, y, kernel)
}

/// Channels `[groups][phases][m]` of `[N, Q…, C]` between the positions: `[N, Q · s…, groups · m]`. One axis after the
/// other, the last one first, so that no value has more than 6 axes.
fn interleaved(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    mut y: ValueId,
    kernel: &Kernel<'_>,
) -> Result<ValueId, Stop> {
    let (groups, m, n) = (kernel.groups, kernel.shape[1], kernel.axes.len());
    let batch = import.shape(y)[0];
    let mut tail = 1;
    let strided: Vec<usize> = (0..n).filter(|&i| kernel.axes[i].stride > 1).collect();
    if groups == 1 && strided == [0, 1] && n == 2 {
        // Both axes at once.
        let (h, w) = (kernel.axes[0], kernel.axes[1]);
        let shape = vec![batch, h.count(), w.count(), h.stride, w.stride, m];
        let perm = vec![0, 1, 3, 2, 4, 5];
        y = import.emit_part(node, "apart", Op::Reshape { shape }, &[y])?;
        y = import.emit_part(node, "interleaved", Op::Transpose { perm }, &[y])?;
        return joined(import, node, y, batch, kernel.axes, m);
    }
    for (i, axis) in kernel.axes.iter().enumerate().rev() {
        if axis.stride > 1 {
            let before = kernel.axes[..i].iter();
            let lead = before.clone().fold(batch, |n, a| n * a.count());
            let phases = before.fold(groups, |n, a| n * a.stride);
            let shape = vec![lead, axis.count(), tail, phases, axis.stride, m];
            let part = format!("apart_{i}");
            y = import.emit_part(node, &part, Op::Reshape { shape }, &[y])?;
            let perm = vec![0, 1, 4, 2, 3, 5];
            y = import.emit_part(
                node,
                &format!("interleaved_{i}"),
                Op::Transpose { perm },
                &[y],
            )?;
        }
        tail *= axis.count() * axis.stride;
    }
    joined(import, node, y, batch, kernel.axes, groups * m)
}

/// A depthwise convolution a phase, joined side by side.
fn phases_apart(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    x: ValueId,
    kernel: &Kernel<'_>,
    bias: Option<&[f32]>,
) -> Result<ValueId, Stop> {
    let (groups, n) = (kernel.groups, kernel.axes.len());
    let mut parts = Vec::with_capacity(kernel.phases());
    let mut batch = 1;
    for phase in 0..kernel.phases() {
        let outputs: Vec<_> = (0..groups).map(|g| (g, 0, phase)).collect();
        let part = format!("phase_{phase}");
        let y = convolved(import, node, &part, x, kernel, &outputs, groups, bias)?;
        let shape = import.shape(y).to_vec();
        batch = shape[0];
        let mut between = vec![batch];
        shape[1..=n].iter().for_each(|&q| between.extend([q, 1]));
        between.push(groups);
        let part = format!("{part}_between");
        parts.push(import.emit_part(node, &part, Op::Reshape { shape: between }, &[y])?);
    }
    // The last axis's phases are neighbours in the list.
    for (i, axis) in kernel.axes.iter().enumerate().rev() {
        let mut wider = Vec::with_capacity(parts.len() / axis.stride);
        for (j, few) in parts.chunks(axis.stride).enumerate() {
            let part = format!("joined_{i}_{j}");
            wider.push(match few {
                [one] => *one,
                few => import.emit_part(node, &part, Op::Concat { axis: 2 + 2 * i }, few)?,
            });
        }
        parts = wider;
    }
    joined(import, node, parts[0], batch, kernel.axes, groups)
}

#[allow(clippy::too_many_arguments)]
fn convolved(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    part: &str,
    x: ValueId,
    kernel: &Kernel<'_>,
    outputs: &[(usize, usize, usize)],
    groups: usize,
    bias: Option<&[f32]>,
) -> Result<ValueId, Stop> {
    let rows = kernel.rows(outputs)?;
    let w = import.constant(node, &format!("{part}_weight"), rows);
    let mut inputs = vec![x, w];
    if let Some(bias) = bias {
        let values = outputs
            .iter()
            .map(|&(g, m, _)| bias[g * kernel.shape[1] + m]);
        let bias = Tensor::vector_f32(values.collect());
        inputs.push(import.constant(node, &format!("{part}_bias"), bias));
    }
    import.emit_part(node, part, kernel.conv(groups), &inputs)
}

/// `[N, Q, s, …, M]` as `[N, Q · s, …, M]`.
fn joined(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    y: ValueId,
    batch: usize,
    axes: &[Axis],
    channels: usize,
) -> Result<ValueId, Stop> {
    let mut shape = vec![batch];
    shape.extend(axes.iter().map(|a| a.count() * a.stride));
    shape.push(channels);
    import.emit_part(node, "joined", Op::Reshape { shape }, &[y])
}

/// Leaves out the positions before the first result and behind the last.
fn cut(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    y: ValueId,
    axes: &[Axis],
) -> Result<ValueId, Stop> {
    let shape = import.shape(y).to_vec();
    let mut take: Vec<SliceAxis> = shape
        .iter()
        .map(|&len| SliceAxis {
            start: 0,
            step: 1,
            len,
        })
        .collect();
    for (take, axis) in take[1..].iter_mut().zip(axes) {
        take.start = axis.before - axis.positions().0 * axis.stride;
        take.len = axis.output;
    }
    import.emit(node, Op::Slice { axes: take }, &[y])
}
