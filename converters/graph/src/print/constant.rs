//! Contents of constants: in full when few, otherwise range and hash.

use std::fmt::{self, Debug, Display, Formatter};

use super::attributes::List;
use crate::tensor::{Data, Tensor};

const FULL: usize = 8;

/// The elements of a constant.
pub(super) struct Summary<'a>(pub &'a Tensor);

impl Display for Summary<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.data() {
            Data::F32(v) => Floats(v).fmt(f),
            Data::I8(v) => integers(f, v, |x| [*x as u8]),
            Data::U8(v) => integers(f, v, |x| [*x]),
            Data::I32(v) => integers(f, v, |x| x.to_le_bytes()),
            Data::I64(v) => integers(f, v, |x| x.to_le_bytes()),
            Data::Bool(v) => integers(f, v, |x| [u8::from(*x)]),
        }
    }
}

/// Floats, range and hash of their bits.
pub(super) struct Floats<'a>(pub &'a [f32]);

impl Display for Floats<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0.len() <= FULL {
            return List(self.0).fmt(f);
        }
        let min = self.0.iter().copied().fold(f32::INFINITY, f32::min);
        let max = self.0.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let hash = fnv1a(self.0.iter().flat_map(|x| x.to_bits().to_le_bytes()));
        write!(f, "{min:?}..{max:?} #{hash:016x}")
    }
}

fn integers<T: Copy + Ord + Debug, const N: usize>(
    f: &mut Formatter<'_>,
    v: &[T],
    bytes: impl Fn(&T) -> [u8; N],
) -> fmt::Result {
    match (v.iter().min(), v.iter().max()) {
        (Some(min), Some(max)) if v.len() > FULL => {
            let hash = fnv1a(v.iter().flat_map(bytes));
            write!(f, "{min:?}..{max:?} #{hash:016x}")
        }
        _ => List(v).fmt(f),
    }
}

/// 64-bit FNV-1a: small, stable, and enough to see a change.
fn fnv1a(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
