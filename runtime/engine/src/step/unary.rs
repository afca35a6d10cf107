//! Functions of one element.

use redpoll_kernels::Tier;
use redpoll_kernels::params::Source;
use redpoll_plan::op;

use super::Context;
use crate::error::EngineError;
use crate::split::{self, Pace, Work};

/// Elements that stay together: some lines of a cache.
const LINE: usize = 256;

/// Any function of an int8.
pub(super) fn table_i8<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::TableI8,
) -> Result<(), EngineError> {
    let tier = cx.tier;
    let table = cx.small::<&[i8; 256], _>(cx.constant::<i8>(p.table)?)?;
    let mut views = cx.sources(p.y, [p.x])?;
    let x = views.source(0)?;
    tier.table_i8(table, x, views.result()?);
    Ok(())
}

/// Float functions: by parts of the elements.
pub(super) fn unary_f32<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::UnaryF32,
) -> Result<(), EngineError> {
    let tier = cx.tier;
    let views = cx.sources(p.y, [p.x])?;
    let x = views.source::<f32>(0)?;
    let error = EngineError::Operand { step: views.step };
    let length = views.y.len() / size_of::<f32>();
    if let Source::Slice(x) = x
        && x.len() < length
    {
        return Err(error);
    }
    let work = Work::new(tier, length as u64, Pace::Element);
    let size = split::rows(length, LINE, &work, views.workers.count());
    views.parts(size, |index, y: &mut [f32], _| {
        let x = match x {
            Source::Slice(x) => {
                let part = x.get(index * size..).unwrap_or_default();
                Source::Slice(part.get(..y.len()).unwrap_or_default())
            }
            Source::InPlace => Source::InPlace,
        };
        tier.unary_f32(p.function, p.alpha, p.beta, x, y);
    })
}
