//! Arithmetic on tensors.
#![no_std]
