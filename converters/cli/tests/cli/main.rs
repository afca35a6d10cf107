//! The command as users see it: every subcommand on the bundled model, what it prints and writes, and its exit codes.

mod assistant;
mod backends;
mod bench;
mod compare;
mod convert;
mod data;
mod embed;
mod errors;
mod explain;
mod help;
mod inspect;
mod listen;
mod run;
mod see;
mod see_live;
mod see_real;
mod setting;
mod stream;
mod tflite;
mod told;
mod voices;
mod wyoming;
