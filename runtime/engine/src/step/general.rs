//! Comparisons, whole numbers, choices, order, indices: one definition for all tiers, chosen by element type.

use redpoll_kernels::Tier;
use redpoll_kernels::scalar::general as kernel;
use redpoll_plan::op::{self, Reduce, Whole, WholeOne};
use redpoll_plan::{DType, TensorId};

use super::Context;
use crate::arena::Element;
use crate::error::EngineError;

type Done = Result<(), EngineError>;

/// Evaluates `$body` with `$T` standing for the element type of `$dtype`; truth values are bytes.
macro_rules! typed {
    ($cx:expr, $dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            DType::F32 => {
                type $T = f32;
                $body
            }
            DType::I8 => {
                type $T = i8;
                $body
            }
            DType::U8 | DType::Bool => {
                type $T = u8;
                $body
            }
            DType::I32 => {
                type $T = i32;
                $body
            }
            DType::I64 => {
                type $T = i64;
                $body
            }
            DType::F16 => Err($cx.operand_error()),
        }
    };
}

/// As [`typed`] for whole numbers.
macro_rules! whole_typed {
    ($cx:expr, $dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            DType::I32 => {
                type $T = i32;
                $body
            }
            DType::I64 => {
                type $T = i64;
                $body
            }
            _ => Err($cx.operand_error()),
        }
    };
}

/// As [`typed`] by the size of elements only: for those that are moved.
macro_rules! moved {
    ($cx:expr, $dtype:expr, $T:ident => $body:expr) => {
        match $dtype.size() {
            1 => {
                type $T = u8;
                $body
            }
            4 => {
                type $T = i32;
                $body
            }
            8 => {
                type $T = i64;
                $body
            }
            _ => Err($cx.operand_error()),
        }
    };
}

pub(super) fn compare<T: Tier + ?Sized>(cx: &mut Context<'_, '_, T>, p: &op::Compare) -> Done {
    let dtype = cx.dtype(p.a)?;
    typed!(cx, dtype, E => {
        let mut views = cx.sources(p.y, [p.a, p.b])?;
        let (a, b) = (views.slice::<E>(0)?, views.slice::<E>(1)?);
        let (a, b) = ((a, &p.a_strides), (b, &p.b_strides));
        kernel::compare(p.function, &p.dims, a, b, views.result()?);
        Ok(())
    })
}

pub(super) fn binary_whole<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::BinaryWhole,
) -> Done {
    let (dtype, step) = (cx.dtype(p.a)?, cx.index);
    match dtype {
        DType::Bool => {
            let mut views = cx.sources(p.y, [p.a, p.b])?;
            let (a, b) = (views.slice(0)?, views.slice(1)?);
            let (a, b) = ((a, &p.a_strides), (b, &p.b_strides));
            kernel::logic(p.function, &p.dims, a, b, views.result()?);
            Ok(())
        }
        DType::F32 if matches!(p.function, Whole::Mod | Whole::Fmod) => {
            let mut views = cx.sources(p.y, [p.a, p.b])?;
            let (a, b) = (views.slice(0)?, views.slice(1)?);
            let (a, b) = ((a, &p.a_strides), (b, &p.b_strides));
            kernel::fmod_f32(p.function, &p.dims, a, b, views.result()?);
            Ok(())
        }
        dtype => whole_typed!(cx, dtype, E => {
            let mut views = cx.sources(p.y, [p.a, p.b])?;
            let (a, b) = (views.slice::<E>(0)?, views.slice::<E>(1)?);
            let (a, b) = ((a, &p.a_strides), (b, &p.b_strides));
            kernel::whole(p.function, &p.dims, a, b, views.result()?)
                .map_err(|_| EngineError::Number { step })
        }),
    }
}

pub(super) fn unary_whole<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::UnaryWhole,
) -> Done {
    if p.function == WholeOne::Not {
        let (x, y) = cx.pair::<u8, u8>(p.x, p.y)?;
        kernel::convert(x, y, |v| u8::from(v == 0));
        return Ok(());
    }
    let dtype = cx.dtype(p.x)?;
    whole_typed!(cx, dtype, E => {
        let (x, y) = cx.pair::<E, E>(p.x, p.y)?;
        kernel::unary_whole(p.function, p.bits, x, y);
        Ok(())
    })
}

pub(super) fn rare_f32<T: Tier + ?Sized>(cx: &mut Context<'_, '_, T>, p: &op::RareF32) -> Done {
    if cx.dtype(p.y)? == DType::Bool {
        let (x, y) = cx.pair(p.x, p.y)?;
        kernel::test(p.function, x, y);
    } else {
        let (x, y) = cx.pair(p.x, p.y)?;
        kernel::rare(p.function, x, y);
    }
    Ok(())
}

pub(super) fn select<T: Tier + ?Sized>(cx: &mut Context<'_, '_, T>, p: &op::Select) -> Done {
    let dtype = cx.dtype(p.y)?;
    moved!(cx, dtype, E => {
        let mut views = cx.sources(p.y, [p.condition, p.a, p.b])?;
        let c = (views.slice(0)?, &p.condition_strides);
        let a = (views.slice::<E>(1)?, &p.a_strides);
        let b = (views.slice::<E>(2)?, &p.b_strides);
        kernel::select(&p.dims, c, a, b, views.result()?);
        Ok(())
    })
}

pub(super) fn convert<T: Tier + ?Sized>(cx: &mut Context<'_, '_, T>, p: &op::Convert) -> Done {
    let (from, to) = (cx.dtype(p.x)?, cx.dtype(p.y)?);
    typed!(cx, from, X => {
        if to == DType::Bool {
            let (x, y) = cx.pair::<X, u8>(p.x, p.y)?;
            kernel::convert(x, y, |v| u8::from(v != X::default()));
            return Ok(());
        }
        typed!(cx, to, Y => {
            let (x, y) = cx.pair::<X, Y>(p.x, p.y)?;
            kernel::convert(x, y, |v| v as Y);
            Ok(())
        })
    })
}

/// `[outer, count, inner]`.
fn sizes(outer: u32, count: u32, inner: u32) -> [usize; 3] {
    [outer, count, inner].map(|n| n as usize)
}

pub(super) fn reduce_whole<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::ReduceWhole,
) -> Done {
    let (dtype, kind): (DType, Reduce) = (cx.dtype(p.x)?, p.kind);
    whole_typed!(cx, dtype, E => {
        let (x, y) = cx.pair::<E, E>(p.x, p.y)?;
        kernel::reduce_whole(kind, sizes(p.outer, p.count, p.inner), x, y);
        Ok(())
    })
}

pub(super) fn arg_reduce<T: Tier + ?Sized>(cx: &mut Context<'_, '_, T>, p: &op::ArgReduce) -> Done {
    let dtype = cx.dtype(p.x)?;
    typed!(cx, dtype, E => {
        let (x, y) = cx.pair::<E, i64>(p.x, p.y)?;
        kernel::arg_reduce(p, x, y);
        Ok(())
    })
}

pub(super) fn cumulate<T: Tier + ?Sized>(cx: &mut Context<'_, '_, T>, p: &op::Cumulate) -> Done {
    let dtype = cx.dtype(p.x)?;
    if dtype == DType::F32 {
        let (x, y) = cx.pair::<f32, f32>(p.x, p.y)?;
        if p.product == 1 {
            kernel::cumulate(p, x, y, 1.0, |a, b| a * b);
        } else {
            kernel::cumulate(p, x, y, 0.0, |a, b| a + b);
        }
        return Ok(());
    }
    whole_typed!(cx, dtype, E => {
        let (x, y) = cx.pair::<E, E>(p.x, p.y)?;
        if p.product == 1 {
            kernel::cumulate(p, x, y, 1, E::wrapping_mul);
        } else {
            kernel::cumulate(p, x, y, 0, E::wrapping_add);
        }
        Ok(())
    })
}

pub(super) fn top_k<T: Tier + ?Sized>(cx: &mut Context<'_, '_, T>, p: &op::TopK) -> Done {
    let dtype = cx.dtype(p.x)?;
    typed!(cx, dtype, E => {
        if p.indices == 1 {
            let (x, y) = cx.pair::<E, i64>(p.x, p.y)?;
            kernel::top_k(p, x, |to, place, _| y[to] = place as i64);
        } else {
            let (x, y) = cx.pair::<E, E>(p.x, p.y)?;
            kernel::top_k(p, x, |to, _, at| y[to] = x[at]);
        }
        Ok(())
    })
}

/// An operand of indices as i32 or i64.
macro_rules! indices {
    ($cx:expr, $id:expr, $I:ident => $body:expr) => {{
        let dtype = $cx.dtype($id)?;
        whole_typed!($cx, dtype, $I => $body)
    }};
}

pub(super) fn gather<T: Tier + ?Sized>(cx: &mut Context<'_, '_, T>, p: &op::Gather) -> Done {
    let (dtype, step) = (cx.dtype(p.x)?, cx.index);
    let sizes = (p.outer as usize, p.size, p.inner as usize);
    moved!(cx, dtype, E => indices!(cx, p.indices, I => {
        let mut views = cx.sources(p.y, [p.x, p.indices])?;
        let (x, by) = (views.slice::<E>(0)?, views.slice::<I>(1)?);
        kernel::gather(sizes, by, x, views.result()?).map_err(|_| EngineError::Index { step })
    }))
}

pub(super) fn gather_elements<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::GatherElements,
) -> Done {
    let (dtype, step) = (cx.dtype(p.x)?, cx.index);
    moved!(cx, dtype, E => indices!(cx, p.indices, I => {
        let mut views = cx.sources(p.y, [p.x, p.indices])?;
        let (x, by) = (views.slice::<E>(0)?, views.slice::<I>(1)?);
        kernel::gather_elements(p, by, x, views.result()?).map_err(|_| EngineError::Index { step })
    }))
}

pub(super) fn gather_nd<T: Tier + ?Sized>(cx: &mut Context<'_, '_, T>, p: &op::GatherNd) -> Done {
    let (dtype, step) = (cx.dtype(p.x)?, cx.index);
    moved!(cx, dtype, E => indices!(cx, p.indices, I => {
        let mut views = cx.sources(p.y, [p.x, p.indices])?;
        let (x, by) = (views.slice::<E>(0)?, views.slice::<I>(1)?);
        kernel::gather_nd(p, by, x, views.result()?).map_err(|_| EngineError::Index { step })
    }))
}

/// Copies the data of a scattering to its result.
fn copied<E: Element + Copy, T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    x: TensorId,
    y: TensorId,
) -> Done {
    let (x, y) = cx.pair::<E, E>(x, y)?;
    y.copy_from_slice(x);
    Ok(())
}

pub(super) fn scatter_elements<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::ScatterElements,
) -> Done {
    let (dtype, step) = (cx.dtype(p.x)?, cx.index);
    typed!(cx, dtype, E => indices!(cx, p.indices, I => {
        copied::<E, T>(cx, p.x, p.y)?;
        let mut views = cx.sources(p.y, [p.updates, p.indices])?;
        let (v, by) = (views.slice::<E>(0)?, views.slice::<I>(1)?);
        kernel::scatter_elements(p, by, v, views.result()?)
            .map_err(|_| EngineError::Index { step })
    }))
}

pub(super) fn scatter_nd<T: Tier + ?Sized>(cx: &mut Context<'_, '_, T>, p: &op::ScatterNd) -> Done {
    let (dtype, step) = (cx.dtype(p.x)?, cx.index);
    typed!(cx, dtype, E => indices!(cx, p.indices, I => {
        copied::<E, T>(cx, p.x, p.y)?;
        let mut views = cx.sources(p.y, [p.updates, p.indices])?;
        let (v, by) = (views.slice::<E>(0)?, views.slice::<I>(1)?);
        kernel::scatter_nd(p, by, v, views.result()?).map_err(|_| EngineError::Index { step })
    }))
}

pub(super) fn sparse_rows<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::SparseRows,
) -> Done {
    let lists = (
        cx.constant::<i32>(p.starts)?,
        cx.constant::<i32>(p.index)?,
        cx.constant::<f32>(p.weights)?,
    );
    let (x, y) = cx.pair(p.x, p.y)?;
    kernel::sparse_rows(sizes(p.outer, p.size, p.inner), lists, x, y);
    Ok(())
}

pub(super) fn non_max_suppression<T: Tier + ?Sized>(
    cx: &mut Context<'_, '_, T>,
    p: &op::NonMaxSuppression,
) -> Done {
    let mut views = cx.sources(p.y, [p.boxes, p.scores])?;
    let (boxes, scores) = (views.slice(0)?, views.slice(1)?);
    kernel::non_max_suppression(p, boxes, scores, views.result()?);
    Ok(())
}
