//! Parameters as a fixed sequence of 32-bit words.

use zerocopy::little_endian::U32;

use crate::op::{
    Activation, Binary, Cell, Comparison, Gate, Rare, Reduce, ScatterMode, Unary, Whole, WholeOne,
};
use crate::tensor::TensorId;
use crate::window::Window;

/// A value that takes a fixed number of words.
pub(crate) trait Words: Sized {
    /// Passes its words to `put`, in order.
    #[cfg(feature = "write")]
    fn put(&self, put: &mut dyn FnMut(u32));
    /// Takes it from the front of `words`; `None` when they run out or name no value.
    fn take(words: &mut &[U32]) -> Option<Self>;
}

impl Words for u32 {
    #[cfg(feature = "write")]
    fn put(&self, put: &mut dyn FnMut(u32)) {
        put(*self);
    }
    #[inline(always)]
    fn take(words: &mut &[U32]) -> Option<Self> {
        let (first, rest) = words.split_first()?;
        *words = rest;
        Some(first.get())
    }
}

impl Words for i32 {
    #[cfg(feature = "write")]
    fn put(&self, put: &mut dyn FnMut(u32)) {
        put(self.cast_unsigned());
    }
    #[inline(always)]
    fn take(words: &mut &[U32]) -> Option<Self> {
        u32::take(words).map(u32::cast_signed)
    }
}

impl Words for f32 {
    #[cfg(feature = "write")]
    fn put(&self, put: &mut dyn FnMut(u32)) {
        put(self.to_bits());
    }
    #[inline(always)]
    fn take(words: &mut &[U32]) -> Option<Self> {
        u32::take(words).map(f32::from_bits)
    }
}

impl Words for TensorId {
    #[cfg(feature = "write")]
    fn put(&self, put: &mut dyn FnMut(u32)) {
        put(self.0);
    }
    #[inline(always)]
    fn take(words: &mut &[U32]) -> Option<Self> {
        u32::take(words).map(TensorId)
    }
}

impl<T: Words + Copy + Default, const N: usize> Words for [T; N] {
    #[cfg(feature = "write")]
    fn put(&self, put: &mut dyn FnMut(u32)) {
        for v in self {
            v.put(put);
        }
    }
    #[inline(always)]
    fn take(words: &mut &[U32]) -> Option<Self> {
        let mut out = [T::default(); N];
        for v in &mut out {
            *v = T::take(words)?;
        }
        Some(out)
    }
}

/// Enums whose numbers run from 0 in the order of the list.
macro_rules! numbered {
    ($name:ident: $($variant:ident)*) => {
        impl Words for $name {
            #[cfg(feature = "write")]
            fn put(&self, put: &mut dyn FnMut(u32)) {
                put(*self as u32);
            }
            #[inline(always)]
            fn take(words: &mut &[U32]) -> Option<Self> {
                const ALL: &[$name] = &[$($name::$variant),*];
                ALL.get(u32::take(words)? as usize).copied()
            }
        }
        // The table above is looked up by number.
        const _: () = {
            let mut n = 0;
            $(assert!($name::$variant as u32 == n, stringify!($variant)); n += 1;)*
            assert!(n > 0);
        };
    };
}

numbered!(Unary: Clamp LeakyRelu Elu Sigmoid HardSigmoid HardSwish Silu Tanh Gelu GeluTanh Softplus Exp Log Sqrt
    Reciprocal Erf Neg Abs Floor Ceil Round);
numbered!(Binary: Add Sub Mul Div Pow Max Min);
numbered!(Reduce: Sum Mean Max Min Prod);
numbered!(Comparison: Equal Less Greater LessOrEqual GreaterOrEqual);
numbered!(Whole: Add Sub Mul Div Pow Max Min Mod Fmod And Or Xor ShiftLeft ShiftRight);
numbered!(WholeOne: Neg Abs Sign Not BitNot WrapUnsigned WrapSigned);
numbered!(Rare: Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh Sign IsNan IsInf IsPositiveInf IsNegativeInf);
numbered!(ScatterMode: Replace Add Mul Max Min);
numbered!(Cell: Rnn Gru GruResetAfter Lstm LstmCoupled);
numbered!(Gate: Sigmoid Tanh Relu Affine LeakyRelu ThresholdedRelu ScaledTanh HardSigmoid Elu Softsign Softplus);

/// Structs as their fields in this order, which is the order in the file.
macro_rules! record {
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl $crate::words::Words for $name {
            #[cfg(feature = "write")]
            fn put(&self, put: &mut dyn FnMut(u32)) {
                $($crate::words::Words::put(&self.$field, put);)*
            }
            #[inline(always)]
            fn take(words: &mut &[zerocopy::little_endian::U32]) -> Option<Self> {
                Some(Self { $($field: $crate::words::Words::take(words)?),* })
            }
        }
    };
}
pub(crate) use record;

record!(Activation {
    function,
    alpha,
    beta
});

record!(Window {
    batch,
    in_h,
    in_w,
    in_c,
    out_h,
    out_w,
    out_c,
    kernel_h,
    kernel_w,
    stride_h,
    stride_w,
    dilation_h,
    dilation_w,
    pad_top,
    pad_left,
});
