//! Steps with two operands, element by element.

use redpoll_kernels::Tier;
use redpoll_kernels::params::Source;
use redpoll_plan::op::{self, MAX_LOOP, Strides};

use super::Context;
use crate::error::EngineError;
use crate::split::{self, Pace, Work};

/// Integer.
pub(super) fn binary_i8<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::BinaryI8,
) -> Result<(), EngineError> {
    let tier = cx.tier;
    let mut views = cx.sources(p.y, [p.a, p.b])?;
    let (a, b) = (views.source(0)?, views.source(1)?);
    let [outer @ .., length] = p.dims;
    if outer.iter().any(|&d| d != 1) {
        tier.binary_i8(p, a, b, views.result()?);
        return Ok(());
    }
    // One run, so any part of it is one.
    let work = Work::new(tier, u64::from(length), Pace::Element);
    let size = split::rows(length as usize, 64, &work, views.workers.count());
    views.parts(size, |index, y: &mut [i8], _| {
        let from = |x, strides: &Strides| match x {
            // Never past the end; an index would link the panic machinery into microcontrollers.
            Source::Slice(x) if strides[MAX_LOOP - 1] == 1 => {
                Source::Slice(x.get(index * size..).unwrap_or_default())
            }
            other => other,
        };
        let mut part = *p;
        part.dims[MAX_LOOP - 1] = y.len() as u32;
        let (a, b) = (from(a, &p.a_strides), from(b, &p.b_strides));
        tier.binary_i8(&part, a, b, y);
    })
}

/// Float.
pub(super) fn binary_f32<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::BinaryF32,
) -> Result<(), EngineError> {
    let tier = cx.tier;
    let mut views = cx.sources(p.y, [p.a, p.b])?;
    let (a, b) = (views.source(0)?, views.source(1)?);
    tier.binary_f32(p, a, b, views.result()?);
    Ok(())
}
