//! Messages of types: tensor, sequence, map, optional, and shapes.

/// The type of a value.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct TypeProto {
    /// Meaning of the value in words, such as `IMAGE`.
    #[prost(string, tag = "6")]
    pub denotation: String,
    /// Which type it is.
    #[prost(oneof = "type_proto::Value", tags = "1, 4, 5, 7, 8, 9")]
    pub value: Option<type_proto::Value>,
}

/// The alternatives of [`TypeProto`].
pub mod type_proto {
    /// Which type a [`TypeProto`](super::TypeProto) is.
    #[derive(Clone, PartialEq, Eq, prost::Oneof)]
    pub enum Value {
        /// A dense tensor.
        #[prost(message, tag = "1")]
        TensorType(super::TensorType),
        /// A sequence.
        #[prost(message, tag = "4")]
        SequenceType(super::SequenceType),
        /// A map.
        #[prost(message, tag = "5")]
        MapType(super::MapType),
        /// A type that only one domain knows.
        #[prost(message, tag = "7")]
        OpaqueType(super::OpaqueType),
        /// A sparse tensor.
        #[prost(message, tag = "8")]
        SparseTensorType(super::SparseTensorType),
        /// A value that may be absent.
        #[prost(message, tag = "9")]
        OptionalType(super::OptionalType),
    }
}

/// Type of a dense tensor (`TypeProto.Tensor`).
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct TensorType {
    /// Element type, the number of `TensorProto.DataType`.
    #[prost(int32, tag = "1")]
    pub elem_type: i32,
    /// Shape; absent if even the rank is unknown.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<TensorShapeProto>,
}

/// Type of a sequence (`TypeProto.Sequence`).
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct SequenceType {
    /// Type of the elements.
    #[prost(message, optional, boxed, tag = "1")]
    pub elem_type: Option<Box<TypeProto>>,
}

/// Type of a map (`TypeProto.Map`).
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct MapType {
    /// Element type of the keys, the number of `TensorProto.DataType`.
    #[prost(int32, tag = "1")]
    pub key_type: i32,
    /// Type of the values.
    #[prost(message, optional, boxed, tag = "2")]
    pub value_type: Option<Box<TypeProto>>,
}

/// Type of a value that may be absent (`TypeProto.Optional`).
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct OptionalType {
    /// Type of the value.
    #[prost(message, optional, boxed, tag = "1")]
    pub elem_type: Option<Box<TypeProto>>,
}

/// Type of a sparse tensor (`TypeProto.SparseTensor`).
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct SparseTensorType {
    /// Element type, the number of `TensorProto.DataType`.
    #[prost(int32, tag = "1")]
    pub elem_type: i32,
    /// Shape; absent if even the rank is unknown.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<TensorShapeProto>,
}

/// A type that only one domain knows (`TypeProto.Opaque`).
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct OpaqueType {
    /// The domain.
    #[prost(string, tag = "1")]
    pub domain: String,
    /// Name of the type.
    #[prost(string, tag = "2")]
    pub name: String,
}

/// A shape: one [`Dimension`] an axis.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct TensorShapeProto {
    /// The axes.
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<Dimension>,
}

/// One axis (`TensorShapeProto.Dimension`).
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Dimension {
    /// Number or name; absent if unknown.
    #[prost(oneof = "dimension::Value", tags = "1, 2")]
    pub value: Option<dimension::Value>,
    /// Meaning of the axis in words, such as `DATA_BATCH`.
    #[prost(string, tag = "3")]
    pub denotation: String,
}

/// The alternatives of [`Dimension`].
pub mod dimension {
    /// Size of a [`Dimension`](super::Dimension).
    #[derive(Clone, PartialEq, Eq, prost::Oneof)]
    pub enum Value {
        /// A number.
        #[prost(int64, tag = "1")]
        DimValue(i64),
        /// A name; equal names mean equal sizes.
        #[prost(string, tag = "2")]
        DimParam(String),
    }
}
