//! Recurrent layers, transposed convolutions and Einsum with all their attributes, as models of one node: the engine gives
//! the evaluator's bits on every tier, and both are near ONNX Runtime where it is found.

mod control;
mod conv_transpose;
mod data_sizes;
mod einsum;
mod half;
mod recurrent;
mod stream;
