//! Between float, int8 and uint8.
//!
//! Kernels know only int8: a uint8 value is an int8 one with the top bit flipped and 128 less of zero point.

use redpoll_kernels::Tier;
use redpoll_kernels::params::Source;
use redpoll_plan::{DType, op};

use super::Context;
use crate::error::EngineError;
use crate::split::{self, Pace, Work};

/// f32 to int8, or to uint8 at an output.
pub(super) fn quantize<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::Quantize,
) -> Result<(), EngineError> {
    let tier = cx.tier;
    if cx.dtype(p.y)? == DType::U8 {
        {
            let (x, y) = cx.pair::<f32, i8>(p.x, p.y)?;
            tier.quantize(p.scale, p.zero - 128, x, y);
        }
        tier.flip_sign(Source::InPlace, cx.sources(p.y, [])?.result()?);
        return Ok(());
    }
    let views = cx.sources(p.y, [p.x])?;
    let x = views.slice::<f32>(0)?;
    let work = Work::new(tier, x.len() as u64, Pace::Element);
    let size = split::rows(x.len(), 64, &work, views.workers.count());
    views.parts(size, |index, y: &mut [i8], _| {
        let x = x.get(index * size..).unwrap_or_default();
        tier.quantize(p.scale, p.zero, x, y);
    })
}

/// int8, or uint8 at an input, to f32.
pub(super) fn dequantize<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::Dequantize,
) -> Result<(), EngineError> {
    let tier = cx.tier;
    if cx.dtype(p.x)? != DType::U8 {
        let (x, y) = cx.pair::<i8, f32>(p.x, p.y)?;
        tier.dequantize(p.scale, p.zero, x, y);
        return Ok(());
    }
    // Flipped where it lies and back again: other steps may read the input as well.
    tier.flip_sign(Source::InPlace, cx.sources(p.x, [])?.result()?);
    {
        let (x, y) = cx.pair::<i8, f32>(p.x, p.y)?;
        tier.dequantize(p.scale, p.zero - 128, x, y);
    }
    tier.flip_sign(Source::InPlace, cx.sources(p.x, [])?.result()?);
    Ok(())
}

/// uint8 to int8 and back.
pub(super) fn flip_sign<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::FlipSign,
) -> Result<(), EngineError> {
    let tier = cx.tier;
    let mut views = cx.sources(p.y, [p.x])?;
    let x = views.source(0)?;
    tier.flip_sign(x, views.result()?);
    Ok(())
}
