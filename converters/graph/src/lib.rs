//! The graph that all conversion stages share: values, nodes, one closed set of operators.
//!
//! A [`Graph`] is a list of nodes in execution order over values with *concrete* shapes. There is no
//! separate "quantised operator": a value may carry [`QParams`], and an operator on int8 values with
//! parameters is the integer operator whose formula the docs of [`op`] give. So the same graph type
//! serves import, optimisation, calibration, quantisation, lowering and export.
//!
//! Layout: activations are channels-last (`NHWC`, `NLC`), convolution weights are `[M, K…, C/groups]`.
#![forbid(unsafe_code)]

pub mod error;
pub mod eval;
pub mod graph;
mod names;
pub mod op;
pub mod print;
pub mod qparams;
pub mod shape;
pub mod tensor;
pub mod types;
pub mod verify;

pub use error::{Error, ErrorKind};
pub use graph::{Graph, Node, NodeId, Value, ValueId};
pub use op::Op;
pub use print::print;
pub use qparams::QParams;
pub use tensor::{Data, Tensor};
pub use types::DType;
pub use verify::verify;
