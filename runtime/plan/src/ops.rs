//! Which operations a program knows: what it does not know is not linked.

/// A list of operations by their stable numbers. `redpoll_engine::ops!` makes one from names.
pub trait Ops {
    /// Bit `n` is set when the operation of code `n` is in the list.
    const MASK: u64;
}

/// Every operation of the format.
#[derive(Clone, Copy, Debug)]
pub enum AllOps {}

impl Ops for AllOps {
    const MASK: u64 = u64::MAX;
}

/// Whether the operation of this code is in the list; decided when the program is built where the code is a constant.
pub(crate) const fn has<O: Ops>(code: u32) -> bool {
    O::MASK >> code & 1 != 0
}
