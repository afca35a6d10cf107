//! On-device inference.
#![forbid(unsafe_code)]
