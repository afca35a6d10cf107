//! The `redpoll` command.
fn main() {}
