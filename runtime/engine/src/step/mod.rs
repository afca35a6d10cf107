//! The steps, a file an op family: operands become slices, work is divided, the tier computes.

mod binary;
mod conv;
mod copy;
mod depthwise;
mod embedding;
mod general;
mod matmul;
mod pool;
mod quantize;
mod recurrent;
mod reduce;
mod softmax;
mod unary;

use redpoll_kernels::Tier;
use redpoll_kernels::params::Source;
use redpoll_plan::{Bytes, DType, Located, Op, Plan, TensorId, op};
use zerocopy::IntoBytes;

use crate::arena::{self, Clash, Element, Operand};
use crate::error::EngineError;
use crate::ops::Ops;
use crate::workers::{Job, Workers};

/// What a step works with.
pub(crate) struct Context<'r, 'p, T: Tier + ?Sized> {
    pub(crate) plan: &'r Plan<'p>,
    #[cfg(feature = "alloc")]
    pub(crate) decoded: Option<&'r redpoll_plan::Decoded<'p>>,
    pub(crate) tier: &'r T,
    pub(crate) arena: &'r mut [u8],
    /// Equal shares of all workers.
    pub(crate) scratch: &'r mut [u8],
    pub(crate) workers: &'r dyn Workers,
    /// Of the step.
    pub(crate) index: usize,
    /// Bytes of a share that the step uses.
    pub(crate) step_scratch: usize,
}

impl<'p, T: Tier + ?Sized> Context<'_, 'p, T> {
    /// Runs one step.
    pub(crate) fn run<O: Ops>(&mut self, op: &Op) -> Result<(), EngineError> {
        // A step of a kind that is not in the list is never instantiated, so the linker drops its code.
        macro_rules! dispatch {
            ($($name:ident => $run:path,)*) => {
                match op {
                    $(Op::$name(p) => {
                        if O::MASK >> op::$name::CODE & 1 == 0 {
                            return Err(EngineError::Operation { step: self.index });
                        }
                        $run(self, p)
                    })*
                }
            };
        }
        dispatch! {
            ConvI8 => conv::conv_i8,
            ConvF32 => conv::conv_f32,
            DepthwiseI8 => depthwise::depthwise_i8,
            DepthwiseF32 => depthwise::depthwise_f32,
            MatMulF32 => matmul::matmul_f32,
            BinaryI8 => binary::binary_i8,
            BinaryF32 => binary::binary_f32,
            TableI8 => unary::table_i8,
            UnaryF32 => unary::unary_f32,
            Quantize => quantize::quantize,
            Dequantize => quantize::dequantize,
            FlipSign => quantize::flip_sign,
            PoolI8 => pool::pool_i8,
            PoolF32 => pool::pool_f32,
            ReduceI8 => reduce::reduce_i8,
            ReduceF32 => reduce::reduce_f32,
            SoftmaxF32 => softmax::softmax_f32,
            SoftmaxI8 => softmax::softmax_i8,
            Copy => copy::copy,
            Fill => copy::fill,
            Embedding => embedding::embedding,
            Compare => general::compare,
            BinaryWhole => general::binary_whole,
            UnaryWhole => general::unary_whole,
            RareF32 => general::rare_f32,
            Select => general::select,
            Convert => general::convert,
            ReduceWhole => general::reduce_whole,
            ArgReduce => general::arg_reduce,
            Cumulate => general::cumulate,
            TopK => general::top_k,
            Gather => general::gather,
            GatherElements => general::gather_elements,
            GatherNd => general::gather_nd,
            ScatterElements => general::scatter_elements,
            ScatterNd => general::scatter_nd,
            SparseRows => general::sparse_rows,
            NonMaxSuppression => general::non_max_suppression,
            RecurrentF32 => recurrent::recurrent_f32,
        }
    }

    fn operand_error(&self) -> EngineError {
        EngineError::Operand { step: self.index }
    }

    /// A narrow integer parameter.
    fn small<N, V: TryInto<N>>(&self, value: V) -> Result<N, EngineError> {
        value.try_into().map_err(|_| self.operand_error())
    }

    fn dtype(&self, id: TensorId) -> Result<DType, EngineError> {
        Ok(self.locate(id)?.dtype)
    }

    /// The elements of a constant.
    fn constant<E: Element>(&self, id: TensorId) -> Result<&'p [E], EngineError> {
        let Bytes::Constant(bytes) = self.locate(id)?.bytes else {
            return Err(self.operand_error());
        };
        arena::cast(bytes).map_err(|_| self.operand_error())
    }

    fn operand(&self, id: TensorId) -> Result<Operand<'p>, EngineError> {
        Ok(match self.locate(id)?.bytes {
            Bytes::Working(start, end) => Operand::Arena(start..end),
            Bytes::Constant(bytes) => Operand::Constant(bytes),
        })
    }

    fn locate(&self, id: TensorId) -> Result<Located<'p>, EngineError> {
        #[cfg(feature = "alloc")]
        if let Some(located) = self.decoded.and_then(|plan| plan.locate(id)) {
            return Ok(located);
        }
        self.plan.locate(id).ok_or(self.operand_error())
    }

    /// The bytes of a result and of operands that may be in place.
    fn sources<const N: usize>(
        &mut self,
        y: TensorId,
        operands: [TensorId; N],
    ) -> Result<Split<'_, N>, EngineError> {
        let step = self.index;
        let Operand::Arena(range) = self.operand(y)? else {
            return Err(self.operand_error());
        };
        let mut resolved = [const { Operand::Constant(&[]) }; N];
        for (slot, id) in resolved.iter_mut().zip(operands) {
            *slot = self.operand(id)?;
        }
        let (y, sources) =
            arena::views(self.arena, range, resolved).map_err(|clash| clash_error(clash, step))?;
        Ok(Split {
            y,
            sources,
            scratch: self.scratch,
            workers: self.workers,
            step,
            step_scratch: self.step_scratch,
        })
    }

    /// The elements of a result and of its one operand, which is elsewhere.
    fn pair<X: Element, Y: Element>(
        &mut self,
        x: TensorId,
        y: TensorId,
    ) -> Result<(&[X], &mut [Y]), EngineError> {
        let step = self.index;
        let Split {
            y, sources: [x], ..
        } = self.sources(y, [x])?;
        let Source::Slice(x) = x else {
            return Err(EngineError::Overlap { step });
        };
        let fail = |clash| clash_error(clash, step);
        Ok((
            arena::cast(x).map_err(fail)?,
            arena::cast_mut(y).map_err(fail)?,
        ))
    }
}

/// The views of a step, and what divides its work.
struct Split<'a, const N: usize> {
    y: &'a mut [u8],
    sources: [Source<'a, u8>; N],
    scratch: &'a mut [u8],
    workers: &'a dyn Workers,
    step: usize,
    step_scratch: usize,
}

impl<'a, const N: usize> Split<'a, N> {
    /// Operand `i`, which is elsewhere.
    fn slice<T: Element>(&self, i: usize) -> Result<&'a [T], EngineError> {
        match self.operand(i)? {
            Source::Slice(bytes) => {
                arena::cast(bytes).map_err(|clash| clash_error(clash, self.step))
            }
            Source::InPlace => Err(EngineError::Overlap { step: self.step }),
        }
    }

    /// Operand `i`, which may be in place.
    fn source<T: Element>(&self, i: usize) -> Result<Source<'a, T>, EngineError> {
        arena::cast_source(self.operand(i)?).map_err(|clash| clash_error(clash, self.step))
    }

    /// The bytes of operand `i`; an index could link the panic machinery into microcontrollers.
    fn operand(&self, i: usize) -> Result<Source<'a, u8>, EngineError> {
        let error = EngineError::Operand { step: self.step };
        self.sources.get(i).copied().ok_or(error)
    }

    /// The result.
    fn result<T: Element>(&mut self) -> Result<&mut [T], EngineError> {
        arena::cast_mut(self.y).map_err(|clash| clash_error(clash, self.step))
    }

    /// Calls `job(part, y, scratch)` for parts of `chunk` elements of the result, on several workers when there is
    /// more than one part.
    fn parts<T: Element>(
        self,
        chunk: usize,
        job: impl Fn(usize, &mut [T], &mut [u8]) + Sync,
    ) -> Result<(), EngineError> {
        let step = self.step;
        let share = self.scratch.len() / self.workers.count().max(1);
        if share < self.step_scratch {
            return Err(EngineError::Operand { step });
        }
        // The whole result casts, so each part does: parts are whole elements.
        let y: &mut [T] = arena::cast_mut(self.y).map_err(|clash| clash_error(clash, step))?;
        if y.len() <= chunk {
            // Long enough, as was checked.
            let scratch = self.scratch.get_mut(..self.step_scratch);
            job(0, y, scratch.unwrap_or_default());
            return Ok(());
        }
        let bytes = chunk.max(1) * size_of::<T>();
        let job: &Job<'_> = &|index, y, scratch| {
            if let (Ok(y), Some(scratch)) =
                (arena::cast_mut(y), scratch.get_mut(..self.step_scratch))
            {
                job(index, y, scratch);
            }
        };
        self.workers
            .run(y.as_mut_bytes(), bytes, self.scratch, job)
            .map_err(|_| EngineError::Worker { step })
    }
}

fn clash_error(clash: Clash, step: usize) -> EngineError {
    match clash {
        Clash::Outside => EngineError::Operand { step },
        Clash::Overlap => EngineError::Overlap { step },
    }
}

/// Multiply-adds of a window over `in_c` channels a group, for each output element.
fn window_macs(w: &redpoll_plan::Window, in_c: usize) -> u64 {
    [w.taps(), in_c, w.out_c as usize]
        .iter()
        .fold(w.rows() as u64, |macs, &n| macs.saturating_mul(n as u64))
}
