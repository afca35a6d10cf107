//! ONNX's own test cases: a model, inputs and outputs each, run through import, plan and engine.

mod case;
mod freeze;
mod list;
mod run;
mod table;

pub use case::{Case, cases, folder};
pub use list::{Lists, Verdict};
pub use run::{Outcome, Place, run};
pub use table::{Table, page};
