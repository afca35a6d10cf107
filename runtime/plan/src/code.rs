//! The list of operations: stable code, tensors read, parameters in the order of the file. A new one is a line here.

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, IntoBytes};

use crate::op::*;
use crate::ops::{Ops, has};
use crate::tensor::TensorId;
use crate::words::{Words, record};

/// Most tensors that a step reads.
pub const MAX_READS: usize = 7;

/// The tensors that a step reads, in the order of the operation's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reads {
    ids: [TensorId; MAX_READS],
    len: usize,
}

impl Reads {
    fn new(list: &[TensorId]) -> Self {
        let mut ids = [TensorId(0); MAX_READS];
        ids[..list.len()].copy_from_slice(list);
        Self {
            ids,
            len: list.len(),
        }
    }
}

impl core::ops::Deref for Reads {
    type Target = [TensorId];
    fn deref(&self) -> &[TensorId] {
        self.ids.get(..self.len).unwrap_or(&[])
    }
}

/// `CODE Name [tensors read; constants among them] { other fields }`: in the file, the tensors come first.
macro_rules! operations {
    ($($code:literal $name:ident [$($read:ident),* $(; $($constant:ident),*)?] { $($field:ident),* })*) => {
        $(record!($name { $($read,)* $($($constant,)*)? $($field),* });)*

        $(impl $name {
            /// Stable number of the operation in the file.
            pub const CODE: u32 = $code;

            /// Words of its parameters in the file: each field is of whole words.
            const WORDS: usize = size_of::<Self>() / size_of::<u32>();

            /// The parameters, if there are exactly as many words: one look at the length, then loads.
            #[inline(always)]
            pub(crate) fn of(words: &[U32]) -> Option<Self> {
                let words: &[U32; Self::WORDS] = words.try_into().ok()?;
                let mut words = words.as_slice();
                Words::take(&mut words).filter(|_| words.is_empty())
            }

            /// Calls `look` with the number and the id of each tensor read that need not be constant.
            #[inline(always)]
            pub(crate) fn each_variable(
                &self,
                mut look: impl FnMut(usize, TensorId) -> Result<(), crate::error::Fault>,
            ) -> Result<(), crate::error::Fault> {
                let mut _i = 0;
                $(look(_i, self.$read)?; _i += 1;)*
                let _ = &mut look;
                Ok(())
            }
        })*

        impl Op {
            /// Stable number of the operation in the file.
            pub fn code(&self) -> u32 {
                match self { $(Self::$name(_) => $code),* }
            }

            /// Name of the operation.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => stringify!($name)),* }
            }

            /// The tensors read: activations first, then weights.
            pub fn inputs(&self) -> Reads {
                match self { $(Self::$name(_p) => Reads::new(&[$(_p.$read,)* $($(_p.$constant),*)?])),* }
            }

            /// The tensor written.
            pub fn output(&self) -> TensorId {
                match self { $(Self::$name(p) => p.y),* }
            }

            /// The operation of `code`, one of `O`, with all of `words` as parameters.
            pub(crate) fn decode<O: Ops>(code: u32, words: &[U32]) -> Result<Self, crate::error::Fault> {
                let op = match code {
                    $($code if has::<O>($code) => $name::of(words).map(Self::$name),)*
                    _ => return Err(crate::error::Fault::Code),
                };
                op.ok_or(crate::error::Fault::Params)
            }

            /// Passes the parameter words to `put`.
            #[cfg(feature = "write")]
            pub(crate) fn encode(&self, put: &mut dyn FnMut(u32)) {
                match self { $(Self::$name(p) => p.put(put)),* }
            }
        }
    };
}

operations! {
    1 ConvI8 [x; weights, bias, bias_unsigned, scale] { y, window, groups, x_zero, y_zero, lo, hi }
    2 DepthwiseI8 [x; weights, bias, scale] { y, window, x_zero, y_zero, lo, hi }
    3 ConvF32 [x; weights, bias] { y, window, groups, lo, hi }
    4 DepthwiseF32 [x; weights, bias] { y, window, lo, hi }
    5 MatMulF32 [a, b] { y, batch, m, k, n, a_batch_stride, b_batch_stride }
    6 BinaryI8 [a, b] { y, function, dims, a_strides, b_strides, a_zero, b_zero, a_scale, b_scale, y_zero, lo, hi }
    7 BinaryF32 [a, b] { y, function, dims, a_strides, b_strides, lo, hi }
    8 TableI8 [x; table] { y }
    9 UnaryF32 [x] { y, function, alpha, beta }
    10 Quantize [x] { y, scale, zero }
    11 Dequantize [x] { y, scale, zero }
    12 FlipSign [x] { y }
    13 PoolI8 [x] { y, kind, window, count_border, ratio, x_zero, y_zero, lo, hi }
    14 PoolF32 [x] { y, kind, window, count_border }
    15 ReduceI8 [x] { y, kind, outer, count, inner, ratio, x_zero, y_zero, lo, hi }
    16 ReduceF32 [x] { y, kind, outer, count, inner }
    17 SoftmaxF32 [x] { y, outer, count }
    18 SoftmaxI8 [x; table] { y, outer, count, scale, y_zero }
    19 Copy [x] { y, element_bytes, dims, x_offset, x_strides, y_offset, y_strides }
    20 Fill [] { y, element_bytes, bits }
    21 Embedding [indices, table] { y, rows, width, element_bytes, zero }
    22 RecurrentF32 [x, r, bias, h, c, peepholes, lengths] { y, cell, u, v, w, clip, steps, batch, hidden, reverse, has_peepholes, has_lengths }
    32 Compare [a, b] { y, function, dims, a_strides, b_strides }
    33 BinaryWhole [a, b] { y, function, dims, a_strides, b_strides }
    34 UnaryWhole [x] { y, function, bits }
    35 RareF32 [x] { y, function }
    36 Select [condition, a, b] { y, dims, condition_strides, a_strides, b_strides }
    37 Convert [x] { y }
    38 ReduceWhole [x] { y, kind, outer, count, inner }
    39 ArgReduce [x] { y, least, last, outer, count, inner }
    40 Cumulate [x] { y, product, exclusive, reverse, outer, count, inner }
    41 TopK [x] { y, k, largest, indices, outer, count, inner }
    42 Gather [x, indices] { y, outer, size, inner }
    43 GatherElements [x, indices] { y, dims, x_strides, size, axis_stride }
    44 GatherNd [x, indices] { y, batches, tuples, depth, sizes, strides, run }
    45 ScatterElements [x, indices, updates] { y, mode, dims, y_strides, size, axis_stride }
    46 ScatterNd [x, indices, updates] { y, mode, tuples, depth, sizes, strides, run }
    47 SparseRows [x, starts, index, weights] { y, outer, size, inner }
    48 NonMaxSuppression [boxes, scores] { y, images, classes, count, per_class, iou, score, centers }
}

/// Operations whose parameters are read where they lie in the file: their structs are the file's words, in its order.
macro_rules! viewed {
    ($($name:ident)*) => {
        $(impl $name {
            /// The parameters, if there are exactly as many words. Plans are opened on little-endian machines only.
            #[inline(always)]
            pub(crate) fn view(words: &[U32]) -> Option<&Self> {
                Self::ref_from_bytes(words.as_bytes()).ok()
            }
        })*

        #[cfg(all(test, feature = "write"))]
        mod tests {
            use super::*;

            /// A view and the words one by one are the same.
            #[test]
            fn views_are_what_is_decoded() {
                #[repr(align(4))]
                struct Aligned([U32; 64]);
                let words = Aligned(core::array::from_fn(|i| U32::new(i as u32 * 0x0102_0305 + 7)));
                $({
                    let words = &words.0[..$name::WORDS];
                    assert_eq!($name::view(words).copied(), $name::of(words));
                    assert!($name::of(words).is_some());
                    assert_eq!($name::view(&words[1..]), None);
                })*
            }
        }
    };
}
viewed!(ConvI8 DepthwiseI8);
