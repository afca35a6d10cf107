//! The protobuf messages of ONNX (IR version 13), written by hand for `prost`.
//!
//! Names and field numbers are those of `onnx.proto`. A field that `onnx.proto` calls optional is a plain
//! value here (empty or zero when absent) unless presence carries meaning, where it is an `Option`.
//! Fields of newer IR versions that are not listed are skipped when reading, and so lost when writing.

mod device;
mod graph;
mod model;
mod tensor;
mod types;

pub use device::{
    DeviceConfigurationProto, IntIntListEntryProto, NodeDeviceConfigurationProto, ShardedDimProto,
    ShardingSpecProto, SimpleShardedDimProto, simple_sharded_dim,
};
pub use graph::{
    AttributeProto, AttributeType, GraphProto, NodeProto, TensorAnnotation, ValueInfoProto,
};
pub use model::{
    FunctionProto, ModelProto, OperatorSetIdProto, StringStringEntryProto, TrainingInfoProto,
};
pub use tensor::{DataLocation, Segment, SparseTensorProto, TensorProto};
pub use types::{
    Dimension, MapType, OpaqueType, OptionalType, SequenceType, SparseTensorType, TensorShapeProto,
    TensorType, TypeProto, dimension, type_proto,
};
