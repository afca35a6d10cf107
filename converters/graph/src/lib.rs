//! The graph that all conversion stages share.
#![forbid(unsafe_code)]
