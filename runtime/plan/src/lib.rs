//! The plan file.
#![no_std]
#![forbid(unsafe_code)]
