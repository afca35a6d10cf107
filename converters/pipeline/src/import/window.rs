//! Attributes that convolution and pooling share: kernel, strides, dilations, borders, automatic padding.

use super::node::{OnnxNode, Stop, gap, invalid};

/// A window over spatial axes, all resolved.
pub(crate) struct Window {
    /// Window size.
    pub kernel: Vec<usize>,
    /// Step.
    pub strides: Vec<usize>,
    /// Distance of neighbouring taps.
    pub dilations: Vec<usize>,
    /// Border before.
    pub before: Vec<usize>,
    /// Border after, without what ceil mode adds.
    pub after: Vec<usize>,
    /// What ceil mode adds after.
    pub ceil_extra: Vec<usize>,
}

impl Window {
    /// Reads the attributes of `node` for an input `[N, C, S…]` and a window of `kernel`.
    pub fn read(node: &OnnxNode<'_>, shape: &[usize], kernel: Vec<usize>) -> Result<Self, Stop> {
        let Some(spatial) = shape.get(2..).filter(|s| !s.is_empty()) else {
            return invalid(format!("shape {shape:?} has no spatial axis"));
        };
        let axes = spatial.len();
        if axes > 3 {
            return gap(format!("{axes} spatial axes; only 1 to 3 are supported"));
        }
        if kernel.len() != axes || kernel.contains(&0) {
            return invalid(format!("kernel {kernel:?} for {axes} spatial axes"));
        }
        let mut window = Self {
            kernel,
            strides: node.sizes_or("strides", axes, 1, 1)?,
            dilations: node.sizes_or("dilations", axes, 1, 1)?,
            before: vec![0; axes],
            after: vec![0; axes],
            ceil_extra: vec![0; axes],
        };
        match node.text_or("auto_pad", "NOTSET")? {
            "NOTSET" | "" => {
                let pads = node.sizes_or("pads", 2 * axes, 0, 0)?;
                window.before = pads[..axes].to_vec();
                window.after = pads[axes..].to_vec();
            }
            "VALID" => {}
            "SAME_UPPER" => window.same(spatial, false)?,
            "SAME_LOWER" => window.same(spatial, true)?,
            other => return invalid(format!("auto_pad is {other:?}")),
        }
        if node.flag("ceil_mode")? {
            for (i, &size) in spatial.iter().enumerate() {
                window.ceil_extra[i] = window.ceil(i, size)?;
            }
        }
        Ok(window)
    }

    /// Elements that the window spans on axis `i`.
    fn span(&self, i: usize) -> Result<usize, Stop> {
        match (self.kernel[i] - 1)
            .checked_mul(self.dilations[i])
            .and_then(|n| n.checked_add(1))
        {
            Some(span) => Ok(span),
            None => invalid("kernel and dilation are too large"),
        }
    }

    /// As many positions as ⌈size / stride⌉; the odd element goes after, or before for `lower`.
    fn same(&mut self, spatial: &[usize], lower: bool) -> Result<(), Stop> {
        for (i, &size) in spatial.iter().enumerate() {
            let positions = size.div_ceil(self.strides[i]);
            let reach = positions
                .saturating_sub(1)
                .saturating_mul(self.strides[i])
                .saturating_add(self.span(i)?);
            let total = reach.saturating_sub(size);
            let (small, large) = (total / 2, total - total / 2);
            (self.before[i], self.after[i]) = if lower {
                (large, small)
            } else {
                (small, large)
            };
        }
        Ok(())
    }

    /// What ceil mode adds after axis `i`: a last window may hang over the end, if it begins inside input or left border.
    fn ceil(&self, i: usize, size: usize) -> Result<usize, Stop> {
        let (span, stride) = (self.span(i)?, self.strides[i]);
        let padded = size
            .saturating_add(self.before[i])
            .saturating_add(self.after[i]);
        let Some(room) = padded.checked_sub(span) else {
            return invalid(format!("a window of {span} over {padded} elements"));
        };
        let last = room.div_ceil(stride).saturating_mul(stride);
        // A window that begins in the border after counts for nothing and is dropped.
        let begins_inside = last < size.saturating_add(self.before[i]);
        let overhang = last.saturating_add(span).saturating_sub(padded);
        Ok(if begins_inside { overhang } else { 0 })
    }
}
