//! The operations of MobileNets v1 to v2, as `redpoll inspect` lists them.

redpoll_engine::ops!(pub MobileNet: ConvI8, DepthwiseI8, BinaryI8, PoolI8, ReduceI8, Quantize, Dequantize, Copy, FlipSign, SoftmaxI8);
