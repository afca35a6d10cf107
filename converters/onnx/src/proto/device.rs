//! Messages of multi-device placement (IR version 11 and later): kept, never used.

/// A named set of devices.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct DeviceConfigurationProto {
    /// Name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// How many devices.
    #[prost(int32, tag = "2")]
    pub num_devices: i32,
    /// Their names.
    #[prost(string, repeated, tag = "3")]
    pub device: Vec<String>,
}

/// Placement of a node under one device configuration.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct NodeDeviceConfigurationProto {
    /// Name of the configuration.
    #[prost(string, tag = "1")]
    pub configuration_id: String,
    /// How tensors are split.
    #[prost(message, repeated, tag = "2")]
    pub sharding_spec: Vec<ShardingSpecProto>,
    /// Stage of the pipeline, if there is one.
    #[prost(int32, optional, tag = "3")]
    pub pipeline_stage: Option<i32>,
}

/// How one tensor is split over devices.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ShardingSpecProto {
    /// The tensor.
    #[prost(string, tag = "1")]
    pub tensor_name: String,
    /// Devices or device groups.
    #[prost(int64, repeated, packed = "false", tag = "2")]
    pub device: Vec<i64>,
    /// Which devices a group index stands for.
    #[prost(message, repeated, tag = "3")]
    pub index_to_device_group_map: Vec<IntIntListEntryProto>,
    /// The axes that are split.
    #[prost(message, repeated, tag = "4")]
    pub sharded_dim: Vec<ShardedDimProto>,
}

/// A number and a list of numbers.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct IntIntListEntryProto {
    /// The key.
    #[prost(int64, tag = "1")]
    pub key: i64,
    /// The list.
    #[prost(int64, repeated, packed = "false", tag = "2")]
    pub value: Vec<i64>,
}

/// How one axis is split.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ShardedDimProto {
    /// The axis; negative counts from the end.
    #[prost(int64, tag = "1")]
    pub axis: i64,
    /// The pieces.
    #[prost(message, repeated, tag = "2")]
    pub simple_sharding: Vec<SimpleShardedDimProto>,
}

/// A run of equal pieces of an axis.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct SimpleShardedDimProto {
    /// Size of the run.
    #[prost(oneof = "simple_sharded_dim::Dim", tags = "1, 2")]
    pub dim: Option<simple_sharded_dim::Dim>,
    /// Number of pieces.
    #[prost(int64, tag = "3")]
    pub num_shards: i64,
}

/// The alternatives of [`SimpleShardedDimProto`].
pub mod simple_sharded_dim {
    /// Size of a run of pieces.
    #[derive(Clone, PartialEq, Eq, prost::Oneof)]
    pub enum Dim {
        /// A number.
        #[prost(int64, tag = "1")]
        DimValue(i64),
        /// A name.
        #[prost(string, tag = "2")]
        DimParam(String),
    }
}
