//! The list of operations: stable code, tensors read, parameters in the order of the file. A new one is a line here.

use zerocopy::little_endian::U32;

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

/// `CODE Name [tensors read] { other fields }`: in the file, the tensors come first.
macro_rules! operations {
    ($($code:literal $name:ident [$($read:ident),*] { $($field:ident),* })*) => {
        $(record!($name { $($read,)* $($field),* });)*

        $(impl $name {
            /// Stable number of the operation in the file.
            pub const CODE: u32 = $code;
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
                match self { $(Self::$name(_p) => Reads::new(&[$(_p.$read),*])),* }
            }

            /// The tensor written.
            pub fn output(&self) -> TensorId {
                match self { $(Self::$name(p) => p.y),* }
            }

            /// The operation of `code`, one of `O`, with all of `words` as parameters.
            pub(crate) fn decode<O: Ops>(code: u32, mut words: &[U32]) -> Result<Self, crate::error::Fault> {
                let op = match code {
                    $($code if has::<O>($code) => Words::take(&mut words).map(Self::$name),)*
                    _ => return Err(crate::error::Fault::Code),
                };
                op.filter(|_| words.is_empty()).ok_or(crate::error::Fault::Params)
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
    1 ConvI8 [x, weights, bias, bias_unsigned, scale] { y, window, groups, x_zero, y_zero, lo, hi }
    2 DepthwiseI8 [x, weights, bias, scale] { y, window, x_zero, y_zero, lo, hi }
    3 ConvF32 [x, weights, bias] { y, window, groups, lo, hi }
    4 DepthwiseF32 [x, weights, bias] { y, window, lo, hi }
    5 MatMulF32 [a, b] { y, batch, m, k, n, a_batch_stride, b_batch_stride }
    6 BinaryI8 [a, b] { y, function, dims, a_strides, b_strides, a_zero, b_zero, a_scale, b_scale, y_zero, lo, hi }
    7 BinaryF32 [a, b] { y, function, dims, a_strides, b_strides, lo, hi }
    8 TableI8 [x, table] { y }
    9 UnaryF32 [x] { y, function, alpha, beta }
    10 Quantize [x] { y, scale, zero }
    11 Dequantize [x] { y, scale, zero }
    12 FlipSign [x] { y }
    13 PoolI8 [x] { y, kind, window, count_border, ratio, x_zero, y_zero, lo, hi }
    14 PoolF32 [x] { y, kind, window, count_border }
    15 ReduceI8 [x] { y, kind, outer, count, inner, ratio, x_zero, y_zero, lo, hi }
    16 ReduceF32 [x] { y, kind, outer, count, inner }
    17 SoftmaxF32 [x] { y, outer, count }
    18 SoftmaxI8 [x, table] { y, outer, count, scale, y_zero }
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
