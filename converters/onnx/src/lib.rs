//! ONNX files as bytes and messages. This crate reads and writes them; it knows protobuf, not what operators mean.
//!
//! - [`Model::read`] and [`Model::from_bytes`] check sizes and nesting against [`Limits`] before anything is decoded, and versions
//!   after: opsets 6 to 28, IR versions 3 to 14. Hostile bytes give an [`Error`], in time linear in their number.
//! - [`Model::tensor`] turns raw data, typed fields or external data into [`TensorData`]: little-endian bytes, a [`DataType`], a shape.
//! - External data must lie below the model's folder, in regular files, with no symbolic link on the way.
//! - [`proto::NodeProto`] has accessors that check attribute types and name node and attribute when they fail.
//! - [`ModelBuilder`] and [`GraphBuilder`] make models; [`Model::write`] writes them in one step.
//!
//! # Example
//!
//! ```
//! use redpoll_onnx::proto::NodeProto;
//! use redpoll_onnx::{DataType, GraphBuilder, Limits, Model, ModelBuilder, TensorData};
//!
//! let mut graph = GraphBuilder::new("dense");
//! graph
//!     .input("x", DataType::F32, &[1.into(), 2.into()])
//!     .initializer("w", &TensorData::from_f32(&[2, 1], &[0.25, -3.0])?)
//!     .node(NodeProto::new("Gemm", "fc", ["x", "w"], ["y"]).with_float("alpha", 2.0))
//!     .output("y", DataType::F32, &[1.into(), 1.into()]);
//! let bytes = ModelBuilder::new(17).build(graph)?.to_bytes()?;
//!
//! let model = Model::from_bytes(&bytes, &Limits::default())?;
//! let node = &model.graph().node[0];
//! assert_eq!(node.attr_float("alpha")?, Some(2.0));
//! assert_eq!(node.attr_int("transB")?, None);
//! let weights = model.initializer("w")?.expect("there is a w");
//! assert_eq!(weights.to_f32(), [0.25, -3.0]);
//!
//! let wrong = node.attr_int("alpha").unwrap_err();
//! assert_eq!(wrong.to_string(), r#"node "fc" (Gemm): attribute "alpha" has type FLOAT, not INT"#);
//! # Ok::<(), redpoll_onnx::Error>(())
//! ```
//!
//! # Not here
//!
//! Meaning (operators, shapes of results, function inlining) belongs to the import stage. Strings, complex numbers and floats of 6
//! bits can stand in a file that is read and written, but [`Model::tensor`] does not decode them.
#![forbid(unsafe_code)]

mod attribute;
mod builder;
mod dtype;
mod error;
mod external;
mod limits;
mod model;
pub mod proto;
mod scan;
mod small_float;
mod tensor;
mod value;
mod write;

pub use builder::{GraphBuilder, ModelBuilder};
pub use dtype::DataType;
pub use error::{Error, ErrorKind, Result};
pub use limits::Limits;
pub use model::{Model, NEWEST_IR_VERSION, NEWEST_OPSET, OLDEST_IR_VERSION, OLDEST_OPSET};
pub use small_float::SmallFloat;
pub use tensor::TensorData;
pub use value::{Dim, TensorInfo};
pub use write::MAX_WRITE_BYTES;
