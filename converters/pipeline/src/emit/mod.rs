//! Emit: the quantised graph as a standard int8 ONNX model (QDQ).
