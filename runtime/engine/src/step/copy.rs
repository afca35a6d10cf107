//! Steps that only move or set elements.

use redpoll_kernels::Tier;
use redpoll_plan::op;

use super::Context;
use crate::error::EngineError;
use crate::split::{self, Pace, Work};

/// Transposes, slices, concatenations: by the outermost dimension where its steps take the result in order.
pub(super) fn copy<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::Copy,
) -> Result<(), EngineError> {
    let tier = cx.tier;
    let mut views = cx.sources(p.y, [p.x])?;
    let x = views.slice::<u8>(0)?;
    let cut = match views.workers.count() {
        0 | 1 => None,
        workers => Cut::new(tier, p, workers),
    };
    let Some(cut) = cut else {
        tier.copy(p, x, views.result()?);
        return Ok(());
    };
    let error = EngineError::Operand { step: views.step };
    let end = cut.end.min(views.y.len());
    views.y = views.y.get_mut(cut.skip..end).ok_or(error)?;
    views.parts(cut.chunk, |index, y: &mut [u8], _| {
        if let Some(part) = cut.part(index) {
            tier.copy(&part, x, y);
        }
    })
}

/// How a copy is divided: into runs of steps of one dimension.
struct Cut {
    /// The copy, its result counted from `skip` on.
    whole: op::Copy,
    /// The dimension.
    dim: usize,
    /// Steps of a part.
    size: usize,
    /// Bytes of the result before the first step.
    skip: usize,
    /// Where the last step ends, or later.
    end: usize,
    /// Bytes of the result that a part covers.
    chunk: usize,
}

impl Cut {
    /// `None` where one part is best, or where steps of the outermost dimension share what they cover of the result.
    fn new<T: Tier + ?Sized>(tier: &T, p: &op::Copy, workers: usize) -> Option<Self> {
        let dim = p.dims.iter().position(|&n| n > 1)?;
        let steps = p.dims[dim] as usize;
        let bytes = p.element_bytes as usize;
        let moved = p.dims.iter().map(|&n| u64::from(n));
        let work = Work::new(tier, moved.product::<u64>() * bytes as u64, Pace::Element);
        let size = split::rows(steps, 1, &work, workers);
        if size >= steps {
            return None;
        }
        let stride = usize::try_from(p.y_strides[dim]).ok()?;
        let mut reach = 0usize;
        for (&n, &stride) in p.dims.iter().zip(&p.y_strides).skip(dim + 1) {
            reach += usize::try_from(stride).ok()? * (n as usize).checked_sub(1)?;
        }
        let offset = p.y_offset as usize;
        let within = offset.checked_rem(stride)?;
        if within + reach >= stride {
            return None;
        }
        Some(Self {
            whole: op::Copy {
                y_offset: within as u32,
                ..*p
            },
            dim,
            size,
            skip: (offset - within) * bytes,
            end: (offset - within + steps * stride) * bytes,
            chunk: size * stride * bytes,
        })
    }

    /// The copy of part `index`; `None` past the last one.
    fn part(&self, index: usize) -> Option<op::Copy> {
        let steps = split::part(index, self.size, self.whole.dims[self.dim] as usize);
        let mut part = self.whole;
        part.dims[self.dim] = u32::try_from(steps.len()).ok().filter(|&n| n > 0)?;
        let ahead = i64::from(part.x_strides[self.dim]) * steps.start as i64;
        part.x_offset = u32::try_from(i64::from(part.x_offset) + ahead).ok()?;
        Some(part)
    }
}

/// One value everywhere.
pub(super) fn fill<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::Fill,
) -> Result<(), EngineError> {
    let tier = cx.tier;
    tier.fill(p, cx.sources(p.y, [])?.result()?);
    Ok(())
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use redpoll_kernels::SCALAR;
    use redpoll_plan::TensorId;
    use std::{vec, vec::Vec};

    fn concat(y_offset: u32) -> op::Copy {
        op::Copy {
            x: TensorId(0),
            y: TensorId(1),
            element_bytes: 4,
            dims: [1, 1, 1, 20, 20, 64],
            x_offset: 0,
            x_strides: [0, 0, 0, 20 * 64, 64, 1],
            y_offset,
            y_strides: [0, 0, 0, 20 * 192, 192, 1],
        }
    }

    /// The parts, each on its share of the result, move what the whole copy moves.
    fn same(p: &op::Copy, workers: usize) {
        let x: Vec<u8> = (0..20 * 20 * 64 * 4).map(|i| (i % 251) as u8).collect();
        let mut whole = vec![255; 20 * 20 * 192 * 4];
        let mut parts = whole.clone();
        SCALAR.copy(p, &x, &mut whole);
        let cut = Cut::new(&SCALAR, p, workers).expect("worth dividing");
        let end = cut.end.min(parts.len());
        assert!(end > cut.skip + cut.chunk);
        for (index, y) in parts[cut.skip..end].chunks_mut(cut.chunk).enumerate() {
            let part = cut.part(index).expect("a part for every share");
            SCALAR.copy(&part, &x, y);
        }
        assert!(whole == parts, "{p:?} on {workers} workers");
    }

    #[test]
    fn parts_of_a_copy_move_what_the_whole_moves() {
        for workers in 2..6 {
            for offset in [0, 64, 128] {
                same(&concat(offset), workers);
            }
            // Lines backwards.
            let mut flip = concat(64);
            flip.x_offset = 19 * 20 * 64;
            flip.x_strides[3] = -20 * 64;
            same(&flip, workers);
            // Behind what another copy wrote.
            let mut below = concat(10 * 20 * 192);
            below.dims[3] = 10;
            same(&below, workers);
        }
    }

    #[test]
    fn steps_that_share_the_result_stay_together() {
        // A transposition: the outermost step writes every 64th element.
        let mut p = concat(0);
        p.y_strides = [0, 0, 0, 20, 1, 400];
        assert!(Cut::new(&SCALAR, &p, 2).is_none());
        // A run that reaches into the next line.
        assert!(Cut::new(&SCALAR, &concat(128), 2).is_some());
        assert!(Cut::new(&SCALAR, &concat(129), 2).is_none());
    }
}
