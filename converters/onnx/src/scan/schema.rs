//! Which field of which message holds what: the ONNX schema as far as the scan needs it.

use crate::proto::*;

/// The messages of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Model,
    OperatorSetId,
    StringStringEntry,
    Function,
    TrainingInfo,
    DeviceConfiguration,
    Graph,
    Node,
    Attribute,
    ValueInfo,
    TensorAnnotation,
    Tensor,
    Segment,
    SparseTensor,
    Type,
    TensorType,
    SequenceType,
    MapType,
    OptionalType,
    SparseTensorType,
    OpaqueType,
    TensorShape,
    Dimension,
    NodeDeviceConfiguration,
    ShardingSpec,
    IntIntListEntry,
    ShardedDim,
    SimpleShardedDim,
}

/// What a field holds. Repeated fields are named in the plural where that makes a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// A field that the decoder skips.
    Unknown,
    /// One number.
    Varint,
    /// One f32.
    Fixed32,
    /// Numbers, packed or not, that take so many bytes each when decoded.
    Varints(u64),
    /// f32 numbers, packed or not.
    Fixed32s,
    /// f64 numbers, packed or not.
    Fixed64s,
    /// Text or bytes, one or many.
    Bytes,
    /// Another message, one or many.
    Message(Kind),
}

/// Looks up a field.
pub(super) fn field(kind: Kind, number: u32) -> Field {
    use Field::{Bytes, Fixed32, Fixed32s, Fixed64s, Message, Unknown, Varint, Varints};
    match kind {
        Kind::Model => match number {
            1 | 5 => Varint,
            2..=4 | 6 => Bytes,
            7 => Message(Kind::Graph),
            8 => Message(Kind::OperatorSetId),
            14 => Message(Kind::StringStringEntry),
            20 => Message(Kind::TrainingInfo),
            25 => Message(Kind::Function),
            26 => Message(Kind::DeviceConfiguration),
            _ => Unknown,
        },
        Kind::OperatorSetId => match number {
            1 => Bytes,
            2 => Varint,
            _ => Unknown,
        },
        Kind::StringStringEntry | Kind::OpaqueType => match number {
            1 | 2 => Bytes,
            _ => Unknown,
        },
        Kind::Function => match number {
            1 | 4..=6 | 8 | 10 | 13 => Bytes,
            7 => Message(Kind::Node),
            9 => Message(Kind::OperatorSetId),
            11 => Message(Kind::Attribute),
            12 => Message(Kind::ValueInfo),
            14 => Message(Kind::StringStringEntry),
            _ => Unknown,
        },
        Kind::TrainingInfo => match number {
            1 | 2 => Message(Kind::Graph),
            3 | 4 => Message(Kind::StringStringEntry),
            _ => Unknown,
        },
        Kind::DeviceConfiguration => match number {
            1 | 3 => Bytes,
            2 => Varint,
            _ => Unknown,
        },
        Kind::Graph => match number {
            1 => Message(Kind::Node),
            2 | 10 => Bytes,
            5 => Message(Kind::Tensor),
            11..=13 => Message(Kind::ValueInfo),
            14 => Message(Kind::TensorAnnotation),
            15 => Message(Kind::SparseTensor),
            16 => Message(Kind::StringStringEntry),
            _ => Unknown,
        },
        Kind::Node => match number {
            1..=4 | 6..=8 => Bytes,
            5 => Message(Kind::Attribute),
            9 => Message(Kind::StringStringEntry),
            10 => Message(Kind::NodeDeviceConfiguration),
            _ => Unknown,
        },
        Kind::Attribute => match number {
            1 | 4 | 9 | 13 | 21 => Bytes,
            2 => Fixed32,
            3 | 20 => Varint,
            5 | 10 => Message(Kind::Tensor),
            6 | 11 => Message(Kind::Graph),
            7 => Fixed32s,
            8 => Varints(8),
            14 | 15 => Message(Kind::Type),
            22 | 23 => Message(Kind::SparseTensor),
            _ => Unknown,
        },
        Kind::ValueInfo => match number {
            1 | 3 => Bytes,
            2 => Message(Kind::Type),
            4 => Message(Kind::StringStringEntry),
            _ => Unknown,
        },
        Kind::TensorAnnotation => match number {
            1 => Bytes,
            2 => Message(Kind::StringStringEntry),
            _ => Unknown,
        },
        Kind::Tensor => match number {
            1 | 7 | 11 => Varints(8),
            2 | 14 => Varint,
            3 => Message(Kind::Segment),
            4 => Fixed32s,
            5 => Varints(4),
            6 | 8 | 9 | 12 => Bytes,
            10 => Fixed64s,
            13 | 16 => Message(Kind::StringStringEntry),
            _ => Unknown,
        },
        Kind::Segment => match number {
            1 | 2 => Varint,
            _ => Unknown,
        },
        Kind::SparseTensor => match number {
            1 | 2 => Message(Kind::Tensor),
            3 => Varints(8),
            _ => Unknown,
        },
        Kind::Type => match number {
            1 => Message(Kind::TensorType),
            4 => Message(Kind::SequenceType),
            5 => Message(Kind::MapType),
            6 => Bytes,
            7 => Message(Kind::OpaqueType),
            8 => Message(Kind::SparseTensorType),
            9 => Message(Kind::OptionalType),
            _ => Unknown,
        },
        Kind::TensorType | Kind::SparseTensorType => match number {
            1 => Varint,
            2 => Message(Kind::TensorShape),
            _ => Unknown,
        },
        Kind::SequenceType | Kind::OptionalType => match number {
            1 => Message(Kind::Type),
            _ => Unknown,
        },
        Kind::MapType => match number {
            1 => Varint,
            2 => Message(Kind::Type),
            _ => Unknown,
        },
        Kind::TensorShape => match number {
            1 => Message(Kind::Dimension),
            _ => Unknown,
        },
        Kind::Dimension => match number {
            1 => Varint,
            2 | 3 => Bytes,
            _ => Unknown,
        },
        Kind::NodeDeviceConfiguration => match number {
            1 => Bytes,
            2 => Message(Kind::ShardingSpec),
            3 => Varint,
            _ => Unknown,
        },
        Kind::ShardingSpec => match number {
            1 => Bytes,
            2 => Varints(8),
            3 => Message(Kind::IntIntListEntry),
            4 => Message(Kind::ShardedDim),
            _ => Unknown,
        },
        Kind::IntIntListEntry => match number {
            1 => Varint,
            2 => Varints(8),
            _ => Unknown,
        },
        Kind::ShardedDim => match number {
            1 => Varint,
            2 => Message(Kind::SimpleShardedDim),
            _ => Unknown,
        },
        Kind::SimpleShardedDim => match number {
            1 | 3 => Varint,
            2 => Bytes,
            _ => Unknown,
        },
    }
}

/// Bytes that a decoded message takes in memory, without what its fields allocate.
pub(super) fn size_of_message(kind: Kind) -> usize {
    match kind {
        Kind::Model => size_of::<ModelProto>(),
        Kind::OperatorSetId => size_of::<OperatorSetIdProto>(),
        Kind::StringStringEntry => size_of::<StringStringEntryProto>(),
        Kind::Function => size_of::<FunctionProto>(),
        Kind::TrainingInfo => size_of::<TrainingInfoProto>(),
        Kind::DeviceConfiguration => size_of::<DeviceConfigurationProto>(),
        Kind::Graph => size_of::<GraphProto>(),
        Kind::Node => size_of::<NodeProto>(),
        Kind::Attribute => size_of::<AttributeProto>(),
        Kind::ValueInfo => size_of::<ValueInfoProto>(),
        Kind::TensorAnnotation => size_of::<TensorAnnotation>(),
        Kind::Tensor => size_of::<TensorProto>(),
        Kind::Segment => size_of::<Segment>(),
        Kind::SparseTensor => size_of::<SparseTensorProto>(),
        Kind::Type => size_of::<TypeProto>(),
        Kind::TensorType => size_of::<TensorType>(),
        Kind::SequenceType => size_of::<SequenceType>(),
        Kind::MapType => size_of::<MapType>(),
        Kind::OptionalType => size_of::<OptionalType>(),
        Kind::SparseTensorType => size_of::<SparseTensorType>(),
        Kind::OpaqueType => size_of::<OpaqueType>(),
        Kind::TensorShape => size_of::<TensorShapeProto>(),
        Kind::Dimension => size_of::<Dimension>(),
        Kind::NodeDeviceConfiguration => size_of::<NodeDeviceConfigurationProto>(),
        Kind::ShardingSpec => size_of::<ShardingSpecProto>(),
        Kind::IntIntListEntry => size_of::<IntIntListEntryProto>(),
        Kind::ShardedDim => size_of::<ShardedDimProto>(),
        Kind::SimpleShardedDim => size_of::<SimpleShardedDimProto>(),
    }
}
