//! The definitions: every kernel as plain Rust. A tier equals these bit for bit.

pub mod binary;
pub mod conv;
pub mod copy;
pub mod depthwise;
pub mod embedding;
pub mod general;
pub mod matmul;
pub mod pool;
pub mod quantize;
pub mod recurrent;
pub mod reduce;
pub mod softmax;
pub mod table;
pub mod unary;

use crate::tier::Tier;

/// The tier that runs the definitions: on every machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scalar;

impl Tier for Scalar {
    fn name(&self) -> &'static str {
        "scalar"
    }
}
