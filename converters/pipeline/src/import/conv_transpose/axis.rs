//! The spatial axes of a transposed convolution: where results come from.

use super::super::node::{OnnxNode, Stop, invalid};

/// One spatial axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    pub input: usize,
    /// Taps of the dilated kernel.
    pub span: usize,
    pub stride: usize,
    /// Results left out before the first.
    pub before: usize,
    pub output: usize,
}

impl Axis {
    /// Taps of a phase.
    pub fn taps(&self) -> usize {
        self.span.div_ceil(self.stride)
    }

    /// First and last whole position that the result needs.
    pub fn positions(&self) -> (usize, usize) {
        let last = self.before + self.output - 1;
        (self.before / self.stride, last / self.stride)
    }

    pub fn count(&self) -> usize {
        let (first, last) = self.positions();
        last - first + 1
    }

    /// Border of the convolution, or elements of the input that it does not need, before and after.
    pub fn border(&self) -> [isize; 2] {
        let (first, last) = self.positions();
        [
            self.taps() as isize - 1 - first as isize,
            last as isize - (self.input as isize - 1),
        ]
    }
}

/// The spatial axes, and their dilations.
pub(super) fn axes(
    node: &OnnxNode<'_>,
    spatial: &[usize],
    kernel: &[usize],
) -> Result<(Vec<Axis>, Vec<usize>), Stop> {
    let n = spatial.len();
    let strides = node.sizes_or("strides", n, 1, 1)?;
    let dilations = node.sizes_or("dilations", n, 1, 1)?;
    let extra = node.sizes_or("output_padding", n, 0, 0)?;
    let mut pads = node.sizes_or("pads", 2 * n, 0, 0)?;
    let auto_pad = node.text_or("auto_pad", "NOTSET")?;
    let same = matches!(auto_pad, "SAME_UPPER" | "SAME_LOWER");
    let wanted = match node
        .proto
        .attr_ints("output_shape")?
        .filter(|o| !o.is_empty())
    {
        // Some exporters list batch and channels as well.
        Some(all) if all.len() == n || all.len() == n + 2 => Some(&all[all.len() - n..]),
        Some(_) => return invalid("output_shape of another rank"),
        None => None,
    };
    let mut axes = Vec::with_capacity(n);
    for i in 0..n {
        let too_large = || Stop::Invalid("sizes are too large".to_owned());
        let span = (kernel[i].max(1) - 1)
            .checked_mul(dilations[i])
            .and_then(|s| s.checked_add(1))
            .ok_or_else(too_large)?;
        if spatial[i] == 0 || kernel[i] == 0 {
            return invalid("an empty axis");
        }
        let full = (spatial[i] - 1)
            .checked_mul(strides[i])
            .and_then(|f| f.checked_add(span))
            .and_then(|f| f.checked_add(extra[i]))
            .filter(|&f| f <= 1 << 31)
            .ok_or_else(too_large)?;
        let given = match wanted {
            Some(wanted) => Some(usize::try_from(wanted[i]).unwrap_or(0)),
            None if same => Some(spatial[i].saturating_mul(strides[i])),
            None => None,
        };
        if let Some(output) = given {
            let total = full.saturating_sub(output);
            let (less, more) = (total / 2, total - total / 2);
            let before = if auto_pad == "SAME_UPPER" { less } else { more };
            (pads[i], pads[n + i]) = (before, total - before);
        }
        let output = match (given, full.checked_sub(pads[i].saturating_add(pads[n + i]))) {
            (Some(output), _) => output,
            (None, Some(left)) => left,
            (None, None) => 0,
        };
        if output == 0 || output > 1 << 31 {
            return invalid("a result without elements, or too large");
        }
        axes.push(Axis {
            input: spatial[i],
            span,
            stride: strides[i],
            before: pads[i],
            output,
        });
    }
    Ok((axes, dilations))
}
