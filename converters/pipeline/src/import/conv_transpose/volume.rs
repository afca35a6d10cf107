//! Transposed convolution over three spatial axes: for each tap along the first one over the other two, moved to its place.

use redpoll_graph::Op;
use redpoll_graph::ValueId;
use redpoll_graph::op::{Pad, PadMode};

use super::super::compose::Compose;
use super::super::importer::Importer;
use super::super::node::{OnnxNode, Stop, gap, invalid};
use super::{Kernel, planar};

/// Taps along the first axis, each of which becomes a transposed convolution.
const MOST_TAPS: usize = 64;

/// Slice `d` of the input through tap `k` lands in slice `d · stride + k · dilation − before` of the result: the taps'
/// results are put apart by the stride, moved by their offset and added up, the bias last.
pub(super) fn in_slices(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    x: ValueId,
    kernel: &Kernel<'_>,
    bias: Option<&[f32]>,
) -> Result<ValueId, Stop> {
    let shape = import.shape(x).to_vec();
    let &[n, channels, depth, h, w] = shape.as_slice() else {
        return invalid(format!("{shape:?} has no three spatial axes"));
    };
    let (axis, dilation) = (kernel.axes[0], kernel.dilations[0]);
    let [_, each, taps, kh, kw] = kernel.shape[..] else {
        return invalid(format!("weights {:?}", kernel.shape));
    };
    if taps > MOST_TAPS {
        return gap(format!("a kernel of depth {taps}"));
    }
    let outputs = each * kernel.groups;
    let slices = {
        let c = &mut Compose::new(import, node);
        let slices = c.transpose(x, vec![0, 2, 1, 3, 4])?;
        c.reshape(slices, vec![n * depth, channels, h, w])?
    };
    let mut sum = None;
    for tap in 0..taps {
        // Weights of this tap: [C, M / groups, KH, KW].
        let planes = kernel.weights.chunks_exact((taps * kh * kw).max(1));
        let weights: Vec<f32> = planes
            .flat_map(|plane| &plane[tap * kh * kw..(tap + 1) * kh * kw])
            .copied()
            .collect();
        let plane = Kernel {
            weights: &weights,
            shape: &[channels, each, kh, kw],
            groups: kernel.groups,
            axes: &kernel.axes[1..],
            dilations: &kernel.dilations[1..],
        };
        let about = OnnxNode {
            proto: node.proto,
            name: import.unique_node_name(&format!("{}_tap_{tap}", node.name)),
            opset: node.opset,
            inputs: Vec::new(),
        };
        let y = planar(import, &about, slices, &plane, None)?;
        let c = &mut Compose::new(import, node);
        let [_, _, oh, ow] = c.shape(y)[..] else {
            return invalid("a plane of another rank");
        };
        let y = c.reshape(y, vec![n, depth, 1, outputs * oh * ow])?;
        let y = padded(c, y, 2, [0, axis.stride - 1])?;
        let y = c.reshape(y, vec![n, depth * axis.stride, outputs * oh * ow])?;
        // The first slice of the result is number `before`; those behind the last are left out.
        let at = tap * dilation;
        let skip = axis.before.saturating_sub(at).min(depth * axis.stride - 1);
        let lead = at.saturating_sub(axis.before).min(axis.output);
        if axis.before.saturating_sub(at) >= depth * axis.stride || lead == axis.output {
            continue;
        }
        let len = (depth * axis.stride - skip).min(axis.output - lead);
        let y = c.slice(y, 1, skip, 1, len)?;
        let y = padded(c, y, 1, [lead, axis.output - lead - len])?;
        let y = c.reshape(y, vec![n, axis.output, outputs, oh, ow])?;
        sum = Some(match sum {
            Some(sum) => c.add(sum, y)?,
            None => y,
        });
    }
    let Some(mut y) = sum else {
        return gap("a result that no input reaches is not supported");
    };
    let c = &mut Compose::new(import, node);
    if let Some(bias) = bias {
        let bias = c.floats(vec![outputs, 1, 1], bias.to_vec())?;
        y = c.add(y, bias)?;
    }
    c.transpose(y, vec![0, 2, 1, 3, 4])
}

/// Zeros before and after along one axis.
fn padded(
    c: &mut Compose<'_, '_, '_, '_>,
    x: ValueId,
    axis: usize,
    [lead, tail]: [usize; 2],
) -> Result<ValueId, Stop> {
    if lead == 0 && tail == 0 {
        return Ok(x);
    }
    let rank = c.import.rank(x);
    let along = |size: usize| {
        (0..rank)
            .map(|i| if i == axis { size } else { 0 })
            .collect()
    };
    let pad = Pad {
        before: along(lead),
        after: along(tail),
        mode: PadMode::Constant,
        value: 0.0,
    };
    c.op(Op::Pad(pad), &[x])
}
