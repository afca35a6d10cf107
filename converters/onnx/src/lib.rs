//! Reads and writes ONNX files: protobuf messages, external data, limits. Knows bytes, not meaning.
#![forbid(unsafe_code)]
