//! Examples, one idea each: `cargo run --release -p redpoll-examples --example classify -- PLAN DATA.npz`.
